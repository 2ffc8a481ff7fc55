/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/outbox.h"

#include <utlist.h>

static bool replaces(enum probe_outcome waiting, enum probe_outcome later)
{
	/* [what waits][what comes later] */
	static const bool rows[][4] = {
		[PROBE_PASS] = {[PROBE_PASS] = true, [PROBE_HARD] = true, [PROBE_SOFT] = true},
		[PROBE_HARD] = {[PROBE_PASS] = true, [PROBE_HARD] = true},
		[PROBE_SOFT] = {[PROBE_PASS] = true, [PROBE_HARD] = true, [PROBE_SOFT] = true},
		[PROBE_LOCAL] = {true, true, true, true},
	};

	return rows[probe_outcome_strength(waiting)][probe_outcome_strength(later)];
}

void outbox_put(struct outbox *outbox, struct outbox_slot *slot, const struct probe_result *result)
{
	bool hard = probe_outcome_strength(result->outcome) == PROBE_HARD;

	if (slot->waits && !replaces(slot->result.outcome, result->outcome))
		return;
	slot->result = *result;
	if (slot->waits && slot->hard == hard)
		return; /* keeps its turn */
	outbox_remove(outbox, slot);
	slot->waits = true;
	slot->hard = hard;
	if (hard)
		DL_APPEND(outbox->hard, slot);
	else
		DL_APPEND(outbox->rest, slot);
}

struct outbox_slot *outbox_first(const struct outbox *outbox)
{
	return outbox->hard ? outbox->hard : outbox->rest;
}

void outbox_remove(struct outbox *outbox, struct outbox_slot *slot)
{
	if (!slot->waits)
		return;
	if (slot->hard)
		DL_DELETE(outbox->hard, slot);
	else
		DL_DELETE(outbox->rest, slot);
	slot->waits = false;
}
