/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of next hops in use: equal ones share an index; an index is used again only after a grace
 * period in which no member named it. Pure.
 */
#ifndef MUSTER_CORE_NEXTHOPS_H
#define MUSTER_CORE_NEXTHOPS_H

#include "core/image.h"

struct nexthops;

int nexthops_new(struct nexthops **ret, uint32_t size);
void nexthops_free(struct nexthops **nexthops);

/* Marks an index with its content as used (adoption). */
int nexthops_claim(struct nexthops *nexthops, uint32_t index, const struct muster_nexthop *nexthop);

/*
 * Index of @nexthop; *ret_new: it has to be written before a member names it. 0 (MUSTER_NO_NEXTHOP)
 * if the table is full.
 */
uint32_t nexthops_get(
	struct nexthops *nexthops, const struct muster_nexthop *nexthop, bool *ret_new);

const struct muster_nexthop *nexthops_at(const struct nexthops *nexthops, uint32_t index);

/*
 * Call before a grace period: remembers the indexes that no member of @image (and of @next, or NULL)
 * and none of the @n indexes in @held names. Call nexthops_sweep() after it: frees those that are
 * still unnamed.
 */
void nexthops_mark(struct nexthops *nexthops, const struct image *image, const struct image *next,
	const uint32_t *held, size_t n);
void nexthops_sweep(struct nexthops *nexthops);
uint32_t nexthops_used(const struct nexthops *nexthops);

#endif
