/* SPDX-License-Identifier: BSD-2-Clause */
#include "rings.h"

static void test_down_and_back(void **state)
{
	enum { N = 100, SIZE = 16384 };
	_free_ struct ring_member *members = rings_members(N);
	_free_ struct ring_change *changes = calloc(SIZE, sizeof(*changes));
	struct ring *ring = rings_make(members, N, SIZE);
	uint16_t usable[N];
	size_t n, counts[N];

	(void)state;
	memset(usable, 0xff, sizeof(usable));
	assert_int_equal(ring_update_max(ring, usable), 0);
	for (uint16_t dead = 0; dead < N; dead += 9) {
		usable[dead] = 0;
		n = ring_update(ring, usable, changes);
		assert_int_equal(n, ring->first[dead + 1] - ring->first[dead]);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(ring->owner[changes[i].slot], dead);
			assert_int_equal(ring->current[changes[i].slot], changes[i].current);
		}
		rings_count(ring->current, SIZE, counts, N);
		assert_int_equal(counts[dead], 0);
		usable[dead] = RING_ALL;
		assert_int_equal(ring_update(ring, usable, changes), n);
		assert_memory_equal(ring->current, ring->owner, SIZE * sizeof(*ring->owner));
	}
	ring_unref(&ring);
}

static void test_all_down(void **state)
{
	enum { N = 10, SIZE = 1024 };
	static const uint16_t none[N];
	_free_ struct ring_member *members = rings_members(N);
	struct ring *ring = rings_make(members, N, SIZE);
	uint16_t usable[N];

	(void)state;
	assert_int_equal(ring_update(ring, none, NULL), SIZE);
	for (uint32_t s = 0; s < SIZE; s++)
		assert_int_equal(ring->current[s], MUSTER_NONE);
	memset(usable, 0xff, sizeof(usable));
	assert_int_equal(ring_update(ring, usable, NULL), SIZE);
	assert_memory_equal(ring->current, ring->owner, SIZE * sizeof(*ring->owner));
	ring_unref(&ring);
}

/* Half of the members die one by one; the slots of each are spread over the living. */
static void test_balance_after_deaths(void **state)
{
	enum { N = 100, SIZE = 16384, ALIVE = 50 };
	_free_ struct ring_member *members = rings_members(N);
	struct ring *ring = rings_make(members, N, SIZE);
	size_t counts[N], max = 0;
	uint16_t usable[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		usable[i] = i % 2 ? RING_ALL : 0;
	ring_update(ring, usable, NULL);
	rings_count(ring->current, SIZE, counts, N);
	for (size_t i = 0; i < N; i++)
		max = MAX(max, counts[i]);
	assert_true((double)max * ALIVE / SIZE < 1.25);
	ring_unref(&ring);
}

/* Where almost nobody is left, the probes find nobody and the walk decides. */
static void test_few_of_many(void **state)
{
	enum { N = 1000, SIZE = 65536 };
	_free_ struct ring_member *members = rings_members(N);
	_free_ uint16_t *usable = calloc(N, sizeof(*usable));
	struct ring *ring = rings_make(members, N, SIZE);

	(void)state;
	usable[500] = RING_ALL;
	ring_update(ring, usable, NULL);
	for (uint32_t s = 0; s < SIZE; s++)
		assert_int_equal(ring->current[s], 500);
	usable[7] = usable[9] = RING_ALL;
	ring_update(ring, usable, NULL);
	for (uint32_t s = 0; s < SIZE; s += 13)
		assert_int_equal(ring->current[s], ring_refill(ring, s, usable));
	ring_unref(&ring);
}

struct step_check {
	uint16_t before[4096];
	uint16_t usable_before[60];
};

static void check_step(const struct ring *ring, const uint16_t *usable,
	const struct step_check *check, const struct ring_change *changes, size_t n)
{
	size_t moved = 0;

	for (uint32_t s = 0; s < ring->size; s++) {
		assert_int_equal(ring->current[s], ring_refill(ring, s, usable));
		moved += ring->current[s] != check->before[s];
		/* A slot leaves a living member only for one that came back. */
		if (ring->current[s] != check->before[s] && check->before[s] != MUSTER_NONE &&
			usable[check->before[s]])
			assert_false(check->usable_before[ring->current[s]]);
	}
	assert_int_equal(moved, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ring->current[changes[i].slot], changes[i].current);
}

/* After any history `current` is what the base ring and the usable members alone say. */
static void test_random_history(void **state)
{
	enum { N = 60, STEPS = 300 };
	static const uint32_t sizes[] = {256, 4096};
	uint64_t seed = 42;

	(void)state;
	for (size_t z = 0; z < ARRAY_SIZE(sizes); z++) {
		_free_ struct ring_member *members = rings_members(N);
		_free_ struct ring_change *changes = calloc(sizes[z], sizeof(*changes));
		struct step_check check = {};
		uint16_t usable[N];
		struct ring *ring;

		for (size_t i = 0; i < N; i++)
			members[i].weight = (uint16_t)(unit_random(&seed, 4) * 50);
		members[0].weight = 100;
		ring = rings_make(members, N, sizes[z]);
		memset(usable, 0xff, sizeof(usable));
		for (unsigned step = 0; step < STEPS; step++) {
			uint32_t flips = 1 + unit_random(&seed, step % 10 ? 2 : N);
			size_t max, n;

			memcpy(check.usable_before, usable, sizeof(usable));
			memcpy(check.before, ring->current, sizes[z] * sizeof(*ring->current));
			for (uint32_t f = 0; f < flips; f++)
				usable[unit_random(&seed, N)] ^= RING_ALL;
			max = ring_update_max(ring, usable);
			n = ring_update(ring, usable, changes);
			assert_true(n <= max);
			check_step(ring, usable, &check, changes, n);
		}
		ring_unref(&ring);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_down_and_back),
		cmocka_unit_test(test_all_down),
		cmocka_unit_test(test_balance_after_deaths),
		cmocka_unit_test(test_few_of_many),
		cmocka_unit_test(test_random_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
