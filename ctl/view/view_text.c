/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/view_internal.h"

#include <errno.h>

#define CELL_BYTES 512

struct text_writer {
	struct writer base;
	FILE *out;
	char *text;
	size_t n;
	bool color, begun;
};

static struct text_writer *text_of(struct writer *writer)
{
	return container_of(writer, struct text_writer, base);
}

static void duration_text(char *buf, size_t n, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (s < 60)
		snprintf(buf, n, "%llus", s);
	else if (s < 3600)
		snprintf(buf, n, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, n, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, n, "%llud%02lluh", s / 86400, s / 3600 % 24);
}

static void cell_text(const struct cell *cell, char *buf, size_t n)
{
	switch (cell->kind) {
	case CELL_TEXT:
		snprintf(buf, n, "%s", cell->text && *cell->text ? cell->text : "-");
		break;
	case CELL_BOOL:
		snprintf(buf, n, "%s", cell->number ? "yes" : "no");
		break;
	case CELL_DURATION:
		duration_text(buf, n, cell->number);
		break;
	case CELL_SHARE:
		snprintf(buf, n, "%.1f%%", 100 * cell->real);
		break;
	case CELL_REAL:
		snprintf(buf, n, "%.1f", cell->real);
		break;
	default:
		snprintf(buf, n, "%llu", (unsigned long long)cell->number);
	}
}

static bool is_right_aligned(const struct cell *cell)
{
	return cell->kind == CELL_NUMBER || cell->kind == CELL_SHARE || cell->kind == CELL_REAL;
}

static void put(struct text_writer *text, enum tone tone, const char *value, int width, bool last)
{
	static const char *const colors[] = {
		[TONE_GOOD] = "\033[32m",
		[TONE_WARN] = "\033[33m",
		[TONE_BAD] = "\033[31m",
	};
	bool color = text->color && tone != TONE_PLAIN;

	fprintf(text->out, "%s%*s%s%s", color ? colors[tone] : "", last && width < 0 ? 0 : width,
		value, color ? "\033[0m" : "", last ? "\n" : "  ");
}

static bool is_shown(const struct table *table, size_t row)
{
	return !table->cells[row * table->n_columns].json_only;
}

static bool is_any_shown(const struct table *table)
{
	for (size_t row = 0; row < table->n_rows; row++)
		if (is_shown(table, row))
			return true;
	return false;
}

static void column_width(const struct table *table, size_t column, int *ret)
{
	char buf[CELL_BYTES];

	*ret = (int)strlen(table->columns[column].header);
	for (size_t row = 0; row < table->n_rows; row++) {
		if (!is_shown(table, row))
			continue;
		cell_text(&table->cells[row * table->n_columns + column], buf, sizeof(buf));
		*ret = MAX(*ret, (int)strlen(buf));
	}
}

static void put_row(struct text_writer *text, const struct table *table, const int *widths,
	size_t last, size_t row)
{
	char buf[CELL_BYTES];

	for (size_t i = 0; i <= last; i++) {
		const struct cell *cell = &table->cells[row * table->n_columns + i];

		if (!table->columns[i].header)
			continue;
		cell_text(cell, buf, sizeof(buf));
		put(text, cell->tone, buf, is_right_aligned(cell) ? widths[i] : -widths[i],
			i == last);
	}
}

static void put_header(
	struct text_writer *text, const struct table *table, const int *widths, size_t last)
{
	for (size_t i = 0; i <= last; i++) {
		bool right = table->n_rows && is_right_aligned(&table->cells[i]);

		if (table->columns[i].header)
			put(text, TONE_PLAIN, table->columns[i].header,
				right ? widths[i] : -widths[i], i == last);
	}
}

static void separate(struct text_writer *text, const char *title)
{
	if (text->begun)
		fputc('\n', text->out);
	text->begun = true;
	if (title)
		fprintf(text->out, "%s\n", title);
}

static void text_table(struct writer *writer, const struct table *table)
{
	struct text_writer *text = text_of(writer);
	_free_ int *widths = calloc(table->n_columns, sizeof(*widths));
	size_t last = 0;

	bool any = is_any_shown(table);

	if (!widths || (!any && !table->empty))
		return;
	separate(text, table->title);
	if (!any) {
		fprintf(text->out, "%s\n", table->empty);
		return;
	}
	for (size_t i = 0; i < table->n_columns; i++) {
		if (!table->columns[i].header)
			continue;
		column_width(table, i, &widths[i]);
		last = i;
	}
	put_header(text, table, widths, last);
	for (size_t row = 0; row < table->n_rows; row++)
		if (is_shown(table, row))
			put_row(text, table, widths, last, row);
}

static void text_record(struct writer *writer, const struct table *row)
{
	struct text_writer *text = text_of(writer);
	char buf[CELL_BYTES];
	int width = 0;

	separate(text, row->title);
	for (size_t i = 0; i < row->n_columns; i++)
		if (row->columns[i].header)
			width = MAX(width, (int)strlen(row->columns[i].header));
	for (size_t i = 0; i < row->n_columns; i++) {
		if (!row->columns[i].header)
			continue;
		cell_text(&row->cells[i], buf, sizeof(buf));
		put(text, TONE_PLAIN, row->columns[i].header, -width, false);
		put(text, row->cells[i].tone, buf, 0, true);
	}
}

static void text_note(struct writer *writer, const char *key, enum tone tone, const char *note)
{
	struct text_writer *text = text_of(writer);

	(void)key;
	if (!note)
		return;
	text->begun = true;
	put(text, tone, note, 0, true);
}

static int text_end(struct writer *writer, char **ret)
{
	struct text_writer *text = text_of(writer);
	bool failed = ferror(text->out);

	failed |= fclose(text->out) != 0;
	if (failed)
		free(text->text);
	else
		*ret = text->text;
	free(text);
	return failed ? -ENOMEM : 0;
}

int view_text_new(struct writer **ret, bool color)
{
	static const struct writer_ops ops = {text_record, text_table, text_note, text_end};
	struct text_writer *text = calloc(1, sizeof(*text));

	if (!text)
		return -ENOMEM;
	text->base.ops = &ops;
	text->color = color;
	text->out = open_memstream(&text->text, &text->n);
	if (!text->out) {
		free(text);
		return -ENOMEM;
	}
	*ret = &text->base;
	return 0;
}
