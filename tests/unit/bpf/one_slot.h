/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One slot, its members and the flows that fall into it, all of them in one pair of buckets of the flow table: what a
 * state of the model is, and how it gets into the tables that the code under test works on, and back.
 *
 * A packet is one step. What happens between two CPUs is not in the model; test_track_threads.c has that.
 */
#ifndef MUSTER_TESTS_ONE_SLOT_H
#define MUSTER_TESTS_ONE_SLOT_H

#include "tracking.h"

#include "core/flows.h"
#include "core/ring.h"

enum { ONE_SLOT_MEMBERS = 3, ONE_SLOT_FLOWS = 3, ONE_SLOT_NOBODY = 3 };

enum one_slot_health { ONE_SLOT_UP, ONE_SLOT_SOFT, ONE_SLOT_DOWN };

/* Deliberately broken rules: the check has to find each of them. */
enum one_slot_fault {
	FAULT_NONE,
	FAULT_BACK_IS_STABLE,	  /* a change back to the owner of the old flows: {X, X} */
	FAULT_LAST_CURRENT,	  /* previous is whoever was current last */
	FAULT_DROP_DOWN_PREVIOUS, /* a previous that is down is forgotten */
	FAULT_FULL_TO_CURRENT,	  /* table full: a SYN goes to current, unrecorded */
	FAULT_AGE_UNSEEN,	  /* moving ends by time alone, although inserts failed */
	FAULT_SWEEP_MOVING,	  /* entries that equal current go, in moving slots too */
	FAULT_NO_ISN,		  /* a forged SYN is as good as a real one */
	FAULT_EVICT,		  /* table full: another flow's entry makes room */
	FAULT_NOT_HELD,		  /* pinned becomes stable, whatever is recorded */
	FAULT_SYN_LEAVES_ENTRY,	  /* a SYN that goes elsewhere leaves its entry as it is */
	FAULT_NO_OWNER_STAYS,	  /* a ring made anew: all slots stable */
	FAULTS,
};

/* What may happen beyond the ordinary. Each is an exception that docs/flows.md has a sentence for. */
enum one_slot_beyond {
	BEYOND_FORGED_OPENING = 1, /* a forged SYN or segment before a flow's first segment */
	BEYOND_FORGED_FIN = 2,	   /* a forged FIN or RST of an open flow */
	BEYOND_HALF_CLOSED = 4,	   /* a forged SYN of a flow that its client has closed */
	BEYOND_SILENT = 8,	   /* a half-closed flow is silent for a minute */
	BEYOND_RETRANSMITTED = 16, /* both SYN-ACKs of a retransmitted SYN count */
	BEYOND_FORGED_DOWN = 32,   /* a forged SYN or segment while a flow's member is down */
	BEYOND_FORGED_BOTH = 64,   /* a forged segment fits a forged SYN */
	BEYOND_UDP_FULL = 128,	   /* a datagram comes when the table is full and its member down */
};

struct one_slot {
	const char *name;
	unsigned flows;
	uint8_t kind;  /* TRACK_SEGMENT: TCP; TRACK_DATAGRAM: UDP */
	uint8_t flags; /* enum muster_service_flag */
	bool full;     /* the table may be full */
	bool forged;   /* SYNs and segments may be forged */
	bool closing;  /* clients close their half first */
	bool leaving;  /* members may be replaced */
	unsigned beyond;
	enum one_slot_fault fault;
};

struct one_slot_flow {
	uint8_t owner;		      /* ONE_SLOT_NOBODY: closed */
	uint8_t entry;		      /* whose it is recorded to be; ONE_SLOT_NOBODY: not */
	bool opening, closing, other; /* of the entry; its ISN is not the flow's */
	bool seen;		      /* since the slot began to move, and recorded then */
	bool fresh;		      /* no segment since its SYN */
	bool ended;		      /* the client has closed its half */
};

struct one_slot_state {
	uint32_t word; /* the slot */
	uint8_t health[ONE_SLOT_MEMBERS];
	struct one_slot_flow flow[ONE_SLOT_FLOWS];
};

/*
 * ---- a state as a number. Flows are alike, and so are members: their order is no part of it ----
 *
 * @as[member]: its number there; as[ONE_SLOT_NOBODY] is ONE_SLOT_NOBODY.
 */

enum { ONE_SLOT_UNUSED = ONE_SLOT_NOBODY | ONE_SLOT_NOBODY << 2 }; /* comes out as 0, and last */

TRACKING_INLINE uint32_t one_slot_pack_flow(const struct one_slot_flow *flow, const uint8_t *as)
{
	return ((as[flow->owner] | as[flow->entry] << 2) ^ ONE_SLOT_UNUSED) | flow->opening << 4 |
	       flow->closing << 5 | flow->other << 6 | flow->seen << 7 | flow->fresh << 8 |
	       flow->ended << 9;
}

TRACKING_INLINE struct one_slot_flow one_slot_unpack_flow(uint64_t bits)
{
	bits ^= ONE_SLOT_UNUSED;
	return (struct one_slot_flow){
		.owner = bits & 3,
		.entry = bits >> 2 & 3,
		.opening = bits >> 4 & 1,
		.closing = bits >> 5 & 1,
		.other = bits >> 6 & 1,
		.seen = bits >> 7 & 1,
		.fresh = bits >> 8 & 1,
		.ended = bits >> 9 & 1,
	};
}

TRACKING_INLINE void one_slot_order(uint32_t *a, uint32_t *b)
{
	uint32_t low = MIN(*a, *b), high = MAX(*a, *b);

	*a = high;
	*b = low;
}

TRACKING_INLINE uint64_t one_slot_pack_as(const struct one_slot_state *state, const uint8_t *as)
{
	uint64_t bits = 0, health = 0;
	uint32_t flow[ONE_SLOT_FLOWS];

	for (int i = 0; i < ONE_SLOT_FLOWS; i++)
		flow[i] = one_slot_pack_flow(&state->flow[i], as);
	one_slot_order(&flow[0], &flow[1]);
	one_slot_order(&flow[1], &flow[2]);
	one_slot_order(&flow[0], &flow[1]);
	for (int i = 0; i < ONE_SLOT_FLOWS; i++)
		bits = bits << 10 | flow[i];
	for (int m = 0; m < ONE_SLOT_MEMBERS; m++)
		health |= (uint64_t)state->health[m] << 2 * (2 - as[m]);
	bits = bits << 6 | health;
	bits = bits << 2 | as[MUSTER_SLOT_CURRENT(state->word) & 3];
	return bits << 2 | as[MUSTER_SLOT_PREVIOUS(state->word) & 3];
}

/* What a member is to the slot: only those that are the same may change places. */
TRACKING_INLINE unsigned one_slot_rank(const struct one_slot_state *state, uint32_t member)
{
	return state->health[member] + 4 * (MUSTER_SLOT_PREVIOUS(state->word) != member) +
	       8 * (MUSTER_SLOT_CURRENT(state->word) != member);
}

TRACKING_INLINE uint64_t one_slot_pack(const struct one_slot_state *state)
{
	static const uint8_t orders[6][4] = {
		{0, 1, 2, 3}, {0, 2, 1, 3}, {1, 0, 2, 3}, {1, 2, 0, 3}, {2, 0, 1, 3}, {2, 1, 0, 3}};
	unsigned rank[ONE_SLOT_MEMBERS];
	uint64_t least = UINT64_MAX;

	for (uint32_t m = 0; m < ONE_SLOT_MEMBERS; m++)
		rank[m] = one_slot_rank(state, m);
	for (int i = 0; i < 6; i++) {
		const uint8_t *as = orders[i];
		unsigned sorted[ONE_SLOT_MEMBERS];

		for (int m = 0; m < ONE_SLOT_MEMBERS; m++)
			sorted[as[m]] = rank[m];
		if (sorted[0] <= sorted[1] && sorted[1] <= sorted[2])
			least = MIN(least, one_slot_pack_as(state, as));
	}
	return least;
}

TRACKING_INLINE uint32_t one_slot_member(uint64_t bits)
{
	return (bits & 3) == ONE_SLOT_NOBODY ? MUSTER_NONE : (uint32_t)(bits & 3);
}

TRACKING_INLINE struct one_slot_state one_slot_unpack(uint64_t bits)
{
	struct one_slot_state state = {
		.word = MUSTER_SLOT(one_slot_member(bits >> 2), one_slot_member(bits))};

	bits >>= 4;
	for (int m = ONE_SLOT_MEMBERS - 1; m >= 0; m--, bits >>= 2)
		state.health[m] = bits & 3;
	for (int i = ONE_SLOT_FLOWS - 1; i >= 0; i--, bits >>= 10)
		state.flow[i] = one_slot_unpack_flow(bits);
	return state;
}

/* ---- the tables ---- */

#define ONE_SLOT_ISN(i)	 (0x10000000u * ((i) + 1))
#define ONE_SLOT_OTHER	 0xf0000000u	  /* an ISN that no segment of a flow fits */
#define ONE_SLOT_TAG(i)	 (100u + 2 * (i)) /* even: first and second bucket are not the same */
#define ONE_SLOT_CLOCK	 100000u
#define ONE_SLOT_FOREIGN 999u /* tag of entries of other slots */

static struct muster_flow_bucket one_slot_buckets[2];
static struct muster_member one_slot_members[ONE_SLOT_MEMBERS];
static struct muster_tracking one_slot_tracking;

/* Some flows stand in their first bucket, some in their second. */
TRACKING_INLINE struct muster_flow *one_slot_way(unsigned i)
{
	return &one_slot_buckets[i & 1].way[i];
}

TRACKING_INLINE uint32_t one_slot_token(uint32_t member)
{
	return MUSTER_TOKEN(member + 1, member);
}

TRACKING_INLINE void one_slot_load_flow(
	const struct one_slot *setup, const struct one_slot_flow *flow, unsigned i)
{
	uint64_t seen = (uint64_t)(ONE_SLOT_CLOCK - 1) << 8,
		 isn = flow->other ? ONE_SLOT_OTHER : ONE_SLOT_ISN(i);

	if (flow->entry == ONE_SLOT_NOBODY)
		return;
	one_slot_way(i)->who = (uint64_t)ONE_SLOT_TAG(i) << 32 | one_slot_token(flow->entry);
	if (setup->kind == TRACK_DATAGRAM)
		seen |= MUSTER_FLOW_UDP;
	if (flow->opening)
		seen |= isn << 32 | MUSTER_FLOW_OPENING;
	if (flow->closing)
		seen |= MUSTER_FLOW_CLOSING;
	one_slot_way(i)->when = seen;
}

TRACKING_INLINE void one_slot_load(const struct one_slot *setup, const struct one_slot_state *state)
{
	memset(one_slot_buckets, 0, sizeof(one_slot_buckets));
	for (unsigned i = 0; i < ONE_SLOT_FLOWS; i++)
		one_slot_load_flow(setup, &state->flow[i], i);
	for (uint32_t m = 0; m < ONE_SLOT_MEMBERS; m++) {
		one_slot_members[m].token = one_slot_token(m);
		one_slot_members[m].new_ok = state->health[m] == ONE_SLOT_UP;
		one_slot_members[m].old_ok = state->health[m] != ONE_SLOT_DOWN;
	}
	one_slot_tracking = (struct muster_tracking){};
	tracking_tables = (struct tracking_tables){
		.buckets = one_slot_buckets,
		.bucket_mask = 1,
		.members = one_slot_members,
		.n_members = ONE_SLOT_MEMBERS,
		.services = &one_slot_tracking,
	};
}

/* Returns how many entries the flow has. */
TRACKING_INLINE unsigned one_slot_read_flow(struct one_slot_flow *flow, unsigned i)
{
	unsigned n = 0;

	flow->entry = ONE_SLOT_NOBODY;
	flow->opening = flow->closing = flow->other = false;
	for (int w = 0; w < 2 * MUSTER_FLOW_WAYS; w++) {
		const struct muster_flow *way =
			&one_slot_buckets[w / MUSTER_FLOW_WAYS].way[w % MUSTER_FLOW_WAYS];

		if (way->who >> 32 != ONE_SLOT_TAG(i) || !(uint32_t)way->who)
			continue;
		n++;
		flow->entry = MUSTER_TOKEN_INDEX((uint32_t)way->who);
		flow->opening = way->when & MUSTER_FLOW_OPENING;
		flow->closing = way->when & MUSTER_FLOW_CLOSING;
		flow->other = flow->opening && way->when >> 32 != ONE_SLOT_ISN(i);
	}
	return n;
}

TRACKING_INLINE void one_slot_read(struct one_slot_state *state)
{
	for (unsigned i = 0; i < ONE_SLOT_FLOWS; i++)
		if (one_slot_read_flow(&state->flow[i], i) > 1)
			abort();
}

#endif
