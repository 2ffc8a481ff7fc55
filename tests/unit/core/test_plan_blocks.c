/* SPDX-License-Identifier: BSD-2-Clause */
#include "plans.h"

/* One VIP over pool web with @n backends b1 .. bN. */
static struct model *make(size_t n)
{
	struct model *model = models_new();

	models_add_backends(model, models_add_pool(model, "web"), 1, n);
	models_add_vip(model, "web", models_addr("198.18.0.10"), 0);
	return model;
}

static void remove_backend(struct model *model, size_t at)
{
	struct pool *pool = &model->pools[0];

	free(pool->backends[at].name);
	memmove(&pool->backends[at], &pool->backends[at + 1],
		(--pool->n_backends - at) * sizeof(*pool->backends));
}

static const struct block *live_block(const struct plans *plans)
{
	assert_int_equal(plans->live->n_blocks, 1);
	return plans->live->blocks[0];
}

static void test_capacity(void **state)
{
	static const struct {
		size_t backends;
		uint32_t capacity;
	} rows[] = {{1, 16}, {16, 16}, {17, 32}, {100, 128}, {128, 128}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(model_free) struct model *model = make(rows[i].backends);
		_cleanup_(plans_clear) struct plans plans;

		plans_init(&plans, &plans_limits);
		plans_commit_up(&plans, model);
		assert_int_equal(live_block(&plans)->n, rows[i].backends);
		assert_int_equal(live_block(&plans)->capacity, rows[i].capacity);
		assert_int_equal(arena_used(plans.space->members), rows[i].capacity);
	}
}

/* Whatever their weight, path or health. */
static void test_all_backends(void **state)
{
	_cleanup_(model_free) struct model *model = make(4);
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(model);
	const struct image_member *members;

	(void)state;
	model->pools[0].backends[1].weight = 0;
	states[0][2].nexthop = MUSTER_NO_NEXTHOP;
	states[0][3].bits = (struct bits){false, true};
	plans_init(&plans, &plans_limits);
	plans_commit(&plans, model, states);
	assert_int_equal(live_block(&plans)->n, 4);
	members = live_block(&plans)->members;
	assert_int_equal(members[1].weight, 0);
	assert_true(members[1].bits.new_ok);
	assert_false(members[2].bits.new_ok || members[2].bits.old_ok);
	assert_false(members[3].bits.new_ok);
	assert_true(members[3].bits.old_ok);
	assert_int_equal(members[3].port, htons(80));
	models_states_free(states, model);
}

static void test_shared_while_same(void **state)
{
	_cleanup_(model_free) struct model *model = make(4);
	_cleanup_(plans_clear) struct plans plans;
	const struct block *block;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	block = live_block(&plans);
	models_add_vip(model, "more", models_addr("198.18.0.11"), 0);
	plans_commit_up(&plans, model);
	assert_ptr_equal(live_block(&plans), block);
}

/* A removed member's index lies idle for one step, in the range that both images name. */
static void test_removed_index_waits(void **state)
{
	_cleanup_(model_free) struct model *model = make(4);
	_cleanup_(plans_clear) struct plans plans;
	uint32_t base;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	base = live_block(&plans)->base;
	remove_backend(model, 1);
	models_add_backend(model, 0, "new", models_addr("10.0.9.9"), 100);
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	assert_int_equal(live_block(&plans)->base, base);
	assert_int_equal(plans_member(live_block(&plans), "web", "b2"), -1);
	assert_int_equal(plans_member(live_block(&plans), "web", "b3"), 2);
	assert_int_equal(plans_member(live_block(&plans), "web", "new"), 4);
	models_add_backend(model, 0, "newer", models_addr("10.0.9.10"), 100);
	plans_commit_up(&plans, model);
	assert_int_equal(plans_member(live_block(&plans), "web", "newer"), 1);
}

static void test_removal_changes(void **state)
{
	_cleanup_(model_free) struct model *model = make(4);
	_cleanup_(plans_clear) struct plans plans;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	remove_backend(model, 3);
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	assert_int_equal(live_block(&plans)->n, 3);
}

/* Members that no ring names are in the tables all the same. */
static void test_weightless_change(void **state)
{
	_cleanup_(model_free) struct model *model = make(1);
	_cleanup_(plans_clear) struct plans plans;

	(void)state;
	model->pools[0].backends[0].weight = 0;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	assert_int_equal(plans.live->n_rings, 0);
	model->pools[0].backends[0].addr = models_addr("10.0.9.9");
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	plans_commit_up(&plans, model);
	assert_false(plans.changed);
}

/* Another address is another server, whatever its name. */
static void test_new_address_new_index(void **state)
{
	_cleanup_(model_free) struct model *model = make(2);
	_cleanup_(plans_clear) struct plans plans;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	model->pools[0].backends[0].addr = models_addr("10.0.9.9");
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	assert_int_equal(plans_member(live_block(&plans), "web", "b1"), 2);
	model->pools[0].backends[1].port = htons(8080);
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	assert_int_equal(plans_member(live_block(&plans), "web", "b2"), 0);
}

/* More than the range holds, or would hold with what waits in it: a new range, the same indexes. */
static void test_moves(void **state)
{
	static const struct {
		size_t remove, add; /* from 16 */
		uint32_t capacity;
		bool moves;
	} rows[] = {
		{0, 1, 32, true},
		{1, 1, 16, true},
		{1, 0, 16, false},
		{5, 10, 32, true},
		{0, 20, 64, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(model_free) struct model *model = make(16);
		_cleanup_(plans_clear) struct plans plans;
		uint32_t base;
		char name[24];

		plans_init(&plans, &plans_limits);
		plans_commit_up(&plans, model);
		base = live_block(&plans)->base;
		for (size_t r = 0; r < rows[i].remove; r++)
			remove_backend(model, 0);
		for (uint32_t a = 0; a < rows[i].add; a++) {
			snprintf(name, sizeof(name), "new%u", a);
			models_add_backend(model, 0, name, models_addr_v4(1000 + a), 100);
		}
		plans_commit_up(&plans, model);
		assert_int_equal(live_block(&plans)->base != base, rows[i].moves);
		assert_int_equal(live_block(&plans)->capacity, rows[i].capacity);
		for (size_t b = rows[i].remove; b < 16; b++) {
			snprintf(name, sizeof(name), "b%zu", b + 1);
			assert_int_equal(plans_member(live_block(&plans), "web", name), b);
		}
	}
}

/* What the table holds of a member that stays is what the new image says, until it is patched. */
static void test_keeps_what_the_table_holds(void **state)
{
	_cleanup_(model_free) struct model *model = make(4);
	_cleanup_(patch_clear) struct patch patch = {};
	_cleanup_(plans_clear) struct plans plans;
	struct image *next = NULL;
	struct member_state **states = models_states(model);

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit(&plans, model, states);
	model->pools[0].backends[3].weight = 50;
	states[0][0].bits = (struct bits){false, false};
	states[0][1].nexthop = 9;
	assert_int_equal(plans_try(&plans, model, states, &next), 0);
	assert_true(plans.changed);
	assert_int_equal(next->blocks[0]->base, live_block(&plans)->base);
	assert_true(next->blocks[0]->members[0].bits.new_ok);
	assert_int_equal(next->blocks[0]->members[1].nexthop, 1);
	assert_int_equal(next->blocks[0]->members[3].weight, 50);
	assert_int_equal(live_block(&plans)->members[3].weight, 100);
	assert_int_equal(image_patch(next, "web", states[0], 4, 0, &patch), 0);
	assert_int_equal(patch.n_members, 2);
	assert_true(patch.n_slots > 0);
	plan_retire(plans.space, next, plans.live);
	image_free(&next);
	plans_check_space(plans.space, plans.live);
	models_states_free(states, model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_all_backends),
		cmocka_unit_test(test_shared_while_same),
		cmocka_unit_test(test_removed_index_waits),
		cmocka_unit_test(test_removal_changes),
		cmocka_unit_test(test_weightless_change),
		cmocka_unit_test(test_new_address_new_index),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_keeps_what_the_table_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
