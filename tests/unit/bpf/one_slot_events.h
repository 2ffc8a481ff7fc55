/* SPDX-License-Identifier: BSD-2-Clause */
/* What can happen to the slot, its members and its flows, each by the code that does it in earnest. */
#ifndef MUSTER_TESTS_ONE_SLOT_EVENTS_H
#define MUSTER_TESTS_ONE_SLOT_EVENTS_H

#include "one_slot.h"

enum one_slot_what {
	DO_CHANGE,     /* new flows go to @member; ONE_SLOT_NOBODY: to none */
	DO_HEALTH,     /* of @member becomes @arg; its flows live on */
	DO_KILL,       /* of @member becomes down, and its flows are lost */
	DO_REPLACE,    /* @member leaves with its flows; its index is a new one's; current: @arg */
	DO_AGE,	       /* a pass after the settle time */
	DO_PASS,       /* a pass before it; the entry of @member's flow is over: @arg */
	DO_SYN,	       /* all from here on: of flow @member; @arg: the table is full */
	DO_RETRANSMIT, /* the SYN again */
	DO_DATA,       /* a segment, or a datagram */
	DO_FIN,	       /* the client closes its half */
	DO_CLOSE,      /* the flow is over; @arg: the next one has another ISN */
	DO_FORGED_SYN,
	DO_FORGED_DATA, /* or an old duplicate */
	DO_FORGED_FIN,
	DO_QUIET, /* an ICMP error, a later fragment */
};

struct one_slot_event {
	uint8_t what, member, arg;
};

enum one_slot_outcome {
	CANNOT_BE, /* the event does not exist in this state */
	GOES_ON,
	BROKEN, /* a flow went elsewhere, though its member may keep it */
};

/* ---- changes of the slot ---- */

/* A ring of one slot, as the planner and the patches see it. */
struct one_slot_ring {
	uint16_t current;
	struct ring ring;
	uint32_t word, since;
};

static inline void one_slot_ring_init(
	struct one_slot_ring *one, const struct one_slot_state *state, uint16_t current)
{
	*one = (struct one_slot_ring){
		.current = current,
		.ring = {.size = 1},
		.word = state->word,
	};
	one->ring.current = &one->current;
	one->ring.slots = (struct slots){
		.n = 1,
		.word = &one->word,
		.since = &one->since,
		.moving = slot_is_moving(state->word),
		.pinned = slot_is_pinned(state->word),
	};
}

static inline void one_slot_set_word(struct one_slot_state *state, uint32_t word)
{
	if (slot_is_moving(word) && !slot_is_moving(state->word))
		for (int i = 0; i < ONE_SLOT_FLOWS; i++)
			state->flow[i].seen = false;
	state->word = word;
}

static inline uint32_t one_slot_faulty_change(const struct one_slot *setup,
	const struct one_slot_state *state, uint16_t current, uint32_t word)
{
	uint32_t before = state->word;
	uint16_t unrecorded = slot_unrecorded(before);

	if (word == before)
		return word;
	if (setup->fault == FAULT_BACK_IS_STABLE && current == unrecorded)
		return MUSTER_SLOT(current, current);
	if (setup->fault == FAULT_LAST_CURRENT)
		return MUSTER_SLOT(current, MUSTER_SLOT_CURRENT(before));
	if (setup->fault == FAULT_DROP_DOWN_PREVIOUS && unrecorded != MUSTER_NONE &&
		state->health[unrecorded] == ONE_SLOT_DOWN)
		return MUSTER_SLOT(current, MUSTER_NONE);
	return word;
}

static inline void one_slot_change(
	const struct one_slot *setup, struct one_slot_state *state, uint16_t current)
{
	struct one_slot_ring one;
	struct patch_slot change;

	one_slot_ring_init(&one, state, current);
	slots_follow(&one.ring.slots, &one.ring, 0, 1, false, &change);
	one_slot_set_word(state, one_slot_faulty_change(setup, state, current, one.word));
}

/* ---- the sweep ---- */

static inline void one_slot_age_entry(unsigned flow)
{
	__u64 *when = &one_slot_way(flow)->when;

	*when = (*when & ~MUSTER_FLOW_SEEN) | 1 << 8;
}

/* @gone: a member whose entries mean nothing any more, or ONE_SLOT_NOBODY. Returns `held`. */
static inline uint8_t one_slot_sweep(const struct one_slot *setup,
	const struct one_slot_state *state, unsigned gone,
	void (*sweep_table)(struct flows_sweep *))
{
	uint32_t slot = state->word;
	uint8_t held = 0;
	struct flows_ring ring = {.slots = &slot, .n = 1, .held = &held};
	struct flows_member members[ONE_SLOT_MEMBERS + 1] = {};
	struct flows_sweep sweep = {
		.buckets = one_slot_buckets,
		.n_buckets = 2,
		.members = members,
		.n_members = ONE_SLOT_MEMBERS + 1,
		.clock = ONE_SLOT_CLOCK,
		.tcp_s = 900,
		.udp_s = 30,
	};

	if (setup->fault == FAULT_SWEEP_MOVING && slot_is_moving(slot))
		slot = slot_pin(slot);
	for (unsigned m = 0; m < ONE_SLOT_MEMBERS; m++)
		if (m != gone)
			members[m + 1] = (struct flows_member){
				.token = one_slot_token(m), .tcp = &ring, .udp = &ring};
	sweep_table(&sweep);
	return held;
}

static inline void one_slot_settle(
	const struct one_slot *setup, struct one_slot_state *state, bool old, uint8_t held)
{
	struct slots_settling how = {.started = 1, .settle = 10, .held = &held};
	struct one_slot_ring one;
	struct patch_slot change;

	if (setup->fault == FAULT_NOT_HELD)
		held = 0;
	one_slot_ring_init(&one, state, 0);
	slots_settle(&one.ring.slots, &how, old ? 10 : 9, &change);
	state->word = one.word;
}

/* ---- members ---- */

static inline void one_slot_lose_flows(struct one_slot_state *state, unsigned member)
{
	for (int i = 0; i < ONE_SLOT_FLOWS; i++) {
		struct one_slot_flow *flow = &state->flow[i];

		if (flow->owner != member)
			continue;
		flow->owner = ONE_SLOT_NOBODY;
		flow->fresh = flow->ended = false;
	}
}

static inline enum one_slot_outcome one_slot_health(
	struct one_slot_state *state, const struct one_slot_event *event)
{
	uint8_t *health = &state->health[event->member];

	if (*health == event->arg)
		return CANNOT_BE;
	*health = event->arg;
	if (event->what == DO_KILL)
		one_slot_lose_flows(state, event->member);
	return GOES_ON;
}

/* A reload without the member, and its index given to another one: what image_inherit() does, and the sweep. */
static inline enum one_slot_outcome one_slot_replace(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	uint16_t current = event->arg == ONE_SLOT_NOBODY ? MUSTER_NONE : event->arg;
	struct slots parent;
	struct one_slot_ring before, after;
	bool stays[ONE_SLOT_MEMBERS] = {true, true, true};

	if (current != MUSTER_NONE && current != event->member &&
		state->health[current] != ONE_SLOT_UP)
		return CANNOT_BE;
	stays[event->member] = false;
	one_slot_lose_flows(state, event->member);
	one_slot_ring_init(&before, state, current);
	one_slot_ring_init(&after, state, current);
	parent = before.ring.slots;
	after.word = MUSTER_SLOT_EMPTY;
	slots_inherit(&after.ring.slots, &after.ring,
		setup->fault == FAULT_NO_OWNER_STAYS ? NULL : &parent, stays, 1, NULL);
	one_slot_set_word(state, after.word);
	one_slot_load(setup, state);
	one_slot_sweep(setup, state, event->member, flows_forget);
	one_slot_read(state);
	state->health[event->member] = ONE_SLOT_UP;
	return GOES_ON;
}

/* ---- time ---- */

static inline enum one_slot_outcome one_slot_age(
	const struct one_slot *setup, struct one_slot_state *state)
{
	if (!slot_is_moving(state->word))
		return CANNOT_BE;
	for (int i = 0; i < ONE_SLOT_FLOWS; i++)
		if (state->flow[i].owner != ONE_SLOT_NOBODY && !state->flow[i].seen)
			return CANNOT_BE;
	one_slot_load(setup, state);
	one_slot_settle(
		setup, state, true, one_slot_sweep(setup, state, ONE_SLOT_NOBODY, flows_sweep));
	one_slot_read(state);
	return GOES_ON;
}

/* What an open flow has recorded is not over: it was seen within the settle time. */
static inline bool one_slot_may_expire(
	const struct one_slot *setup, const struct one_slot_flow *flow)
{
	if (flow->entry == ONE_SLOT_NOBODY)
		return false;
	return flow->owner == ONE_SLOT_NOBODY || (flow->ended && setup->beyond & BEYOND_SILENT);
}

static inline enum one_slot_outcome one_slot_pass(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	one_slot_load(setup, state);
	if (event->arg) {
		if (!one_slot_may_expire(setup, &state->flow[event->member]))
			return CANNOT_BE;
		one_slot_age_entry(event->member);
	}
	one_slot_settle(
		setup, state, false, one_slot_sweep(setup, state, ONE_SLOT_NOBODY, flows_sweep));
	one_slot_read(state);
	return GOES_ON;
}

#endif
