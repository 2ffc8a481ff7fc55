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

/* Appends the members of @block that change; usable[0 .. n-1]: as they will be. */
static int collect_members(
	const struct block *block, struct matcher *matcher, struct patch *patch, bool *usable)
{
	for (uint16_t i = 0; i < block->n; i++) {
		const struct image_member *member = &block->members[i];
		const struct member_state *state = NULL;
		struct bits bits;

		usable[i] = member->bits.new_ok;
		if (!member->identity)
			continue;
		if (match(matcher, member->identity, &state))
			return -ENOMEM;
		if (!state)
			continue;
		bits = member_state_bits(state, block->class);
		usable[i] = bits.new_ok;
		if (bits.new_ok == member->bits.new_ok && bits.old_ok == member->bits.old_ok &&
			state->nexthop == member->nexthop)
			continue;
		if (util_grow(&patch->members, patch->n_members, sizeof(*patch->members)))
			return -ENOMEM;
		patch->members[patch->n_members++] =
			(struct patch_member){block->base + i, state->nexthop, bits};
	}
	return 0;
}

/* The largest and the sum of what the rings of a pool may change. */
struct room {
	size_t one, all;
};

static void add_room(
	struct room *room, const struct image *image, const struct block *block, const bool *usable)
{
	for (size_t r = 0; r < image->n_rings; r++) {
		size_t n;

		if (image->rings[r].block != block)
			continue;
		n = ring_update_max(image->rings[r].ring, usable);
		room->one = MAX(room->one, n);
		room->all += n;
	}
}

static bool is_of_pool(const struct block *block, const char *pool)
{
	return !strcmp(block->pool, pool);
}

static int collect(const struct image *image, const char *pool, struct matcher *matcher,
	struct patch *patch, struct room *room)
{
	bool usable[MODEL_POOL_MEMBERS];

	for (size_t b = 0; b < image->n_blocks; b++) {
		if (!is_of_pool(image->blocks[b], pool))
			continue;
		matcher->next = 0;
		if (collect_members(image->blocks[b], matcher, patch, usable))
			return -ENOMEM;
		add_room(room, image, image->blocks[b], usable);
	}
	return util_reserve(&patch->slots, patch->n_slots, room->all, sizeof(*patch->slots));
}

/* ---- 2: the change, which cannot fail any more ---- */

static void apply_members(struct block *block, const struct patch_member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t at = members[i].index - block->base;

		if (members[i].index < block->base || at >= block->n)
			continue;
		block->members[at].bits = members[i].bits;
		block->members[at].nexthop = members[i].nexthop;
	}
}

static void apply_ring(
	struct ring *ring, const bool *usable, struct ring_change *changes, struct patch *patch)
{
	size_t n = ring_update(ring, usable, changes);

	/* Every slot is stable: nothing is tracked across a change in this version. */
	for (size_t i = 0; i < n; i++)
		patch->slots[patch->n_slots++] = (struct patch_slot){ring->base + changes[i].slot,
			MUSTER_SLOT(changes[i].current, changes[i].current)};
}

static void apply(struct image *image, const char *pool, size_t first_member,
	struct ring_change *changes, struct patch *patch)
{
	bool usable[MODEL_POOL_MEMBERS];

	for (size_t b = 0; b < image->n_blocks; b++) {
		struct block *block = image->blocks[b];

		if (!is_of_pool(block, pool))
			continue;
		apply_members(
			block, patch->members + first_member, patch->n_members - first_member);
		for (uint16_t i = 0; i < block->n; i++)
			usable[i] = block->members[i].bits.new_ok;
		for (size_t r = 0; r < image->n_rings; r++)
			if (image->rings[r].block == block)
				apply_ring(image->rings[r].ring, usable, changes, patch);
	}
}

int image_patch(struct image *image, const char *pool, const struct member_state *states, size_t n,
	struct patch *patch)
{
	_cleanup_(matcher_clear) struct matcher matcher = {.states = states, .n = n};
	_free_ struct ring_change *changes = NULL;
	size_t first_member = patch->n_members;
	struct room room = {};

	if (!*pool)
		return 0;
	if (collect(image, pool, &matcher, patch, &room) ||
		!(changes = reallocarray(NULL, MAX(room.one, 1), sizeof(*changes)))) {
		patch->n_members = first_member;
		return -ENOMEM;
	}
	apply(image, pool, first_member, changes, patch);
	return 0;
}
