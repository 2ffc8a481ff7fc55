/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/view_internal.h"

#include <errno.h>
#include <jansson.h>

struct json_writer {
	struct writer base;
	json_t *page;
};

static json_t *page_of(struct writer *writer)
{
	return container_of(writer, struct json_writer, base)->page;
}

static json_t *value_of(const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_TEXT:
		return cell->text ? json_string(cell->text) : json_null();
	case CELL_BOOL:
		return json_boolean(cell->number);
	case CELL_SHARE:
	case CELL_REAL:
		return json_real(cell->real);
	default:
		return json_integer((json_int_t)cell->number);
	}
}

static void put_row(json_t *object, const struct table *table, size_t row)
{
	for (size_t i = 0; i < table->n_columns; i++)
		json_object_set_new(object, table->columns[i].key,
			value_of(&table->cells[row * table->n_columns + i]));
}

static void json_record(struct writer *writer, const struct table *row)
{
	put_row(page_of(writer), row, 0);
}

static void json_table(struct writer *writer, const struct table *table)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < table->n_rows; i++) {
		json_t *object = json_object();

		put_row(object, table, i);
		json_array_append_new(rows, object);
	}
	json_object_set_new(page_of(writer), table->key, rows);
}

static void json_note(struct writer *writer, const char *key, enum tone tone, const char *text)
{
	json_t *notes = json_object_get(page_of(writer), key);

	(void)tone;
	if (!notes) {
		notes = json_array();
		json_object_set_new(page_of(writer), key, notes);
	}
	if (text)
		json_array_append_new(notes, json_string(text));
}

static int json_end(struct writer *writer, char **ret)
{
	struct json_writer *json = container_of(writer, struct json_writer, base);
	char *text = json_dumps(
		json->page, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	int err = text && asprintf(ret, "%s\n", text) >= 0 ? 0 : -ENOMEM;

	free(text);
	json_decref(json->page);
	free(json);
	return err;
}

int view_json_new(struct writer **ret)
{
	static const struct writer_ops ops = {json_record, json_table, json_note, json_end};
	struct json_writer *json = calloc(1, sizeof(*json));

	if (!json)
		return -ENOMEM;
	json->base.ops = &ops;
	json->page = json_object();
	if (!json->page) {
		free(json);
		return -ENOMEM;
	}
	*ret = &json->base;
	return 0;
}
