/* SPDX-License-Identifier: BSD-2-Clause */
/* Refill where members have a part of their slots, and backups. */
#include "rings.h"

/* ---- shares ---- */

enum { SHARE_N = 20, SHARE_SIZE = 4096 };

static void all_have_all(uint16_t *share)
{
	memset(share, 0xff, SHARE_N * sizeof(*share));
}

/*
 * While the share of one grows it takes slots from its substitutes and gives none back, and nothing moves between
 * the others; while it shrinks, the same backwards.
 */
static void test_share_is_monotonic(void **state)
{
	_free_ struct ring_member *members = rings_members(SHARE_N);
	struct ring *ring = rings_make(members, SHARE_N, SHARE_SIZE);
	uint16_t share[SHARE_N], before[SHARE_SIZE];

	(void)state;
	all_have_all(share);
	for (int down = 0; down < 2; down++)
		for (uint32_t step = 0; step <= 64; step++) {
			uint32_t part = down ? 64 - step : step;

			memcpy(before, ring->current, sizeof(before));
			share[7] = (uint16_t)(RING_ALL * part / 64);
			ring_update(ring, share, NULL);
			for (uint32_t s = 0; step && s < SHARE_SIZE; s++) {
				if (ring->current[s] == before[s])
					continue;
				assert_int_equal(ring->current[s] == 7, !down);
				assert_int_equal(before[s] == 7, down);
				assert_int_equal(ring->owner[s], 7);
			}
		}
	ring_unref(&ring);
}

static void test_share_is_its_part(void **state)
{
	_free_ struct ring_member *members = rings_members(SHARE_N);
	struct ring *ring = rings_make(members, SHARE_N, SHARE_SIZE);
	uint16_t share[SHARE_N];
	size_t whole[SHARE_N], counts[SHARE_N];

	(void)state;
	rings_count(ring->current, SHARE_SIZE, whole, SHARE_N);
	all_have_all(share);
	for (uint32_t percent = 10; percent < 100; percent += 10) {
		share[3] = (uint16_t)(RING_ALL * percent / 100);
		ring_update(ring, share, NULL);
		rings_count(ring->current, SHARE_SIZE, counts, SHARE_N);
		assert_in_range(counts[3] * 100, whole[3] * (percent > 12 ? percent - 12 : 0),
			whole[3] * (percent + 12));
		for (size_t i = 0; i < SHARE_N; i++) /* what it does not take, all the others do */
			assert_true(
				i == 3 || (counts[i] >= whole[i] && counts[i] < whole[i] * 5 / 4));
	}
	ring_unref(&ring);
}

/* All start slowly together: everything is somebody's, evenly. */
static void test_all_have_little(void **state)
{
	_free_ struct ring_member *members = rings_members(SHARE_N);
	struct ring *ring = rings_make(members, SHARE_N, SHARE_SIZE);
	uint16_t share[SHARE_N];
	size_t counts[SHARE_N];

	(void)state;
	for (int i = 0; i < SHARE_N; i++)
		share[i] = RING_ALL / 20;
	ring_update(ring, share, NULL);
	rings_count(ring->current, SHARE_SIZE, counts, SHARE_N);
	for (size_t i = 0; i < SHARE_N; i++)
		assert_in_range(counts[i], SHARE_SIZE / SHARE_N / 2, SHARE_SIZE / SHARE_N * 2);
	for (int i = 0; i < SHARE_N; i++)
		share[i] = i == 11; /* the smallest there is */
	ring_update(ring, share, NULL);
	for (uint32_t s = 0; s < SHARE_SIZE; s++)
		assert_int_equal(ring->current[s], 11);
	ring_unref(&ring);
}

/* Any history of shares ends where the shares alone lead, and touches only what it has to. */
static void test_share_history(void **state)
{
	_free_ struct ring_member *members = rings_members(SHARE_N);
	_free_ struct ring_change *changes = calloc(SHARE_SIZE, sizeof(*changes));
	struct ring *ring;
	uint16_t share[SHARE_N], was[SHARE_N], before[SHARE_SIZE];
	uint64_t seed = 77;

	(void)state;
	for (int backups = 0; backups < 2; backups++) {
		for (int i = 0; i < SHARE_N; i++)
			members[i].backup = backups && i % 4 == 0;
		ring = rings_make(members, SHARE_N, SHARE_SIZE);
		all_have_all(share);
		for (unsigned step = 0; step < 200; step++) {
			size_t n, max, moved = 0;

			memcpy(was, share, sizeof(was));
			for (uint32_t s = 0; s < SHARE_SIZE; s++)
				before[s] = ring_current(ring, s);
			for (uint32_t f = 1 + unit_random(&seed, step % 7 ? 2 : SHARE_N); f > 0;
				f--)
				share[unit_random(&seed, SHARE_N)] =
					(uint16_t)(unit_random(&seed, 3)
							   ? unit_random(&seed, 2) * RING_ALL
							   : unit_random(&seed, 1 << 16));
			if (step % 50 == 49)
				memset(share, 0, sizeof(share));
			max = ring_update_max(ring, share);
			n = ring_update(ring, share, changes);
			assert_true(n <= max);
			for (uint32_t s = 0; s < SHARE_SIZE; s++) {
				uint16_t now = ring_current(ring, s);

				assert_int_equal(now, ring_refill(ring, s, share));
				moved += now != before[s];
				/* A slot leaves who has no less than before only for one who has more. */
				if (!backups && now != before[s] && before[s] != MUSTER_NONE &&
					share[before[s]] >= was[before[s]])
					assert_true(share[now] > was[now]);
			}
			assert_true(moved <= n);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(
					changes[i].current, ring_current(ring, changes[i].slot));
		}
		ring_unref(&ring);
	}
}

/* ---- backups ---- */

static void test_backups(void **state)
{
	enum { N = 6, SIZE = 1024 };
	_free_ struct ring_member *members = rings_members(N);
	struct ring_change changes[SIZE];
	struct ring *ring;
	uint16_t share[N];
	size_t counts[N] = {};

	(void)state;
	members[4].backup = members[5].backup = true;
	ring = rings_make(members, N, SIZE);
	assert_non_null(ring->backup);
	memset(share, 0xff, sizeof(share));
	for (uint32_t s = 0; s < SIZE; s++)
		assert_in_range(ring_current(ring, s), 0, 3);
	for (int i = 0; i < 3; i++)
		share[i] = 0;
	ring_update(ring, share, changes);
	for (uint32_t s = 0; s < SIZE; s++) /* one is enough */
		assert_int_equal(ring_current(ring, s), 3);
	share[3] = 0;
	assert_int_equal(ring_update(ring, share, changes), SIZE);
	for (uint32_t s = 0; s < SIZE; s++)
		counts[4] += ring_current(ring, s) == 4;
	assert_in_range(counts[4], SIZE / 2 - 20, SIZE / 2 + 20);
	share[4] = 0;
	ring_update(ring, share, changes);
	for (uint32_t s = 0; s < SIZE; s++)
		assert_int_equal(ring_current(ring, s), 5);
	share[5] = 0;
	assert_int_equal(ring_update(ring, share, changes), SIZE);
	for (uint32_t s = 0; s < SIZE; s++)
		assert_int_equal(ring_current(ring, s), MUSTER_NONE);
	share[4] = RING_ALL;
	ring_update(ring, share, changes);
	share[0] = 1; /* a little of a real one */
	assert_int_equal(ring_update(ring, share, changes), SIZE);
	for (uint32_t s = 0; s < SIZE; s++)
		assert_int_equal(ring_current(ring, s), 0);
	ring_unref(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share_is_monotonic),
		cmocka_unit_test(test_share_is_its_part),
		cmocka_unit_test(test_all_have_little),
		cmocka_unit_test(test_share_history),
		cmocka_unit_test(test_backups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
