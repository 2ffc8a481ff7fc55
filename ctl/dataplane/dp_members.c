/* SPDX-License-Identifier: BSD-2-Clause */
/* The member table through a flip. */
#include "dataplane/dp_internal.h"

#define STORE(at, value) __atomic_store_n(at, value, __ATOMIC_RELAXED)

/* ---- stage ---- */

static void stage_member(
	const struct dataplane *dp, uint32_t index, const struct image_member *member)
{
	struct muster_member *at = &dp->members[index];

	at->addr = member->addr;
	at->port = member->port;
	at->token = member->token;
	STORE(&at->nexthop, member->nexthop);
	STORE(&at->new_ok, member->bits.new_ok);
	STORE(&at->old_ok, member->bits.old_ok);
	__atomic_store_n(&at->identity, member->identity, __ATOMIC_RELEASE);
}

/* @near: where the last one was found; blocks mostly stand in the same order. */
static const struct block *block_at(const struct image *image, uint32_t base, size_t *near)
{
	for (size_t i = 0; i < image->n_blocks; i++) {
		size_t at = (*near + i) % image->n_blocks;

		if (image->blocks[at]->base != base)
			continue;
		*near = at + 1;
		return image->blocks[at];
	}
	return NULL;
}

static bool has_member(const struct block *block, uint16_t index, const struct image_member *member)
{
	return block && index < block->n && block->members[index].identity == member->identity &&
	       block->members[index].token == member->token;
}

/*
 * Members of the live image keep the bits and the next hop that stand in the table: a patch may have stored
 * them a moment ago, and the planner's copy is older. What else stands there was left by an earlier musterd,
 * and nobody reads it.
 */
static void stage_block(
	const struct dataplane *dp, const struct block *block, const struct block *previous)
{
	if (!previous)
		memset(&dp->members[block->base], 0, block->capacity * sizeof(*dp->members));
	for (uint16_t m = 0; block != previous && m < block->n; m++)
		if (block->members[m].identity && !has_member(previous, m, &block->members[m]))
			stage_member(dp, block->base + m, &block->members[m]);
}

void dp_stage_members(
	const struct dataplane *dp, const struct image *previous, const struct image *next)
{
	size_t near = 0;

	for (size_t b = 0; b < next->n_blocks; b++)
		stage_block(dp, next->blocks[b], block_at(previous, next->blocks[b]->base, &near));
}

/* ---- retire ---- */

static const struct image_member *member_at(const struct image *image, uint32_t index)
{
	for (size_t b = 0; b < image->n_blocks; b++) {
		const struct block *block = image->blocks[b];

		if (index >= block->base && index < block->base + block->n)
			return &block->members[index - block->base];
	}
	return NULL;
}

static bool keeps_block(const struct image *next, const struct block *block)
{
	for (size_t b = 0; b < next->n_blocks; b++)
		if (next->blocks[b] == block)
			return true;
	return false;
}

static void leave_block(
	const struct dataplane *dp, const struct block *block, const struct image *next)
{
	for (uint16_t m = 0; m < block->n; m++) {
		const struct image_member *now = member_at(next, block->base + m);
		struct muster_member *at = &dp->members[block->base + m];

		if (!block->members[m].identity || (now && now->identity))
			continue;
		STORE(&at->new_ok, false);
		STORE(&at->old_ok, false);
	}
}

void dataplane_leave(struct dataplane *dp, const struct image *previous, const struct image *next)
{
	for (size_t b = 0; b < previous->n_blocks; b++)
		if (!keeps_block(next, previous->blocks[b]))
			leave_block(dp, previous->blocks[b], next);
}

static void retire_block(
	const struct dataplane *dp, const struct block *block, const struct image *next)
{
	for (uint16_t m = 0; m < block->n; m++) {
		const struct image_member *now = member_at(next, block->base + m);

		if (!block->members[m].identity || (now && now->identity))
			continue;
		dp->members[block->base + m] = (struct muster_member){};
		dp_zero_counters(dp, DP_member_counters, block->base + m);
	}
}

void dp_retire_members(
	const struct dataplane *dp, const struct image *previous, const struct image *next)
{
	for (size_t b = 0; b < previous->n_blocks; b++)
		if (!keeps_block(next, previous->blocks[b]))
			retire_block(dp, previous->blocks[b], next);
}
