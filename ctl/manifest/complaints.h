/* SPDX-License-Identifier: BSD-2-Clause */
/* Complaints are collected with their places and handed over sorted: file by file, line by line. */
#ifndef MUSTER_MANIFEST_COMPLAINTS_H
#define MUSTER_MANIFEST_COMPLAINTS_H

#include "core/diag.h"

/* "file:line:col" inside a message. */
#define PLACE	      "%s:%u:%u"
#define PLACE_ARGS(o) (o).file, (o).line, (o).col
#define QUOTED	      "'%.64s'" /* what a user wrote: never a page of it */

struct complaint {
	enum diag_level level;
	struct origin where;
	char *text;
	size_t number; /* order of finding, for complaints about the same place */
};

struct complaints {
	struct complaint *rows;
	size_t n, errors, errors_kept;
	bool no_memory;
};

void complain(struct complaints *complaints, enum diag_level level, struct origin where,
	const char *format, ...) PRINTF(4, 5);
#define complain_error(c, where, ...)	complain(c, DIAG_ERROR, where, __VA_ARGS__)
#define complain_warning(c, where, ...) complain(c, DIAG_WARNING, where, __VA_ARGS__)

/* Nothing more is worth finding: as many errors as are shown, or no memory. Ends every long walk. */
bool complaints_full(const struct complaints *complaints);

/*
 * Moves all to @diags, in the order of @files (compared as pointers), line and column, and clears
 * @complaints. 0, -EINVAL if there was an error, or -ENOMEM.
 */
int complaints_hand_over(
	struct complaints *complaints, char *const *files, size_t n_files, struct diags *diags);

#endif
