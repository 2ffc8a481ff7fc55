/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/schema.h"

#include "manifest/fields.h"

#include <assert.h>

const struct field *schema_find(const struct schema *schema, const char *key)
{
	for (size_t i = 0; i < schema->n; i++)
		if (!strcmp(schema->fields[i].key, key))
			return &schema->fields[i];
	return NULL;
}

static void complain_unknown(
	struct complaints *complaints, const struct schema *schema, const struct node *key)
{
	const char *names[SCHEMA_FIELDS_MAX], *nearest;

	for (size_t i = 0; i < schema->n_later; i++)
		if (!strcmp(schema->later[i], key->text)) {
			complain_error(complaints, key->where,
				"'%s' is not supported by this version", key->text);
			return;
		}
	if (schema->other && schema_find(schema->other, key->text)) {
		complain_error(complaints, key->where, "'%s' is a key of %s, not of %s", key->text,
			schema->other->what, schema->what);
		return;
	}
	for (size_t i = 0; i < schema->n; i++)
		names[i] = schema->fields[i].key;
	nearest = util_nearest(key->text, names, schema->n);
	if (nearest)
		complain_error(complaints, key->where,
			"unknown key " QUOTED " (did you mean '%s'?)", key->text, nearest);
	else
		complain_error(complaints, key->where, "unknown key " QUOTED " in %s", key->text,
			schema->what);
}

/* The value of a row is read; @seen: the keys found so far, by row. */
static void read_pair(const struct reading *r, const struct schema *schema, const struct node *key,
	const struct node **seen)
{
	const struct field *field;
	size_t row;

	if (key->type != NODE_SCALAR) {
		complain_error(
			r->complaints, key->where, "a key is a word, not %s", node_type_name(key));
		return;
	}
	field = schema_find(schema, key->text);
	if (!field) {
		complain_unknown(r->complaints, schema, key);
		return;
	}
	row = (size_t)(field - schema->fields);
	if (seen[row]) {
		complain_error(r->complaints, key->where, "duplicate key '%s' (first at " PLACE ")",
			key->text, PLACE_ARGS(seen[row]->where));
		return;
	}
	seen[row] = key;
	if (field->place && r->places)
		*(struct origin *)((char *)r->places + field->place - 1) = key->next->where;
	if (node_is_null(key->next))
		complain_error(r->complaints, key->where, "%s has no value", key->text);
	else
		field->read(r, field, key->next);
}

static void complain_missing(
	const struct reading *r, const struct field *field, const struct node *node)
{
	char words[FIELD_WORDS_MAX];

	if (field->choices)
		complain_error(r->complaints, node->where, "%s is required: %s", field->key,
			field_words(field, words));
	else
		complain_error(r->complaints, node->where, "%s is required", field->key);
}

void schema_read(const struct reading *r, const struct schema *schema, const struct node *node)
{
	const struct node *seen[SCHEMA_FIELDS_MAX] = {};

	assert(schema->n <= SCHEMA_FIELDS_MAX);
	if (node->type != NODE_MAPPING) {
		complain_error(r->complaints, node->where, "%s is a mapping (key: value), not %s",
			schema->what, node_type_name(node));
		return;
	}
	for (const struct node *key = node->child; key; key = key->next->next) {
		if (complaints_full(r->complaints))
			return;
		read_pair(r, schema, key, seen);
	}
	for (size_t i = 0; i < schema->n; i++)
		if (schema->fields[i].required && !seen[i])
			complain_missing(r, &schema->fields[i], node);
}
