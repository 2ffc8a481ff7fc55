/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change of the model, from the wish to the retired image:
 *
 *	1. build    worker  sources -> model, all errors at once
 *	2. accept   loop    removal limit, overrides, the next fleet (old one kept)
 *	3. plan     worker  next image, staged into unused table space
 *	4. flip     loop    re-apply what health did meanwhile, one store
 *	5. grace    worker  wait for the CPUs
 *	6. retire   loop    free what only the old image held; next change
 *
 * One is in flight at a time; others queue. An error before the flip leaves the old state whole.
 */
#ifndef MUSTER_DAEMON_CHANGE_H
#define MUSTER_DAEMON_CHANGE_H

#include "daemon/daemon.h"

#define CHANGE_QUEUE_MAX 64

enum change_status {
	CHANGE_OK,
	CHANGE_INVALID, /* the input is wrong: see errors */
	CHANGE_REFUSED, /* valid, but not without --allow-removal, or owned by a file */
	CHANGE_FULL,	/* a table or bucket is full */
	CHANGE_FAILED,	/* no memory, kernel error */
};

struct change_result {
	enum change_status status;
	bool changed; /* there was a flip */
	uint64_t generation;
	const char *text;	   /* what happened, or the error, in a sentence */
	const struct diags *diags; /* may be empty */
};

struct change_request {
	struct sources_request sources; /* `applied` is taken over */
	bool allow_removal;
	/* A weight that the ring was not made for: kept as an override once the change is committed. */
	uint64_t weight_identity; /* 0: none */
	struct share_ramp weight;
	bool grace_only; /* no change: a grace period, to free next hops */
	/* Once, on the loop, when the flip is done or refused (not after the grace period). */
	void (*done)(void *data, const struct change_result *result);
	void *data;
};

/* Takes the request over. -EBUSY: too many are queued; then `done` is not called. */
int change_submit(struct daemon *daemon, struct change_request *request);

/* Drops what is queued and frees what is in flight; no worker may be running. */
void change_clear(struct daemon *daemon);

/* Starts the next one, if a sweep of the flows was what it waited for. */
void change_resume(struct daemon *daemon);

/* Frees next hops with a grace period of its own when the table fills up without flips. */
void change_tick(struct daemon *daemon);

#endif
