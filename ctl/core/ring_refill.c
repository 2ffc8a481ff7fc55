/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ring.h"

static uint32_t n_owned(const struct ring *ring)
{
	return ring->first[ring->n_index];
}

/* Where probe @k of @slot looks. */
static uint32_t probe_place(const struct ring *ring, uint32_t slot, unsigned k)
{
	__u64 hash = muster_mix64(ring->key.k[0] ^ ((__u64)slot << 16) ^ k);

	return muster_reduce((__u32)(hash >> 32), ring->size);
}

/*
 * Is @slot of the share of @member? As the share grows it gets more slots and loses none. By the member's
 * address, not its index, so that every balancer says the same.
 */
static bool takes(const struct ring *ring, const uint16_t *share, uint32_t slot, uint16_t member)
{
	uint16_t all = share[member];

	if (all == RING_ALL || !all)
		return all;
	return (uint16_t)(muster_mix64(ring->seed[member] ^ slot) >> 48) < all;
}

/* The owner that one of the probes finds, or MUSTER_NONE and in *ret_last where the walk starts. */
static uint16_t probe(
	const struct ring *ring, uint32_t slot, const uint16_t *share, uint32_t *ret_last)
{
	for (unsigned k = 1; k <= RING_PROBES; k++) {
		uint32_t at = probe_place(ring, slot, k);

		if (takes(ring, share, slot, ring->owner[at]))
			return ring->owner[at];
		*ret_last = at;
	}
	return MUSTER_NONE;
}

static uint16_t refill_base(const struct ring *ring, uint32_t slot, const uint16_t *share)
{
	uint32_t at = 0;
	uint16_t owner;

	/* Weightless rings have no owners at all, others own every slot. */
	if (!n_owned(ring))
		return MUSTER_NONE;
	if (takes(ring, share, slot, ring->owner[slot]))
		return ring->owner[slot];
	owner = probe(ring, slot, share, &at);
	for (uint32_t i = 0; owner == MUSTER_NONE && i < ring->size; i++) {
		if (share[ring->owner[at]])
			owner = ring->owner[at];
		at = at + 1 < ring->size ? at + 1 : 0;
	}
	return owner;
}

uint16_t ring_refill(const struct ring *ring, uint32_t slot, const uint16_t *share)
{
	uint16_t owner = refill_base(ring, slot, share);

	return owner == MUSTER_NONE && ring->backup ? refill_base(ring->backup, slot, share)
						    : owner;
}

/*
 * Where few are usable, most slots need the walk, and each walk is long: 1 usable of 1000 members
 * would take a thousand steps for every slot. One pass over the ring answers all of them.
 */
static void find_nearest(struct ring *ring, const uint16_t *share)
{
	uint16_t owner = MUSTER_NONE;

	for (uint32_t s = 0; owner == MUSTER_NONE && s < ring->size; s++)
		if (share[ring->owner[s]])
			owner = ring->owner[s];
	for (uint32_t s = ring->size; s-- > 0;) {
		if (share[ring->owner[s]])
			owner = ring->owner[s];
		ring->nearest[s] = owner;
	}
}

/* What differs between the shares of now and of the last update. */
struct difference {
	bool any_usable; /* among those that own slots */
	bool grew;	 /* some share did; else they only shrank */
	bool walked;	 /* `nearest` is filled */
};

static uint16_t substitute(
	struct ring *ring, uint32_t slot, const uint16_t *share, struct difference *difference)
{
	uint16_t current = ring->current[slot], owner;
	uint32_t last = 0;

	if (!difference->any_usable)
		return MUSTER_NONE;
	if (!difference->grew && current != MUSTER_NONE && takes(ring, share, slot, current))
		return current;
	owner = probe(ring, slot, share, &last);
	if (owner != MUSTER_NONE)
		return owner;
	if (!difference->walked)
		find_nearest(ring, share);
	difference->walked = true;
	return ring->nearest[last];
}

static bool is_same(const struct ring *ring, const uint16_t *share)
{
	return !memcmp(ring->share, share, ring->n_index * sizeof(*share));
}

static bool is_whole(const struct ring *ring, const uint16_t *share, uint16_t member)
{
	return ring->share[member] == RING_ALL && share[member] == RING_ALL;
}

size_t ring_update_max(const struct ring *ring, const uint16_t *share)
{
	size_t n = 0;

	if (is_same(ring, share))
		return 0;
	if (ring->backup)
		return ring->size;
	for (uint16_t i = 0; i < ring->n_index; i++)
		if (!is_whole(ring, share, i))
			n += ring->first[i + 1] - ring->first[i];
	return n;
}

static struct difference compare(const struct ring *ring, const uint16_t *share)
{
	struct difference difference = {};

	for (uint16_t i = 0; i < ring->n_index; i++) {
		if (ring->first[i] == ring->first[i + 1])
			continue;
		difference.any_usable |= share[i] > 0;
		difference.grew |= share[i] > ring->share[i];
	}
	return difference;
}

/*
 * Many rings do not fit into the cache and are read at random, so what a slot needs is asked for
 * while the ones before it are worked on: with 100 rings this saves a third. Inlined, because gcc
 * takes a function that only prefetches for one without effect and drops the call.
 */
MUSTER_INLINE void fetch_ahead(const struct ring *ring, uint32_t s, uint32_t end)
{
	enum { AHEAD = 8 };
	uint32_t slot;

	if (s + AHEAD >= end)
		return;
	slot = ring->slots_of[s + AHEAD];
	__builtin_prefetch(&ring->current[slot], 1);
	__builtin_prefetch(&ring->owner[probe_place(ring, slot, 1)]);
}

/* Brings the slots of one owner in line. Returns the number of changes. */
static size_t update_owner(struct ring *ring, uint16_t owner, const uint16_t *share,
	struct difference *difference, struct ring_change *ret_changes)
{
	uint32_t end = ring->first[owner + 1];
	size_t n = 0;

	for (uint32_t s = ring->first[owner]; s < end; s++) {
		uint32_t slot = ring->slots_of[s];
		uint16_t current;

		fetch_ahead(ring, s, end);
		current = takes(ring, share, slot, owner)
				  ? owner
				  : substitute(ring, slot, share, difference);
		if (current == ring->current[slot])
			continue;
		ring->current[slot] = current;
		if (ret_changes)
			ret_changes[n] = (struct ring_change){slot, current};
		n++;
	}
	return n;
}

static size_t update_base(struct ring *ring, const uint16_t *share, struct ring_change *ret_changes)
{
	struct difference difference = compare(ring, share);
	size_t n = 0;

	for (uint16_t i = 0; i < ring->n_index; i++)
		if (!is_whole(ring, share, i))
			n += update_owner(
				ring, i, share, &difference, ret_changes ? ret_changes + n : NULL);
	memcpy(ring->share, share, ring->n_index * sizeof(*share));
	return n;
}

static bool is_empty(const struct ring *ring)
{
	return ring->current[0] == MUSTER_NONE;
}

size_t ring_update(struct ring *ring, const uint16_t *share, struct ring_change *ret_changes)
{
	bool was_empty = is_empty(ring);
	size_t n;

	if (is_same(ring, share))
		return 0;
	n = update_base(ring, share, ret_changes);
	if (!ring->backup)
		return n;
	update_base(ring->backup, share, NULL);
	if (!was_empty && !is_empty(ring))
		return n;
	/* The backups come in or go out: every slot may be another's now. */
	for (uint32_t slot = 0; ret_changes && slot < ring->size; slot++)
		ret_changes[slot] = (struct ring_change){slot, ring_current(ring, slot)};
	return ring->size;
}
