/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/util.h"

#include "unit.h"

static void test_grow(void **state)
{
	_free_ uint32_t *array = NULL;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(util_grow(&array, i, sizeof(*array)), 0);
		array[i] = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(array[i], i);
}

/* Room that ASan guards, and from which util_grow() goes on. */
static void test_reserve(void **state)
{
	static const size_t more[] = {0, 3, 1, 0, 5, 100, 1, 28};
	_free_ uint32_t *array = NULL;
	uint32_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		assert_int_equal(util_reserve(&array, n, more[i], sizeof(*array)), 0);
		for (size_t j = 0; j < more[i]; j++, n++)
			array[n] = n;
		assert_int_equal(util_grow(&array, n, sizeof(*array)), 0);
		array[n] = n;
		n++;
	}
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(array[i], i);
}

static void test_power_of_two(void **state)
{
	static const size_t rows[][2] = {{0, 1}, {1, 1}, {2, 2}, {3, 4}, {16, 16}, {4095, 4096}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(util_power_of_two(rows[i][0]), rows[i][1]);
}

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = {
		{"", "", 0},
		{"", "abc", 3},
		{"interval", "intreval", 2},
		{"port", "ports", 1},
		{"kitten", "sitting", 3},
		{"same", "same", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(util_distance(rows[i].a, rows[i].b), rows[i].distance);
		assert_int_equal(util_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
}

static void test_nearest(void **state)
{
	static const char *const names[] = {"interval", "timeout", "rise", "fall"};
	static const struct {
		const char *word, *nearest;
	} rows[] = {
		{"intreval", "interval"},
		{"timeuot", "timeout"},
		{"ris", "rise"},
		{"call", "fall"},
		{"host", NULL},
		{"x", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *nearest = util_nearest(rows[i].word, names, ARRAY_SIZE(names));

		if (rows[i].nearest)
			assert_string_equal(nearest, rows[i].nearest);
		else
			assert_null(nearest);
	}
}

static void test_take(void **state)
{
	char *owned = strdup("x");
	_free_ char *taken = take_ptr(owned);
	int fd = 7;

	(void)state;
	assert_null(owned);
	assert_string_equal(taken, "x");
	assert_int_equal(take_fd(&fd), 7);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_power_of_two),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
