/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * muster-prober: runs every probe, as a user without privileges. musterd tells it what to probe; it
 * tells musterd what came of it, and decides nothing.
 *
 *	wire.c      frames from and to musterd
 *	target.c    when to probe, and the one end of every probe: target_done()
 *	probe_*.c   one file a protocol
 *	tether.c    the connection left open, and the alarm it gives
 */
#ifndef MUSTER_PROBER_PROBER_H
#define MUSTER_PROBER_PROBER_H

#include "core/probe.h"

#include <uthash.h>
#include <uv.h>

#define DOUBT_NS	50000000ull /* how long a broken tether keeps a backend in doubt */
#define DOUBT_BURST	8	    /* re-checks at once; further ones a millisecond apart */
#define SHORT_TETHER_NS 5000000000ull
#define SHORT_TETHERS	3
#define OPENS_PER_S	1000

struct target;
struct http; /* probe_http.c: the libcurl side */

struct prober {
	uv_loop_t *loop;
	int fd; /* socketpair to musterd */
	uv_poll_t poll;
	uv_timer_t heartbeat;
	struct target *targets;
	struct target *pending, **pending_tail; /* results that did not fit the socket */
	volatile uint32_t *working;		/* see PROBE_WORKING_FD */
	struct http *http;
	uint64_t next_open_ns; /* pacing of scheduled probes */
};

/* How a protocol is probed. */
struct probe_type {
	/* Starts a probe over a new connection, or over the tether if @fresh is false and there is one. */
	void (*start)(struct target *target, bool fresh);
	/* Gives up what is in flight and frees what the type keeps. */
	void (*stop)(struct target *target);
};

enum attempt {
	ATTEMPT_NONE,
	ATTEMPT_SCHEDULED,
	ATTEMPT_TETHER,	 /* the tether broke */
	ATTEMPT_RECHECK, /* a scheduled probe was cut off: once more */
};

struct target {
	struct prober *prober;
	uint32_t id, config_seq;
	struct probe_spec spec;
	const struct probe_type *type;
	void *state; /* of the type */
	uint64_t probe_seq;

	enum attempt attempt;
	uint64_t start_ns; /* of this attempt */
	uint64_t cause_ns; /* when the tether broke; 0: no doubt */
	unsigned tries;	   /* in this doubt */

	/* what decides the next interval */
	uint16_t fails, passes;
	bool down;
	uint64_t down_since_ns;
	uv_timer_t timer;

	/* tether.c */
	uv_poll_t *tether; /* on the heap: it outlives us until it is closed */
	int tether_fd;	   /* -1: none */
	uint64_t tether_since_ns;
	unsigned exchanges;	/* over this connection */
	unsigned short_tethers; /* in a row */
	bool tether_off;

	/* wire.c */
	bool is_pending;
	struct probe_result result;
	struct target *next_pending;

	UT_hash_handle hh;
};

uint64_t prober_now_ns(void);

/* Closes a poll handle from malloc() and frees it. NULL is fine. */
void poll_free(uv_poll_t **poll);
/* Watches @fd with a new handle. NULL: cannot. */
uv_poll_t *poll_new(uv_loop_t *loop, int fd, int events, uv_poll_cb f, void *data);

/* ---- wire.c ---- */
int wire_open(struct prober *prober);
/* Sends target->result, now or when the socket takes it. */
void wire_result(struct target *target);
void wire_forget(struct target *target);

/* ---- target.c ---- */
void target_add(
	struct prober *prober, uint32_t id, uint32_t config_seq, const struct probe_spec *spec);
void target_delete(struct prober *prober, uint32_t id);
void target_recheck(struct prober *prober, uint32_t id);
/* The end of every probe. @detail: for people, may be NULL. */
void target_done(struct target *target, enum probe_outcome outcome, int error, const char *detail);
/* The tether broke: check at once. */
void target_alarm(struct target *target);
uint32_t target_timeout(const struct target *target); /* ms, of the attempt that runs */

/* ---- tether.c ---- */
/* The connection on @fd, whose exchange is complete, is left open: watch it. */
void tether_hold(struct target *target, int fd);
/* Stops watching while a probe uses the connection. */
void tether_pause(struct target *target);
/* Forgets the connection; does not close it. */
void tether_release(struct target *target);
bool tether_wanted(const struct target *target);
/* A re-check after a break passed: does this server close idle connections? Then no more tethers. */
void tether_survived(struct target *target);

/* ---- probe_tcp.c, probe_http.c ---- */
extern const struct probe_type probe_tcp, probe_http;
int http_open(struct prober *prober);
/* The outcome of a failed connect() or a broken connection. */
enum probe_outcome probe_errno_outcome(int err);

/* ---- sandbox.c ---- */
/* No new privileges, no capabilities, no core. 0 or -errno. */
int sandbox_drop(void);
/* System calls that are not on the list end the process. 0 or -errno. */
int sandbox_seccomp(void);

#endif
