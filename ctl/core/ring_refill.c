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

/* The owner that one of the probes finds, or MUSTER_NONE and in *ret_last where the walk starts. */
static uint16_t probe(
	const struct ring *ring, uint32_t slot, const bool *usable, uint32_t *ret_last)
{
	for (unsigned k = 1; k <= RING_PROBES; k++) {
		uint32_t at = probe_place(ring, slot, k);

		if (usable[ring->owner[at]])
			return ring->owner[at];
		*ret_last = at;
	}
	return MUSTER_NONE;
}

uint16_t ring_refill(const struct ring *ring, uint32_t slot, const bool *usable)
{
	uint32_t at = 0;
	uint16_t owner;

	/* Weightless rings have no owners at all, others own every slot. */
	if (!n_owned(ring))
		return MUSTER_NONE;
	if (usable[ring->owner[slot]])
		return ring->owner[slot];
	owner = probe(ring, slot, usable, &at);
	for (uint32_t i = 0; owner == MUSTER_NONE && i < ring->size; i++) {
		if (usable[ring->owner[at]])
			owner = ring->owner[at];
		at = at + 1 < ring->size ? at + 1 : 0;
	}
	return owner;
}

/*
 * Where few are usable, most slots need the walk, and each walk is long: 1 usable of 1000 members
 * would take a thousand steps for every slot. One pass over the ring answers all of them.
 */
static void find_nearest(struct ring *ring, const bool *usable)
{
	uint16_t owner = MUSTER_NONE;

	for (uint32_t s = 0; owner == MUSTER_NONE && s < ring->size; s++)
		if (usable[ring->owner[s]])
			owner = ring->owner[s];
	for (uint32_t s = ring->size; s-- > 0;) {
		if (usable[ring->owner[s]])
			owner = ring->owner[s];
		ring->nearest[s] = owner;
	}
}

/* What differs between the usable members of now and of the last update. */
struct difference {
	bool any_usable; /* among those that own slots */
	bool came_back;	 /* some member did; else the usable set only shrank */
	bool walked;	 /* `nearest` is filled */
};

static uint16_t substitute(
	struct ring *ring, uint32_t slot, const bool *usable, struct difference *difference)
{
	uint16_t current = ring->current[slot], owner;
	uint32_t last = 0;

	if (!difference->any_usable)
		return MUSTER_NONE;
	if (!difference->came_back && current != MUSTER_NONE && usable[current])
		return current;
	owner = probe(ring, slot, usable, &last);
	if (owner != MUSTER_NONE)
		return owner;
	if (!difference->walked)
		find_nearest(ring, usable);
	difference->walked = true;
	return ring->nearest[last];
}

static bool is_same(const struct ring *ring, const bool *usable)
{
	return !memcmp(ring->usable, usable, ring->n_index * sizeof(*usable));
}

size_t ring_update_max(const struct ring *ring, const bool *usable)
{
	size_t n = 0;

	if (is_same(ring, usable))
		return 0;
	for (uint16_t i = 0; i < ring->n_index; i++)
		if (!ring->usable[i] || !usable[i])
			n += ring->first[i + 1] - ring->first[i];
	return n;
}

static struct difference compare(const struct ring *ring, const bool *usable)
{
	struct difference difference = {};

	for (uint16_t i = 0; i < ring->n_index; i++) {
		if (ring->first[i] == ring->first[i + 1])
			continue;
		difference.any_usable |= usable[i];
		difference.came_back |= usable[i] && !ring->usable[i];
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
	slot = ring->slots[s + AHEAD];
	__builtin_prefetch(&ring->current[slot], 1);
	__builtin_prefetch(&ring->owner[probe_place(ring, slot, 1)]);
}

/* Brings the slots of one owner in line. Returns the number of changes. */
static size_t update_owner(struct ring *ring, uint16_t owner, const bool *usable,
	struct difference *difference, struct ring_change *ret_changes)
{
	uint32_t end = ring->first[owner + 1];
	size_t n = 0;

	for (uint32_t s = ring->first[owner]; s < end; s++) {
		uint32_t slot = ring->slots[s];
		uint16_t current;

		fetch_ahead(ring, s, end);
		current = usable[owner] ? owner : substitute(ring, slot, usable, difference);
		if (current == ring->current[slot])
			continue;
		ring->current[slot] = current;
		if (ret_changes)
			ret_changes[n] = (struct ring_change){slot, current};
		n++;
	}
	return n;
}

size_t ring_update(struct ring *ring, const bool *usable, struct ring_change *ret_changes)
{
	struct difference difference;
	size_t n = 0;

	if (is_same(ring, usable))
		return 0;
	difference = compare(ring, usable);
	for (uint16_t i = 0; i < ring->n_index; i++)
		if (!ring->usable[i] || !usable[i])
			n += update_owner(
				ring, i, usable, &difference, ret_changes ? ret_changes + n : NULL);
	memcpy(ring->usable, usable, ring->n_index * sizeof(*usable));
	return n;
}
