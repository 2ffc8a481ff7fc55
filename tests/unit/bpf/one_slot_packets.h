/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of the slot's flows, and what they must not do. */
#ifndef MUSTER_TESTS_ONE_SLOT_PACKETS_H
#define MUSTER_TESTS_ONE_SLOT_PACKETS_H

#include "one_slot_events.h"

/* Entries of other slots take the ways that are left, for the time of one packet. */
static inline void one_slot_fill(const struct one_slot *setup, unsigned flow)
{
	for (uint32_t w = 0; w < 2 * MUSTER_FLOW_WAYS; w++) {
		struct muster_flow *way =
			&one_slot_buckets[w / MUSTER_FLOW_WAYS].way[w % MUSTER_FLOW_WAYS];

		if (!way->who)
			*way = (struct muster_flow){
				(uint64_t)(ONE_SLOT_FOREIGN + w) << 32 | one_slot_token(0),
				(uint64_t)ONE_SLOT_CLOCK << 8};
	}
	if (setup->fault == FAULT_EVICT)
		*one_slot_way((flow + 1) % ONE_SLOT_FLOWS) = (struct muster_flow){};
}

static inline bool one_slot_is_syn(enum one_slot_what what)
{
	return what == DO_SYN || what == DO_RETRANSMIT || what == DO_FORGED_SYN;
}

static inline struct tracking_packet one_slot_packet(const struct one_slot *setup,
	const struct one_slot_state *state, const struct one_slot_event *event)
{
	bool forged = event->what == DO_FORGED_SYN || event->what == DO_FORGED_DATA ||
		      event->what == DO_FORGED_FIN;
	struct tracking_packet packet = {
		.tag = ONE_SLOT_TAG(event->member),
		.slot = state->word,
		.seq = forged ? ONE_SLOT_OTHER : ONE_SLOT_ISN(event->member) + 1,
		.clock = ONE_SLOT_CLOCK,
		.kind = setup->kind,
		.flags = setup->flags,
	};

	if (one_slot_is_syn(event->what) && setup->kind != TRACK_DATAGRAM) {
		packet.kind = TRACK_SYN;
		packet.seq -= !forged;
	} else if (forged && !(setup->beyond & BEYOND_FORGED_BOTH)) {
		packet.seq += TRACK_FIT_BYTES;
	}
	if (event->what == DO_QUIET)
		packet.kind = TRACK_QUIET;
	if (event->what == DO_FIN || event->what == DO_FORGED_FIN)
		packet.flags |= TRACK_ENDS;
	return packet;
}

/* In the same second an established flow takes the short way, and nothing may be otherwise there. */
static inline void one_slot_send_again(
	const struct tracking_packet *packet, const struct tracking_result *before)
{
	struct muster_flow_bucket buckets[2];
	struct track track = tracking_begin(packet, 0);

	memcpy(buckets, one_slot_buckets, sizeof(buckets));
	if (!track_hit(&track))
		return;
	if (before->verdict != TRACK_SEND || before->index != track.index ||
		memcmp(buckets, one_slot_buckets, sizeof(buckets)))
		abort();
}

static inline struct tracking_result one_slot_send(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	struct tracking_packet packet = one_slot_packet(setup, state, event);
	struct one_slot_flow *flow = &state->flow[event->member], before = *flow;
	struct tracking_result result;

	one_slot_load(setup, state);
	if (event->arg)
		one_slot_fill(setup, event->member);
	result = tracking_send(&packet);
	one_slot_send_again(&packet, &result);
	one_slot_read(state);
	if (setup->fault == FAULT_FULL_TO_CURRENT && one_slot_tracking.failed &&
		packet.kind == TRACK_SYN)
		result = (struct tracking_result){TRACK_SEND, MUSTER_SLOT_CURRENT(state->word), 1};
	if (setup->fault == FAULT_NO_ISN)
		flow->opening = flow->other = false;
	if (setup->fault == FAULT_SYN_LEAVES_ENTRY && packet.kind == TRACK_SYN &&
		before.entry != ONE_SLOT_NOBODY) {
		flow->entry = before.entry;
		flow->opening = before.opening;
		flow->closing = before.closing;
		flow->other = before.other;
	}
	flow->seen = slot_is_moving(state->word) &&
		     (!one_slot_tracking.failed || setup->fault == FAULT_AGE_UNSEEN);
	return result;
}

static inline void one_slot_end(struct one_slot_flow *flow)
{
	flow->owner = ONE_SLOT_NOBODY;
	flow->seen = flow->fresh = flow->ended = false;
}

/* May @flow's member keep it? What the service promises. */
static inline bool one_slot_keeps(const struct one_slot *setup, const struct one_slot_state *state,
	const struct one_slot_flow *flow)
{
	uint8_t health = state->health[flow->owner];

	if (setup->flags & MUSTER_SERVICE_REPICK_NEVER)
		return true;
	if (setup->flags & MUSTER_SERVICE_REPICK_NOW)
		return health == ONE_SLOT_UP;
	return health != ONE_SLOT_DOWN;
}

/* A new flow is its member's, if that one lives. */
static inline void one_slot_open(const struct one_slot *setup, const struct one_slot_state *state,
	struct one_slot_flow *flow, const struct tracking_result *result)
{
	if (result->verdict != TRACK_SEND ||
		(state->health[result->index] == ONE_SLOT_DOWN &&
			!(setup->flags & MUSTER_SERVICE_REPICK_NEVER))) {
		one_slot_end(flow);
		return;
	}
	flow->owner = (uint8_t)result->index;
	flow->ended = false;
	/* A datagram that found the table full and the old member down: sent on, in nobody's care. */
	if (setup->kind == TRACK_DATAGRAM && one_slot_tracking.failed &&
		result->index == MUSTER_SLOT_CURRENT(state->word) &&
		!(setup->beyond & BEYOND_UDP_FULL))
		one_slot_end(flow);
}

static inline enum one_slot_outcome one_slot_judge(const struct one_slot *setup,
	struct one_slot_state *state, struct one_slot_flow *flow,
	const struct tracking_result *result)
{
	bool there = result->verdict == TRACK_SEND && result->index == flow->owner;

	if (state->health[flow->owner] != ONE_SLOT_DOWN) /* else it is lost, and comes again */
		flow->fresh = false;
	if (there)
		return GOES_ON;
	if (one_slot_keeps(setup, state, flow))
		return BROKEN;
	if (setup->kind == TRACK_DATAGRAM)
		one_slot_open(setup, state, flow, result);
	else
		one_slot_end(flow); /* reset by whoever got the segment, or by us */
	return GOES_ON;
}

static inline enum one_slot_outcome one_slot_open_flow(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	struct one_slot_flow *flow = &state->flow[event->member];
	struct tracking_result result = one_slot_send(setup, state, event);

	if (event->what == DO_RETRANSMIT && setup->beyond & BEYOND_RETRANSMITTED)
		return one_slot_judge(setup, state, flow, &result);
	one_slot_open(setup, state, flow, &result);
	flow->fresh = flow->owner != ONE_SLOT_NOBODY && setup->kind != TRACK_DATAGRAM;
	return GOES_ON;
}

static inline enum one_slot_outcome one_slot_data(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	struct one_slot_flow *flow = &state->flow[event->member];
	struct tracking_result result = one_slot_send(setup, state, event);
	enum one_slot_outcome outcome = one_slot_judge(setup, state, flow, &result);

	flow->ended |= event->what == DO_FIN && flow->owner != ONE_SLOT_NOBODY;
	return outcome;
}

/* What is not the flow's own leaves owner and `seen` as they are: nobody waits for the answer. */
static inline enum one_slot_outcome one_slot_forge(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	struct one_slot_flow *flow = &state->flow[event->member];
	bool seen = flow->seen;

	one_slot_send(setup, state, event);
	flow->seen = seen && !one_slot_tracking.failed;
	return GOES_ON;
}

static inline enum one_slot_outcome one_slot_quiet(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	struct one_slot_flow *flow = &state->flow[event->member], before = *flow;
	uint64_t packed = one_slot_pack(state);
	struct tracking_result result = one_slot_send(setup, state, event);
	bool keeps =
		state->health[flow->owner] != ONE_SLOT_DOWN && one_slot_keeps(setup, state, flow);

	flow->seen = before.seen;
	if (one_slot_pack(state) != packed)
		return BROKEN; /* it recorded something */
	if (keeps && (result.verdict != TRACK_SEND || result.index != flow->owner))
		return BROKEN;
	return GOES_ON;
}

#endif
