/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/share.h"

#include "unit.h"

static void test_ramp(void **state)
{
	static const struct {
		uint16_t from, to;
		uint32_t over_ms;
		uint64_t now_ms;
		uint32_t weight; /* 256ths */
		bool ramping;
	} rows[] = {
		{0, 100, 0, 1000, 100 * 256, false},
		{0, 100, 1000, 1000, 0, true},
		{0, 100, 1000, 1500, 50 * 256, true},
		{0, 100, 1000, 1999, 99 * 256 + 230, true},
		{0, 100, 1000, 2000, 100 * 256, false},
		{0, 100, 1000, 999999, 100 * 256, false},
		{100, 0, 1000, 1250, 75 * 256, true},
		{100, 0, 1000, 2000, 0, false},
		{100, 100, 1000, 1500, 100 * 256, true},
		{65535, 1, 4000000000u, 1000, 65535 * 256, true},
		{1, 65535, 4000000000u, 4000000999u, 65535 * 256 - 1, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct share_ramp ramp = {rows[i].from, rows[i].to, 1000, rows[i].over_ms};

		assert_int_equal(share_weight(&ramp, rows[i].now_ms), rows[i].weight);
		assert_int_equal(share_is_ramping(&ramp, rows[i].now_ms), rows[i].ramping);
	}
}

static void test_share(void **state)
{
	static const struct {
		uint32_t weight; /* 256ths */
		uint16_t base;
		uint64_t up_ms;
		uint32_t slow_start_ms;
		uint16_t share;
	} rows[] = {
		{100 * 256, 100, 0, 0, RING_ALL},
		{50 * 256, 100, 0, 0, RING_ALL / 2},
		{200 * 256, 100, 0, 0, RING_ALL}, /* more than all there is not */
		{0, 100, 0, 0, 0},
		{100 * 256, 0, 0, 0, 0},
		{1, 65535, 0, 0, 1}, /* little, but not nothing */
		{100 * 256, 100, 0, 20000, RING_ALL / 20},
		{100 * 256, 100, 1000, 20000, RING_ALL / 20},
		{100 * 256, 100, 10000, 20000, RING_ALL / 2},
		{100 * 256, 100, 20000, 20000, RING_ALL},
		{100 * 256, 100, UINT64_MAX, 20000, RING_ALL},
		{50 * 256, 100, 10000, 20000, RING_ALL / 4},
		{100 * 256, 100, 0, 10, 0}, /* a twentieth of 10 ms is none: see below */
		{65535u * 256, 65535, 0, UINT32_MAX, RING_ALL / 20},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint16_t share = share_of(
			rows[i].weight, rows[i].base, rows[i].up_ms, rows[i].slow_start_ms);

		if (rows[i].weight && rows[i].base) /* whoever may take new flows gets some */
			assert_in_range(share, MAX(rows[i].share, 1) - (rows[i].share > 1),
				MAX(rows[i].share, 1));
		else
			assert_int_equal(share, 0);
	}
}

/* As time passes a share only grows, and ends at all. */
static void test_slow_start_grows(void **state)
{
	uint16_t before = 0;

	(void)state;
	for (uint64_t up_ms = 0; up_ms <= 31000; up_ms += 100) {
		uint16_t share = share_of(100 * 256, 100, up_ms, 30000);

		assert_true(share >= before);
		before = share;
	}
	assert_int_equal(before, RING_ALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_slow_start_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
