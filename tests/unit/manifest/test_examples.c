/* SPDX-License-Identifier: BSD-2-Clause */
/* What deploy/examples/ shows must load without a word. Run from the root of the repository. */
#include "manifest/files.h"

#include "tests/unit/core/unit.h"

static void assert_silent(const struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		print_error("%s\n", diags->rows[i].text);
	assert_int_equal(diags->n, 0);
}

static void test_manifests(void **state)
{
	_cleanup_(manifest_files_clear) struct manifest_files files = {};
	_cleanup_(diags_clear) struct diags diags = {};
	_cleanup_(model_free) struct model *model = NULL;

	(void)state;
	assert_int_equal(manifest_files_read(&files, "deploy/examples/vips.d", true, &diags), 0);
	manifest_load(files.sources, files.n, &model, &diags);
	assert_silent(&diags);
	assert_non_null(model_find_vip(model, "web"));
	assert_non_null(model_find_vip(model, "dns"));
}

/* The settings that are written there are the defaults. */
static void test_settings(void **state)
{
	_cleanup_(manifest_files_clear) struct manifest_files files = {};
	_cleanup_(settings_clear) struct settings got = {}, defaults = {};
	_cleanup_(diags_clear) struct diags diags = {};

	(void)state;
	assert_int_equal(settings_init(&defaults), 0);
	assert_int_equal(
		manifest_files_read(&files, "deploy/examples/musterd.yaml", true, &diags), 0);
	manifest_load_settings(&files.sources[0], &got, &diags);
	assert_silent(&diags);
	assert_int_equal(got.n_interfaces, 1);
	assert_int_equal(got.xdp, defaults.xdp);
	assert_string_equal(got.vips_dir, defaults.vips_dir);
	assert_string_equal(got.run_dir, defaults.run_dir);
	assert_string_equal(got.state_dir, defaults.state_dir);
	assert_string_equal(got.pin_dir, defaults.pin_dir);
	assert_string_equal(got.control_group, defaults.control_group);
	assert_string_equal(got.view_group, defaults.view_group);
	assert_string_equal(got.prober_user, defaults.prober_user);
	assert_memory_equal(&got.limits, &defaults.limits, sizeof(got.limits));
	assert_int_equal(got.nexthops, defaults.nexthops);
	assert_int_equal(got.fragments, defaults.fragments);
	assert_int_equal(got.flows, defaults.flows);
	assert_int_equal(got.settle_tcp, defaults.settle_tcp);
	assert_int_equal(got.settle_udp, defaults.settle_udp);
	assert_int_equal(got.reply_rate, defaults.reply_rate);
	assert_memory_equal(&got.reply_source, &defaults.reply_source, sizeof(got.reply_source));
	assert_memory_equal(&got.outer_source, &defaults.outer_source, sizeof(got.outer_source));
	assert_false(got.hash_key_given);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifests),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
