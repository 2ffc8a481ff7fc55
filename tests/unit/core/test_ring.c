/* SPDX-License-Identifier: BSD-2-Clause */
#include "rings.h"

#include <errno.h>

static void test_sizes(void **state)
{
	static const struct {
		size_t members;
		uint32_t size;
	} rows[] = {
		{0, 0},
		{1, 256},
		{2, 256},
		{3, 1024},
		{10, 1024},
		{11, 4096},
		{40, 4096},
		{41, 16384},
		{163, 16384},
		{164, 65536},
		{655, 65536},
		{656, 65536},
		{4096, 65536},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(ring_size_for(rows[i].members), rows[i].size);
		assert_int_equal(ring_size_is_valid(rows[i].size), rows[i].size != 0);
	}
	assert_false(ring_size_is_valid(252));
}

static void test_invalid(void **state)
{
	_free_ struct ring_member *members = rings_members(3);
	struct ring *ring = NULL;

	(void)state;
	assert_int_equal(ring_new(&ring, members, 3, 252, &rings_key), -EINVAL);
	assert_int_equal(ring_new(&ring, members, 3, 0, &rings_key), -EINVAL);
	members[1].index = RING_MEMBERS_MAX;
	assert_int_equal(ring_new(&ring, members, 3, 256, &rings_key), -EINVAL);
	members[1].index = 1;
	members[2].addr = members[0].addr;
	assert_int_equal(ring_new(&ring, members, 3, 256, &rings_key), -EINVAL);
	members[2].port = htons(81);
	assert_int_equal(ring_new(&ring, members, 3, 256, &rings_key), 0);
	ring_unref(&ring);
	assert_null(ring);
}

/* Neither the order of the members nor what index they have decides who owns a slot. */
static void test_pure(void **state)
{
	enum { N = 50, SIZE = 4096 };
	_free_ struct ring_member *members = rings_members(N), *mixed = rings_members(N);
	struct ring *ring = rings_make(members, N, SIZE), *other;
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < N; i++)
		mixed[i].index = (uint16_t)(3 * i + 5);
	for (size_t i = N - 1; i > 0; i--) {
		size_t j = unit_random(&seed, (uint32_t)i + 1);
		struct ring_member swapped = mixed[i];

		mixed[i] = mixed[j];
		mixed[j] = swapped;
	}
	other = rings_make(mixed, N, SIZE);
	assert_int_equal(other->n_index, 3 * (N - 1) + 5 + 1);
	for (uint32_t s = 0; s < SIZE; s++)
		assert_int_equal(other->owner[s], 3 * ring->owner[s] + 5);
	ring_unref(&ring);
	ring_unref(&other);
}

static void test_key_matters(void **state)
{
	static const struct muster_hash_key another = {{1, 2}};
	_free_ struct ring_member *members = rings_members(10);
	struct ring *ring = rings_make(members, 10, 1024), *other = NULL;
	uint32_t same = 0;

	(void)state;
	assert_int_equal(ring_new(&other, members, 10, 1024, &another), 0);
	for (uint32_t s = 0; s < 1024; s++)
		same += ring->owner[s] == other->owner[s];
	assert_in_range(same, 1, 200);
	ring_unref(&ring);
	ring_unref(&other);
}

static void test_balance(void **state)
{
	static const struct {
		size_t members;
		uint32_t size;
		double max_by_mean;
	} rows[] = {
		{1, 256, 1.0001},
		{2, 256, 1.01},
		{10, 65536, 1.001},
		{100, 16384, 1.01},
		{100, 65536, 1.002},
		{650, 65536, 1.01},
		{4096, 65536, 1.0626},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = rows[i].members, max = 0;
		_free_ struct ring_member *members = rings_members(n);
		_free_ size_t *counts = calloc(n, sizeof(*counts));
		struct ring *ring = rings_make(members, n, rows[i].size);

		rings_count(ring->owner, ring->size, counts, n);
		for (size_t m = 0; m < n; m++)
			max = MAX(max, counts[m]);
		assert_true((double)max * (double)n / ring->size <= rows[i].max_by_mean);
		ring_unref(&ring);
	}
}

/* Every slot is in the list of its owner, once. */
static void test_slots_by_owner(void **state)
{
	enum { N = 20, SIZE = 4096 };
	_free_ struct ring_member *members = rings_members(N);
	bool seen[SIZE] = {};
	struct ring *ring;

	(void)state;
	members[3].weight = 0;
	ring = rings_make(members, N, SIZE);
	assert_int_equal(ring->first[0], 0);
	assert_int_equal(ring->first[N], SIZE);
	assert_int_equal(ring->first[3], ring->first[4]);
	for (uint16_t m = 0; m < N; m++)
		for (uint32_t i = ring->first[m]; i < ring->first[m + 1]; i++) {
			assert_int_equal(ring->owner[ring->slots_of[i]], m);
			assert_false(seen[ring->slots_of[i]]);
			seen[ring->slots_of[i]] = true;
		}
	ring_unref(&ring);
}

static void test_weights(void **state)
{
	static const uint16_t weights[] = {1, 10, 20, 50, 100, 100, 200, 300, 0, 65};
	enum { N = ARRAY_SIZE(weights), SIZE = 16384 };
	_free_ struct ring_member *members = rings_members(N);
	size_t counts[N], sum = 0;
	struct ring *ring;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		members[i].weight = weights[i];
		sum += weights[i];
	}
	ring = rings_make(members, N, SIZE);
	rings_count(ring->owner, SIZE, counts, N);
	for (size_t i = 0; i < N; i++) {
		double wanted = (double)SIZE * weights[i] / (double)sum;

		assert_true((double)counts[i] > wanted - 2 && (double)counts[i] < wanted + 2);
	}
	ring_unref(&ring);
}

static void test_extreme_weights(void **state)
{
	_free_ struct ring_member *members = rings_members(3);
	size_t counts[3];
	struct ring *ring;

	(void)state;
	members[0].weight = 65535;
	members[1].weight = 1;
	members[2].weight = 65535;
	ring = rings_make(members, 3, 1024);
	rings_count(ring->owner, 1024, counts, 3);
	assert_int_equal(counts[1], 0);
	assert_int_equal(counts[0], 512);
	ring_unref(&ring);
}

static void test_nobody(void **state)
{
	static const uint16_t none[2];
	_free_ struct ring_member *members = rings_members(2);
	struct ring *ring;

	(void)state;
	members[0].weight = members[1].weight = 0;
	for (size_t n = 0; n <= 2; n += 2) {
		ring = rings_make(members, n, 256);
		for (uint32_t s = 0; s < 256; s++)
			assert_int_equal(ring->current[s], MUSTER_NONE);
		assert_int_equal(ring_update(ring, none, NULL), 0);
		assert_int_equal(ring_refill(ring, 7, none), MUSTER_NONE);
		ring_unref(&ring);
	}
}

/* Slots that change owner when the weight of 1 of 100 members changes. */
static void test_weight_change_moves_few(void **state)
{
	static const uint16_t weights[] = {0, 50, 90, 99, 101, 110, 150, 200};
	enum { N = 100, SIZE = 16384 };
	_free_ struct ring_member *members = rings_members(N);
	struct ring *before = rings_make(members, N, SIZE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
		struct ring *after;
		uint32_t moved = 0;

		members[42].weight = weights[i];
		after = rings_make(members, N, SIZE);
		for (uint32_t s = 0; s < SIZE; s++)
			moved += before->owner[s] != after->owner[s];
		assert_in_range(moved, 1, SIZE * 4 / 100);
		ring_unref(&after);
	}
	ring_unref(&before);
}

static void test_references(void **state)
{
	_free_ struct ring_member *members = rings_members(2);
	struct ring *ring = rings_make(members, 2, 256), *second = ring_ref(ring);

	(void)state;
	ring_unref(&ring);
	assert_null(ring);
	assert_int_equal(second->size, 256);
	ring_unref(&second);
	ring_unref(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_pure),
		cmocka_unit_test(test_key_matters),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_slots_by_owner),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_extreme_weights),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_weight_change_moves_few),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
