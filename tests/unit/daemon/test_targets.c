/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/targets.h"

#include "tests/unit/core/unit.h"

static struct probe_spec spec_of(uint16_t port)
{
	struct check check = {
		.type = CHECK_TCP, .interval = 1000, .timeout = 500, .rise = 2, .fall = 3};
	struct muster_addr addr;
	struct probe_spec spec;

	addr_parse("10.0.0.1", &addr);
	probe_spec_init(&spec, &check, &addr, htons(port));
	return spec;
}

static void equal_specs_share_a_target(void **state)
{
	struct probe_spec one = spec_of(80), same = spec_of(80), other = spec_of(81);
	struct targets *targets;
	struct target *a, *b, *c;

	(void)state;
	assert_int_equal(targets_new(&targets), 0);
	a = targets_get(targets, &one);
	b = targets_get(targets, &same);
	c = targets_get(targets, &other);
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_int_equal(targets_count(targets), 2);
	targets_put(targets, b);
	assert_ptr_equal(targets_find(targets, a->id), a);
	targets_put(targets, a);
	assert_int_equal(targets_count(targets), 1);
	targets_free(&targets);
}

static void ids_are_never_used_again(void **state)
{
	struct probe_spec spec = spec_of(80);
	struct targets *targets;
	struct target *target;
	uint32_t first;

	(void)state;
	assert_int_equal(targets_new(&targets), 0);
	target = targets_get(targets, &spec);
	first = target->id;
	targets_put(targets, target);
	assert_null(targets_find(targets, first));
	target = targets_get(targets, &spec);
	assert_int_not_equal(target->id, first);
	targets_free(&targets);
}

static void third_crash_quarantines(void **state)
{
	struct probe_spec spec = spec_of(80);
	struct targets *targets;
	struct target *target;

	(void)state;
	assert_int_equal(targets_new(&targets), 0);
	target = targets_get(targets, &spec);
	assert_false(targets_crashed(targets, 999)); /* one that is gone meanwhile */
	assert_false(targets_crashed(targets, target->id));
	assert_false(targets_crashed(targets, target->id));
	assert_int_equal(targets_quarantined(targets), 0);
	assert_true(targets_crashed(targets, target->id));
	assert_int_equal(targets_quarantined(targets), 1);
	targets_free(&targets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_specs_share_a_target),
		cmocka_unit_test(ids_are_never_used_again),
		cmocka_unit_test(third_crash_quarantines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
