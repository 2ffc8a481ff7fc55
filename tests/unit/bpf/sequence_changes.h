/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of that balancer: plan and stage, flip, retire; its end and its next beginning. */
#ifndef MUSTER_TESTS_SEQUENCE_CHANGES_H
#define MUSTER_TESTS_SEQUENCE_CHANGES_H

#include "sequence_world.h"

#include "tests/unit/core/adopt.h"

static inline bool world_has_ring(const struct image *image, const struct ring *ring)
{
	for (size_t i = 0; i < image->n_rings; i++)
		if (image->rings[i].ring == ring ||
			(image->rings[i].ring->slots.base == ring->slots.base &&
				!image->rings[i].ring->owner))
			return true;
	return false;
}

static inline const struct block *world_block_at(const struct image *image, uint32_t base)
{
	for (size_t b = 0; b < image->n_blocks; b++)
		if (image->blocks[b]->base == base)
			return image->blocks[b];
	return NULL;
}

static inline void world_stage_members(struct world *world, const struct block *block)
{
	const struct block *live = world_block_at(world->live, block->base);

	if (!live)
		memset(&world->members[block->base], 0, block->capacity * sizeof(*world->members));
	for (uint16_t m = 0; m < block->n; m++) {
		const struct image_member *member = &block->members[m];

		if (!member->identity ||
			(live && m < live->n && live->members[m].token == member->token))
			continue;
		world->members[block->base + m] = (struct muster_member){
			.identity = member->identity,
			.addr = member->addr,
			.nexthop = member->nexthop,
			.new_ok = member->bits.new_ok,
			.old_ok = member->bits.old_ok,
			.token = member->token,
		};
	}
}

static inline void world_plan(struct world *world)
{
	struct plan_input input = {world->model, (const struct member_state *const *)world->states,
		{{world->hash_key, 2}}, world->now_ds};
	struct diags diags = {};

	assert_int_equal(plan_image(&input, world->space, world->live, &world->next,
				 &world->changed, &diags),
		0);
	for (size_t b = 0; world->changed && b < world->next->n_blocks; b++)
		world_stage_members(world, world->next->blocks[b]);
	for (size_t r = 0; world->changed && r < world->next->n_rings; r++) {
		const struct slots *slots = &world->next->rings[r].ring->slots;

		if (!world_has_ring(world->live, world->next->rings[r].ring))
			memcpy(world->slots + slots->base, slots->word,
				slots->n * sizeof(*slots->word));
	}
}

static inline void world_flip(struct world *world)
{
	struct patch patch = {};

	assert_int_equal(image_inherit(world->next, world->live, world->now_ds, &patch), 0);
	world_update_states(world);
	world_patch_image(world, world->next, &patch);
	world_store(world, &patch);
	patch_clear(&patch);
	world->previous = world->live;
	world->live = world->next;
	world->next = NULL;
	world->flips += world->changed;
	if (!world->changed)
		image_free(&world->previous);
}

static inline void world_forget(struct world *world)
{
	struct flows_sweep sweep = {.buckets = world->buckets, .n_buckets = world->n_buckets};

	assert_int_equal(flows_members(&sweep, world->live, NULL), 0);
	flows_forget(&sweep);
	free(sweep.members);
}

static inline bool world_is_used(const struct image *image, uint32_t index)
{
	for (size_t b = 0; b < image->n_blocks; b++) {
		const struct block *block = image->blocks[b];

		if (index >= block->base && index < block->base + block->n &&
			block->members[index - block->base].identity)
			return true;
	}
	return false;
}

static inline void world_retire(struct world *world)
{
	world_forget(world);
	for (uint32_t i = 0; i < N_MEMBERS; i++)
		if (!world_is_used(world->live, i))
			world->members[i] = (struct muster_member){};
	plan_retire(world->space, world->previous, world->live);
	image_free(&world->previous);
}

/* The controller dies, whatever it was at, and another one begins with what the tables hold. */
static inline void world_restart(struct world *world)
{
	struct image *adopted = adopt(world->live);

	image_free(&world->next);
	image_free(&world->previous);
	image_free(&world->live);
	plan_space_free(&world->space);
	world->live = adopted;
	for (size_t r = 0; r < adopted->n_rings; r++)
		slots_touch(&adopted->rings[r].ring->slots, world->now_ds);
	assert_int_equal(plan_space_new(&world->space, &world_limits), 0);
	assert_true(plan_space_claim(world->space, adopted));
	world_forget(world);
	world->restarts++;
}

static inline void world_check_members(const struct world *world, const struct block *block)
{
	for (uint16_t m = 0; m < block->n; m++) {
		const struct image_member *member = &block->members[m];
		const struct muster_member *at = &world->members[block->base + m];

		if (!member->identity)
			continue;
		assert_int_equal(at->identity, member->identity);
		assert_int_equal(at->token, member->token);
		assert_true(addr_equal(&at->addr, &member->addr));
		assert_int_equal(at->new_ok, member->bits.new_ok);
		assert_int_equal(at->old_ok, member->bits.old_ok);
	}
}

/* The tables hold what the live image says. */
static inline void world_check(const struct world *world)
{
	for (size_t b = 0; b < world->live->n_blocks; b++)
		world_check_members(world, world->live->blocks[b]);
	for (size_t r = 0; r < world->live->n_rings; r++) {
		const struct slots *slots = &world->live->rings[r].ring->slots;

		assert_memory_equal(
			slots->word, world->slots + slots->base, slots->n * sizeof(*slots->word));
	}
}

static inline void world_open(struct world *world, uint32_t n_buckets)
{
	*world = (struct world){.now_ds = 100000, .n_buckets = n_buckets, .hash_key = 1};
	world->buckets = calloc(n_buckets, sizeof(*world->buckets));
	assert_non_null(world->buckets);
	for (uint32_t b = 0; b < BACKENDS; b++)
		world->backends[b] = (struct world_backend){
			.there = b < 4, .weight = 100, .share = RING_ALL, .bits = {true, true}};
	assert_int_equal(plan_space_new(&world->space, &world_limits), 0);
	assert_int_equal(image_new(&world->live), 0);
	world_use_model(world, world_model(world));
	world_plan(world);
	world_flip(world);
	world_retire(world);
	tracking_tables = (struct tracking_tables){
		world->buckets, n_buckets - 1, world->members, N_MEMBERS, world->tracking};
}

static inline void world_close(struct world *world)
{
	image_free(&world->next);
	image_free(&world->previous);
	image_free(&world->live);
	plan_space_free(&world->space);
	models_states_free(world->states, world->model);
	model_free(&world->model);
	free(world->buckets);
}

#endif
