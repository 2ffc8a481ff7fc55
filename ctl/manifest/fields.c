/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/fields.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>

static void *target(const struct reading *r, const struct field *field)
{
	return (char *)r->object + field->offset;
}

static void store(const struct reading *r, const struct field *field, uint32_t value)
{
	switch (field->size) {
	case sizeof(uint8_t):
		*(uint8_t *)target(r, field) = (uint8_t)value;
		break;
	case sizeof(uint16_t):
		*(uint16_t *)target(r, field) = (uint16_t)value;
		break;
	default:
		*(uint32_t *)target(r, field) = value;
	}
}

void field_ignore(const struct reading *r, const struct field *field, const struct node *value)
{
	(void)r;
	(void)field;
	(void)value;
}

const char *field_scalar(const struct reading *r, const struct field *field,
	const struct node *value, const char *expected)
{
	if (value->type != NODE_SCALAR) {
		complain_error(r->complaints, value->where, "%s must be %s, not %s", field->key,
			expected, node_type_name(value));
		return NULL;
	}
	if (!*value->text) {
		complain_error(r->complaints, value->where, "%s is empty", field->key);
		return NULL;
	}
	return value->text;
}

bool field_is_list(const struct reading *r, const struct field *field, const struct node *value)
{
	if (value->type != NODE_SEQUENCE)
		complain_error(r->complaints, value->where, "%s must be a list, not %s", field->key,
			node_type_name(value));
	else if (!value->n)
		complain_error(r->complaints, value->where, "%s is empty", field->key);
	return value->type == NODE_SEQUENCE && value->n;
}

/* ---- numbers ---- */

bool field_parse_number(const char *text, uint64_t *ret)
{
	size_t n = strlen(text);

	if (!n || strspn(text, "0123456789") != n)
		return false;
	*ret = n > 18 ? UINT64_MAX : strtoull(text, NULL, 10);
	return true;
}

static bool number_in_bounds(const struct reading *r, const struct field *field,
	const struct node *value, uint64_t min, uint64_t max, uint64_t *ret)
{
	const char *text = field_scalar(r, field, value, "a number");

	if (!text)
		return false;
	if (!field_parse_number(text, ret)) {
		complain_error(r->complaints, value->where,
			"%s must be a whole number, not " QUOTED, field->key, text);
		return false;
	}
	if (*ret < min || *ret > max) {
		complain_error(r->complaints, value->where,
			"%s %.20s is out of range %" PRIu64 "-%" PRIu64, field->key, text, min,
			max);
		return false;
	}
	return true;
}

void field_number(const struct reading *r, const struct field *field, const struct node *value)
{
	uint64_t number;

	if (number_in_bounds(r, field, value, field->min, field->max, &number))
		store(r, field, (uint32_t)number);
}

__be16 field_parse_port(
	const struct reading *r, const struct field *field, const struct node *value)
{
	uint64_t number;

	if (!number_in_bounds(r, field, value, 1, 65535, &number))
		return 0;
	return htons((uint16_t)number);
}

void field_port(const struct reading *r, const struct field *field, const struct node *value)
{
	__be16 port = field_parse_port(r, field, value);

	if (port)
		store(r, field, port);
}

/* ---- words ---- */

const char *field_words(const struct field *field, char *buf)
{
	size_t used = 0;

	*buf = '\0';
	for (size_t i = 0; i < field->n_choices && used < FIELD_WORDS_MAX; i++)
		used += (size_t)snprintf(buf + used, FIELD_WORDS_MAX - used, "%s%s",
			i == 0			    ? ""
			: i + 1 == field->n_choices ? " or "
						    : ", ",
			field->choices[i].word);
	return buf;
}

static const struct choice *find_choice(const struct field *field, const char *text)
{
	for (size_t i = 0; i < field->n_choices; i++)
		if (!strcmp(field->choices[i].word, text))
			return &field->choices[i];
	for (size_t i = 0; i < field->n_aliases; i++)
		if (!strcasecmp(field->aliases[i].word, text))
			return &field->aliases[i];
	return NULL;
}

static void complain_choice(
	const struct reading *r, const struct field *field, const struct node *value)
{
	const char *names[FIELD_CHOICES_MAX], *nearest;
	char words[FIELD_WORDS_MAX];
	size_t n = 0;

	field_words(field, words);
	for (size_t i = 0; i < field->n_later; i++)
		if (!strcmp(field->later[i], value->text)) {
			complain_error(r->complaints, value->where,
				"%s '%s' is not supported by this version; use %s", field->key,
				value->text, words);
			return;
		}
	for (; n < field->n_choices && n < ARRAY_SIZE(names); n++)
		names[n] = field->choices[n].word;
	nearest = util_nearest(value->text, names, n);
	if (nearest)
		complain_error(r->complaints, value->where,
			"unknown %s " QUOTED " (did you mean '%s'?)", field->key, value->text,
			nearest);
	else
		complain_error(r->complaints, value->where, "unknown %s " QUOTED "; use %s",
			field->key, value->text, words);
}

void field_choice(const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, "a word");
	const struct choice *choice = text ? find_choice(field, text) : NULL;

	if (choice)
		store(r, field, choice->value);
	else if (text)
		complain_choice(r, field, value);
}

/* ---- texts ---- */

void field_set_text(const struct reading *r, const struct field *field, const char *text)
{
	char **member = target(r, field), *copy = strdup(text);

	if (!copy) {
		r->complaints->no_memory = true;
		return;
	}
	free(*member);
	*member = copy;
}

/* A text of at most field->max bytes whose bytes are all above @below. */
static const char *printable(const struct reading *r, const struct field *field,
	const struct node *value, unsigned char below, const char *refused)
{
	const char *text = field_scalar(r, field, value, "a text");

	if (!text)
		return NULL;
	if (strlen(text) > field->max) {
		complain_error(r->complaints, value->where, "%s is longer than %" PRIu64 " bytes",
			field->key, field->max);
		return NULL;
	}
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p > below && *p != 0x7f && (*p < 0x80 || below < ' '))
			continue;
		complain_error(
			r->complaints, value->where, "%s may not contain %s", field->key, refused);
		return NULL;
	}
	return text;
}

void field_text(const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = printable(r, field, value, 0x1f, "control characters");

	if (text)
		field_set_text(r, field, text);
}

static const char *word(
	const struct reading *r, const struct field *field, const struct node *value)
{
	return printable(r, field, value, ' ', "blanks, control or non-ASCII characters");
}

void field_word(const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = word(r, field, value);

	if (text)
		field_set_text(r, field, text);
}

void field_path(const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = word(r, field, value);

	if (text && *text != '/')
		complain_error(r->complaints, value->where, "%s must begin with '/', not " QUOTED,
			field->key, text);
	else if (text)
		field_set_text(r, field, text);
}

static bool is_name(const char *text)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strlen(text);

	return n <= MODEL_NAME_MAX && strspn(text, bytes) == n && isalnum((unsigned char)*text);
}

bool field_check_name(const struct reading *r, const char *what, const struct node *name)
{
	if (is_name(name->text))
		return true;
	complain_error(r->complaints, name->where,
		"%s " QUOTED " must be of a-z, 0-9, '.', '_', '-', begin with a letter or digit "
		"and have at most %d bytes",
		what, name->text, MODEL_NAME_MAX);
	return false;
}

void field_name(const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, "a word");

	if (text && field_check_name(r, field->key, value))
		field_set_text(r, field, text);
}
