/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slots of a ring as they stand in the arena, and since when: the ring says who gets new flows, they say
 * whose the old ones are (slot.h). There may be more of them than the ring has, each of its slots several
 * times over: a ring that shrank keeps the finer ones until they have settled.
 */
#ifndef MUSTER_CORE_SLOTS_H
#define MUSTER_CORE_SLOTS_H

#include "core/slot.h"
#include "core/util.h"

struct ring;

struct slots {
	uint32_t base;	 /* first slot in the arena; set by the planner */
	uint32_t n;	 /* a power of two, at least the size of the ring */
	uint32_t *word;	 /* [n] MUSTER_SLOT() */
	uint32_t *since; /* [n] when it last changed, tenths of a second */
	uint32_t moving, pinned;
	unsigned version; /* counts changes */
	/* What they were made from and its version then, until the flip: what changed there meanwhile is lost. */
	const struct slots *parent;
	unsigned parent_version;
};

/* A slot that has to be stored. */
struct patch_slot {
	uint32_t index; /* in the arena of slots */
	uint32_t value; /* MUSTER_SLOT() */
};

/* All {none, none}. 0 or -ENOMEM. */
int slots_init(struct slots *slots, uint32_t n);
void slots_clear(struct slots *slots);

/* Stores @word into slot @at of @slots; keeps count. False if it was so. */
bool slots_set(struct slots *slots, uint32_t at, uint32_t word, uint32_t now);

/* All of them count as changed at @now. */
void slots_touch(struct slots *slots, uint32_t now);

/* How many of @slots each slot of a ring of @size is, as a shift. */
unsigned slots_shift(const struct slots *slots, uint32_t size);

/*
 * Gives new flows to whom the ring says, in @slot of the ring; @all: old ones too. @ret: room for as many rows
 * as it is slots here. Returns the number of changes.
 */
size_t slots_follow(struct slots *slots, const struct ring *ring, uint32_t slot, uint32_t now,
	bool all, struct patch_slot *ret);

/*
 * Makes all of @slots from those of the ring before, of which there are more only if slots_needed() said that
 * so few will do. @stays[index]: is the member still there? NULL parent: all are stable. @now: when packets begin
 * to see them; what differs from the ring before moves since then. @ret: room for slots->n rows, or NULL.
 */
size_t slots_inherit(struct slots *slots, const struct ring *ring, const struct slots *parent,
	const bool *stays, uint32_t now, struct patch_slot *ret);

struct slots_settling {
	uint32_t started; /* the sweep: what changed since then waits for the next one */
	uint32_t settle;  /* tenths of a second that a slot moves at least */
	bool failing; /* inserts failed within that time: nobody knows which flows were not recorded */
	const uint8_t *held; /* [n] from the sweep */
	const bool
		*waits; /* [members] slots go on moving while this one is their previous; or NULL */
};

/*
 * After a sweep: pins what has moved long enough, settles what is pinned and not held. @ret: room for
 * slots->moving + slots->pinned rows. Returns the number of changes.
 */
size_t slots_settle(struct slots *slots, const struct slots_settling *settling, uint32_t now,
	struct patch_slot *ret);

/* The fewest slots that a ring of @size can go on with where @slots were: @size where all have settled. */
uint32_t slots_needed(const struct slots *slots, uint32_t size);

#endif
