/* SPDX-License-Identifier: BSD-2-Clause */
/* A change in flight, shared by change.c (steps 1, 2) and change_commit.c (3 to 6). */
#ifndef MUSTER_DAEMON_CHANGE_INTERNAL_H
#define MUSTER_DAEMON_CHANGE_INTERNAL_H

#include "daemon/change.h"

struct change {
	struct change *next; /* in the queue */
	struct daemon *daemon;
	struct change_request request;
	uv_work_t work;
	uint64_t started_ns;
	struct diags diags;
	char *error; /* a sentence of the data plane */
	int err;
	struct sources *sources;
	struct model *model;
	struct fleet *fleet_before;   /* kept until the flip */
	struct member_state **states; /* copies for the planner: [pool][backend] */
	size_t n_states;
	struct image *image;	/* the next one */
	struct image *previous; /* after the flip: what has to be retired */
	bool changed;
};

/* Tells who asked; only the first call does. */
void change_answer(struct change *change, enum change_status status, const char *text);
/* Ends the change and starts the next one. */
void change_finish(struct change *change);
/* Says why, answers, ends. The old state goes on. */
void change_fail(struct change *change, enum change_status status, const char *text);
/* Likewise, after the next fleet was made active: puts the old one back first. */
void change_revert(struct change *change, enum change_status status, const char *text);
/* Steps 3 to 6. */
void change_plan(struct change *change);
/* Steps 5 and 6. */
void change_grace(struct change *change);

#endif
