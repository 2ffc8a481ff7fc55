/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ring.h"

#include <errno.h>

static const uint32_t ring_sizes[] = {256, 1024, 4096, 16384, RING_SIZE_MAX};

#define SLOTS_PER_MEMBER 100

uint32_t ring_size_for(size_t members)
{
	if (!members)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ring_sizes); i++)
		if (ring_sizes[i] >= SLOTS_PER_MEMBER * members)
			return ring_sizes[i];
	return RING_SIZE_MAX;
}

bool ring_size_is_valid(uint32_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(ring_sizes); i++)
		if (ring_sizes[i] == size)
			return true;
	return false;
}

/* ---- the base ring ---- */

/* A member while the ring is filled: where it is in its permutation of the slots, and in its turns. */
struct filler {
	uint32_t slot, skip;
	uint32_t weight, accumulated;
	uint16_t index;
};

static int compare_members(const void *left, const void *right)
{
	const struct ring_member *a = left, *b = right;
	int order = addr_compare(&a->addr, &b->addr);

	return order ? order : (int)ntohs(a->port) - (int)ntohs(b->port);
}

/* @members sorted. */
static bool members_are_valid(const struct ring_member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (members[i].index >= RING_MEMBERS_MAX)
			return false;
		if (i && !compare_members(&members[i - 1], &members[i]))
			return false;
	}
	return true;
}

static struct filler filler_of(struct ring *ring, const struct ring_member *member)
{
	__u64 words[3] = {member->addr.d[0], member->addr.d[1], member->port};
	__u64 hash = muster_hash_words(&ring->key, words, ARRAY_SIZE(words));

	ring->seed[member->index] =
		muster_mix64(hash ^ 1) & ~(__u64)0xffff; /* a slot is xored in */
	return (struct filler){
		.slot = muster_reduce((__u32)(hash >> 32), ring->size),
		.skip = 1 + 2 * muster_reduce((__u32)hash, ring->size / 2), /* odd */
		.weight = member->weight,
		.index = member->index,
	};
}

/* The size is a power of two and the skip odd, so it visits every slot before it comes back. */
static uint32_t next_slot(const struct ring *ring, uint32_t slot, uint32_t skip)
{
	slot += skip;
	return slot < ring->size ? slot : slot - ring->size;
}

static void take_turn(struct ring *ring, struct filler *filler)
{
	while (ring->owner[filler->slot] != MUSTER_NONE)
		filler->slot = next_slot(ring, filler->slot, filler->skip);
	ring->owner[filler->slot] = filler->index;
}

/*
 * Rounds until the ring is full. Turns are spread over the rounds by weight, never taken in a row, so
 * that the change of one weight disturbs few turns of the others.
 */
static void fill(struct ring *ring, struct filler *fillers, size_t n)
{
	uint32_t left = ring->size, max = 0;

	for (size_t i = 0; i < n; i++)
		max = MAX(max, fillers[i].weight);
	while (left)
		for (size_t i = 0; i < n && left; i++) {
			fillers[i].accumulated += fillers[i].weight;
			if (fillers[i].accumulated < max)
				continue;
			fillers[i].accumulated -= max;
			take_turn(ring, &fillers[i]);
			left--;
		}
}

static int fill_base(struct ring *ring, const struct ring_member *members, size_t n)
{
	_free_ struct filler *fillers = calloc(MAX(n, 1), sizeof(*fillers));
	size_t weighted = 0;

	if (!fillers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (members[i].weight)
			fillers[weighted++] = filler_of(ring, &members[i]);
	memset(ring->owner, 0xff, ring->size * sizeof(*ring->owner));
	if (weighted)
		fill(ring, fillers, weighted);
	return 0;
}

/* Counts, sums up, then places: the slots of each owner in ascending order. */
static void group_slots(struct ring *ring)
{
	for (uint32_t s = 0; s < ring->size; s++)
		if (ring->owner[s] != MUSTER_NONE)
			ring->first[ring->owner[s]]++;
	for (uint32_t i = 0, sum = 0; i <= ring->n_index; i++) {
		sum += ring->first[i];
		ring->first[i] = sum;
	}
	for (uint32_t s = ring->size; s-- > 0;)
		if (ring->owner[s] != MUSTER_NONE)
			ring->slots_of[--ring->first[ring->owner[s]]] = s;
}

static int ring_alloc(struct ring **ret, uint32_t size, uint16_t n_index)
{
	_cleanup_(ring_unref) struct ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	ring->references = 1;
	ring->size = size;
	ring->n_index = n_index;
	ring->owner = calloc(size, sizeof(*ring->owner));
	ring->current = calloc(size, sizeof(*ring->current));
	ring->slots_of = calloc(size, sizeof(*ring->slots_of));
	ring->nearest = calloc(size, sizeof(*ring->nearest));
	ring->first = calloc(n_index + 1u, sizeof(*ring->first));
	ring->share = calloc(n_index + 1u, sizeof(*ring->share));
	ring->seed = calloc(n_index + 1u, sizeof(*ring->seed));
	if (!ring->owner || !ring->current || !ring->slots_of || !ring->nearest || !ring->first ||
		!ring->share || !ring->seed)
		return -ENOMEM;
	*ret = take_ptr(ring);
	return 0;
}

/* The base ring of those of @members [n], sorted, that are backups or not. */
static int make_base(struct ring **ret, const struct ring_member *members, size_t n, bool backup,
	uint32_t size, const struct muster_hash_key *key)
{
	_free_ struct ring_member *chosen = calloc(MAX(n, 1), sizeof(*chosen));
	_cleanup_(ring_unref) struct ring *ring = NULL;
	uint16_t n_index = 0;
	size_t n_chosen = 0;
	int err;

	if (!chosen)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		n_index = MAX(n_index, members[i].index + 1);
		if (members[i].backup == backup)
			chosen[n_chosen++] = members[i];
	}
	err = ring_alloc(&ring, size, n_index);
	if (err)
		return err;
	ring->key = *key;
	err = fill_base(ring, chosen, n_chosen);
	if (err)
		return err;
	group_slots(ring);
	memcpy(ring->current, ring->owner, size * sizeof(*ring->current));
	memset(ring->share, 0xff, n_index * sizeof(*ring->share)); /* RING_ALL */
	*ret = take_ptr(ring);
	return 0;
}

static bool has_backups(const struct ring_member *members, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (members[i].backup)
			return true;
	return false;
}

int ring_new(struct ring **ret, const struct ring_member *members, size_t n, uint32_t size,
	const struct muster_hash_key *key)
{
	_free_ struct ring_member *sorted = calloc(MAX(n, 1), sizeof(*sorted));
	_cleanup_(ring_unref) struct ring *ring = NULL;
	int err;

	if (!sorted)
		return -ENOMEM;
	if (n)
		memcpy(sorted, members, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_members);
	if (!ring_size_is_valid(size) || !members_are_valid(sorted, n))
		return -EINVAL;
	err = make_base(&ring, sorted, n, false, size, key);
	if (!err && has_backups(sorted, n))
		err = make_base(&ring->backup, sorted, n, true, size, key);
	if (err)
		return err;
	*ret = take_ptr(ring);
	return 0;
}

struct ring *ring_ref(struct ring *ring)
{
	ring->references++;
	return ring;
}

void ring_unref(struct ring **ring)
{
	struct ring *r = *ring;

	*ring = NULL;
	if (!r || --r->references)
		return;
	free(r->owner);
	free(r->current);
	free(r->share);
	free(r->seed);
	free(r->first);
	free(r->slots_of);
	ring_unref(&r->backup);
	slots_clear(&r->slots);
	free(r->nearest);
	free(r);
}
