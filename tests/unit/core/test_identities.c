/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/identities.h"

#include "unit.h"

static void test_find(void **state)
{
	_cleanup_(identities_clear) struct identities map = {};

	(void)state;
	assert_int_equal(identities_find(&map, 5), IDENTITIES_NONE);
	assert_int_equal(identities_init(&map, 0), 0);
	assert_int_equal(identities_find(&map, 5), IDENTITIES_NONE);
	identities_clear(&map);
	assert_int_equal(identities_init(&map, 3), 0);
	/* All in the same place of the table, the last wraps around. */
	identities_add(&map, 0x107, 1);
	identities_add(&map, 0x207, 2);
	identities_add(&map, 0x107, 3);
	assert_int_equal(identities_find(&map, 0x107), 1);
	assert_int_equal(identities_find(&map, 0x207), 2);
	assert_int_equal(identities_find(&map, 0x307), IDENTITIES_NONE);
}

static void test_many(void **state)
{
	enum { N = 4096 };
	_cleanup_(identities_clear) struct identities map = {};
	uint64_t identity = 1;

	(void)state;
	assert_int_equal(identities_init(&map, N), 0);
	for (uint32_t i = 0; i < N; i++, identity *= 0x9e3779b97f4a7c15ull)
		identities_add(&map, identity, i);
	identity = 1;
	for (uint32_t i = 0; i < N; i++, identity *= 0x9e3779b97f4a7c15ull)
		assert_int_equal(identities_find(&map, identity), i);
	assert_int_equal(identities_find(&map, identity), IDENTITIES_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
