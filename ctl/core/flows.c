/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/flows.h"

#include "core/slot.h"

static struct flows_member *owner_of(const struct flows_sweep *sweep, uint64_t who)
{
	uint32_t token = (uint32_t)who, epoch = MUSTER_TOKEN_EPOCH(token);

	if (epoch >= sweep->n_members || sweep->members[epoch].token != token)
		return NULL;
	return &sweep->members[epoch];
}

static uint32_t idle_for(const struct flows_sweep *sweep, uint64_t when)
{
	uint32_t seen = (uint32_t)(when >> 8) & MUSTER_FLOW_CLOCK_MASK;
	uint32_t age = (sweep->clock - seen) & MUSTER_FLOW_CLOCK_MASK;

	if (age > MUSTER_FLOW_CLOCK_MASK / 2) /* stamped after the clock was read */
		return 0;
	return MIN(age, sweep->clock - sweep->floor);
}

static bool is_over(const struct flows_sweep *sweep, uint64_t when)
{
	uint32_t limit =
		when & MUSTER_FLOW_UDP ? MAX(sweep->udp_s, (uint32_t)FLOWS_UDP_S) : sweep->tcp_s;

	if (when & (MUSTER_FLOW_OPENING | MUSTER_FLOW_CLOSING))
		limit = MIN(limit, FLOWS_BRIEF_S);
	return idle_for(sweep, when) > limit;
}

/*
 * Does the entry say what its slot says without it? Not in a slot that moves: there it also says that the flow
 * was seen. Marks a pinned slot that needs it as held.
 */
static bool is_redundant(struct flows_ring *ring, uint64_t who)
{
	uint32_t at = muster_flow_slot((uint32_t)(who >> 32), ring->n);
	uint32_t slot = __atomic_load_n(&ring->slots[at], __ATOMIC_RELAXED);

	if (slot == MUSTER_SLOT_EMPTY || slot_is_moving(slot))
		return false;
	if (slot_is_stable(slot) || MUSTER_TOKEN_INDEX((uint32_t)who) == MUSTER_SLOT_CURRENT(slot))
		return true;
	ring->held[at] = 1;
	return false;
}

/*
 * Recorded at this very moment, and @when is being written: nobody knows yet of which ring the flow is. If it
 * never is, the flow counts as seen now.
 */
static void keep_new(const struct flows_sweep *sweep, struct muster_flow *way, uint64_t who)
{
	struct flows_member *owner = owner_of(sweep, who);
	uint64_t when = 0;

	if (owner->tcp)
		is_redundant(owner->tcp, who);
	if (owner->udp)
		is_redundant(owner->udp, who);
	__atomic_compare_exchange_n(&way->when, &when,
		(uint64_t)(sweep->clock & MUSTER_FLOW_CLOCK_MASK) << 8, false, __ATOMIC_RELAXED,
		__ATOMIC_RELAXED);
}

/* Of a member that there is. */
static bool is_needed(const struct flows_sweep *sweep, uint64_t who, uint64_t when)
{
	struct flows_member *owner = owner_of(sweep, who);
	struct flows_ring *ring = when & MUSTER_FLOW_UDP ? owner->udp : owner->tcp;

	if (!ring || is_over(sweep, when) || is_redundant(ring, who))
		return false;
	owner->flows += !(when & MUSTER_FLOW_CLOSING);
	return true;
}

/*
 * By compare-and-exchange: what is there meanwhile is not what was judged. A @when of old goes with it, or the
 * next entry in this place would look old until its own is written.
 */
static void remove_flow(
	struct flows_sweep *sweep, struct muster_flow *way, uint64_t who, uint64_t when)
{
	uint64_t now = (uint64_t)(sweep->clock & MUSTER_FLOW_CLOCK_MASK) << 8;

	if (!__atomic_compare_exchange_n(
		    &way->who, &who, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return;
	sweep->removed++;
	if ((when & MUSTER_FLOW_SEEN) != now)
		__atomic_compare_exchange_n(
			&way->when, &when, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void sweep_way(struct flows_sweep *sweep, struct muster_flow *way, bool all)
{
	uint64_t who = __atomic_load_n(&way->who, __ATOMIC_ACQUIRE);
	uint64_t when = __atomic_load_n(&way->when, __ATOMIC_RELAXED);

	if (!(uint32_t)who)
		return;
	if (!owner_of(sweep, who) || (all && when && !is_needed(sweep, who, when))) {
		remove_flow(sweep, way, who, when);
		return;
	}
	if (!when && all)
		keep_new(sweep, way, who);
	sweep->entries++;
}

static void sweep_table(struct flows_sweep *sweep, bool all)
{
	for (size_t b = 0; b < sweep->n_buckets; b++)
		for (int i = 0; i < MUSTER_FLOW_WAYS; i++)
			sweep_way(sweep, &sweep->buckets[b].way[i], all);
}

void flows_sweep(struct flows_sweep *sweep)
{
	sweep_table(sweep, true);
}

void flows_forget(struct flows_sweep *sweep)
{
	sweep_table(sweep, false);
}
