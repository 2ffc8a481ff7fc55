/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of musterd and how they are wired. One thread, one loop; workers only touch what a
 * struct change owns while it is in flight.
 *
 *	prober frame -> healing.c -> image_patch() -> dataplane_patch()      a patch
 *	reload, apply, weight -> change.c -> plan (worker) -> flip -> grace  a flip
 *	netlink -> paths.c -> image_patch() -> dataplane_patch()             a patch
 */
#ifndef MUSTER_DAEMON_DAEMON_H
#define MUSTER_DAEMON_DAEMON_H

#include "core/nexthops.h"
#include "core/settings.h"
#include "daemon/events.h"
#include "daemon/fleet.h"
#include "daemon/sources.h"
#include "daemon/supervisor.h"
#include "dataplane/dataplane.h"
#include "net/net.h"

#define ADDRESS_TABLE_MAX 1024

struct interface {
	char *name;
	uint32_t ifindex; /* 0: not there */
	enum dataplane_mode mode;
	char *note; /* why it is detached, or generic */
};

/* A VIP address that is reachable because of musterd (ours), or was anyway. */
struct announced {
	struct muster_addr addr;
	uint32_t ifindex;
	bool ours;
	bool wanted; /* mark of the sweep */
	UT_hash_handle hh;
};

struct change;
struct settling;
struct api;

struct daemon {
	uv_loop_t *loop;
	struct settings settings;
	struct events *events;
	uint64_t started_ms;

	struct net *net;
	uv_poll_t net_poll;
	struct interface interfaces[SETTINGS_INTERFACES_MAX];
	struct announced *announced;

	struct dataplane *dp;
	struct plan_space *space;
	struct nexthops *nexthops;
	struct image *live;
	bool published; /* the first image is in place and the program runs on the interfaces */

	struct targets *targets;
	struct supervisor *supervisor;
	struct override *overrides;
	struct sources *sources;
	struct fleet *fleet;
	bool blind;
	struct settling *settling;

	struct change *change; /* in flight */
	struct change *queue;  /* waiting, first come first served */
	unsigned n_queue;

	uint64_t commits_patch, commits_flip, last_commit_us;
	char *refused; /* why the last reload was refused; NULL: it was not */

	struct api *api;
	uint64_t ticked_ms;
	uv_timer_t tick; /* 1 s: neighbours, interfaces, adoption of what changed */
	uv_timer_t beat; /* loop stall */
	uint64_t beat_last_ns, stall_max_ns;
	uv_signal_t signals[4];
	bool stopping;
	int exit_error; /* why the start failed; 0 */
};

/* CLOCK_MONOTONIC, milliseconds; the clock of health and paths. */
uint64_t daemon_now_ms(void);
uint64_t daemon_now_ns(void);
/* The same in tenths of a second: what slots are stamped with. */
uint32_t daemon_now_ds(void);

/* Starts everything and runs until a signal. 0, or -errno after an event has said why. */
int daemon_run(struct daemon *daemon);

/* Ends the loop after the current turn; forwarding goes on. */
void daemon_stop(struct daemon *daemon);

/* The override of a backend, made if there is none. NULL: no memory. */
struct override *override_get(struct daemon *daemon, uint64_t identity);

/* ---- commits.c: the only callers of dataplane_patch() ---- */

/*
 * Recomputes @pool and patches the live image. *ret_ns: CLOCK_MONOTONIC after the last store, 0 if
 * nothing was stored. True if the pool changed.
 */
bool commit_pool(struct daemon *daemon, struct fleet_pool *pool, uint64_t *ret_ns);

/* One event if the pool of @pool is empty or in panic now and was not, or the other way round. */
void commit_report(
	struct daemon *daemon, struct fleet_pool *pool, unsigned usable_before, bool panic_before);

/* Every pool, after something that concerns all of them. */
void commit_all(struct daemon *daemon);

/* Each second: what changes with time alone, slow starts, ramps and deadlines. */
void commit_tick(struct daemon *daemon);

/* ---- healing.c: what the prober says ---- */
void healing_result(void *data, const struct probe_result *result);
void healing_started(void *data, pid_t pid);
void healing_gone(void *data, uint32_t culprit, const char *why);

/* ---- paths.c: what netlink says ---- */
void paths_changed(void *data, const struct muster_addr *addr, const struct path *path);

/* Watches the addresses of @fleet and takes over the paths that are known. */
void paths_watch(struct daemon *daemon, struct fleet *fleet);
void paths_unwatch(struct daemon *daemon, struct fleet *fleet);

/* ---- interfaces.c ---- */
int interfaces_init(struct daemon *daemon);
void interfaces_clear(struct daemon *daemon);

/* Attaches where the program is not attached; says what changed. */
void interfaces_check(struct daemon *daemon);
void interfaces_link_changed(void *data, const struct net_link *link, bool gone);

/* ---- announce.c ---- */
/* Remembers what an earlier musterd added, so that it can be removed again. */
void announce_load(struct daemon *daemon);
void announce_update(struct daemon *daemon);
void announce_withdraw_all(struct daemon *daemon);

#endif
