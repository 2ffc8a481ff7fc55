/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_VIEW_VIEW_INTERNAL_H
#define MUSTER_VIEW_VIEW_INTERNAL_H

#include "core/util.h"
#include "view/view.h"

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD };

enum cell_kind { CELL_TEXT, CELL_NUMBER, CELL_SHARE, CELL_BOOL, CELL_DURATION, CELL_REAL };

/* A value; its column says what it is called. */
struct cell {
	enum cell_kind kind;
	enum tone tone;
	const char *text; /* NULL: none */
	uint64_t number;  /* NUMBER, BOOL, DURATION (milliseconds) */
	double real;	  /* SHARE (0..1), REAL */
	bool json_only;	  /* in the first cell of a row: people need not see it */
};

struct column {
	const char *key;    /* in JSON */
	const char *header; /* in text; NULL: only in JSON */
};

struct table {
	const char *key;   /* of the array in JSON */
	const char *title; /* in text; NULL: none */
	const char *empty; /* what to say in text if there is no row */
	const struct column *columns;
	size_t n_columns, n_rows;
	struct cell *cells; /* [n_rows * n_columns] */
};

struct writer;

struct writer_ops {
	/* One object: the fields of the page itself. */
	void (*record)(struct writer *writer, const struct table *row);
	void (*table)(struct writer *writer, const struct table *table);
	/* A sentence for people; @key: its array in JSON. */
	void (*note)(struct writer *writer, const char *key, enum tone tone, const char *text);
	/* Hands the rendered page over and frees the writer. 0 or -ENOMEM. */
	int (*end)(struct writer *writer, char **ret);
};

struct writer {
	const struct writer_ops *ops;
};

int view_text_new(struct writer **ret, bool color);
int view_json_new(struct writer **ret);

#endif
