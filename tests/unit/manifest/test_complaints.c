/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/complaints.h"

#include "tests/unit/core/unit.h"

#include <errno.h>

static void test_order(void **state)
{
	char a[] = "a.yaml", b[] = "b.yaml";
	char *files[] = {b, a};
	static const char *const expected[] = {
		"b.yaml:9:1: one",
		"a.yaml:1:2: two",
		"a.yaml:2:1: three",
		"a.yaml:2:1: four",
		"a.yaml:2:7: five",
	};
	_cleanup_(diags_clear) struct diags diags = {};
	struct complaints complaints = {};

	(void)state;
	complain_error(&complaints, ((struct origin){a, 2, 1}), "three");
	complain_error(&complaints, ((struct origin){a, 2, 7}), "five");
	complain_error(&complaints, ((struct origin){a, 2, 1}), "four");
	complain_warning(&complaints, ((struct origin){a, 1, 2}), "two");
	complain_error(&complaints, ((struct origin){b, 9, 1}), "one");
	complain_error(&complaints, ((struct origin){b, 9, 1}), "one");
	assert_int_equal(complaints_hand_over(&complaints, files, 2, &diags), -EINVAL);
	assert_int_equal(diags.n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(diags.rows[i].text, expected[i]);
	assert_int_equal(diags.rows[1].level, DIAG_WARNING);
	assert_int_equal(complaints.n, 0);
}

static void test_result(void **state)
{
	_cleanup_(diags_clear) struct diags diags = {};
	struct complaints complaints = {};

	(void)state;
	assert_int_equal(complaints_hand_over(&complaints, NULL, 0, &diags), 0);
	complain_warning(&complaints, ((struct origin){}), "w");
	assert_int_equal(complaints_hand_over(&complaints, NULL, 0, &diags), 0);
	complaints.no_memory = true;
	assert_int_equal(complaints_hand_over(&complaints, NULL, 0, &diags), -ENOMEM);
}

/* However many there are, memory is bounded and none is forgotten in the count. */
static void test_many(void **state)
{
	_cleanup_(diags_clear) struct diags diags = {};
	struct complaints complaints = {};

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(complaints_full(&complaints), i >= DIAGS_MAX);
		complain_error(&complaints, ((struct origin){"a", i, 1}), "e");
	}
	assert_true(complaints.n <= 2 * DIAGS_MAX);
	assert_int_equal(complaints_hand_over(&complaints, NULL, 0, &diags), -EINVAL);
	assert_int_equal(diags.n, DIAGS_MAX);
	assert_int_equal(diags.errors, 1000);
	assert_true(diags.full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
