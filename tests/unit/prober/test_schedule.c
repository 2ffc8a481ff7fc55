/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/schedule.h"

#include "tests/unit/core/unit.h"

static const struct probe_spec spec = {
	.interval = 2000,
	.fast = 200,
	.down = 1000,
	.timeout = 1500,
	.fast_timeout = 500,
	.rise = 2,
	.fall = 3,
};

static void test_intervals(void **state)
{
	static const struct {
		struct health health;
		uint64_t now_ms;
		uint32_t interval;
		bool in_transition;
	} rows[] = {
		{{.state = HEALTH_UNKNOWN}, 1, 2000, false},
		{{.state = HEALTH_UNKNOWN, .fails = 1}, 1, 200, true},
		{{.state = HEALTH_UP, .passes = 1}, 1, 2000, false},
		{{.state = HEALTH_UP, .fails = 1}, 1, 200, true},
		{{.state = HEALTH_UP, .fails = 2}, 1, 200, true},
		/* down: fast for 5 s, then slowly */
		{{.state = HEALTH_FAILING, .fails = 3, .since_ms = 100}, 100, 200, false},
		{{.state = HEALTH_UNREACHABLE, .fails = 1, .since_ms = 100}, 5099, 200, false},
		{{.state = HEALTH_UNREACHABLE, .fails = 9, .since_ms = 100}, 5100, 1000, false},
		{{.state = HEALTH_FAILING, .fails = 9, .since_ms = 100}, 99999, 1000, false},
		/* on its way back */
		{{.state = HEALTH_FAILING, .passes = 1, .since_ms = 100}, 99999, 200, true},
		{{.state = HEALTH_UNREACHABLE, .passes = 1, .since_ms = 100}, 99999, 200, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t jitter = rows[i].interval / 10;

		assert_int_equal(
			schedule_in_transition(&rows[i].health, &spec), rows[i].in_transition);
		assert_int_equal(schedule_next(&rows[i].health, &spec, rows[i].now_ms, jitter),
			rows[i].interval);
	}
}

static void test_jitter(void **state)
{
	static const struct {
		uint32_t interval, low, high;
	} rows[] = {
		{2000, 1800, 2200},
		{100, 90, 110},
		{9, 9, 9},
		{1, 1, 1},
		{UINT32_MAX, UINT32_MAX - UINT32_MAX / 10, UINT32_MAX},
	};
	uint64_t random = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct probe_spec one = spec;
		struct health health = {.state = HEALTH_UP};
		uint32_t low = UINT32_MAX, high = 0;

		one.interval = rows[i].interval;
		for (int k = 0; k < 10000; k++) {
			uint32_t ms = schedule_next(
				&health, &one, 0, unit_random(&random, UINT32_MAX >> 1));

			low = MIN(low, ms);
			high = MAX(high, ms);
		}
		assert_true(low >= rows[i].low && high <= rows[i].high);
		if (rows[i].interval <= 2000) {
			assert_int_equal(low, rows[i].low);
			assert_int_equal(high, rows[i].high);
		}
	}
}

static void test_pace(void **state)
{
	uint64_t next = 0, now = 5000000000, step = 1000000000 / SCHEDULE_OPENS_PER_S;

	(void)state;
	assert_int_equal(schedule_pace(&next, now), 0);
	for (uint64_t i = 1; i < 5000; i++)
		assert_int_equal(schedule_pace(&next, now), i * step);
	now += 4000 * step;
	assert_int_equal(schedule_pace(&next, now), 1000 * step);
	/* turns that nobody took do not add up to a burst */
	now += 60000 * step;
	assert_int_equal(schedule_pace(&next, now), 0);
	assert_int_equal(schedule_pace(&next, now), step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
