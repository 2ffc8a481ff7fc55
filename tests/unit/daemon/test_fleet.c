/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/fleet.h"

#include "tests/lib/models.h"
#include "tests/unit/core/unit.h"

static struct targets *targets;

static struct model *model_of(size_t pools, size_t backends)
{
	struct model *model = models_new();

	for (size_t p = 0; p < pools; p++) {
		char name[32];
		struct check *check = calloc(1, sizeof(*check));

		snprintf(name, sizeof(name), "p%zu", p);
		models_add_backends(
			model, models_add_pool(model, name), (uint32_t)(256 * p), backends);
		*check = (struct check){.name = strdup("c"),
			.interval = 1000,
			.timeout = 500,
			.rise = 2,
			.fall = 3};
		model->pools[p].checks = check;
		model->pools[p].n_checks = 1;
		models_add_vip(model, name, models_addr_v4(0x10000 + (uint32_t)p), p);
	}
	return model;
}

static struct fleet *fleet_of(struct model *model, struct fleet *before)
{
	struct fleet_context context = {.targets = targets, .now_ms = 1000};
	struct fleet *fleet;

	assert_int_equal(fleet_new(&fleet, model, before, &context), 0);
	assert_int_equal(fleet_activate(fleet, targets), 0);
	return fleet;
}

static void pass(struct fleet_backend *be)
{
	struct health_params params = {.rise = 2, .fall = 3};
	struct health_input input = {.outcome = OUTCOME_pass};

	health_step(&be->targets[0]->health, &params, &input, 2000);
}

static void refuse(struct fleet_backend *be)
{
	struct health_params params = {.rise = 2, .fall = 3};
	struct health_input input = {.outcome = OUTCOME_refused};

	health_step(&be->targets[0]->health, &params, &input, 3000);
}

static void first_pass_opens(void **state)
{
	struct fleet *fleet = fleet_of(model_of(1, 3), NULL);
	struct fleet_pool *pool = &fleet->pools[0];

	(void)state;
	fleet_pool_update(pool, 1000);
	for (int i = 0; i < 3; i++)
		assert_false(pool->states[i].bits.new_ok);
	pass(&pool->backends[1]);
	assert_true(fleet_pool_update(pool, 2000));
	assert_true(pool->states[1].bits.new_ok);
	assert_false(pool->states[0].bits.new_ok);
	assert_int_equal(pool->backends[1].since_ms, 2000);
	assert_false(fleet_pool_update(pool, 2500));
	refuse(&pool->backends[1]);
	assert_true(fleet_pool_update(pool, 3000));
	assert_false(pool->states[1].bits.old_ok);
	fleet_free(&fleet, targets);
	assert_int_equal(targets_count(targets), 0);
}

static void health_survives_a_new_model(void **state)
{
	struct fleet *before = fleet_of(model_of(1, 3), NULL), *after;

	(void)state;
	pass(&before->pools[0].backends[0]);
	fleet_pool_update(&before->pools[0], 2000);
	before->pools[0].states[0].nexthop = 7;
	after = fleet_of(model_of(2, 2), before);
	fleet_free(&before, targets);
	fleet_pool_update(&after->pools[0], 5000);
	assert_true(after->pools[0].states[0].bits.new_ok);
	assert_int_equal(after->pools[0].states[0].nexthop, 7);
	assert_int_equal(after->pools[0].backends[0].since_ms, 2000);
	assert_false(after->pools[0].states[1].bits.new_ok);
	assert_int_equal(targets_count(targets), 4);
	fleet_free(&after, targets);
}

static void adopted_bits_count_until_evidence(void **state)
{
	struct fleet *fleet = fleet_of(model_of(1, 2), NULL);
	struct fleet_pool *pool = &fleet->pools[0];
	struct image_member members[2] = {
		{.identity = model_identity("p0", "b1"),
			.addr = models_addr_v4(0),
			.bits = {true, true},
			.nexthop = 3},
		{.identity = model_identity("p0", "b2"),
			.addr = models_addr_v4(1),
			.bits = {false, true},
			.nexthop = 4},
	};
	struct block block = {.members = members, .n = 2}, *blocks[] = {&block};
	struct image adopted = {.blocks = blocks, .n_blocks = 1};

	(void)state;
	fleet_restore(fleet, &adopted);
	fleet_pool_update(pool, 1000);
	assert_true(pool->states[0].bits.new_ok);
	assert_false(pool->states[1].bits.new_ok);
	assert_true(pool->states[1].bits.old_ok);
	assert_int_equal(pool->states[1].nexthop, 4);
	refuse(&pool->backends[0]);
	fleet_pool_update(pool, 3000);
	assert_false(pool->states[0].bits.new_ok);
	fleet_free(&fleet, targets);
}

static void nearly_all_in_doubt_is_blindness(void **state)
{
	struct fleet *fleet = fleet_of(model_of(3, 2), NULL);
	struct health_params params = {.rise = 2, .fall = 3};
	struct health_input timeout = {.outcome = OUTCOME_answer_timeout};

	(void)state;
	for (size_t p = 0; p < 3; p++)
		for (size_t i = 0; i < 2; i++)
			pass(&fleet->pools[p].backends[i]);
	for (size_t p = 0; p < 3; p++)
		fleet_pool_update(&fleet->pools[p], 2000);
	assert_false(fleet_blind(fleet, false, 3000));
	for (size_t p = 0; p < 3; p++)
		for (size_t i = 0; i < 2; i++)
			health_step(&fleet->pools[p].backends[i].targets[0]->health, &params,
				&timeout, 3000);
	assert_true(fleet_blind(fleet, false, 3500));
	assert_false(fleet_blind(fleet, false, 5000)); /* interval + timeout are over */
	assert_true(fleet_blind(fleet, true, 50000));  /* but a hold lasts until passes return */
	pass(&fleet->pools[0].backends[0]);
	pass(&fleet->pools[1].backends[0]);
	assert_false(fleet_blind(fleet, true, 50000));
	fleet_free(&fleet, targets);
}

static void runtime_words_are_kept(void **state)
{
	struct override *overrides = NULL, word = {.has_admin = true, .admin = ADMIN_DRAINING};
	struct fleet_context context = {.targets = targets, .now_ms = 1000};
	struct fleet *fleet;

	(void)state;
	word.identity = model_identity("p0", "b2");
	HASH_ADD(hh, overrides, identity, sizeof(word.identity), &word);
	context.overrides = overrides;
	assert_int_equal(fleet_new(&fleet, model_of(1, 2), NULL, &context), 0);
	assert_int_equal(fleet->pools[0].backends[0].admin, ADMIN_ENABLED);
	assert_int_equal(fleet->pools[0].backends[1].admin, ADMIN_DRAINING);
	HASH_CLEAR(hh, overrides);
	fleet_free(&fleet, targets);
}

static int setup(void **state)
{
	(void)state;
	return targets_new(&targets);
}

static int teardown(void **state)
{
	(void)state;
	targets_free(&targets);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_pass_opens),
		cmocka_unit_test(health_survives_a_new_model),
		cmocka_unit_test(adopted_bits_count_until_evidence),
		cmocka_unit_test(nearly_all_in_doubt_is_blindness),
		cmocka_unit_test(runtime_words_are_kept),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
