/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may be written in a mapping, as a table of rows. One walk over the mapping serves every kind:
 * it finds unknown, duplicate and missing keys and lets each row read its value.
 */
#ifndef MUSTER_MANIFEST_SCHEMA_H
#define MUSTER_MANIFEST_SCHEMA_H

#include "manifest/node.h"

#define SCHEMA_FIELDS_MAX 24

struct draft;
struct schema;

/* Where a row reads to. */
struct reading {
	struct complaints *complaints;
	struct draft *draft; /* kinds; NULL for settings */
	void *object;	     /* what field.offset is relative to */
	void *places;	     /* what field.place is relative to; NULL: nobody asks */
};

/* A word and what it stands for. */
struct choice {
	const char *word;
	uint32_t value;
};

struct field {
	const char *key;
	void (*read)(const struct reading *r, const struct field *field, const struct node *value);
	size_t offset, size; /* of the member that is set */
	size_t place;	     /* 1 + offset of the struct origin that gets the value's place, or 0 */
	bool required;
	uint64_t min, max; /* numbers: inclusive; durations: milliseconds; texts: max bytes */
	const struct choice *choices;
	size_t n_choices;
	const struct choice *aliases; /* understood in any case (On, TRUE), but not offered */
	size_t n_aliases;
	const char *const *later; /* words that are understood, but not by this version */
	size_t n_later;
	const struct schema *schema; /* of the value, of its entries or of what it names */
};

#define FIELD_AT(type, member)	  .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define FIELD_PLACE(type, member) .place = 1 + offsetof(type, member)
#define FIELD_CHOICES(rows)	  .choices = (rows), .n_choices = ARRAY_SIZE(rows)
#define FIELD_ALIASES(rows)	  .aliases = (rows), .n_aliases = ARRAY_SIZE(rows)
#define FIELD_LATER(words)	  .later = (words), .n_later = ARRAY_SIZE(words)
#define FIELD_BOUNDS(low, high)	  .min = (low), .max = (high)

struct schema {
	const char *what; /* "a backend": what the mapping describes */
	const struct field *fields;
	size_t n;
	const char *const *later; /* keys of the design that this version does not have */
	size_t n_later;
	const struct schema *other; /* "a pool": keys that people put here belong there; or NULL */
};

/* Reads the mapping @node into r->object. */
void schema_read(const struct reading *r, const struct schema *schema, const struct node *node);

/* The row of @key, or NULL. */
const struct field *schema_find(const struct schema *schema, const char *key);

#endif
