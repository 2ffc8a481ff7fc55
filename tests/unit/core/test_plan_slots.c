/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots through reloads: rings that grow and shrink, members that come and go, patches meanwhile. */
#include "plans.h"

static struct model *make(size_t n)
{
	struct model *model = models_new();

	models_add_backends(model, models_add_pool(model, "web"), 1, n);
	models_add_vip(model, "web", models_addr("198.18.0.10"), 0);
	return model;
}

static struct ring *live_ring(const struct plans *plans)
{
	return plans_service(plans, "198.18.0.10", 80)->ring;
}

static uint16_t owner_at(const uint32_t *words, uint32_t n, uint32_t tag)
{
	return (uint16_t)slot_unrecorded(words[muster_flow_slot(tag, n)]);
}

/* As long passes would: no flow is left that holds a slot. */
static void settle(const struct plans *plans)
{
	for (size_t r = 0; r < plans->live->n_rings; r++) {
		struct slots *slots = &plans->live->rings[r].ring->slots;
		_free_ uint8_t *held = calloc(slots->n, 1);
		_free_ struct patch_slot *changes = calloc(slots->n, sizeof(*changes));
		struct slots_settling how = {.started = 1, .held = held};

		slots_touch(slots, 0);
		slots_settle(slots, &how, 0, changes);
		slots_touch(slots, 0);
		slots_settle(slots, &how, 0, changes);
		assert_int_equal(slots->moving + slots->pinned, 0);
	}
}

struct before {
	uint32_t *words, n;
};

static void remember(struct before *before, const struct plans *plans)
{
	const struct slots *slots = &live_ring(plans)->slots;

	before->n = slots->n;
	before->words = reallocarray(before->words, slots->n, sizeof(*before->words));
	memcpy(before->words, slots->word, slots->n * sizeof(*slots->word));
}

/* Whoever had the flows of a slot has them, for any of its flows. */
static void assert_owners_stay(const struct before *before, const struct plans *plans)
{
	const struct slots *slots = &live_ring(plans)->slots;
	uint64_t seed = 7;

	for (int i = 0; i < 20000; i++) {
		uint32_t tag = unit_random(&seed, UINT32_MAX);

		assert_int_equal(owner_at(before->words, before->n, tag),
			owner_at(slots->word, slots->n, tag));
	}
}

static void test_grows(void **state)
{
	_cleanup_(model_free) struct model *model = make(2), *more = make(3), *many = make(11);
	_cleanup_(plans_clear) struct plans plans;
	struct before before = {};

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	remember(&before, &plans);
	plans_commit_up(&plans, more);
	assert_int_equal(live_ring(&plans)->slots.n, 1024);
	assert_owners_stay(&before, &plans);
	plans_commit_up(&plans, many);
	assert_int_equal(live_ring(&plans)->slots.n, 4096);
	assert_owners_stay(&before, &plans);
	settle(&plans);
	assert_memory_equal(
		live_ring(&plans)->current, live_ring(&plans)->owner, 4096 * sizeof(uint16_t));
	free(before.words);
}

/* A ring that shrinks keeps its slots until they have settled; then another change gives them back. */
static void test_shrinks(void **state)
{
	_cleanup_(model_free) struct model *many = make(11), *model = make(10), *few = make(9);
	_cleanup_(plans_clear) struct plans plans;
	struct before before = {};

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, many);
	settle(&plans);
	remember(&before, &plans);
	for (uint32_t s = 0; s < before.n; s++) /* b11 leaves with its flows */
		if (before.words[s] == MUSTER_SLOT(10, 10))
			before.words[s] = MUSTER_SLOT_EMPTY;
	plans_commit_up(&plans, model);
	assert_int_equal(live_ring(&plans)->size, 1024);
	assert_int_equal(live_ring(&plans)->slots.n, 4096);
	for (uint32_t s = 0; s < before.n; s++)
		if (before.words[s] != MUSTER_SLOT_EMPTY)
			assert_int_equal(slot_unrecorded(live_ring(&plans)->slots.word[s]),
				slot_unrecorded(before.words[s]));
	settle(&plans);
	plans_commit_up(&plans, model); /* nothing changes: they stay */
	assert_int_equal(live_ring(&plans)->slots.n, 4096);
	remember(&before, &plans);
	model->pools[0].backends[3].weight = 90;
	plans_commit_up(&plans, model);
	assert_int_equal(live_ring(&plans)->slots.n, 1024);
	assert_owners_stay(&before, &plans);
	plans_commit_up(&plans, few);
	assert_int_equal(live_ring(&plans)->slots.n, 1024);
	free(before.words);
}

/* Weight 0 drains, the last one of a pool too. */
static void test_all_weightless(void **state)
{
	_cleanup_(model_free) struct model *model = make(3);
	_cleanup_(plans_clear) struct plans plans;
	struct before before = {};

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	remember(&before, &plans);
	for (size_t b = 0; b < 3; b++)
		model->pools[0].backends[b].weight = 0;
	plans_commit_up(&plans, model);
	assert_non_null(live_ring(&plans));
	assert_owners_stay(&before, &plans);
	for (uint32_t s = 0; s < live_ring(&plans)->slots.n; s++)
		assert_int_equal(
			MUSTER_SLOT_CURRENT(live_ring(&plans)->slots.word[s]), MUSTER_NONE);
	plans_commit_up(&plans, model);
	assert_false(plans.changed);
	model->pools[0].backends[1].weight = 100;
	plans_commit_up(&plans, model);
	assert_owners_stay(&before, &plans);
	free(before.words);
}

/* What moves in the live image while the next one is made is in that one too. */
static void test_patch_while_planning(void **state)
{
	_cleanup_(model_free) struct model *model = make(4), *more = make(5);
	_cleanup_(patch_clear) struct patch patch = {};
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(more);
	struct image *next = NULL;
	uint32_t inherited = 0;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	assert_int_equal(plans_try(&plans, more, states, &next), 0);
	states[0][2].bits.new_ok = false;
	plans_catch_up(plans.live, model, states);
	states[0][2].bits.new_ok = true;
	plans_catch_up(plans.live, model, states); /* others may have recorded flows meanwhile */
	for (uint32_t s = 0; s < 1024; s++)
		inherited += slot_is_pinned(live_ring(&plans)->slots.word[s]);
	assert_int_equal(inherited, live_ring(&plans)->slots.pinned);
	assert_true(inherited > 0);
	assert_int_equal(image_inherit(next, plans.live, 5, &patch), 0);
	assert_true(patch.n_slots > 0);
	for (uint32_t s = 0; s < 1024; s++) {
		uint32_t old = live_ring(&plans)->slots.word[s],
			 word = next->rings[0].ring->slots.word[s];

		assert_int_equal(slot_unrecorded(word), slot_unrecorded(old));
		if (slot_is_pinned(old))
			assert_false(slot_is_stable(word));
	}
	for (size_t i = 0; i < patch.n_slots; i++)
		assert_int_equal(patch.slots[i].value,
			next->rings[0].ring->slots.word[patch.slots[i].index -
							next->rings[0].ring->slots.base]);
	assert_null(next->rings[0].ring->slots.parent);
	plan_retire(plans.space, plans.live, next);
	image_free(&plans.live);
	plans.live = next;
	models_states_free(states, more);
}

/* Slots move from the flip on, not from when it was planned. */
static void test_moves_since_the_flip(void **state)
{
	_cleanup_(model_free) struct model *model = make(4), *more = make(5);
	_cleanup_(patch_clear) struct patch patch = {};
	_cleanup_(plans_clear) struct plans plans;
	struct member_state **states = models_states(more);
	const struct slots *slots;
	struct image *next = NULL;
	uint32_t moving = 0;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	slots_touch(&live_ring(&plans)->slots, 3);
	assert_int_equal(plans_try(&plans, more, states, &next), 0);
	assert_int_equal(image_inherit(next, plans.live, 70, &patch), 0);
	slots = &next->rings[0].ring->slots;
	for (uint32_t at = 0; at < slots->n; at++) {
		moving += slot_is_moving(slots->word[at]);
		assert_int_equal(slots->since[at], slot_is_moving(slots->word[at]) ? 70 : 3);
	}
	assert_true(moving > 0);
	assert_int_equal(patch.n_slots, 0);
	plan_retire(plans.space, plans.live, next);
	image_free(&plans.live);
	plans.live = next;
	models_states_free(states, more);
}

/* The index of a backend that left is given to another: its slots were nobody's any more. */
static void test_index_again(void **state)
{
	_cleanup_(model_free) struct model *model = make(3), *two = make(2), *other = make(2);
	_cleanup_(plans_clear) struct plans plans;
	uint32_t token;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	token = plans.live->blocks[0]->members[2].token;
	plans_commit_up(&plans, two);
	models_add_backend(other, 0, "other", models_addr("10.9.9.9"), 100);
	plans_commit_up(&plans, other);
	assert_int_equal(
		plans.live->blocks[0]->members[2].identity, model_identity("web", "other"));
	/* Index and epoch are its predecessor's, so that one's entries have to be gone before (flows_forget). */
	assert_int_equal(plans.live->blocks[0]->members[2].token, token);
	for (uint32_t s = 0; s < live_ring(&plans)->slots.n; s++)
		assert_int_not_equal(slot_unrecorded(live_ring(&plans)->slots.word[s]), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_shrinks),
		cmocka_unit_test(test_all_weightless),
		cmocka_unit_test(test_patch_while_planning),
		cmocka_unit_test(test_moves_since_the_flip),
		cmocka_unit_test(test_index_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
