/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/poolbits.h"

#include "unit.h"

/*
 * Backends as text, two letters each: admin state (e enabled, d draining, x disabled), then health
 *	u up   f failing   x unreachable   ? unknown
 *	and unknown after a restart, with last bits: N {1, 1}   O {0, 1}   Z {0, 0}
 * Bits as text: N {1, 1}, O {0, 1}, - {0, 0}, ! {1, 0} (never).
 */
struct row {
	const char *backends, *bits;
	uint8_t percent;
	bool panic, on_down_reset;
};

static const struct row rows[] = {
	/* the table of member bits */
	{"eu eu", "NN", .percent = 50},
	{"eu ef", "NO", .percent = 50},
	{"eu ex", "N-", .percent = 50},
	{"eu e?", "N-", .percent = 50},
	{"eu du", "NO", .percent = 50},
	{"eu df", "NO", .percent = 50},
	{"eu dx", "N-", .percent = 50},
	{"eu d?", "N-", .percent = 50},
	{"eu xu", "N-", .percent = 50},
	{"eu xf", "N-", .percent = 50},
	{"eu ef", "N-", .percent = 50, .on_down_reset = true},
	{"eu df", "N-", .percent = 50, .on_down_reset = true},
	/* after a restart: the last bits, as far as the operator allows */
	{"eN eO eZ", "NO-", .percent = 100},
	{"dN dO dZ", "OO-", .percent = 100},
	{"xN xO", "--", .percent = 100},
	/* panic: more than so many percent of the enabled ones are not up */
	{"ef eu", "ON", .percent = 50},
	{"ef ef eu", "NNN", .percent = 50, .panic = true},
	{"ef ex eu", "N-N", .percent = 50, .panic = true},
	{"ef e? eu", "N-N", .percent = 50, .panic = true},
	{"ex ex eu", "--N", .percent = 50, .panic = true},
	{"ef ef", "NN", .percent = 50, .panic = true},
	{"ef ef", "NN", .percent = 50, .panic = true, .on_down_reset = true},
	{"ex ex", "--", .percent = 50, .panic = true},
	{"ef eu eu eu", "NNNN", .percent = 0, .panic = true},
	{"eu eu", "NN", .percent = 0},
	{"ef ef", "OO", .percent = 100},
	{"ef ef ef eu", "OOON", .percent = 75},
	/* who is not enabled is not asked, and gets nothing in a panic */
	{"df df xf eu", "OO-N", .percent = 50},
	{"ef df xf", "NO-", .percent = 50, .panic = true},
	{"du xu", "O-", .percent = 50},
	/* a restart is no panic: backends that were up count as up */
	{"eN eN ef", "NNO", .percent = 50},
	{"eZ eO ef", "-ON", .percent = 50, .panic = true},
	{"", "", .percent = 50},
};

static struct poolbits_backend backend_of(const char *text)
{
	static const struct {
		char letter;
		enum health_state health;
		bool restored;
		struct bits last;
	} healths[] = {
		{'u', HEALTH_UP, false, {}},
		{'f', HEALTH_FAILING, false, {}},
		{'x', HEALTH_UNREACHABLE, false, {}},
		{'?', HEALTH_UNKNOWN, false, {}},
		{'N', HEALTH_UNKNOWN, true, {true, true}},
		{'O', HEALTH_UNKNOWN, true, {false, true}},
		{'Z', HEALTH_UNKNOWN, true, {false, false}},
	};
	struct poolbits_backend backend = {
		.admin = text[0] == 'e'	  ? ADMIN_ENABLED
			 : text[0] == 'd' ? ADMIN_DRAINING
					  : ADMIN_DISABLED,
	};
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(healths); i++)
		if (healths[i].letter == text[1]) {
			backend.health = healths[i].health;
			backend.restored = healths[i].restored;
			backend.last = healths[i].last;
			found = true;
		}
	assert_true(found);
	return backend;
}

static void test_compute(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct poolbits_params params = {rows[i].percent, rows[i].on_down_reset};
		struct poolbits_backend backends[8];
		struct bits bits[8];
		size_t n = (strlen(rows[i].backends) + 1) / 3;
		char text[9] = "";
		bool panic;

		for (size_t k = 0; k < n; k++)
			backends[k] = backend_of(rows[i].backends + 3 * k);
		panic = poolbits_compute(&params, backends, n, bits);
		for (size_t k = 0; k < n; k++)
			text[k] = bits[k].new_ok ? (bits[k].old_ok ? 'N' : '!')
						 : (bits[k].old_ok ? 'O' : '-');
		assert_string_equal(text, rows[i].bits);
		assert_int_equal(panic, rows[i].panic);
	}
}

static void test_blind(void **state)
{
	static const struct {
		struct blind_pool pools[5];
		size_t n;
		bool blind;
	} cases[] = {
		{{{}}, 0, false},
		{{{0, 0}}, 1, false},
		{{{10, 0}}, 1, false},
		/* more than 80 %, not 80 % */
		{{{10, 8}}, 1, false},
		{{{10, 9}}, 1, true},
		{{{1, 1}}, 1, true},
		/* in all pools, where there are fewer than three */
		{{{10, 10}, {1, 0}}, 2, false},
		{{{10, 10}, {1, 1}}, 2, true},
		/* else in three */
		{{{10, 10}, {10, 10}, {1, 0}, {1, 0}}, 4, false},
		{{{10, 10}, {10, 10}, {1, 1}, {1, 0}}, 4, true},
		{{{10, 9}, {10, 9}, {10, 9}}, 3, true},
		{{{10, 1}, {10, 1}, {10, 1}}, 3, false},
		/* a pool with nobody up has nothing to doubt */
		{{{10, 10}, {0, 0}}, 2, true},
		{{{10, 10}, {0, 0}, {1, 1}, {0, 0}}, 4, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(poolbits_blind(cases[i].pools, cases[i].n), cases[i].blind);
}

static void test_doubtful(void **state)
{
	static const struct {
		enum health_state health;
		uint64_t first_fail_ms, now_ms;
		bool doubtful;
	} cases[] = {
		{HEALTH_UP, 0, 10000, false},
		{HEALTH_UP, 10000, 10000, true},
		{HEALTH_UP, 10000, 13500, true},
		{HEALTH_UP, 10000, 13501, false},
		{HEALTH_FAILING, 10000, 10001, false},
		{HEALTH_UNREACHABLE, 10000, 10001, false},
		{HEALTH_UNKNOWN, 10000, 10001, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct health health = {
			.state = cases[i].health,
			.first_fail_ms = cases[i].first_fail_ms,
		};

		assert_int_equal(
			poolbits_doubtful(&health, 2000, 1500, cases[i].now_ms), cases[i].doubtful);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compute),
		cmocka_unit_test(test_blind),
		cmocka_unit_test(test_doubtful),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
