/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/manifest.h"

#include "tests/unit/core/unit.h"

static bool has(const char *const *keys, size_t n, const char *key)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += !strcmp(keys[i], key);
	return found == 1;
}

static void test_keys(void **state)
{
	static const char *const some[] = {
		"Vip.apiVersion",
		"Vip.mode",
		"Vip.ports.to",
		"Vip.backends.address",
		"Vip.checks.interval",
		"Pool.checks.fast_timeout",
		"Pool.on_down",
		"musterd.interfaces",
		"musterd.limits.ring_slots",
	};
	size_t n, again;
	const char *const *keys = manifest_keys(&n);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		assert_true(has(keys, n, some[i]));
	assert_ptr_equal(manifest_keys(&again), keys);
	assert_int_equal(again, n);
	for (size_t i = 0; i < n; i++)
		assert_true(has(keys, n, keys[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
