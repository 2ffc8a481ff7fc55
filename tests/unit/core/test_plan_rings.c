/* SPDX-License-Identifier: BSD-2-Clause */
#include "plans.h"

#include <errno.h>

static struct model *make(size_t n)
{
	struct model *model = models_new();

	models_add_backends(model, models_add_pool(model, "web"), 1, n);
	models_add_vip(model, "web", models_addr("198.18.0.10"), 0);
	return model;
}

static const struct ring *live_ring(const struct plans *plans)
{
	return plans_service(plans, "198.18.0.10", 80)->ring;
}

static void test_size(void **state)
{
	static const struct {
		size_t backends, weightless;
		uint32_t configured, size;
	} rows[] = {
		{2, 0, 0, 256},
		{10, 0, 0, 1024},
		{11, 1, 0, 1024},
		{11, 0, 0, 4096},
		{2, 0, 4096, 4096},
		{3, 3, 0, 0},
		{3, 3, 4096, 0},
		{0, 0, 4096, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(model_free) struct model *model = make(rows[i].backends);
		_cleanup_(plans_clear) struct plans plans;

		model->pools[0].ring_size = rows[i].configured;
		for (size_t b = 0; b < rows[i].weightless; b++)
			model->pools[0].backends[b].weight = 0;
		plans_init(&plans, &plans_limits);
		plans_commit_up(&plans, model);
		if (rows[i].size)
			assert_int_equal(live_ring(&plans)->size, rows[i].size);
		else
			assert_null(live_ring(&plans));
		assert_int_equal(arena_used(plans.space->elements), (rows[i].size + 15) / 16);
	}
}

static void test_starts_refilled(void **state)
{
	_cleanup_(model_free) struct model *model = make(10);
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(model);
	const struct ring *ring;

	(void)state;
	states[0][4].bits.new_ok = false;
	plans_init(&plans, &plans_limits);
	plans_commit(&plans, model, states);
	ring = live_ring(&plans);
	for (uint32_t s = 0; s < ring->size; s++)
		assert_int_not_equal(ring->current[s], 4);
	models_states_free(states, model);
}

/* A change of state is no change of the image. */
static void test_shared_while_same(void **state)
{
	_cleanup_(model_free) struct model *model = make(10);
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(model);
	const struct ring *ring;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit(&plans, model, states);
	ring = live_ring(&plans);
	states[0][4].bits.new_ok = false;
	plans_commit(&plans, model, states);
	assert_false(plans.changed);
	assert_ptr_equal(live_ring(&plans), ring);
	assert_int_equal(live_ring(&plans)->slots.base, ring->slots.base);
	models_states_free(states, model);
}

static void test_new_place(void **state)
{
	_cleanup_(model_free) struct model *model = make(10);
	_cleanup_(plans_clear) struct plans plans;
	uint32_t base;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	base = live_ring(&plans)->slots.base;
	model->pools[0].backends[0].weight = 50;
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	assert_int_not_equal(live_ring(&plans)->slots.base, base);
	base = live_ring(&plans)->slots.base;
	model->pools[0].ring_size = 4096;
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	assert_int_equal(live_ring(&plans)->size, 4096);
	assert_int_not_equal(live_ring(&plans)->slots.base, base);
}

/* The new ring of a shared block: a patch of the live image meanwhile must not pass it by. */
static void test_patch_while_planning(void **state)
{
	_cleanup_(model_free) struct model *model = make(10);
	_cleanup_(patch_clear) struct patch patch = {};
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(model);
	struct image *next = NULL;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit(&plans, model, states);
	models_add_vip(model, "udp", models_addr("198.18.0.11"), 0)->proto = IPPROTO_UDP;
	assert_int_equal(plans_try(&plans, model, states, &next), 0);
	assert_int_equal(next->n_rings, 2);
	assert_ptr_equal(next->blocks[0], plans.live->blocks[0]);
	states[0][3].bits.new_ok = false;
	plans_catch_up(plans.live, model, states);
	assert_int_equal(image_patch(next, "web", states[0], 10, 0, &patch), 0);
	assert_int_equal(patch.n_members, 0);
	assert_true(patch.n_slots > 0);
	plans_check_rings(next);
	image_free(&plans.live);
	plans.live = next;
	models_states_free(states, model);
}

static void test_key(void **state)
{
	_cleanup_(model_free) struct model *model = make(10);
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(model);
	struct plan_input input = {
		.model = model,
		.states = (const struct member_state *const *)states,
		.key = {{3, 4}},
	};
	struct image *next = NULL;
	bool changed;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit(&plans, model, states);
	assert_int_equal(
		plan_image(&input, plans.space, plans.live, &next, &changed, &plans.diags), 0);
	assert_true(changed);
	assert_ptr_equal(next->blocks[0], plans.live->blocks[0]);
	assert_int_not_equal(next->rings[0].ring->slots.base, live_ring(&plans)->slots.base);
	image_free(&next);
	models_states_free(states, model);
}

static void test_duplicate_address(void **state)
{
	_cleanup_(model_free) struct model *model = make(2);
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(model);
	struct image *next = NULL;

	(void)state;
	model->pools[0].backends[1].addr = model->pools[0].backends[0].addr;
	plans_init(&plans, &plans_limits);
	assert_int_equal(plans_try(&plans, model, states, &next), -EINVAL);
	assert_null(next);
	assert_string_equal(plans.diags.rows[0].text,
		"pools.yaml:1:1: pool web: two backends have the same address and port");
	plans_check_space(plans.space, plans.live);
	models_states_free(states, model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_starts_refilled),
		cmocka_unit_test(test_shared_while_same),
		cmocka_unit_test(test_new_place),
		cmocka_unit_test(test_patch_while_planning),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_duplicate_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
