/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The consistent-hash ring of a (pool, class, protocol).
 *
 * Base: weighted Maglev (Eisenbud et al., "Maglev", NSDI 2016, section 3.4) over all configured
 * members with weight > 0, whatever their health. Turns are smooth: a member's turn comes when its
 * accumulated weight passes the maximum. Permutations are generated lazily (O(members) memory) from a
 * keyed hash of address:port, and members are taken in the order of address:port, so every balancer
 * with the same key builds the same ring.
 *
 * Refill: a slot whose owner may not take new flows is given to the first usable owner found by
 * probing the base ring at hash(slot, 1), hash(slot, 2), ..., hash(slot, RING_PROBES) and from there
 * slot by slot; a pure function of (base ring, shares). The order in which a slot meets the owners does
 * not depend on who is usable, so a member that goes down moves no slot that another one holds, and its
 * return restores exactly what it held. A member with a share below RING_ALL (slow start, a lowered
 * weight) takes that part of the slots it would take, and as the share grows, only more of them.
 *
 * Backups have a base ring of their own, which counts while nobody of the first one is usable.
 */
#ifndef MUSTER_CORE_RING_H
#define MUSTER_CORE_RING_H

#include "core/addr.h"
#include "core/slots.h"
#include "core/util.h"

#define RING_SIZE_MAX	 65536
#define RING_MEMBERS_MAX 4096 /* member indexes are below */
/*
 * With a tenth of the weight usable, 4 of 5 refilled slots find their owner within so many probes;
 * the walk that follows is only less even.
 */
#define RING_PROBES	 16

/* A member as the ring sees it; @index is what the slots store (member index in its block). */
struct ring_member {
	struct muster_addr addr;
	__be16 port;
	uint16_t index;
	uint16_t weight;
	bool backup;
};

#define RING_ALL 0xffff /* share of a member that takes all of its slots; 0: none */

/*
 * Of the sizes 256, 1024, 4096, 16384, 65536 the smallest that is >= 100 x members. 0 members: 0.
 *
 * Maglev takes prime sizes, so that any skip is a permutation. Here they are powers of two with odd skips:
 * each slot of a ring is then a whole number of slots of the next larger one, and the flows of a slot keep
 * their owner when the ring grows or shrinks.
 */
uint32_t ring_size_for(size_t members);

/* Is @size one of those? */
bool ring_size_is_valid(uint32_t size);

struct ring {
	uint32_t size;
	uint8_t proto; /* IPPROTO_TCP, IPPROTO_UDP */
	struct muster_hash_key key;
	uint16_t *owner; /* [size] base ring: member index */
	uint16_t
		*current; /* [size] after refill: member index or MUSTER_NONE; see ring_current() */
	uint16_t n_index; /* 1 + the largest member index */
	uint16_t *share;  /* [n_index] of each member, as `current` has it */
	uint64_t *seed;	  /* [n_index] which slots make up a share */
	uint32_t *
		first; /* [n_index + 1] offsets into slots_of: the base slots of each member index */
	uint32_t *slots_of; /* [size] slot numbers, grouped by owner */
	uint16_t *nearest;  /* [size] room for ring_update(): the usable owner at or after a slot */
	struct ring *backup; /* NULL: no member is one */
	struct slots slots;  /* what stands in the arena */
	unsigned references;
};

/*
 * Builds the base ring; all are usable, current = owner. Members in any order, weight 0 owns nothing;
 * no member with weight: all slots MUSTER_NONE. 0, -EINVAL (size, index >= RING_MEMBERS_MAX or a
 * duplicate address:port) or -ENOMEM. Cost: about 1.2 ms for 65536 slots.
 */
int ring_new(struct ring **ret, const struct ring_member *members, size_t n, uint32_t size,
	const struct muster_hash_key *key);
struct ring *ring_ref(struct ring *ring);
void ring_unref(struct ring **ring);

/* Who has @slot: MUSTER_NONE if nobody. */
static inline uint16_t ring_current(const struct ring *ring, uint32_t slot)
{
	uint16_t current = ring->current[slot];

	return current == MUSTER_NONE && ring->backup ? ring->backup->current[slot] : current;
}

/* Who gets @slot with those shares [n_index]: MUSTER_NONE if nobody. */
uint16_t ring_refill(const struct ring *ring, uint32_t slot, const uint16_t *share);

/* A slot that was given to @current, perhaps not for the first time. */
struct ring_change {
	uint32_t slot; /* in the ring */
	uint16_t current;
};

/*
 * The most changes that ring_update() may make: 0 if @share [n_index] is what the ring has, else the
 * number of slots whose owner had or has less than all (no others are looked at).
 */
size_t ring_update_max(const struct ring *ring, const uint16_t *share);

/*
 * Brings `current` in line with @share [n_index]. @ret_changes: room for ring_update_max() rows, or
 * NULL. Returns the number of changes. Needs no memory, so it cannot fail half-way.
 */
size_t ring_update(struct ring *ring, const uint16_t *share, struct ring_change *ret_changes);

#endif
