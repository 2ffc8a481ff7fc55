/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fleet: how the backends of one model stand now. Health (from targets), admin state, paths and
 * panic meet here and become the two bits of each member. One fleet is active; during a flip the one
 * before it is kept, so that a refused change leaves the old state whole.
 */
#ifndef MUSTER_DAEMON_FLEET_H
#define MUSTER_DAEMON_FLEET_H

#include "core/image.h"
#include "core/path.h"
#include "core/share.h"
#include "daemon/targets.h"

/* An operator's runtime word on a backend: kept by identity, over reloads, not over restarts. */
struct override {
	uint64_t identity;
	bool has_admin, has_weight;
	enum admin_state admin;
	uint64_t drain_deadline_ms; /* CLOCK_MONOTONIC; 0: none */
	struct share_ramp weight;
	UT_hash_handle hh;
};

struct fleet_backend {
	const struct backend *config;
	uint64_t identity;
	enum admin_state admin;
	uint64_t drain_deadline_ms; /* when a draining backend loses the flows it has; 0: never */
	struct share_ramp weight;   /* config->weight is what the ring was made for */
	uint64_t slow_since_ms;	    /* start of its slow start; 0: none */
	enum health_state health;   /* all checks together */
	uint64_t since_ms;	    /* when health was entered */
	bool restored;		    /* `last` counts until the first evidence */
	struct bits last;	    /* of the adopted image */
	struct path path;
	struct target **targets; /* one per check */
	size_t n_targets;
};

struct fleet_pool {
	struct fleet *fleet;
	const struct pool *config;
	struct fleet_backend *backends; /* [config->n_backends] */
	struct member_state *states;	/* likewise; what the planner and image_patch() take */
	uint64_t served_ms;		/* since when it has had a usable backend; 0: it has none */
	bool panic;
	bool shrank; /* at the last update some backend lost a share */
	bool timed;  /* something in it changes with time alone: a ramp, a slow start, a deadline */
};

struct fleet {
	uint64_t held_until_ms;	  /* until then only losses move slots; 0: not held */
	struct model *model;	  /* owned */
	struct fleet_pool *pools; /* [model->n_pools] */
};

struct fleet_context {
	struct targets *targets;
	const struct override *overrides; /* uthash */
	uint64_t weight_identity; /* a backend whose override is about to be this weight; 0: none */
	struct share_ramp weight;
	uint64_t now_ms;
};

/*
 * Takes @model over (also on error). Backends that @before knows (or NULL) keep their health, path
 * and next hop; paths of new ones are PATH_PENDING. 0 or -ENOMEM.
 */
int fleet_new(struct fleet **ret, struct model *model, struct fleet *before,
	const struct fleet_context *context);
void fleet_free(struct fleet **fleet, struct targets *targets);

/* Makes the targets' pool lists point into @fleet. 0 or -ENOMEM. */
int fleet_activate(struct fleet *fleet, struct targets *targets);

/* Health the adopted image remembers: its bits count until evidence comes. */
void fleet_restore(struct fleet *fleet, const struct image *adopted);

/* Recomputes health, panic and states of @pool. True if any bit or the panic changed. */
bool fleet_pool_update(struct fleet_pool *pool, uint64_t now_ms);

struct fleet_pool *fleet_find_pool(struct fleet *fleet, const char *name);
struct fleet_backend *fleet_pool_find(struct fleet_pool *pool, const char *name);

/* Was it empty until a moment ago, and do its backends come up one after the other? */
bool fleet_pool_is_young(const struct fleet_pool *pool, uint64_t now_ms);

/* Has the deadline of its drain passed? Then it has no flows any more. */
bool fleet_drain_is_over(const struct fleet_backend *be, uint64_t now_ms);
/* Is nothing to come back, grow or be changed for now? So that slots settle; docs/flows.md. */
bool fleet_is_held(const struct fleet *fleet, uint64_t now_ms);

/* Is any backend draining? */
bool fleet_is_draining(const struct fleet *fleet);

/* Backends that may take new flows; without backups: those of a VIP that does not use them. */
unsigned fleet_pool_usable(const struct fleet_pool *pool);
unsigned fleet_vip_usable(const struct fleet_pool *pool, const struct vip *vip);

/* Is the checker itself suspect? See poolbits_blind(). @was_blind: the hold lasts until passes return. */
bool fleet_blind(const struct fleet *fleet, bool was_blind, uint64_t now_ms);

#endif
