/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/model.h"

#include "models.h"
#include "unit.h"

/* Identities outlive the process: the number is part of the ABI of pinned maps. */
static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(model_identity("web", "b1"), model_identity("web", "b1"));
	assert_int_not_equal(model_identity("web", "b1"), model_identity("web", "b2"));
	assert_int_not_equal(model_identity("web", "b1"), model_identity("api", "b1"));
	assert_int_not_equal(model_identity("web", "b1"), model_identity("webb", "1"));
	assert_true(model_identity("web", "b1") == 0x1354f65be824c0f3ull);
}

static void test_port(void **state)
{
	static const struct {
		uint16_t port, to, backend, wanted;
	} rows[] = {
		{80, 0, 0, 80},
		{80, 0, 8080, 8080},
		{80, 81, 8080, 81},
		{80, 81, 0, 81},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vip_port port = {htons(rows[i].port), htons(rows[i].to)};
		struct backend be = {.port = htons(rows[i].backend)};

		assert_int_equal(
			model_backend_port(&(struct vip){}, &port, &be), htons(rows[i].wanted));
	}
}

static void test_find(void **state)
{
	_cleanup_(model_free) struct model *model = models_new();

	(void)state;
	models_add_pool(model, "web");
	models_add_pool(model, "api");
	models_add_vip(model, "www", models_addr("198.18.0.1"), 0);
	assert_ptr_equal(model_find_pool(model, "api"), &model->pools[1]);
	assert_null(model_find_pool(model, "www"));
	assert_ptr_equal(model_find_vip(model, "www"), &model->vips[0]);
	assert_null(model_find_vip(model, "web"));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(admin_state_name(ADMIN_DRAINING), "draining");
	assert_string_equal(mode_name(MUSTER_MODE_L2DSR), "l2dsr");
	assert_string_equal(mode_name(MUSTER_MODE_IPIP), "ipip");
	assert_string_equal(proto_name(IPPROTO_TCP), "tcp");
	assert_string_equal(proto_name(IPPROTO_UDP), "udp");
}

/* VIPs v0 .. v(n-1). */
static struct model *with_vips(size_t n)
{
	struct model *model = models_new();
	char name[24];

	models_add_pool(model, "web");
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "v%zu", i);
		models_add_vip(model, name, models_addr_v4((uint32_t)i), 0);
	}
	return model;
}

static void test_removal(void **state)
{
	static const struct {
		size_t old, next;
		bool small;
	} rows[] = {
		{0, 0, true},
		{0, 5, true},
		{4, 4, true},
		{4, 2, true},
		{4, 1, false},
		{1, 0, false},
		{2, 1, true},
		{3, 1, false},
		{10, 5, true},
		{10, 4, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(model_free) struct model *old = with_vips(rows[i].old);
		_cleanup_(model_free) struct model *next = with_vips(rows[i].next);

		assert_int_equal(model_removal_is_small(old, next), rows[i].small);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
