/* SPDX-License-Identifier: BSD-2-Clause */
/* Which entries of the flow table mean something: those that name a member of the image. */
#include "core/flows.h"

#include <errno.h>

static uint32_t epoch_of(const struct image_member *member)
{
	return member->identity ? MUSTER_TOKEN_EPOCH(member->token) : 0;
}

static uint32_t highest_epoch(const struct image *image)
{
	uint32_t highest = 0;

	for (size_t b = 0; b < image->n_blocks; b++)
		for (uint16_t m = 0; m < image->blocks[b]->n; m++)
			highest = MAX(highest, epoch_of(&image->blocks[b]->members[m]));
	return highest;
}

static void add_block(struct flows_sweep *sweep, const struct block *block)
{
	for (uint16_t m = 0; m < block->n; m++) {
		uint32_t epoch = epoch_of(&block->members[m]);

		if (epoch)
			sweep->members[epoch].token = block->members[m].token;
	}
}

static void add_ring(
	struct flows_sweep *sweep, const struct image_ring *row, struct flows_ring *ring)
{
	ring->n = row->ring->slots.n;
	for (uint16_t m = 0; m < row->block->n; m++) {
		uint32_t epoch = epoch_of(&row->block->members[m]);

		if (!epoch)
			continue;
		if (row->ring->proto == IPPROTO_UDP)
			sweep->members[epoch].udp = ring;
		else
			sweep->members[epoch].tcp = ring;
	}
}

int flows_members(struct flows_sweep *sweep, const struct image *image, struct flows_ring *rings)
{
	sweep->n_members = highest_epoch(image) + 1;
	sweep->members = calloc(sweep->n_members, sizeof(*sweep->members));
	if (!sweep->members)
		return -ENOMEM;
	for (size_t b = 0; b < image->n_blocks; b++)
		add_block(sweep, image->blocks[b]);
	for (size_t r = 0; rings && r < image->n_rings; r++)
		add_ring(sweep, &image->rings[r], &rings[r]);
	return 0;
}
