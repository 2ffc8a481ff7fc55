/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/diag.h"

#include "unit.h"

static void test_text(void **state)
{
	static const struct {
		struct origin where;
		const char *text;
	} rows[] = {
		{{"vips.d/web.yaml", 12, 9}, "vips.d/web.yaml:12:9: unknown key 'x'"},
		{{"vips.d/web.yaml", 0, 0}, "vips.d/web.yaml: unknown key 'x'"},
		{{NULL, 0, 0}, "unknown key 'x'"},
	};
	_cleanup_(diags_clear) struct diags diags = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		diag_error(&diags, rows[i].where, "unknown key '%s'", "x");
		assert_string_equal(diags.rows[i].text, rows[i].text);
	}
}

static void test_levels(void **state)
{
	_cleanup_(diags_clear) struct diags diags = {};

	(void)state;
	diag_warning(&diags, (struct origin){}, "w");
	assert_int_equal(diags.errors, 0);
	diag_error(&diags, (struct origin){}, "e");
	assert_int_equal(diags.errors, 1);
	assert_int_equal(diags.n, 2);
	assert_int_equal(diags.rows[0].level, DIAG_WARNING);
	assert_int_equal(diags.rows[1].level, DIAG_ERROR);
}

static void test_full(void **state)
{
	_cleanup_(diags_clear) struct diags diags = {};

	(void)state;
	for (unsigned i = 0; i < DIAGS_MAX; i++)
		diag_error(&diags, (struct origin){}, "%u", i);
	assert_false(diags.full);
	diag_error(&diags, (struct origin){}, "one more");
	assert_true(diags.full);
	assert_int_equal(diags.n, DIAGS_MAX);
	assert_int_equal(diags.errors, DIAGS_MAX + 1);
	diags_clear(&diags);
	assert_int_equal(diags.n, 0);
	assert_null(diags.rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
