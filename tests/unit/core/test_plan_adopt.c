/* SPDX-License-Identifier: BSD-2-Clause */
/* A planner that starts over the tables which another one left. */
#include "adopt.h"

/* Ends the controller of @plans and starts one over the tables it left. */
static void restart(struct plans *plans)
{
	struct image *adopted = adopt(plans->live);

	plans_clear(plans);
	*plans = (struct plans){.live = adopted};
	assert_int_equal(plan_space_new(&plans->space, &plans_limits), 0);
	assert_true(plan_space_claim(plans->space, adopted));
}

/* All classes and protocols, one pool with two blocks of the same members, one empty. */
static struct model *make_mixed(void)
{
	struct model *model = plans_pools(3);
	struct vip *vip;

	models_add_backend(model, 1, "six", models_addr("2001:db8::1"), 100);
	models_add_addr(&model->vips[1], models_addr("2001:db8::10"));
	models_add_vip(model, "dsr", models_addr("198.18.0.1"), 1)->mode = MUSTER_MODE_L2DSR;
	models_add_vip(model, "udp", models_addr("198.18.0.2"), 1)->proto = IPPROTO_UDP;
	vip = models_add_vip(
		model, "empty", models_addr("198.18.0.3"), models_add_pool(model, "empty"));
	models_add_port(vip, 443);
	model->pools[2].backends[4].weight = 10;
	return model;
}

static void test_restart_changes_nothing(void **state)
{
	_cleanup_(model_free) struct model *model = make_mixed();
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(model);

	(void)state;
	states[0][3].bits.new_ok = false;
	states[1][5].on_link = false;
	states[2][0].nexthop = MUSTER_NO_NEXTHOP;
	plans_init(&plans, &plans_limits);
	plans_commit(&plans, model, states);
	restart(&plans);
	plans_commit(&plans, model, states);
	assert_false(plans.changed);
	assert_int_equal(plans.live->generation, 1);
	assert_string_equal(plans.live->blocks[0]->pool, "p0");
	assert_non_null(plans.live->rings[0].ring->owner);
	plans_commit(&plans, model, states);
	assert_false(plans.changed);
	models_states_free(states, model);
}

/* What changed while nobody looked is a patch; the image stays. */
static void test_restart_with_other_states(void **state)
{
	_cleanup_(model_free) struct model *model = make_mixed();
	_cleanup_(patch_clear) struct patch patch = {};
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(model);
	struct image *next = NULL;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit(&plans, model, states);
	restart(&plans);
	states[0][3].bits.new_ok = false;
	assert_int_equal(plans_try(&plans, model, states, &next), 0);
	assert_false(plans.changed);
	assert_int_equal(image_patch(next, "p0", states[0], 20, 0, &patch), 0);
	assert_int_equal(patch.n_members, 1);
	assert_true(patch.n_slots > 0);
	image_free(&next);
	models_states_free(states, model);
}

/* A patch that the end of the controller cut in two: the ring is made anew, the members stay. */
static void test_restart_after_half_a_patch(void **state)
{
	_cleanup_(model_free) struct model *model = make_mixed();
	_cleanup_(plans_clear) struct plans plans;
	uint32_t base, ring_base;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	base = plans.live->rings[0].block->base;
	ring_base = plans.live->rings[0].ring->slots.base;
	plans.live->rings[0].ring->slots.word[77] = MUSTER_SLOT(19, 19);
	plans.live->rings[0].ring->slots.word[78] = MUSTER_SLOT(18, 18);
	restart(&plans);
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	assert_int_equal(plans.live->rings[0].block->base, base);
	assert_int_not_equal(plans.live->rings[0].ring->slots.base, ring_base);
}

/* The manifests changed meanwhile: what is the same keeps its indexes. */
static void test_restart_with_other_model(void **state)
{
	_cleanup_(model_free) struct model *model = make_mixed(), *next = make_mixed();
	_cleanup_(plans_clear) struct plans plans;
	const struct block *block;
	uint32_t index, base;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	index = plans_service(&plans, "198.18.0.1", 80)->index;
	base = plans_service(&plans, "198.18.0.1", 80)->block->base;
	restart(&plans);
	models_add_backend(next, 1, "more", models_addr("10.9.9.9"), 100);
	next->pools[1].backends[0].addr = models_addr("10.9.9.10");
	plans_commit_up(&plans, next);
	assert_true(plans.changed);
	assert_int_equal(plans_service(&plans, "198.18.0.1", 80)->index, index);
	block = plans_service(&plans, "198.18.0.1", 80)->block;
	assert_int_equal(block->base, base);
	assert_int_equal(plans_member(block, "p1", "b2"), 1);
	assert_int_equal(plans_member(block, "p1", "b1"), 20);
	assert_int_equal(plans_member(block, "p1", "more"), 21);
}

/* Tables in which two classes name one block: it goes on as one of them. */
static void test_restart_with_crossed_blocks(void **state)
{
	_cleanup_(model_free) struct model *model = make_mixed();
	_cleanup_(plans_clear) struct plans plans;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	restart(&plans);
	for (size_t i = 0; i < plans.live->n_services; i++)
		if (plans.live->services[i].mode == MUSTER_MODE_L2DSR)
			plans.live->services[i].block =
				plans_service(&plans, "10.1.0.1", 80)->block;
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	assert_int_not_equal(plans_service(&plans, "198.18.0.1", 80)->block->base,
		plans_service(&plans, "10.1.0.1", 80)->block->base);
}

static void test_damaged(void **state)
{
	static const struct plan_limits small = {.services = 64, .members = 64, .slots = 1 << 13};
	_cleanup_(model_free) struct model *model = plans_pools(2);
	_cleanup_(plan_space_free) struct plan_space *space = NULL, *tight = NULL;
	_cleanup_(plans_clear) struct plans plans;
	_cleanup_(image_free) struct image *adopted = NULL;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	adopted = adopt(plans.live);
	assert_int_equal(plan_space_new(&space, &plans_limits), 0);
	adopted->services[0].index = adopted->services[1].index;
	assert_false(plan_space_claim(space, adopted));
	plan_space_free(&space);
	image_free(&adopted);

	adopted = adopt(plans.live);
	assert_int_equal(plan_space_new(&tight, &small), 0);
	assert_true(plan_space_claim(tight, adopted));
	plan_space_free(&tight);
	adopted->blocks[0]->capacity++; /* into its neighbour or out of the table */
	assert_int_equal(plan_space_new(&tight, &small), 0);
	assert_false(plan_space_claim(tight, adopted));
	plan_space_free(&tight);
	adopted->blocks[0]->capacity--;
	adopted->rings[0].ring->slots.base++;
	assert_int_equal(plan_space_new(&tight, &small), 0);
	assert_false(plan_space_claim(tight, adopted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restart_changes_nothing),
		cmocka_unit_test(test_restart_with_other_states),
		cmocka_unit_test(test_restart_after_half_a_patch),
		cmocka_unit_test(test_restart_with_other_model),
		cmocka_unit_test(test_restart_with_crossed_blocks),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
