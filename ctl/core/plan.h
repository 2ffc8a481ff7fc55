/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the model and the state of its backends to the next image, with stable indexes: what exists in
 * the previous image keeps its service index, its member indexes and, where nothing about it changed,
 * its ring. Pure apart from memory; runs in a worker thread on data that nobody else writes.
 */
#ifndef MUSTER_CORE_PLAN_H
#define MUSTER_CORE_PLAN_H

#include "core/image.h"

struct plan_limits {
	uint32_t services, members, slots; /* slots: a multiple of MUSTER_ELEMENT_SLOTS */
	uint32_t buckets;		   /* frontend buckets, a power of two */
};

/* Which indexes are taken, by the live image and by what waits for a grace period. */
struct plan_space {
	struct plan_limits limits;
	struct arena *services, *members, *elements;
	struct arena *epochs; /* of members, lowest first: those in use are dense */
};

int plan_space_new(struct plan_space **ret, const struct plan_limits *limits);
void plan_space_free(struct plan_space **space);

struct plan_input {
	const struct model *model;
	const struct member_state *const *states; /* [pool][backend], in the order of the model */
	struct muster_hash_key key;
	uint32_t now; /* tenths of a second */
};

/*
 * *ret is the whole image, also when nothing changes: after an adoption it has to replace the adopted
 * one, which needs no flip.
 *
 * @previous: the live image, or an adopted one (see plan_space_claim() below). Members that keep
 * their index keep the bits and the next hop that @previous has for them, so that the result says
 * what the tables hold; new members get those of @states; new rings agree with the members, and their
 * slots remember whose the flows are in the ring before. Before the result goes live, the caller calls
 * image_inherit() on it, then image_patch() for every pool, and stores the patch: that brings in where
 * @states differ, and what patches of the live image did meanwhile.
 *
 * *ret_changed: false if committing the result would change nothing in the tables (then no flip, no
 * grace period and no plan_retire()). Bits and next hops are no change of the image.
 *
 * @diags: says which limit is full, by how much, and what to raise.
 * 0, -ENOSPC, -EINVAL (two backends of a pool with the same address and port; manifests refuse that)
 * or -ENOMEM; on error the space is as before.
 */
int plan_image(const struct plan_input *input, struct plan_space *space,
	const struct image *previous, struct image **ret, bool *ret_changed, struct diags *diags);

/*
 * Gives back what @previous holds and @next does not. Only after the grace period that follows the
 * flip to @next. (To drop an image that was never committed: plan_retire(space, dropped, live).)
 */
void plan_retire(struct plan_space *space, const struct image *previous, const struct image *next);

/*
 * Marks all that an adopted image holds as used. An adopted image was read from pinned maps: its
 * blocks have no pool name and its rings no base (owner == NULL), only slots. plan_image() finds the
 * block of a pool by the identities in it, keeps base and member indexes, and where the slots it makes
 * equal the adopted ones, keeps their place too: a restart changes nothing.
 * False if ranges overlap or lie outside the limits: the pinned maps are damaged.
 */
bool plan_space_claim(struct plan_space *space, const struct image *adopted);

#endif
