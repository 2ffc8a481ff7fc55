/* SPDX-License-Identifier: BSD-2-Clause */
/* A planner with its space and live image, and what has to be true of them after every step. */
#ifndef MUSTER_TESTS_PLANS_H
#define MUSTER_TESTS_PLANS_H

#include "core/plan.h"

#include "models.h"
#include "unit.h"

#define PLANS_INLINE static inline __attribute__((unused))

static const struct plan_limits plans_limits = {
	.services = 512, .members = 4096, .slots = 1 << 19, .buckets = 1024};

struct plans {
	struct plan_space *space;
	struct image *live;
	struct diags diags;
	bool changed; /* by the last step */
};

/* @n pools p0, p1, ... of 20 backends, a VIP over each. */
PLANS_INLINE struct model *plans_pools(size_t n)
{
	struct model *model = models_new();
	char name[24];

	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "p%zu", i);
		models_add_backends(model, models_add_pool(model, name), (uint32_t)i * 20, 20);
		name[0] = 'v';
		models_add_vip(model, name, models_addr_v4(0x10000 + (uint32_t)i), i);
	}
	return model;
}

PLANS_INLINE void plans_init(struct plans *plans, const struct plan_limits *limits)
{
	*plans = (struct plans){};
	assert_int_equal(plan_space_new(&plans->space, limits), 0);
	assert_int_equal(image_new(&plans->live), 0);
}

PLANS_INLINE void plans_clear(struct plans *plans)
{
	image_free(&plans->live);
	plan_space_free(&plans->space);
	diags_clear(&plans->diags);
}

/* What the image holds is what is taken, and nothing of it overlaps. */
PLANS_INLINE void plans_check_space(const struct plan_space *space, const struct image *image)
{
	_cleanup_(plan_space_free) struct plan_space *fresh = NULL;

	assert_int_equal(plan_space_new(&fresh, &space->limits), 0);
	assert_true(plan_space_claim(fresh, image));
	assert_int_equal(arena_used(space->services), arena_used(fresh->services));
	assert_int_equal(arena_used(space->members), arena_used(fresh->members));
	assert_int_equal(arena_used(space->elements), arena_used(fresh->elements));
	assert_int_equal(arena_used(space->epochs), arena_used(fresh->epochs));
}

/* Each ring is what its block's members say. */
PLANS_INLINE void plans_check_rings(const struct image *image)
{
	for (size_t r = 0; r < image->n_rings; r++) {
		const struct ring *ring = image->rings[r].ring;
		const struct block *block = image->rings[r].block;
		uint16_t usable[MODEL_POOL_MEMBERS];

		assert_in_range(ring->n_index, 1, block->n);
		assert_true(block->n <= block->capacity);
		for (uint16_t i = 0; i < block->n; i++)
			usable[i] = block->members[i].share;
		assert_memory_equal(ring->share, usable, ring->n_index * sizeof(*usable));
		for (uint32_t s = 0; s < ring->size; s += 5)
			assert_int_equal(ring_current(ring, s), ring_refill(ring, s, usable));
		for (uint32_t s = 0; s < ring->slots.n; s++)
			assert_int_equal(MUSTER_SLOT_CURRENT(ring->slots.word[s]),
				ring_current(ring, s >> slots_shift(&ring->slots, ring->size)));
	}
}

PLANS_INLINE int plans_try(struct plans *plans, const struct model *model,
	struct member_state *const *states, struct image **ret)
{
	struct plan_input input = {
		.model = model,
		.states = (const struct member_state *const *)states,
		.key = {{1, 2}},
	};

	return plan_image(&input, plans->space, plans->live, ret, &plans->changed, &plans->diags);
}

PLANS_INLINE void plans_inherit(struct image *next, const struct image *live)
{
	struct patch patch = {};

	assert_int_equal(image_inherit(next, live, 0, &patch), 0);
	assert_int_equal(patch.n_slots, 0); /* nothing changed meanwhile */
	patch_clear(&patch);
}

/* Brings @image in line with @states, as a caller does before the flip. */
PLANS_INLINE void plans_catch_up(
	struct image *image, const struct model *model, struct member_state *const *states)
{
	struct patch patch = {};

	for (size_t p = 0; p < model->n_pools; p++)
		assert_int_equal(image_patch(image, model->pools[p].name, states[p],
					 model->pools[p].n_backends, 0, &patch),
			0);
	patch_clear(&patch);
}

/* The index of POOL/NAME in the block, or -1. */
PLANS_INLINE int plans_member(const struct block *block, const char *pool, const char *name)
{
	uint64_t identity = model_identity(pool, name);

	for (uint16_t i = 0; i < block->n; i++)
		if (block->members[i].identity == identity)
			return i;
	return -1;
}

/* Each block has just the backends of its pool (l2dsr: and family), with their weights. */
PLANS_INLINE void plans_check_members(const struct image *image, const struct model *model)
{
	for (size_t b = 0; b < image->n_blocks; b++) {
		const struct block *block = image->blocks[b];
		const struct pool *pool = model_find_pool(model, block->pool);
		int wanted = 0, found = 0;

		assert_non_null(pool);
		for (size_t i = 0; i < pool->n_backends; i++) {
			const struct backend *be = &pool->backends[i];
			int at = plans_member(block, pool->name, be->name);

			assert_int_equal(
				at >= 0, block->class.family == AF_UNSPEC ||
						 addr_family(&be->addr) == block->class.family);
			if (at < 0)
				continue;
			wanted++;
			assert_true(addr_equal(&block->members[at].addr, &be->addr));
			assert_int_equal(block->members[at].port, be->port);
			assert_int_equal(block->members[at].weight, be->weight);
		}
		for (uint16_t i = 0; i < block->n; i++)
			found += block->members[i].identity != 0;
		assert_int_equal(found, wanted);
	}
}

/* Plans, commits, retires. */
PLANS_INLINE void plans_commit(
	struct plans *plans, const struct model *model, struct member_state *const *states)
{
	struct image *next = NULL;

	assert_int_equal(plans_try(plans, model, states, &next), 0);
	assert_int_equal(next->generation, plans->live->generation + plans->changed);
	plans_check_members(next, model);
	plans_check_rings(next);
	plans_inherit(next, plans->live);
	plans_catch_up(next, model, states);
	plans_check_rings(next);
	if (plans->changed)
		plan_retire(plans->space, plans->live, next);
	image_free(&plans->live);
	plans->live = next;
	plans_check_space(plans->space, plans->live);
}

/* Likewise, with every backend up. */
PLANS_INLINE void plans_commit_up(struct plans *plans, const struct model *model)
{
	struct member_state **states = models_states(model);

	plans_commit(plans, model, states);
	models_states_free(states, model);
}

PLANS_INLINE const struct image_service *plans_service(
	const struct plans *plans, const char *addr, uint16_t port)
{
	struct muster_key key = {.addr = models_addr(addr), .port = htons(port)};

	key.proto = port ? IPPROTO_TCP : 0;
	return image_find_service(plans->live, &key);
}

#endif
