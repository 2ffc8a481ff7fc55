/* SPDX-License-Identifier: BSD-2-Clause */
/* Diagnostics: every complaint about an input, each with its place. */
#ifndef MUSTER_CORE_DIAG_H
#define MUSTER_CORE_DIAG_H

#include "core/util.h"

/* Where something was written. line and col count from 1; 0: unknown. @file is owned elsewhere. */
struct origin {
	const char *file;
	unsigned line, col;
};

enum diag_level { DIAG_ERROR, DIAG_WARNING };

struct diag {
	enum diag_level level;
	char *text; /* "file:line:col: message", ready to print */
};

struct diags {
	struct diag *rows;
	size_t n, errors;
	bool full; /* more were found than are kept */
};

#define DIAGS_MAX 100

void diag_add(struct diags *diags, enum diag_level level, struct origin where, const char *format,
	...) PRINTF(4, 5);
#define diag_error(diags, where, ...)	diag_add(diags, DIAG_ERROR, where, __VA_ARGS__)
#define diag_warning(diags, where, ...) diag_add(diags, DIAG_WARNING, where, __VA_ARGS__)

void diags_clear(struct diags *diags);

#endif
