/* SPDX-License-Identifier: BSD-2-Clause */
/* From the slots of the rings that go to those that come: the flows of members that stay keep their owners. */
#include "core/image.h"

#include <errno.h>

void block_stays(const struct block *block, const struct block *next, bool *ret)
{
	for (uint16_t m = 0; m < block->n; m++)
		ret[m] = block->members[m].identity && m < next->n &&
			 block->members[m].token == next->members[m].token;
}

static const struct image_ring *find_parent(const struct image *live, const struct ring *ring)
{
	for (size_t r = 0; r < live->n_rings; r++)
		if (&live->rings[r].ring->slots == ring->slots.parent)
			return &live->rings[r];
	return NULL;
}

/*
 * Also where nothing changed meanwhile: until now packets saw the ring before, and what they did not record there
 * has to be seen for a whole settle time from now on.
 */
static int inherit_again(
	const struct image_ring *row, const struct image *live, uint32_t now, struct patch *patch)
{
	const struct image_ring *parent = find_parent(live, row->ring);
	struct slots *slots = &row->ring->slots;
	bool stays[MODEL_POOL_MEMBERS] = {};

	if (!parent || (slots->parent_version == parent->ring->slots.version && !slots->moving &&
			       !slots->pinned))
		return 0;
	if (util_reserve(&patch->slots, patch->n_slots, slots->n, sizeof(*patch->slots)))
		return -ENOMEM;
	block_stays(parent->block, row->block, stays);
	patch->n_slots += slots_inherit(
		slots, row->ring, &parent->ring->slots, stays, now, patch->slots + patch->n_slots);
	return 0;
}

int image_inherit(struct image *next, const struct image *live, uint32_t now, struct patch *patch)
{
	int err = 0;

	for (size_t r = 0; !err && r < next->n_rings; r++)
		if (next->rings[r].ring->slots.parent)
			err = inherit_again(&next->rings[r], live, now, patch);
	for (size_t r = 0; !err && r < next->n_rings; r++)
		next->rings[r].ring->slots.parent = NULL;
	return err;
}
