/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/arena.h"

#include "unit.h"

static struct arena *make(uint32_t size, uint32_t reserved)
{
	struct arena *arena = NULL;

	assert_int_equal(arena_new(&arena, size, reserved), 0);
	return arena;
}

static void test_first_fit(void **state)
{
	_cleanup_(arena_free) struct arena *arena = make(200, 0);

	(void)state;
	assert_int_equal(arena_size(arena), 200);
	assert_int_equal(arena_alloc(arena, 60), 0);
	assert_int_equal(arena_alloc(arena, 10), 60); /* across a word */
	assert_int_equal(arena_alloc(arena, 130), 70);
	assert_int_equal(arena_alloc(arena, 1), ARENA_FULL);
	assert_int_equal(arena_used(arena), 200);
	arena_release(arena, 60, 10);
	assert_int_equal(arena_alloc(arena, 11), ARENA_FULL);
	assert_int_equal(arena_alloc(arena, 9), 60);
	assert_int_equal(arena_alloc(arena, 1), 69);
	assert_int_equal(arena_alloc(arena, 0), ARENA_FULL);
}

static void test_reserved(void **state)
{
	_cleanup_(arena_free) struct arena *arena = make(10, 2);

	(void)state;
	assert_int_equal(arena_used(arena), 0);
	assert_false(arena_claim(arena, 1, 1));
	assert_int_equal(arena_alloc(arena, 1), 2);
	assert_int_equal(arena_alloc(arena, 8), ARENA_FULL);
	assert_int_equal(arena_alloc(arena, 7), 3);
}

static void test_claim(void **state)
{
	static const struct {
		uint32_t first, n;
		bool fits;
	} rows[] = {
		{0, 64, true},
		{63, 2, false},
		{64, 1, true},
		{100, 0, false},
		{120, 9, false},
		{120, 8, true},
		{128, 1, false},
		{UINT32_MAX, 2, false},
		{2, UINT32_MAX, false},
	};
	_cleanup_(arena_free) struct arena *arena = make(128, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(arena_claim(arena, rows[i].first, rows[i].n), rows[i].fits);
	assert_int_equal(arena_used(arena), 64 + 1 + 8);
	assert_int_equal(arena_alloc(arena, 1), 65);
}

static void test_empty(void **state)
{
	_cleanup_(arena_free) struct arena *arena = make(0, 0);

	(void)state;
	assert_int_equal(arena_alloc(arena, 1), ARENA_FULL);
	assert_false(arena_claim(arena, 0, 1));
}

/* Against an array of flags: the first run of @n free ones. */
static uint32_t first_run(const bool *used, uint32_t size, uint32_t n)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < size; i++) {
		run = used[i] ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return ARENA_FULL;
}

static void test_random(void **state)
{
	enum { SIZE = 1000, STEPS = 5000 };
	_cleanup_(arena_free) struct arena *arena = make(SIZE, 0);
	struct {
		uint32_t first, n;
	} held[SIZE];
	bool used[SIZE] = {};
	uint32_t n_held = 0, n_used = 0;
	uint64_t seed = 7;

	(void)state;
	for (unsigned step = 0; step < STEPS; step++) {
		if (unit_random(&seed, 5) < 3) {
			uint32_t n = 1 + unit_random(&seed, step % 3 ? 8 : 150);
			uint32_t first = first_run(used, SIZE, n);

			assert_int_equal(arena_alloc(arena, n), first);
			if (first == ARENA_FULL)
				continue;
			memset(used + first, true, n);
			n_used += n;
			held[n_held].first = first;
			held[n_held++].n = n;
		} else if (n_held) {
			uint32_t i = unit_random(&seed, n_held);

			arena_release(arena, held[i].first, held[i].n);
			memset(used + held[i].first, false, held[i].n);
			n_used -= held[i].n;
			held[i] = held[--n_held];
		}
		assert_int_equal(arena_used(arena), n_used);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_fit),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
