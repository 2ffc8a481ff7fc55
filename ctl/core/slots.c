/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/slots.h"

#include "core/ring.h"

#include <errno.h>

int slots_init(struct slots *slots, uint32_t n)
{
	slots->n = n;
	slots->word = malloc(MAX(n, 1) * sizeof(*slots->word));
	slots->since = calloc(MAX(n, 1), sizeof(*slots->since));
	if (!slots->word || !slots->since)
		return -ENOMEM;
	memset(slots->word, 0xff, n * sizeof(*slots->word)); /* MUSTER_SLOT_EMPTY */
	return 0;
}

void slots_clear(struct slots *slots)
{
	free(slots->word);
	free(slots->since);
	*slots = (struct slots){};
}

bool slots_set(struct slots *slots, uint32_t at, uint32_t word, uint32_t now)
{
	uint32_t before = slots->word[at];

	if (before == word)
		return false;
	slots->moving += slot_is_moving(word) - slot_is_moving(before);
	slots->pinned += slot_is_pinned(word) - slot_is_pinned(before);
	slots->word[at] = word;
	slots->since[at] = now;
	slots->version++;
	return true;
}

void slots_touch(struct slots *slots, uint32_t now)
{
	for (uint32_t at = 0; at < slots->n; at++)
		slots->since[at] = now;
}

unsigned slots_shift(const struct slots *slots, uint32_t size)
{
	return (unsigned)(__builtin_ctz(slots->n) - __builtin_ctz(size));
}

size_t slots_follow(struct slots *slots, const struct ring *ring, uint32_t slot, uint32_t now,
	bool all, struct patch_slot *ret)
{
	unsigned shift = slots_shift(slots, ring->size);
	uint16_t current = ring_current(ring, slot);
	size_t n = 0;

	for (uint32_t at = slot << shift; at < (slot + 1) << shift; at++) {
		uint32_t word =
			all ? MUSTER_SLOT(current, current) : slot_change(slots->word[at], current);

		if (slots_set(slots, at, word, now))
			ret[n++] = (struct patch_slot){slots->base + at, word};
	}
	return n;
}

/*
 * What slot @at of @slots was in @parent, and in *@since since when. Where those were several, whose flows are
 * one's (slots_needed), but new ones not any more, others may be recorded by now: as if pinned just now.
 */
static uint32_t word_before(const struct slots *slots, const struct slots *parent, uint32_t at,
	uint32_t now, uint32_t *since)
{
	uint32_t first = (uint32_t)((uint64_t)at * parent->n / slots->n);
	uint32_t end = (uint32_t)(((uint64_t)at + 1) * parent->n / slots->n);
	uint32_t word = parent->word[first];

	*since = parent->since[first];
	for (uint32_t i = first + 1; i < end; i++) {
		if (parent->word[i] == word)
			continue;
		*since = now;
		return MUSTER_SLOT(slot_unrecorded(word), MUSTER_NONE);
	}
	return word;
}

size_t slots_inherit(struct slots *slots, const struct ring *ring, const struct slots *parent,
	const bool *stays, uint32_t now, struct patch_slot *ret)
{
	unsigned shift = slots_shift(slots, ring->size);
	size_t n = 0;

	for (uint32_t at = 0; at < slots->n; at++) {
		uint16_t current = ring_current(ring, at >> shift);
		uint32_t word = MUSTER_SLOT(current, current), before = MUSTER_SLOT_EMPTY;
		uint32_t since = now;

		if (parent) {
			before = word_before(slots, parent, at, now, &since);
			word = slot_inherit(before, current, stays);
		}
		if (slots_set(slots, at, word, now)) {
			if (ret)
				ret[n] = (struct patch_slot){slots->base + at, word};
			n++;
		}
		slots->since[at] = word == before ? since : now;
	}
	slots->parent = parent;
	slots->parent_version = parent ? parent->version : 0;
	return n;
}

/* What @word, unchanged since before the sweep, becomes after it. */
static uint32_t settled(
	uint32_t word, const struct slots_settling *settling, uint32_t age, bool held)
{
	uint16_t previous = MUSTER_SLOT_PREVIOUS(word);

	if (slot_is_pinned(word))
		return held ? word : slot_settle(word);
	if (!slot_is_moving(word) || age < settling->settle || settling->failing ||
		(settling->waits && settling->waits[previous]))
		return word;
	return slot_pin(word);
}

size_t slots_settle(struct slots *slots, const struct slots_settling *settling, uint32_t now,
	struct patch_slot *ret)
{
	size_t n = 0;

	for (uint32_t at = 0; at < slots->n; at++) {
		uint32_t word = slots->word[at], since = slots->since[at];

		if (slot_is_stable(word) || (int32_t)(since - settling->started) >= 0)
			continue;
		word = settled(word, settling, now - since, settling->held[at]);
		if (slots_set(slots, at, word, now))
			ret[n++] = (struct patch_slot){slots->base + at, word};
	}
	return n;
}

uint32_t slots_needed(const struct slots *slots, uint32_t size)
{
	unsigned shift;

	if (slots->n <= size)
		return size;
	shift = slots_shift(slots, size);
	for (uint32_t at = 0; at < slots->n; at++)
		if (!slot_is_stable(slots->word[at]) ||
			slots->word[at] != slots->word[at >> shift << shift])
			return slots->n;
	return size;
}
