/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/plan_build.h"

#include <errno.h>

static uint8_t proto_of(enum plan_proto proto)
{
	return proto == PLAN_TCP ? IPPROTO_TCP : IPPROTO_UDP;
}

struct ring_shape {
	uint32_t size;
	uint8_t proto;
};

static size_t count_weighted(const struct block *block)
{
	size_t n = 0;

	for (uint16_t i = 0; i < block->n; i++)
		n += block->members[i].identity && block->members[i].weight;
	return n;
}

/* A shared block has the members it had, so what decides are size and key. */
static struct ring *find_shared(
	const struct plan *plan, const struct block *block, const struct ring_shape *shape)
{
	const struct muster_hash_key *key = &plan->input->key;

	for (size_t i = 0; i < plan->previous->n_rings; i++) {
		const struct image_ring *old = &plan->previous->rings[i];

		if (old->block == block && old->ring->proto == shape->proto &&
			old->ring->size == shape->size && old->ring->owner &&
			!memcmp(&old->ring->key, key, sizeof(*key)))
			return old->ring;
	}
	return NULL;
}

/* The ring before, of the same pool, class and protocol. */
static const struct image_ring *find_parent(
	const struct plan *plan, const struct block *before, uint8_t proto)
{
	for (size_t i = 0; before && i < plan->previous->n_rings; i++) {
		const struct image_ring *old = &plan->previous->rings[i];

		if (old->block == before && old->ring->proto == proto)
			return old;
	}
	return NULL;
}

static int ring_of_block(struct ring **ret, const struct block *block, uint32_t size,
	const struct muster_hash_key *key)
{
	_free_ struct ring_member *members = calloc(block->n, sizeof(*members));
	uint16_t share[MODEL_POOL_MEMBERS];
	size_t n = 0;
	int err;

	if (!members)
		return -ENOMEM;
	for (uint16_t i = 0; i < block->n; i++) {
		const struct image_member *member = &block->members[i];

		share[i] = member->share;
		if (member->identity)
			members[n++] = (struct ring_member){
				member->addr, member->port, i, member->weight, member->backup};
	}
	err = ring_new(ret, members, n, size, key);
	if (!err)
		ring_update(*ret, share, NULL);
	return err;
}

/* The slots of @ring: flows stay with the members that stay. */
static int make_slots(struct plan *plan, struct ring *ring, const struct block *block,
	const struct image_ring *parent)
{
	bool stays[MODEL_POOL_MEMBERS] = {};
	uint32_t n = ring->size;
	int err;

	if (parent) {
		block_stays(parent->block, block, stays);
		n = slots_needed(&parent->ring->slots, ring->size);
	}
	err = slots_init(&ring->slots, n);
	if (!err)
		slots_inherit(&ring->slots, ring, parent ? &parent->ring->slots : NULL, stays,
			plan->input->now, NULL);
	return err;
}

/* An adopted ring that holds just what @ring holds is where it stays. */
static bool is_in_place(
	const struct ring *ring, const struct block *block, const struct image_ring *parent)
{
	const struct slots *old;

	if (!parent || parent->ring->owner || parent->block->base != block->base)
		return false;
	old = &parent->ring->slots;
	return old->n == ring->slots.n &&
	       !memcmp(old->word, ring->slots.word, old->n * sizeof(*old->word));
}

static int make_ring(struct plan *plan, const struct pool *pool, const struct block *block,
	const struct image_ring *parent, const struct ring_shape *shape, struct ring **ret)
{
	_cleanup_(ring_unref) struct ring *ring = NULL;
	int err = ring_of_block(&ring, block, shape->size, &plan->input->key);
	uint32_t elements, element;

	if (err == -EINVAL)
		diag_error(plan->diags, pool->origin,
			"pool %s: two backends have the same address and port", pool->name);
	if (!err)
		err = make_slots(plan, ring, block, parent);
	if (err)
		return err;
	ring->proto = shape->proto;
	if (is_in_place(ring, block, parent)) {
		ring->slots.base = parent->ring->slots.base;
	} else {
		elements = plan_elements(ring->slots.n);
		element = arena_alloc(plan->space->elements, elements);
		if (element == ARENA_FULL)
			return plan_full(
				plan, PLAN_SLOTS, pool->origin, "pool", pool->name, elements);
		ring->slots.base = element * MUSTER_ELEMENT_SLOTS;
	}
	*ret = take_ptr(ring);
	return 0;
}

/*
 * Slots of the ring over @block. 0: none. Without a weight none gets new flows, but those that the ring before
 * has stay where they are.
 */
static uint32_t ring_size(
	const struct pool *pool, const struct block *block, const struct image_ring *parent)
{
	size_t weighted = block ? count_weighted(block) : 0;

	if (!block || (!weighted && !parent))
		return 0;
	if (pool->ring_size)
		return pool->ring_size;
	if (weighted)
		return ring_size_for(weighted);
	return ring_size_is_valid(parent->ring->size) ? parent->ring->size : 0;
}

int plan_ring(struct plan *plan, size_t pool, enum plan_class class, enum plan_proto proto,
	struct ring **ret)
{
	const struct pool *config = &plan->input->model->pools[pool];
	struct plan_pool *made = &plan->pools[pool];
	struct image *image = plan->image;
	struct block *block = made->blocks[class];
	const struct image_ring *parent = find_parent(plan, made->before[class], proto_of(proto));
	struct ring_shape shape = {ring_size(config, block, parent), proto_of(proto)};
	struct ring *ring;
	int err;

	*ret = made->rings[class][proto];
	if (made->has_ring[class][proto])
		return 0;
	made->has_ring[class][proto] = true;
	if (!shape.size)
		return 0;
	if (util_grow(&image->rings, image->n_rings, sizeof(*image->rings)))
		return -ENOMEM;
	ring = find_shared(plan, block, &shape);
	if (ring) {
		ring_ref(ring);
	} else {
		err = make_ring(plan, config, block, parent, &shape, &ring);
		if (err)
			return err;
	}
	image->rings[image->n_rings++] = (struct image_ring){ring, block_ref(block)};
	made->rings[class][proto] = *ret = ring;
	return 0;
}
