/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A balancer without a kernel: the planner and its images, the tables as the data plane would fill them
 * (ctl/dataplane/dp_commit.c), and a clock. One pool of up to twelve backends behind five VIPs.
 */
#ifndef MUSTER_TESTS_SEQUENCE_WORLD_H
#define MUSTER_TESTS_SEQUENCE_WORLD_H

#include "tracking.h"

#include "core/flows.h"
#include "core/plan.h"

#include "tests/unit/core/adopt.h"

enum {
	BACKENDS = 12,
	VIPS = 5,
	N_MEMBERS = 256,
	N_SLOTS = 1 << 15,
	SETTLE_TCP_DS = 200,
	SETTLE_UDP_DS = 50,
};

static const struct plan_limits world_limits = {
	.services = 64, .members = N_MEMBERS, .slots = N_SLOTS, .buckets = 64};

/* What the operator and the checks make of a backend. */
struct world_backend {
	bool there, backup, waits;
	uint16_t weight, share;
	struct bits bits;
	uint32_t incarnation; /* a backend that was removed and comes back is another one */
};

struct world {
	struct plan_space *space;
	struct image *live, *next, *previous; /* next: staged; previous: not retired yet */
	bool changed;			      /* does `next` need a flip? */
	struct model *model;		      /* of next, or else of live */
	struct member_state **states;
	struct world_backend backends[BACKENDS];
	bool on_down_reset;
	uint32_t hash_key;
	uint32_t now_ds;
	uint32_t slots[N_SLOTS];
	struct muster_member members[N_MEMBERS];
	struct muster_tracking tracking[64];
	struct muster_flow_bucket *buckets;
	uint32_t n_buckets;
	unsigned flips, patches, restarts;
};

static inline uint32_t world_clock(const struct world *world)
{
	return world->now_ds / 10;
}

static inline struct muster_key world_key(int vip)
{
	struct muster_key key = {
		.addr = models_addr_v4(0x100000 + (uint32_t)vip), .port = htons(80)};

	key.proto = vip < 2 ? IPPROTO_TCP : IPPROTO_UDP;
	return key;
}

/* ---- the model and the states of its backends ---- */

static inline struct model *world_model(const struct world *world)
{
	static const enum repick repick[VIPS] = {
		REPICK_DOWN, REPICK_DOWN, REPICK_DOWN, REPICK_NOW, REPICK_NEVER};
	struct model *model = models_new();
	char name[24];

	models_add_pool(model, "pool");
	model->pools[0].on_down_reset = world->on_down_reset;
	for (uint32_t b = 0; b < BACKENDS; b++) {
		const struct world_backend *be = &world->backends[b];

		if (!be->there)
			continue;
		snprintf(name, sizeof(name), "b%u", b);
		models_add_backend(model, 0, name,
			models_addr_v4(b << 8 | (be->incarnation & 0xff)), be->weight)
			->backup = be->backup;
	}
	for (int v = 0; v < VIPS; v++) {
		struct vip *vip;

		snprintf(name, sizeof(name), "vip%d", v);
		vip = models_add_vip(model, name, world_key(v).addr, 0);
		vip->proto = world_key(v).proto;
		vip->affinity = v == 1;
		vip->repick = repick[v];
	}
	return model;
}

static inline int world_backend_of(const char *name)
{
	return atoi(name + 1);
}

static inline void world_update_states(struct world *world)
{
	const struct pool *pool = &world->model->pools[0];

	for (size_t i = 0; i < pool->n_backends; i++) {
		const struct world_backend *be =
			&world->backends[world_backend_of(pool->backends[i].name)];

		world->states[0][i].bits = be->bits;
		world->states[0][i].share = be->share;
	}
}

static inline void world_use_model(struct world *world, struct model *model)
{
	if (world->states)
		models_states_free(world->states, world->model);
	model_free(&world->model);
	world->model = model;
	world->states = models_states(model);
	world_update_states(world);
}

/* ---- patches ---- */

static inline void world_store(struct world *world, const struct patch *patch)
{
	for (size_t i = 0; i < patch->n_members; i++) {
		struct muster_member *at = &world->members[patch->members[i].index];

		at->new_ok = patch->members[i].bits.new_ok;
		at->old_ok = patch->members[i].bits.old_ok;
		at->nexthop = patch->members[i].nexthop;
	}
	for (size_t i = 0; i < patch->n_slots; i++)
		world->slots[patch->slots[i].index] = patch->slots[i].value;
}

static inline void world_patch_image(struct world *world, struct image *image, struct patch *patch)
{
	assert_int_equal(image_patch(image, "pool", world->states[0],
				 world->model->pools[0].n_backends, world->now_ds, patch),
		0);
}

static inline void world_patch(struct world *world)
{
	struct patch patch = {};

	world_update_states(world);
	world_patch_image(world, world->live, &patch);
	world_store(world, &patch);
	world->patches += patch.n_slots > 0;
	patch_clear(&patch);
}

#endif
