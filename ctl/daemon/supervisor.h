/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts muster-prober as its own user, talks to it in frames, kills it when it is silent, starts it
 * again when it is gone. Health lives with the caller, so a restart loses none.
 */
#ifndef MUSTER_DAEMON_SUPERVISOR_H
#define MUSTER_DAEMON_SUPERVISOR_H

#include "core/probe.h"

#include <sys/types.h>
#include <uv.h>

struct supervisor;

enum supervisor_state { SUPERVISOR_STARTING, SUPERVISOR_RUNNING, SUPERVISOR_DEAD };

struct supervisor_events {
	/* A checked result frame. */
	void (*result)(void *data, const struct probe_result *result);
	/* A new prober runs and knows no target: send them all. */
	void (*started)(void *data, pid_t pid);
	/*
	 * The prober is gone; @culprit: the target it was working on, 0 if none. @why: a sentence.
	 */
	void (*gone)(void *data, uint32_t culprit, const char *why);
	void *data;
};

struct supervisor_options {
	const char *path;
	uid_t uid;
	gid_t gid;
	bool change_user; /* false: keep ours (not privileged to change) */
};

int supervisor_new(struct supervisor **ret, uv_loop_t *loop,
	const struct supervisor_options *options, const struct supervisor_events *events);

/* Kills the prober and waits for it; the loop need not run any more. */
void supervisor_free(struct supervisor **supervisor);

/* Queues a frame; sent when the socket takes it. */
void supervisor_send(struct supervisor *supervisor, const union probe_frame *frame, size_t n);

enum supervisor_state supervisor_state(const struct supervisor *supervisor);
pid_t supervisor_pid(const struct supervisor *supervisor);
unsigned supervisor_restarts(const struct supervisor *supervisor);

#endif
