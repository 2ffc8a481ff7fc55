/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings for the tests of ring*.c. */
#ifndef MUSTER_TESTS_RINGS_H
#define MUSTER_TESTS_RINGS_H

#include "core/ring.h"

#include "unit.h"

#include <arpa/inet.h>

#define RINGS_INLINE static inline __attribute__((unused))

static const struct muster_hash_key rings_key = {{0x0123456789abcdef, 0xfedcba9876543210}};

/* Members 0 .. n-1 of the same weight, their index is their number. */
RINGS_INLINE struct ring_member *rings_members(size_t n)
{
	struct ring_member *members = calloc(n ? n : 1, sizeof(*members));

	assert_non_null(members);
	for (size_t i = 0; i < n; i++) {
		members[i].addr.w[2] = htonl(0xffff);
		members[i].addr.w[3] = htonl(0x0a000000 + (uint32_t)i * 7);
		members[i].port = htons(80);
		members[i].index = (uint16_t)i;
		members[i].weight = 100;
	}
	return members;
}

RINGS_INLINE struct ring *rings_make(const struct ring_member *members, size_t n, uint32_t size)
{
	struct ring *ring = NULL;

	assert_int_equal(ring_new(&ring, members, n, size, &rings_key), 0);
	return ring;
}

RINGS_INLINE void rings_count(const uint16_t *slots, uint32_t size, size_t *ret_counts, size_t n)
{
	memset(ret_counts, 0, n * sizeof(*ret_counts));
	for (uint32_t s = 0; s < size; s++) {
		assert_in_range(slots[s], 0, n - 1);
		ret_counts[slots[s]]++;
	}
}

#endif
