/* SPDX-License-Identifier: BSD-2-Clause */
/* Breadth first over all states, so that the first violation has the shortest trace. */
#ifndef MUSTER_TESTS_ONE_SLOT_SEARCH_H
#define MUSTER_TESTS_ONE_SLOT_SEARCH_H

#include "one_slot_steps.h"

struct one_slot_search {
	const struct one_slot *setup;
	uint64_t *state;	   /* [n] packed, in the order they were found */
	uint32_t *from;		   /* [n] */
	struct one_slot_event *by; /* [n] the event that led here from there */
	uint32_t n, room;
	uint32_t *table; /* index + 1 by hash of the state */
	uint64_t mask;
	uint64_t steps;
	bool broken;
	bool quiet; /* do not print what is found */
};

static inline void *one_slot_must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static inline void one_slot_search_begin(
	struct one_slot_search *search, const struct one_slot *setup)
{
	*search = (struct one_slot_search){.setup = setup, .room = 1 << 10, .mask = (1 << 12) - 1};
	search->state = one_slot_must(malloc(search->room * sizeof(*search->state)));
	search->from = one_slot_must(malloc(search->room * sizeof(*search->from)));
	search->by = one_slot_must(malloc(search->room * sizeof(*search->by)));
	search->table = one_slot_must(calloc(search->mask + 1, sizeof(*search->table)));
}

static inline void one_slot_search_end(struct one_slot_search *search)
{
	free(search->state);
	free(search->from);
	free(search->by);
	free(search->table);
}

/* The place of @state, or the free one for it. */
static inline uint32_t *one_slot_find(const struct one_slot_search *search, uint64_t state)
{
	uint64_t at = muster_mix64(state) & search->mask;

	while (search->table[at] && search->state[search->table[at] - 1] != state)
		at = (at + 1) & search->mask;
	return &search->table[at];
}

static inline void one_slot_grow(struct one_slot_search *search)
{
	search->room *= 2;
	search->state =
		one_slot_must(reallocarray(search->state, search->room, sizeof(*search->state)));
	search->from =
		one_slot_must(reallocarray(search->from, search->room, sizeof(*search->from)));
	search->by = one_slot_must(reallocarray(search->by, search->room, sizeof(*search->by)));
	free(search->table);
	search->mask = search->mask * 2 + 1;
	search->table = one_slot_must(calloc(search->mask + 1, sizeof(*search->table)));
	for (uint32_t i = 0; i < search->n; i++)
		*one_slot_find(search, search->state[i]) = i + 1;
}

static inline void one_slot_add(struct one_slot_search *search, const struct one_slot_state *state,
	uint32_t from, const struct one_slot_event *by)
{
	uint64_t packed = one_slot_pack(state);

	if (*one_slot_find(search, packed))
		return;
	if (search->n == search->room)
		one_slot_grow(search);
	search->state[search->n] = packed;
	search->from[search->n] = from;
	search->by[search->n] = *by;
	*one_slot_find(search, packed) = ++search->n;
}

/* What is not part of a state says nothing. */
static inline void one_slot_clean(struct one_slot_state *state)
{
	for (int i = 0; i < ONE_SLOT_FLOWS; i++) {
		struct one_slot_flow *flow = &state->flow[i];

		flow->seen &= slot_is_moving(state->word) && flow->owner != ONE_SLOT_NOBODY;
	}
}

/* ---- traces: states do not know their flows' order, so the names are found by going the way again ---- */

static inline struct one_slot_state one_slot_go(const struct one_slot *setup,
	struct one_slot_state state, uint64_t to, struct one_slot_event *event)
{
	struct one_slot_event events[ONE_SLOT_EVENTS_MAX];
	size_t n = one_slot_events(setup, &state, events);

	for (size_t i = 0; i < n; i++) {
		struct one_slot_state next = state;

		if (events[i].what != event->what ||
			one_slot_step(setup, &next, &events[i]) != GOES_ON)
			continue;
		one_slot_clean(&next);
		if (one_slot_pack(&next) != to)
			continue;
		*event = events[i];
		return next;
	}
	abort();
}

static inline void one_slot_trace(const struct one_slot_search *search, uint32_t end)
{
	uint32_t way[256], n = 0;
	struct one_slot_state state;
	char text[64];

	for (uint32_t at = end; at && n < ARRAY_SIZE(way); at = search->from[at])
		way[n++] = at;
	state = one_slot_unpack(search->state[0]);
	while (n--) {
		struct one_slot_event event = search->by[way[n]];

		state = one_slot_go(search->setup, state, search->state[way[n]], &event);
		one_slot_describe(&event, text, sizeof(text));
		fprintf(stderr, "    %-34s", text);
		one_slot_print(&state);
	}
}

static inline void one_slot_report(
	struct one_slot_search *search, uint32_t at, const struct one_slot_event *event)
{
	char text[64];

	if (!search->broken && !search->quiet) {
		fprintf(stderr, "  %s: BROKEN\n", search->setup->name);
		one_slot_trace(search, at);
		one_slot_describe(event, text, sizeof(text));
		fprintf(stderr, "    then: %s, and it goes elsewhere\n", text);
	}
	search->broken = true;
}

/* ---- the search ---- */

static inline void one_slot_expand(struct one_slot_search *search, uint32_t at)
{
	struct one_slot_state state = one_slot_unpack(search->state[at]);
	struct one_slot_event events[ONE_SLOT_EVENTS_MAX];
	size_t n = one_slot_events(search->setup, &state, events);

	for (size_t i = 0; i < n; i++) {
		struct one_slot_state next = state;
		enum one_slot_outcome outcome = one_slot_step(search->setup, &next, &events[i]);

		if (outcome == CANNOT_BE)
			continue;
		search->steps++;
		if (outcome != GOES_ON) {
			one_slot_report(search, at, &events[i]);
			continue;
		}
		one_slot_clean(&next);
		one_slot_add(search, &next, at, &events[i]);
	}
}

/* Until all states are seen, or with @first until the first flow is broken. */
static inline void one_slot_run(struct one_slot_search *search, bool first)
{
	struct one_slot_state start = {.word = MUSTER_SLOT(0, 0)};
	struct one_slot_event none = {};

	for (int i = 0; i < ONE_SLOT_FLOWS; i++)
		start.flow[i] =
			(struct one_slot_flow){.owner = ONE_SLOT_NOBODY, .entry = ONE_SLOT_NOBODY};
	one_slot_add(search, &start, 0, &none);
	for (uint32_t at = 0; at < search->n && !(first && search->broken); at++)
		one_slot_expand(search, at);
}

#endif
