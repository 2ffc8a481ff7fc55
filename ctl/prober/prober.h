/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * muster-prober: runs every probe, as a user without privileges. musterd tells it what to probe; it
 * tells musterd what came of it, and decides nothing.
 *
 *	wire.c      frames from and to musterd
 *	command.c   is a frame from musterd what it should be? (pure)
 *	outbox.c    results that wait for the socket (pure)
 *	target.c    the one end of every probe, target_done(), and what follows from it
 *	schedule.c  when to probe next (pure)
 *	probe_*.c   one file a protocol; http_*.c: libcurl in the loop, its errors as outcomes
 *	tether.c    the connection left open, and the alarm it gives
 *	sandbox.c   what the process may do
 */
#ifndef MUSTER_PROBER_PROBER_H
#define MUSTER_PROBER_PROBER_H

#include "core/health.h"
#include "prober/outbox.h"

#include <uthash.h>
#include <uv.h>

#define HTTP_LOOPS 32

struct target;
struct http_loop; /* http_loop.c */

struct prober {
	uv_loop_t *loop;
	int fd; /* socketpair to musterd */
	uv_poll_t poll;
	uv_timer_t heartbeat;
	struct target *targets;
	struct outbox outbox;
	volatile uint32_t *working; /* see PROBE_WORKING_FD; NULL: nobody looks */
	struct http_loop *http[HTTP_LOOPS];
	uint64_t next_open_ns; /* see schedule_pace() */
};

/* How a protocol is probed. The target is not running when start() is called. */
struct probe_type {
	/* Starts a probe over a new connection or, if there is a tether and not @fresh, over that. */
	void (*start)(struct target *target, bool fresh);
	/* Closes the tether. */
	void (*drop)(struct target *target);
	/* Gives up what is in flight, closes the tether, frees what the type keeps. */
	void (*stop)(struct target *target);
	bool reuses_tether; /* a scheduled probe over a tether opens no connection */
};

struct target {
	struct prober *prober;
	uint32_t id, config_seq;
	struct probe_spec spec;
	const struct probe_type *type;
	void *state; /* of the type */
	uint64_t probe_seq;
	struct outbox_slot slot;

	struct health health; /* decides how soon to look again; musterd has its own */
	uv_timer_t timer;     /* to the next probe */
	bool paced;	      /* has its turn among the scheduled opens */
	bool running;	      /* a probe is in flight */
	bool again;	      /* musterd asked for a probe meanwhile */
	uint64_t start_ns;    /* of the probe in flight */

	/* the doubt after a connection was cut off */
	uint64_t cause_ns; /* since when; 0: none */
	bool tether_broke; /* it was the tether */

	/* tether.c */
	uv_poll_t *tether;     /* NULL: nobody watches, because a probe uses the connection */
	int tether_fd;	       /* -1: none */
	uint64_t tether_ns;    /* of its last exchange */
	bool broke_early;      /* the last one broke soon after it */
	unsigned early_breaks; /* in a row, while the server was fine */
	bool tether_off;

	UT_hash_handle hh;
};

uint64_t prober_now_ns(void);
/*
 * Zeroed memory. There is no recovery from having none: the process ends, and musterd starts another
 * and tells it everything.
 */
void *prober_alloc(size_t n);
/* One line to standard error, and the end. */
void prober_fail(const char *event, const char *why) __attribute__((noreturn));

/* Watches @fd with a new handle; fails only where the kernel has no memory for it: NULL. */
uv_poll_t *poll_new(uv_loop_t *loop, int fd, int events, uv_poll_cb f, void *data);
/* Stops, closes and frees. NULL is fine. */
void poll_free(uv_poll_t **poll);

/* ---- wire.c ---- */
int wire_open(struct prober *prober);
/* Sends a result of @target, now or when the socket takes it. */
void wire_result(struct target *target, const struct probe_result *result);

/* ---- target.c ---- */
/* Replaces the target of that id, if there is one. */
void target_add(
	struct prober *prober, uint32_t id, uint32_t config_seq, const struct probe_spec *spec);
void target_delete(struct prober *prober, uint32_t id);
/* Probes now, over a new connection. */
void target_recheck(struct prober *prober, uint32_t id);
/* The end of every probe. @error: see struct probe_result. @detail: for people, may be NULL. */
void target_done(struct target *target, enum probe_outcome outcome, int error, const char *detail);
/* The tether broke: check at once. */
void target_alarm(struct target *target);
/* The same from inside a callback of libcurl, where no probe may be started: in the next turn. */
void target_alarm_soon(struct target *target);
uint32_t target_timeout(const struct target *target); /* ms, of the probe in flight */

/* ---- tether.c ---- */
bool tether_wanted(const struct target *target);
/* The connection on @fd, whose exchange is complete, is left open: watch it. False: close it. */
bool tether_hold(struct target *target, int fd);
/* Stops watching while a probe uses the connection. */
void tether_pause(struct target *target);
/* The connection is closed, or about to be: forget it. */
void tether_forget(struct target *target);
/*
 * After a break: did the server pass at once? If it closes idle connections again and again, there are
 * no more tethers to it. True: that is so from now on.
 */
bool tether_judge(struct target *target, bool passed);

/* ---- probe_tcp.c, probe_http.c ---- */
extern const struct probe_type probe_tcp, probe_http;

/* ---- errnos.c ---- */
/*
 * The outcome of a connection that failed with @err. @on_wire: it failed after connect() had returned,
 * so somebody out there said so.
 */
enum probe_outcome errno_outcome(int err, bool on_wire);

/* ---- sandbox.c ---- */
/* No other descriptors, no new privileges, no capabilities, no core. 0 or -errno. */
int sandbox_drop(void);
/* System calls that are not on the list end the process. 0 or -errno. */
int sandbox_seccomp(void);

#endif
