/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How values are read. Each function is a `read` of struct field: it sets the member, or complains and
 * leaves it as it is.
 */
#ifndef MUSTER_MANIFEST_FIELDS_H
#define MUSTER_MANIFEST_FIELDS_H

#include "core/addr.h"
#include "manifest/schema.h"

#define FIELD_CHOICES_MAX 16
#define FIELD_WORDS_MAX	  128

typedef void field_read(
	const struct reading *r, const struct field *field, const struct node *value);

field_read field_number;   /* u8, u16 or u32; decimal, min to max */
field_read field_duration; /* u32 milliseconds; 2s, 200ms, 1.5s, 1m, 1h */
field_read field_choice;   /* u8 or u32; one of the words of choices */
field_read field_port;	   /* __be16; 1-65535 */
field_read field_text;	   /* char *; printable, at most max bytes */
field_read field_word;	   /* char *; likewise, printable ASCII without blanks */
field_read field_name;	   /* char *; [a-z0-9][a-z0-9._-]{0,62} */
field_read field_path;	   /* char *; a word that begins with '/' */
field_read field_ignore;   /* read elsewhere */

/* The text of a scalar; NULL after the complaint that it has to be @expected ("a number"). */
const char *field_scalar(const struct reading *r, const struct field *field,
	const struct node *value, const char *expected);

/* Is the scalar @name a name? Complains, with @what it is of. */
bool field_check_name(const struct reading *r, const char *what, const struct node *name);

/* Is @value a list with something in it? Complains. */
bool field_is_list(const struct reading *r, const struct field *field, const struct node *value);

/* The words of the choices, "tcp or udp". @buf: FIELD_WORDS_MAX bytes; returns it. */
const char *field_words(const struct field *field, char *buf);

/* Digits only. */
bool field_parse_number(const char *text, uint64_t *ret);

/* 1-65535 in network byte order; 0 after a complaint. */
__be16 field_parse_port(
	const struct reading *r, const struct field *field, const struct node *value);

/* Replaces the text at the row's member by a copy. */
void field_set_text(const struct reading *r, const struct field *field, const char *text);

/* An address that @role ("a backend", "a VIP") may have; false after a complaint. */
bool field_parse_address(const struct reading *r, const struct field *field,
	const struct node *value, const char *role, struct muster_addr *ret);

#endif
