/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges are compared by their place: the planner gives two rings the same place only if they hold
 * the same, be it that one is shared or that the other was adopted.
 */
#include "core/plan_build.h"

static bool same_ring(const struct ring *a, const struct ring *b)
{
	if (!a || !b)
		return a == b;
	return a->slots.base == b->slots.base && a->slots.n == b->slots.n;
}

static bool same_service(const struct image_service *a, const struct image_service *b)
{
	if (memcmp(&a->key, &b->key, sizeof(a->key)) || a->index != b->index ||
		a->mode != b->mode || a->on_empty != b->on_empty || a->gue_port != b->gue_port ||
		a->flags != b->flags || !same_ring(a->ring, b->ring))
		return false;
	return !a->ring || a->block->base == b->block->base;
}

static bool same_members(const struct block *a, const struct block *b)
{
	for (uint16_t i = 0; i < MAX(a->n, b->n); i++) {
		static const struct image_member unused;
		const struct image_member *x = i < a->n ? &a->members[i] : &unused;
		const struct image_member *y = i < b->n ? &b->members[i] : &unused;

		if (x->identity != y->identity || !addr_equal(&x->addr, &y->addr) ||
			x->port != y->port)
			return false;
	}
	return true;
}

/* @near: where the last one was found; blocks mostly stand in the same order. */
static bool has_block(const struct image *image, const struct block *block, size_t *near)
{
	for (size_t i = 0; i < image->n_blocks; i++) {
		size_t at = (*near + i) % image->n_blocks;
		const struct block *other = image->blocks[at];

		if (other->base != block->base)
			continue;
		*near = at + 1;
		return other == block || same_members(other, block);
	}
	return false;
}

bool plan_is_same(const struct image *previous, const struct image *next)
{
	size_t near = 0;

	if (previous->n_services != next->n_services || previous->n_blocks != next->n_blocks ||
		previous->n_rings != next->n_rings)
		return false;
	for (size_t i = 0; i < next->n_services; i++)
		if (!same_service(&previous->services[i], &next->services[i]))
			return false;
	for (size_t i = 0; i < next->n_blocks; i++)
		if (!has_block(previous, next->blocks[i], &near))
			return false;
	return true;
}
