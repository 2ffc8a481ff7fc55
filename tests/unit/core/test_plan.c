/* SPDX-License-Identifier: BSD-2-Clause */
#include "plans.h"

#include <errno.h>

static void test_full(void **state)
{
	static const struct {
		struct plan_limits limits;
		const char *text;
	} rows[] = {
		{{.services = 5, .members = 4096, .slots = 1 << 19},
			"vips.yaml:3:1: service table full: vip v2 needs 1 more, 0 of 5 are free; "
			"raise limits.services in musterd.yaml"},
		{{.services = 512, .members = 90, .slots = 1 << 19},
			"pools.yaml:3:1: member table full: pool p2 needs 32 indexes, 26 of 90 are "
			"free; raise limits.members in musterd.yaml"},
		{{.services = 512, .members = 4096, .slots = 10000},
			"pools.yaml:3:1: ring table full: pool p2 needs 4096 slots, 1808 of 10000 "
			"are free; raise limits.ring_slots in musterd.yaml"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(model_free) struct model *two = plans_pools(2), *four = plans_pools(4);
		_cleanup_(plans_clear) struct plans plans;
		struct member_state **states = models_states(four);
		struct image *next = NULL;

		plans_init(&plans, &rows[i].limits);
		plans_commit_up(&plans, two);
		assert_int_equal(plans_try(&plans, four, states, &next), -ENOSPC);
		assert_null(next);
		assert_int_equal(plans.diags.n, 1);
		assert_string_equal(plans.diags.rows[0].text, rows[i].text);
		plans_check_space(plans.space, plans.live);
		plans_commit_up(&plans, two);
		assert_false(plans.changed);
		models_states_free(states, four);
	}
}

static void test_full_in_pieces(void **state)
{
	static const struct plan_limits limits = {.services = 8, .members = 96, .slots = 1 << 16};
	_cleanup_(model_free) struct model *three = plans_pools(3), *big = models_new();
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states;
	struct image *next = NULL;

	(void)state;
	plans_init(&plans, &limits);
	plans_commit_up(&plans, three);
	models_add_backends(big, models_add_pool(big, "p1"), 20, 20);
	models_add_vip(big, "v1", models_addr_v4(0x10001), 0);
	plans_commit_up(&plans, big); /* the middle one is left */
	models_add_backends(big, models_add_pool(big, "big"), 100, 40);
	models_add_vip(big, "v2", models_addr_v4(0x10002), 1);
	states = models_states(big);
	assert_int_equal(plans_try(&plans, big, states, &next), -ENOSPC);
	assert_string_equal(plans.diags.rows[0].text,
		"pools.yaml:2:1: member table full: pool big needs 64 indexes, 64 of 96 are free "
		"but not in one piece; raise limits.members in musterd.yaml");
	models_states_free(states, big);
}

/* An image that is never committed gives back what it took, whatever it shares. */
static void test_dropped(void **state)
{
	_cleanup_(model_free) struct model *two = plans_pools(2), *four = plans_pools(4);
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states;
	struct image *next = NULL;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, two);
	four->pools[0].backends[0].weight = 7;
	states = models_states(four);
	assert_int_equal(plans_try(&plans, four, states, &next), 0);
	plan_retire(plans.space, next, plans.live);
	image_free(&next);
	plans_check_space(plans.space, plans.live);
	models_states_free(states, four);
}

static void test_empty(void **state)
{
	_cleanup_(model_free) struct model *empty = models_new(), *two = plans_pools(2);
	_cleanup_(plans_clear) struct plans plans;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, empty);
	assert_false(plans.changed);
	plans_commit_up(&plans, two);
	plans_commit_up(&plans, empty);
	assert_true(plans.changed);
	assert_int_equal(arena_used(plans.space->services) + arena_used(plans.space->members) +
				 arena_used(plans.space->elements),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_full_in_pieces),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
