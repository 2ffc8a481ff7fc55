/* SPDX-License-Identifier: BSD-2-Clause */
/* What a controller that starts reads back of the image in the tables. */
#ifndef MUSTER_TESTS_ADOPT_H
#define MUSTER_TESTS_ADOPT_H

#include "plans.h"

PLANS_INLINE struct block *adopt_block(const struct block *block)
{
	struct block *adopted = calloc(1, sizeof(*adopted));

	assert_non_null(adopted);
	adopted->base = block->base;
	adopted->capacity = block->capacity;
	adopted->n = block->n;
	adopted->references = 1;
	adopted->members = calloc(block->n, sizeof(*adopted->members));
	assert_non_null(adopted->members);
	for (uint16_t i = 0; i < block->n; i++) {
		adopted->members[i] = block->members[i];
		adopted->members[i].weight = 0;
	}
	return adopted;
}

PLANS_INLINE struct ring *adopt_ring(const struct ring *ring)
{
	struct ring *adopted = calloc(1, sizeof(*adopted));

	assert_non_null(adopted);
	adopted->size = ring->size;
	adopted->proto = ring->proto;
	adopted->references = 1;
	assert_int_equal(slots_init(&adopted->slots, ring->slots.n), 0);
	adopted->slots.base = ring->slots.base;
	for (uint32_t s = 0; s < ring->slots.n; s++)
		slots_set(&adopted->slots, s, ring->slots.word[s], 0);
	return adopted;
}

/* What can be read back of @image from the tables, in another order than it was made in. */
PLANS_INLINE struct image *adopt(const struct image *image)
{
	struct image *adopted = NULL;

	assert_int_equal(image_new(&adopted), 0);
	adopted->generation = image->generation;
	adopted->n_blocks = image->n_blocks;
	adopted->n_rings = image->n_rings;
	adopted->n_services = image->n_services;
	adopted->blocks = calloc(image->n_blocks + 1, sizeof(*adopted->blocks));
	adopted->rings = calloc(image->n_rings + 1, sizeof(*adopted->rings));
	adopted->services = calloc(image->n_services + 1, sizeof(*adopted->services));
	assert_true(adopted->blocks && adopted->rings && adopted->services);
	for (size_t b = 0; b < image->n_blocks; b++)
		adopted->blocks[image->n_blocks - 1 - b] = adopt_block(image->blocks[b]);
	for (size_t r = 0; r < image->n_rings; r++) {
		struct image_ring *ring = &adopted->rings[image->n_rings - 1 - r];

		ring->ring = adopt_ring(image->rings[r].ring);
		for (size_t b = 0; b < adopted->n_blocks; b++)
			if (adopted->blocks[b]->base == image->rings[r].block->base)
				ring->block = block_ref(adopted->blocks[b]);
	}
	for (size_t i = 0; i < image->n_services; i++) {
		struct image_service *service = &adopted->services[i];

		*service = image->services[i];
		memset(service->vip, 0, sizeof(service->vip));
		service->ring = NULL;
		service->block = NULL;
		for (size_t r = 0; image->services[i].ring && r < adopted->n_rings; r++)
			if (adopted->rings[r].ring->slots.base ==
				image->services[i].ring->slots.base) {
				service->ring = adopted->rings[r].ring;
				service->block = adopted->rings[r].block;
			}
	}
	return adopted;
}

#endif
