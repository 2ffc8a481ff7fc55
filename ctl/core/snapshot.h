/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What musterd shows of itself at one moment: plain data, copied on the loop, rendered by view/. All
 * strings are owned by the snapshot's string pool or static.
 */
#ifndef MUSTER_CORE_SNAPSHOT_H
#define MUSTER_CORE_SNAPSHOT_H

#include "core/health.h"
#include "core/path.h"

struct snapshot_interface {
	const char *name;
	uint32_t ifindex; /* 0: not there */
	const char *mode; /* "native", "generic", "detached" */
	const char *note; /* why it is detached or generic; or NULL */
};

struct snapshot_vip {
	const char *name, *pool, *mode, *proto, *origin; /* origin: "vips.d/web.yaml:3" or "api" */
	const char *addresses;				 /* "198.18.0.10 2001:db8::10" */
	const char *ports;				 /* "80 443" */
	uint16_t gue_port;				 /* 0: another mode */
	const char *state;				 /* "ready", "panic", "empty" */
	unsigned usable, members;			 /* backends with new_ok; all */
	struct muster_counters traffic;
};

struct snapshot_check {
	const char *name, *type;
	const char *state; /* health of this check */
	const char *outcome, *detail;
	uint32_t latency_us;
	bool tethered;
};

struct snapshot_backend {
	const char *pool, *name, *address; /* "10.0.1.11:80" */
	const char *zone;		   /* or NULL */
	const char *admin, *health;
	const char *path;   /* "ok", "no_neighbour", ... */
	const char *via;    /* "eth0 02:00:00:00:00:01" or NULL */
	const char *source; /* of outer headers to it, or NULL */
	const char *vlan;   /* tags on the way, outermost first: "8100:100", or NULL */
	unsigned mtu;	    /* of the way, 0: none */
	const char *reason; /* why it is not up, or NULL */
	uint16_t weight;
	bool backup;
	bool new_ok, old_ok;
	uint32_t flows;		/* recorded and not closing, at the last sweep */
	uint64_t drain_left_ms; /* until its drain's deadline; 0: none */
	double share;		/* of the slots of its pool's first ring, 0..1 */
	uint64_t since_ms;	/* for how long it has its health */
	struct muster_counters traffic;
	const struct snapshot_check *checks;
	size_t n_checks;
};

struct snapshot_pool {
	const char *name;
	unsigned usable, backends;
	uint32_t slots, moving, pinned; /* of all of its rings */
	uint32_t flows;			/* recorded, at the last sweep */
	uint64_t untracked;		/* flows that could not be recorded */
};

struct snapshot_reason {
	const char *name, *action, *text;
	uint64_t packets;
};

struct snapshot_usage {
	const char *table; /* "services", "members", "ring_slots", "nexthops", "flows" */
	uint32_t used, size;
};

struct snapshot {
	const char *version;
	int pid;
	uint64_t uptime_ms;
	uint64_t generation;
	uint64_t commits_patch, commits_flip;
	uint64_t last_commit_us; /* from the frame or request that caused it to the last store */
	double loop_stall_max_ms;
	uint32_t program_id;
	uint64_t held_ms;   /* for so long changes are held; 0: they are not */
	bool blind;	    /* the checker suspects itself: soft transitions are held */
	bool busy;	    /* a change is being applied */
	const char *prober; /* "running", "starting", "dead" */
	int prober_pid;
	unsigned prober_restarts, prober_targets, prober_quarantined;
	const char *const *warnings; /* NULL-terminated: "reload refused: ..." */
	const struct snapshot_interface *interfaces;
	size_t n_interfaces;
	const struct snapshot_vip *vips;
	size_t n_vips;
	const struct snapshot_backend *backends;
	size_t n_backends;
	const struct snapshot_pool *pools;
	size_t n_pools;
	uint64_t sweep_us; /* that the last sweep of the flow table took */
	const struct snapshot_reason *reasons;
	size_t n_reasons;
	const struct snapshot_usage *usage;
	size_t n_usage;
};

#endif
