/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a slot changes (abi.h has its forms). Each slot has one owner of the flows that are not recorded: what
 * keeps connections alive is that it never becomes another one while such flows may exist.
 */
#ifndef MUSTER_CORE_SLOT_H
#define MUSTER_CORE_SLOT_H

#include <muster/abi.h>

#include <stdbool.h>
#include <stdint.h>

static inline bool slot_is_stable(uint32_t slot)
{
	return MUSTER_SLOT_CURRENT(slot) == MUSTER_SLOT_PREVIOUS(slot);
}

static inline bool slot_is_pinned(uint32_t slot)
{
	return !slot_is_stable(slot) && MUSTER_SLOT_PREVIOUS(slot) == MUSTER_NONE;
}

static inline bool slot_is_moving(uint32_t slot)
{
	return !slot_is_stable(slot) && MUSTER_SLOT_PREVIOUS(slot) != MUSTER_NONE;
}

/* Whose the flows are that no entry names. */
static inline uint16_t slot_unrecorded(uint32_t slot)
{
	return slot_is_moving(slot) ? MUSTER_SLOT_PREVIOUS(slot) : MUSTER_SLOT_CURRENT(slot);
}

/*
 * @slot after its new flows were given to @current. Back to the owner of the unrecorded ones it is pinned, not
 * stable: others were recorded meanwhile.
 */
static inline uint32_t slot_change(uint32_t slot, uint16_t current)
{
	uint16_t unrecorded = slot_unrecorded(slot);

	if (current == MUSTER_SLOT_CURRENT(slot))
		return slot;
	return MUSTER_SLOT(current, current == unrecorded ? MUSTER_NONE : unrecorded);
}

/*
 * @slot after some members have left for good, with their flows: @stays[index]. If the unrecorded flows were
 * one's, there are none any more, and new ones may be @current's.
 */
static inline uint32_t slot_inherit(uint32_t slot, uint16_t current, const bool *stays)
{
	uint16_t unrecorded = slot_unrecorded(slot);

	if (unrecorded == MUSTER_NONE || stays[unrecorded])
		return slot_change(slot, current);
	return slot_is_stable(slot) ? MUSTER_SLOT(current, current)
				    : MUSTER_SLOT(current, MUSTER_NONE);
}

/* ---- settling ---- */

/* Moving for so long that every flow has been seen, and recorded: the unrecorded ones are new. */
static inline uint32_t slot_pin(uint32_t slot)
{
	return MUSTER_SLOT(MUSTER_SLOT_CURRENT(slot), MUSTER_NONE);
}

/* Pinned, and no entry names another member than current. */
static inline uint32_t slot_settle(uint32_t slot)
{
	return MUSTER_SLOT(MUSTER_SLOT_CURRENT(slot), MUSTER_SLOT_CURRENT(slot));
}

#endif
