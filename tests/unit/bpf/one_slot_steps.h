/* SPDX-License-Identifier: BSD-2-Clause */
/* Which events there are in a state, and what each leads to. */
#ifndef MUSTER_TESTS_ONE_SLOT_STEPS_H
#define MUSTER_TESTS_ONE_SLOT_STEPS_H

#include "one_slot_packets.h"

#include <stdio.h>

/* May the packet come, of a flow in that state? */
static inline bool one_slot_may_come(const struct one_slot *setup,
	const struct one_slot_state *state, const struct one_slot_event *event)
{
	const struct one_slot_flow *flow = &state->flow[event->member];
	bool open = flow->owner != ONE_SLOT_NOBODY, tcp = setup->kind != TRACK_DATAGRAM;
	bool forged = setup->forged && (!flow->fresh || setup->beyond & BEYOND_FORGED_OPENING) &&
		      (!open || state->health[flow->owner] != ONE_SLOT_DOWN ||
			      setup->beyond & BEYOND_FORGED_DOWN);

	switch (event->what) {
	case DO_SYN:
		return !open;
	case DO_DATA:
		return open;
	case DO_CLOSE:
		return open && (!event->arg || flow->opening);
	case DO_RETRANSMIT:
		return tcp && flow->fresh;
	case DO_FIN:
		return tcp && open && setup->closing && !flow->ended;
	case DO_FORGED_SYN:
		return tcp && forged && (!flow->ended || setup->beyond & BEYOND_HALF_CLOSED);
	case DO_FORGED_DATA:
		return forged;
	case DO_FORGED_FIN:
		return tcp && forged && (!open || setup->beyond & BEYOND_FORGED_FIN);
	case DO_QUIET: /* after a forged SYN it may be lost until the next segment */
		return open && !flow->other;
	default:
		return false;
	}
}

static inline enum one_slot_outcome one_slot_packet_event(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	struct one_slot_flow *flow = &state->flow[event->member];

	if (!one_slot_may_come(setup, state, event))
		return CANNOT_BE;
	switch (event->what) {
	case DO_SYN:
	case DO_RETRANSMIT:
		return one_slot_open_flow(setup, state, event);
	case DO_DATA:
	case DO_FIN:
		return one_slot_data(setup, state, event);
	case DO_CLOSE:
		one_slot_end(flow);
		flow->other |= event->arg;
		return GOES_ON;
	case DO_QUIET:
		return one_slot_quiet(setup, state, event);
	default:
		return one_slot_forge(setup, state, event);
	}
}

static inline enum one_slot_outcome one_slot_change_event(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	uint16_t current = event->member == ONE_SLOT_NOBODY ? MUSTER_NONE : event->member;

	if (current != MUSTER_NONE && state->health[current] != ONE_SLOT_UP)
		return CANNOT_BE;
	one_slot_change(setup, state, current);
	return GOES_ON;
}

/* @state becomes what follows it. */
static inline enum one_slot_outcome one_slot_step(const struct one_slot *setup,
	struct one_slot_state *state, const struct one_slot_event *event)
{
	switch (event->what) {
	case DO_CHANGE:
		return one_slot_change_event(setup, state, event);
	case DO_HEALTH:
	case DO_KILL:
		return one_slot_health(state, event);
	case DO_REPLACE:
		return setup->leaving ? one_slot_replace(setup, state, event) : CANNOT_BE;
	case DO_AGE:
		return one_slot_age(setup, state);
	case DO_PASS:
		return one_slot_pass(setup, state, event);
	default:
		return one_slot_packet_event(setup, state, event);
	}
}

/* ---- all of them ---- */

enum { ONE_SLOT_EVENTS_MAX = 128 };

/* The table is full for a packet only where the flow's own entry is not what the packet needs. */
static inline size_t one_slot_flow_events(const struct one_slot *setup,
	const struct one_slot_state *state, uint8_t i, struct one_slot_event *ret)
{
	bool room_matters = setup->full && state->flow[i].entry == ONE_SLOT_NOBODY &&
			    slot_is_moving(state->word);
	size_t n = 0;

	for (uint8_t what = DO_SYN; what <= DO_QUIET; what++) {
		ret[n++] = (struct one_slot_event){what, i, 0};
		if (what == DO_CLOSE || (room_matters && what != DO_QUIET))
			ret[n++] = (struct one_slot_event){what, i, 1};
	}
	return n;
}

static inline size_t one_slot_events(const struct one_slot *setup,
	const struct one_slot_state *state, struct one_slot_event *ret)
{
	size_t n = 0;

	for (uint8_t m = 0; m <= ONE_SLOT_NOBODY; m++)
		ret[n++] = (struct one_slot_event){DO_CHANGE, m, 0};
	for (uint8_t m = 0; m < ONE_SLOT_MEMBERS; m++) {
		for (uint8_t health = ONE_SLOT_UP; health <= ONE_SLOT_DOWN; health++)
			ret[n++] = (struct one_slot_event){DO_HEALTH, m, health};
		ret[n++] = (struct one_slot_event){DO_KILL, m, ONE_SLOT_DOWN};
		for (uint8_t current = 0; current <= ONE_SLOT_NOBODY; current++)
			ret[n++] = (struct one_slot_event){DO_REPLACE, m, current};
	}
	ret[n++] = (struct one_slot_event){DO_AGE, 0, 0};
	ret[n++] = (struct one_slot_event){DO_PASS, 0, 0};
	for (uint8_t i = 0; i < setup->flows; i++) {
		ret[n++] = (struct one_slot_event){DO_PASS, i, 1};
		n += one_slot_flow_events(setup, state, i, ret + n);
	}
	return n;
}

/* ---- in words ---- */

static inline char one_slot_letter(uint32_t member)
{
	return member < ONE_SLOT_MEMBERS ? (char)('A' + member) : '-';
}

static inline void one_slot_describe(const struct one_slot_event *event, char *ret, size_t bytes)
{
	static const char *const packets[] = {
		[DO_SYN] = "SYN",
		[DO_RETRANSMIT] = "SYN again",
		[DO_DATA] = "data",
		[DO_FIN] = "FIN",
		[DO_CLOSE] = "is over",
		[DO_FORGED_SYN] = "forged SYN",
		[DO_FORGED_DATA] = "forged data",
		[DO_FORGED_FIN] = "forged FIN",
		[DO_QUIET] = "ICMP error",
	};
	static const char *const health[] = {"up", "soft", "down"};
	char member = one_slot_letter(event->member);

	switch (event->what) {
	case DO_CHANGE:
		snprintf(ret, bytes, "current %c", member);
		break;
	case DO_HEALTH:
		snprintf(ret, bytes, "%c %s", member, health[event->arg]);
		break;
	case DO_KILL:
		snprintf(ret, bytes, "%c killed", member);
		break;
	case DO_REPLACE:
		snprintf(
			ret, bytes, "%c replaced, current %c", member, one_slot_letter(event->arg));
		break;
	case DO_AGE:
		snprintf(ret, bytes, "settle time passes");
		break;
	case DO_PASS:
		snprintf(ret, bytes, event->arg ? "sweep, f%u's entry is over" : "sweep",
			event->member);
		break;
	default:
		snprintf(ret, bytes, "f%u %s%s", event->member, packets[event->what],
			event->arg && event->what != DO_CLOSE ? " (table full)" : "");
	}
}

static inline void one_slot_print(const struct one_slot_state *state)
{
	static const char *const health[] = {"", "~", "!"};

	fprintf(stderr, "{%c,%c} ", one_slot_letter(MUSTER_SLOT_CURRENT(state->word)),
		one_slot_letter(MUSTER_SLOT_PREVIOUS(state->word)));
	for (uint32_t m = 0; m < ONE_SLOT_MEMBERS; m++)
		fprintf(stderr, "%c%s", one_slot_letter(m), health[state->health[m]]);
	for (int i = 0; i < ONE_SLOT_FLOWS; i++) {
		const struct one_slot_flow *flow = &state->flow[i];

		if (flow->owner == ONE_SLOT_NOBODY && flow->entry == ONE_SLOT_NOBODY)
			continue;
		fprintf(stderr, " f%d:%c/%c%s%s%s%s", i, one_slot_letter(flow->owner),
			one_slot_letter(flow->entry), flow->opening ? "o" : "",
			flow->closing ? "c" : "", flow->other ? "x" : "", flow->seen ? "s" : "");
	}
	fprintf(stderr, "\n");
}

#endif
