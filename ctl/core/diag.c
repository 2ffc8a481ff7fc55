/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/diag.h"

#include <stdarg.h>

static char *diag_text(struct origin where, const char *message)
{
	char *text = NULL;
	int n;

	if (!where.file)
		return strdup(message);
	if (where.line)
		n = asprintf(&text, "%s:%u:%u: %s", where.file, where.line, where.col, message);
	else
		n = asprintf(&text, "%s: %s", where.file, message);
	return n < 0 ? NULL : text;
}

void diag_add(
	struct diags *diags, enum diag_level level, struct origin where, const char *format, ...)
{
	_free_ char *message = NULL;
	va_list args;
	char *text;
	int n;

	diags->errors += level == DIAG_ERROR;
	if (diags->n == DIAGS_MAX) {
		diags->full = true;
		return;
	}
	va_start(args, format);
	n = vasprintf(&message, format, args);
	va_end(args);
	if (n < 0) {
		message = NULL;
		return;
	}
	text = diag_text(where, message);
	if (!text || util_grow(&diags->rows, diags->n, sizeof(*diags->rows))) {
		free(text);
		return;
	}
	diags->rows[diags->n++] = (struct diag){.level = level, .text = text};
}

void diags_clear(struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		free(diags->rows[i].text);
	free(diags->rows);
	*diags = (struct diags){};
}
