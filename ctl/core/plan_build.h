/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to plan*.c: an image while it is being made. */
#ifndef MUSTER_CORE_PLAN_BUILD_H
#define MUSTER_CORE_PLAN_BUILD_H

#include "core/identities.h"
#include "core/plan.h"

/* Twice: with the pool's backups, and without. */
enum plan_class {
	PLAN_ROUTED,
	PLAN_V4_ON_LINK,
	PLAN_V6_ON_LINK,
	PLAN_NO_BACKUPS,
	PLAN_CLASSES = 2 * PLAN_NO_BACKUPS,
};
enum plan_proto { PLAN_TCP, PLAN_UDP, PLAN_PROTOS };
enum plan_table { PLAN_SERVICES, PLAN_MEMBERS, PLAN_SLOTS, PLAN_EPOCHS };

/* What the VIPs of a pool need of it, made when the first one asks. Borrowed from the image. */
struct plan_pool {
	bool has_block[PLAN_CLASSES], has_ring[PLAN_CLASSES][PLAN_PROTOS];
	struct block *blocks[PLAN_CLASSES];
	const struct block *before[PLAN_CLASSES]; /* in the previous image */
	struct ring *rings[PLAN_CLASSES][PLAN_PROTOS];
};

struct plan {
	const struct plan_input *input;
	struct plan_space *space;
	const struct image *previous;
	struct image *image; /* what is in it has its indexes: taking them back is plan_retire() */
	struct plan_pool *pools; /* [model->n_pools] */
	/*
	 * Members of adopted blocks, by plan_adopted_key(): position of a service in `previous` that
	 * uses the block. Without entries if nothing was adopted.
	 */
	struct identities adopted;
	size_t near; /* where in previous->blocks the last pool was found: the next is mostly after it */
	struct diags *diags;
};

enum plan_class plan_class_of(const struct muster_addr *addr, uint8_t mode, bool no_backups);
struct member_class plan_class_members(enum plan_class class);

/* A pool may have two adopted blocks, one per class, with the same identities. */
uint64_t plan_adopted_key(uint64_t identity, enum plan_class class);

/*
 * The block of a pool's backends of @class, the ring over it. NULL: no backend of that family, none
 * with weight. 0, -ENOSPC, -EINVAL (two backends with the same address and port) or -ENOMEM.
 */
int plan_block(struct plan *plan, size_t pool, enum plan_class class, struct block **ret);
int plan_ring(struct plan *plan, size_t pool, enum plan_class class, enum plan_proto proto,
	struct ring **ret);
int plan_services(struct plan *plan);

/* Would the kernel tables be the same? */
bool plan_is_same(const struct image *previous, const struct image *next);

/* Says that @table has no room for @needs more of @name's. Returns -ENOSPC. */
int plan_full(struct plan *plan, enum plan_table table, struct origin where, const char *kind,
	const char *name, uint32_t needs);

uint32_t plan_elements(uint32_t slots);

#endif
