/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/plan_build.h"

#include <errno.h>

static uint8_t proto_of(enum plan_proto proto)
{
	return proto == PLAN_TCP ? IPPROTO_TCP : IPPROTO_UDP;
}

static size_t count_weighted(const struct block *block)
{
	size_t n = 0;

	for (uint16_t i = 0; i < block->n; i++)
		n += block->members[i].identity && block->members[i].weight;
	return n;
}

/* A shared block has the members it had, so what decides are size and key. */
static struct ring *find_shared(
	const struct plan *plan, const struct block *block, uint8_t proto, uint32_t size)
{
	const struct muster_hash_key *key = &plan->input->key;

	for (size_t i = 0; i < plan->previous->n_rings; i++) {
		const struct image_ring *old = &plan->previous->rings[i];

		if (old->block == block && old->ring->proto == proto && old->ring->size == size &&
			old->ring->owner && !memcmp(&old->ring->key, key, sizeof(*key)))
			return old->ring;
	}
	return NULL;
}

/* The place in the arena of an adopted ring that holds just what @ring holds, or ARENA_FULL. */
static uint32_t adopted_place(
	const struct plan *plan, const struct block *block, const struct ring *ring)
{
	for (size_t i = 0; i < plan->previous->n_rings; i++) {
		const struct image_ring *old = &plan->previous->rings[i];

		if (!old->ring->owner && old->block && old->block->base == block->base &&
			old->ring->proto == ring->proto && old->ring->size == ring->size &&
			!memcmp(old->ring->current, ring->current,
				ring->size * sizeof(*ring->current)))
			return old->ring->base;
	}
	return ARENA_FULL;
}

static int ring_of_block(struct ring **ret, const struct block *block, uint32_t size,
	const struct muster_hash_key *key)
{
	_free_ struct ring_member *members = calloc(block->n, sizeof(*members));
	bool usable[MODEL_POOL_MEMBERS];
	size_t n = 0;
	int err;

	if (!members)
		return -ENOMEM;
	for (uint16_t i = 0; i < block->n; i++) {
		const struct image_member *member = &block->members[i];

		usable[i] = member->bits.new_ok;
		if (member->identity)
			members[n++] =
				(struct ring_member){member->addr, member->port, i, member->weight};
	}
	err = ring_new(ret, members, n, size, key);
	if (!err)
		ring_update(*ret, usable, NULL);
	return err;
}

static int make_ring(struct plan *plan, const struct pool *pool, const struct block *block,
	uint8_t proto, uint32_t size, struct ring **ret)
{
	_cleanup_(ring_unref) struct ring *ring = NULL;
	uint32_t elements = plan_elements(size), element;
	int err = ring_of_block(&ring, block, size, &plan->input->key);

	if (err == -EINVAL)
		diag_error(plan->diags, pool->origin,
			"pool %s: two backends have the same address and port", pool->name);
	if (err)
		return err;
	ring->proto = proto;
	ring->base = adopted_place(plan, block, ring);
	if (ring->base == ARENA_FULL) {
		element = arena_alloc(plan->space->elements, elements);
		if (element == ARENA_FULL)
			return plan_full(
				plan, PLAN_SLOTS, pool->origin, "pool", pool->name, elements);
		ring->base = element * MUSTER_ELEMENT_SLOTS;
	}
	*ret = take_ptr(ring);
	return 0;
}

int plan_ring(struct plan *plan, size_t pool, enum plan_class class, enum plan_proto proto,
	struct ring **ret)
{
	const struct pool *config = &plan->input->model->pools[pool];
	struct plan_pool *made = &plan->pools[pool];
	struct image *image = plan->image;
	struct block *block = made->blocks[class];
	size_t weighted = block ? count_weighted(block) : 0;
	struct ring *ring;
	uint32_t size;
	int err;

	*ret = made->rings[class][proto];
	if (made->has_ring[class][proto])
		return 0;
	made->has_ring[class][proto] = true;
	if (!weighted)
		return 0;
	size = config->ring_size ? config->ring_size : ring_size_for(weighted);
	if (util_grow(&image->rings, image->n_rings, sizeof(*image->rings)))
		return -ENOMEM;
	ring = find_shared(plan, block, proto_of(proto), size);
	if (ring) {
		ring_ref(ring);
	} else {
		err = make_ring(plan, config, block, proto_of(proto), size, &ring);
		if (err)
			return err;
	}
	image->rings[image->n_rings++] = (struct image_ring){ring, block_ref(block)};
	made->rings[class][proto] = *ret = ring;
	return 0;
}
