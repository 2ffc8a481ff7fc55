/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/identities.h"
#include "core/image.h"

#include <errno.h>

struct bits member_state_bits(const struct member_state *state, struct member_class class)
{
	if (state->nexthop == MUSTER_NO_NEXTHOP || (class.on_link && !state->on_link))
		return (struct bits){false, false};
	return state->bits;
}

void patch_clear(struct patch *patch)
{
	free(patch->slots);
	free(patch->members);
	*patch = (struct patch){};
}

/* ---- which state is a member's ---- */

/* Members mostly stand in the order of the states; the table is made when the first one does not. */
struct matcher {
	const struct member_state *states;
	size_t n;
	size_t next; /* the state after the last one that matched */
	struct identities table;
};

static void matcher_clear(struct matcher *matcher)
{
	identities_clear(&matcher->table);
}

static int matcher_index(struct matcher *matcher)
{
	int err = identities_init(&matcher->table, matcher->n);

	for (size_t i = 0; !err && i < matcher->n; i++)
		identities_add(&matcher->table, matcher->states[i].identity, (uint32_t)i);
	return err;
}

/* *ret: NULL if there is none. 0 or -ENOMEM. */
static int match(struct matcher *matcher, uint64_t identity, const struct member_state **ret)
{
	size_t at = matcher->next;

	if (at >= matcher->n || matcher->states[at].identity != identity) {
		uint32_t position;

		if (!matcher->table.entries && matcher_index(matcher))
			return -ENOMEM;
		position = identities_find(&matcher->table, identity);
		*ret = NULL;
		if (position == IDENTITIES_NONE)
			return 0;
		at = position;
	}
	matcher->next = at + 1;
	*ret = &matcher->states[at];
	return 0;
}

/* ---- 1: what has to change, and room for it ---- */

uint16_t member_state_share(const struct member_state *state, struct member_class class)
{
	return member_state_bits(state, class).new_ok ? state->share : 0;
}

/* Appends the members of @block that change; share[0 .. n-1]: as they will be. */
static int collect_members(
	const struct block *block, struct matcher *matcher, struct patch *patch, uint16_t *share)
{
	for (uint16_t i = 0; i < block->n; i++) {
		const struct image_member *member = &block->members[i];
		const struct member_state *state = NULL;
		struct bits bits;

		share[i] = member->share;
		if (!member->identity)
			continue;
		if (match(matcher, member->identity, &state))
			return -ENOMEM;
		if (!state)
			continue;
		bits = member_state_bits(state, block->class);
		share[i] = member_state_share(state, block->class);
		if (bits.new_ok == member->bits.new_ok && bits.old_ok == member->bits.old_ok &&
			share[i] == member->share && state->nexthop == member->nexthop)
			continue;
		if (util_grow(&patch->members, patch->n_members, sizeof(*patch->members)))
			return -ENOMEM;
		patch->members[patch->n_members++] =
			(struct patch_member){block->base + i, state->nexthop, bits, share[i]};
	}
	return 0;
}

/* What the image has of a pool: a block per class, a ring per block and protocol. */
#define POOL_BLOCKS 6
#define POOL_RINGS  12

struct parts {
	struct block *blocks[POOL_BLOCKS];
	struct image_ring *rings[POOL_RINGS];
	size_t n_blocks, n_rings;
	size_t largest; /* most changes that one of the rings may make */
};

static void find_parts(const struct image *image, const char *pool, struct parts *ret)
{
	*ret = (struct parts){};
	for (size_t b = 0; b < image->n_blocks && ret->n_blocks < POOL_BLOCKS; b++)
		if (!strcmp(image->blocks[b]->pool, pool))
			ret->blocks[ret->n_blocks++] = image->blocks[b];
	for (size_t r = 0; ret->n_blocks && r < image->n_rings && ret->n_rings < POOL_RINGS; r++)
		for (size_t b = 0; b < ret->n_blocks; b++)
			if (image->rings[r].block == ret->blocks[b])
				ret->rings[ret->n_rings++] = &image->rings[r];
}

static int collect(struct parts *parts, struct matcher *matcher, struct patch *patch)
{
	uint16_t share[MODEL_POOL_MEMBERS];
	size_t all = 0;

	for (size_t b = 0; b < parts->n_blocks; b++) {
		matcher->next = 0;
		if (collect_members(parts->blocks[b], matcher, patch, share))
			return -ENOMEM;
		for (size_t r = 0; r < parts->n_rings; r++) {
			const struct ring *ring = parts->rings[r]->ring;
			size_t n;

			if (parts->rings[r]->block != parts->blocks[b])
				continue;
			n = ring_update_max(ring, share);
			parts->largest = MAX(parts->largest, n);
			all += n << slots_shift(&ring->slots, ring->size);
		}
	}
	return util_reserve(&patch->slots, patch->n_slots, all, sizeof(*patch->slots));
}

/* ---- 2: the change, which cannot fail any more ---- */

static void apply_members(struct block *block, const struct patch_member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t at = members[i].index - block->base;

		if (members[i].index < block->base || at >= block->n)
			continue;
		block->members[at].bits = members[i].bits;
		block->members[at].share = members[i].share;
		block->members[at].nexthop = members[i].nexthop;
	}
}

static void apply_ring(const struct image_ring *row, struct ring_change *changes, uint32_t now,
	struct patch *patch)
{
	uint16_t share[MODEL_POOL_MEMBERS];
	struct ring *ring = row->ring;
	size_t n;

	for (uint16_t i = 0; i < row->block->n; i++)
		share[i] = row->block->members[i].share;
	n = ring_update(ring, share, changes);
	for (size_t i = 0; i < n; i++)
		patch->n_slots += slots_follow(&ring->slots, ring, changes[i].slot, now,
			patch->young && ring->proto == IPPROTO_UDP, patch->slots + patch->n_slots);
}

int image_patch(struct image *image, const char *pool, const struct member_state *states, size_t n,
	uint32_t now, struct patch *patch)
{
	_cleanup_(matcher_clear) struct matcher matcher = {.states = states, .n = n};
	_free_ struct ring_change *changes = NULL;
	size_t first = patch->n_members;
	struct parts parts;
	int err;

	if (!*pool)
		return 0; /* adopted blocks: of what pool they are is not known */
	find_parts(image, pool, &parts);
	err = collect(&parts, &matcher, patch);
	if (!err && parts.largest) {
		changes = reallocarray(NULL, parts.largest, sizeof(*changes));
		err = changes ? 0 : -ENOMEM;
	}
	if (err) {
		patch->n_members = first;
		return err;
	}
	for (size_t b = 0; b < parts.n_blocks; b++)
		apply_members(parts.blocks[b], patch->members + first, patch->n_members - first);
	for (size_t r = 0; r < parts.n_rings; r++)
		apply_ring(parts.rings[r], changes, now, patch);
	return 0;
}
