/* SPDX-License-Identifier: BSD-2-Clause */
/* A source as text, before any YAML is parsed: limits, encoding, document markers. */
#ifndef MUSTER_MANIFEST_SOURCE_H
#define MUSTER_MANIFEST_SOURCE_H

#include "manifest/complaints.h"
#include "manifest/manifest.h"

/*
 * Size, UTF-8, no control characters, no line breaks but LF, CR LF and CR (so that all agree on line
 * numbers), no % directives (libyaml compares all with all). False after a complaint; @file names the
 * source in it.
 */
bool source_check(
	const struct manifest_source *source, const char *file, struct complaints *complaints);

/* What lies between two document markers, without the blank and comment lines before it. */
struct source_document {
	const char *text;
	size_t n;
	unsigned first_line;
};

struct source_cursor {
	const char *p, *end;
	unsigned line;
};

void source_begin(struct source_cursor *cursor, const struct manifest_source *source);

/* The next document that has more than blanks and comments; false at the end. */
bool source_next(struct source_cursor *cursor, struct source_document *ret);

#endif
