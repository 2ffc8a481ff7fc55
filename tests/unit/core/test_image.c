/* SPDX-License-Identifier: BSD-2-Clause */
#include "plans.h"

static void test_free_nothing(void **state)
{
	struct image *image = NULL;
	struct block *block = NULL;

	(void)state;
	image_free(&image);
	block_unref(&block);
	assert_int_equal(image_new(&image), 0);
	assert_null(image_find_service(image, &(struct muster_key){}));
	image_free(&image);
	assert_null(image);
}

static void test_find_service(void **state)
{
	static const struct {
		const char *addr;
		uint16_t port;
		bool found;
	} rows[] = {
		{"198.18.0.10", 80, true},
		{"198.18.0.10", 443, true},
		{"198.18.0.10", 0, true},
		{"198.18.0.10", 81, false},
		{"198.18.0.11", 80, false},
		{"2001:db8::10", 80, true},
		{"198.18.0.9", 80, false},
		{"2001:db8::11", 0, false},
	};
	_cleanup_(model_free) struct model *model = models_new();
	_cleanup_(plans_clear) struct plans plans;
	struct vip *vip;

	(void)state;
	plans_init(&plans, &plans_limits);
	vip = models_add_vip(
		model, "web", models_addr("198.18.0.10"), models_add_pool(model, "web"));
	models_add_addr(vip, models_addr("2001:db8::10"));
	models_add_port(vip, 443);
	plans_commit_up(&plans, model);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct image_service *service =
			plans_service(&plans, rows[i].addr, rows[i].port);

		assert_int_equal(service != NULL, rows[i].found);
		if (service)
			assert_int_equal(ntohs(service->key.port), rows[i].port);
	}
}

/* Images share blocks and rings; the last one to go frees them. */
static void test_shared_parts(void **state)
{
	_cleanup_(model_free) struct model *model = models_new();
	_cleanup_(plans_clear) struct plans plans;
	struct image *second = NULL;
	struct member_state **states;
	struct block *block;

	(void)state;
	plans_init(&plans, &plans_limits);
	models_add_backends(model, models_add_pool(model, "web"), 1, 2);
	models_add_vip(model, "web", models_addr("198.18.0.10"), 0);
	plans_commit_up(&plans, model);
	states = models_states(model);
	block = plans.live->blocks[0];
	assert_int_equal(block->references, 2); /* itself and its ring */
	assert_int_equal(plans_try(&plans, model, states, &second), 0);
	assert_ptr_equal(second->blocks[0], block);
	assert_int_equal(block->references, 4);
	image_free(&second);
	assert_int_equal(block->references, 2);
	models_states_free(states, model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_nothing),
		cmocka_unit_test(test_find_service),
		cmocka_unit_test(test_shared_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
