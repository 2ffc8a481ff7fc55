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

#define TEXT(value)	    ((struct cell){.kind = CELL_TEXT, .text = (value)})
#define TONED(value, which) ((struct cell){.kind = CELL_TEXT, .text = (value), .tone = (which)})
#define NUMBER(value)	    ((struct cell){.kind = CELL_NUMBER, .number = (value)})
#define BOOL(value)	    ((struct cell){.kind = CELL_BOOL, .number = (value)})
#define DURATION(value)	    ((struct cell){.kind = CELL_DURATION, .number = (value)})
#define SHARE(value)	    ((struct cell){.kind = CELL_SHARE, .real = (value)})
#define REAL(value)	    ((struct cell){.kind = CELL_REAL, .real = (value)})

/* The cell of a state, in the tone that state has. */
struct cell view_state(const char *state);
enum tone view_tone(const char *state);

/* ---- view_tables.c: tables that several pages have ---- */
#define VIEW_VIP_COLUMNS     14
#define VIEW_BACKEND_COLUMNS 23
#define VIEW_POOL_COLUMNS    8
extern const struct column view_vip_columns[VIEW_VIP_COLUMNS];
extern const struct column view_backend_columns[VIEW_BACKEND_COLUMNS];
extern const struct column view_pool_columns[VIEW_POOL_COLUMNS];
void view_vip_cells(const struct snapshot_vip *vip, struct cell *cells);
void view_backend_cells(const struct snapshot_backend *be, struct cell *cells);
void view_pool_cells(const struct snapshot_pool *pool, struct cell *cells);
int view_pools_table(struct writer *writer, const struct snapshot *snapshot);
int view_vips_table(struct writer *writer, const struct snapshot *snapshot);
/* @pool: NULL for all. */
int view_backends_table(struct writer *writer, const struct snapshot *snapshot, const char *pool);

/* ---- view_status.c ---- */
int view_status_page(struct writer *writer, const struct snapshot *snapshot, const char *name);

int view_text_new(struct writer **ret, bool color);
int view_json_new(struct writer **ret);

#endif
