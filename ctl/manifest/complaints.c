/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/complaints.h"

#include <errno.h>
#include <stdarg.h>

/* Messages quote what users wrote; it must not reach a terminal as control codes (also of C1). */
static void make_printable(char *text)
{
	unsigned char *p = (unsigned char *)text;

	for (; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

void complain(struct complaints *complaints, enum diag_level level, struct origin where,
	const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	complaints->errors += level == DIAG_ERROR;
	if (complaints->n >= 2 * DIAGS_MAX)
		return;
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0 || util_grow(&complaints->rows, complaints->n, sizeof(*complaints->rows))) {
		if (n >= 0)
			free(text);
		complaints->no_memory = true;
		return;
	}
	make_printable(text);
	complaints->errors_kept += level == DIAG_ERROR;
	complaints->rows[complaints->n] = (struct complaint){level, where, text, complaints->n};
	complaints->n++;
}

bool complaints_full(const struct complaints *complaints)
{
	return complaints->errors >= DIAGS_MAX || complaints->no_memory;
}

struct order {
	char *const *files;
	size_t n;
};

static size_t file_rank(const struct order *order, const char *file)
{
	size_t i = 0;

	while (i < order->n && order->files[i] != file)
		i++;
	return i;
}

static int by_place(const void *a, const void *b, void *data)
{
	const struct complaint *x = a, *y = b;
	size_t x_rank = file_rank(data, x->where.file), y_rank = file_rank(data, y->where.file);

	if (x_rank != y_rank)
		return x_rank < y_rank ? -1 : 1;
	if (x->where.line != y->where.line)
		return x->where.line < y->where.line ? -1 : 1;
	if (x->where.col != y->where.col)
		return x->where.col < y->where.col ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* Two ways to the same complaint. */
static bool same(const struct complaint *a, const struct complaint *b)
{
	return a->where.file == b->where.file && a->where.line == b->where.line &&
	       a->where.col == b->where.col && !strcmp(a->text, b->text);
}

int complaints_hand_over(
	struct complaints *complaints, char *const *files, size_t n_files, struct diags *diags)
{
	struct order order = {files, n_files};
	size_t dropped = complaints->errors - complaints->errors_kept;
	int err = complaints->no_memory ? -ENOMEM : complaints->errors ? -EINVAL : 0;

	if (complaints->n)
		qsort_r(complaints->rows, complaints->n, sizeof(*complaints->rows), by_place,
			&order);
	for (size_t i = 0; i < complaints->n; i++) {
		const struct complaint *row = &complaints->rows[i];

		if (!i || !same(row - 1, row))
			diag_add(diags, row->level, row->where, "%s", row->text);
	}
	for (size_t i = 0; i < complaints->n; i++)
		free(complaints->rows[i].text);
	diags->errors += dropped;
	diags->full = diags->full || dropped;
	free(complaints->rows);
	*complaints = (struct complaints){};
	return err;
}
