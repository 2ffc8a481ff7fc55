/* SPDX-License-Identifier: BSD-2-Clause */
#include "plans.h"

static void test_state_bits(void **state)
{
	static const struct {
		struct bits bits;
		bool on_link;
		uint32_t nexthop;
		bool class_on_link;
		struct bits wanted;
	} rows[] = {
		{{true, true}, true, 1, true, {true, true}},
		{{true, true}, false, 1, true, {false, false}},
		{{true, true}, false, 1, false, {true, true}},
		{{false, true}, false, 1, false, {false, true}},
		{{true, true}, true, MUSTER_NO_NEXTHOP, false, {false, false}},
		{{false, false}, true, 1, true, {false, false}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct member_state s = {
			.identity = 1,
			.bits = rows[i].bits,
			.share = 77,
			.on_link = rows[i].on_link,
			.nexthop = rows[i].nexthop,
		};
		struct member_class class = {AF_INET, rows[i].class_on_link, false};
		struct bits bits = member_state_bits(&s, class);

		assert_int_equal(bits.new_ok, rows[i].wanted.new_ok);
		assert_int_equal(bits.old_ok, rows[i].wanted.old_ok);
		assert_int_equal(member_state_share(&s, class), bits.new_ok ? 77 : 0);
	}
}

/* An image over a pool of both families with VIPs of both classes and protocols, and its tables. */
struct fixture {
	struct plans plans;
	struct model *model;
	struct member_state **states;
	uint32_t *slots;
	struct patch_member *members;
};

enum { N_BACKENDS = 12 };

static void load_tables(struct fixture *f)
{
	const struct image *image = f->plans.live;

	for (size_t r = 0; r < image->n_rings; r++)
		for (uint32_t s = 0; s < image->rings[r].ring->slots.n; s++)
			f->slots[image->rings[r].ring->slots.base + s] =
				image->rings[r].ring->slots.word[s];
	for (size_t b = 0; b < image->n_blocks; b++)
		for (uint16_t i = 0; i < image->blocks[b]->n; i++)
			f->members[image->blocks[b]->base + i] = (struct patch_member){
				.bits = image->blocks[b]->members[i].bits,
				.nexthop = image->blocks[b]->members[i].nexthop,
			};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t web, other;
	char name[24];
	struct vip *vip;

	f->model = models_new();
	web = models_add_pool(f->model, "web");
	for (uint32_t i = 0; i < N_BACKENDS; i++) {
		struct muster_addr addr = i % 2 ? models_addr("2001:db8::") : models_addr_v4(i + 1);

		addr.b[15] = (uint8_t)(i + 1);
		snprintf(name, sizeof(name), "b%u", i + 1);
		models_add_backend(f->model, web, name, addr, 100);
	}
	other = models_add_pool(f->model, "other");
	models_add_backends(f->model, other, 100, 3);
	vip = models_add_vip(f->model, "web", models_addr("198.18.0.10"), web);
	models_add_addr(vip, models_addr("2001:db8::10"));
	models_add_vip(f->model, "web-udp", models_addr("198.18.0.11"), web)->proto = IPPROTO_UDP;
	models_add_vip(f->model, "web-dsr", models_addr("198.18.0.12"), web)->mode =
		MUSTER_MODE_L2DSR;
	models_add_vip(f->model, "other", models_addr("198.18.0.13"), other);
	plans_init(&f->plans, &plans_limits);
	plans_commit_up(&f->plans, f->model);
	f->states = models_states(f->model);
	f->slots = calloc(plans_limits.slots, sizeof(*f->slots));
	f->members = calloc(plans_limits.members, sizeof(*f->members));
	load_tables(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	models_states_free(f->states, f->model);
	plans_clear(&f->plans);
	model_free(&f->model);
	free(f->slots);
	free(f->members);
	free(f);
	return 0;
}

/* The tables, with the patches stored, hold what the image says. */
static void check_tables(struct fixture *f)
{
	_free_ uint32_t *slots = malloc(plans_limits.slots * sizeof(*slots));
	_free_ struct patch_member *members = calloc(plans_limits.members, sizeof(*members));
	uint32_t *stored_slots = f->slots;
	struct patch_member *stored = f->members;

	memcpy(slots, f->slots, plans_limits.slots * sizeof(*slots));
	f->slots = slots;
	f->members = members;
	load_tables(f);
	f->slots = stored_slots;
	f->members = stored;
	assert_memory_equal(slots, stored_slots, plans_limits.slots * sizeof(*slots));
	for (uint32_t i = 0; i < plans_limits.members; i++) {
		assert_int_equal(members[i].nexthop, stored[i].nexthop);
		assert_int_equal(members[i].bits.new_ok, stored[i].bits.new_ok);
		assert_int_equal(members[i].bits.old_ok, stored[i].bits.old_ok);
	}
}

static void store(struct fixture *f, const struct patch *patch)
{
	for (size_t i = 0; i < patch->n_slots; i++) {
		/* A store that changes nothing is one too many. */
		assert_int_not_equal(f->slots[patch->slots[i].index], patch->slots[i].value);
		f->slots[patch->slots[i].index] = patch->slots[i].value;
	}
	for (size_t i = 0; i < patch->n_members; i++) {
		f->members[patch->members[i].index] = patch->members[i];
		f->members[patch->members[i].index].index = 0;
	}
}

static void patch_pool(struct fixture *f, size_t pool, struct patch *patch)
{
	assert_int_equal(image_patch(f->plans.live, f->model->pools[pool].name, f->states[pool],
				 f->model->pools[pool].n_backends, 0, patch),
		0);
}

static void test_nothing(void **state)
{
	_cleanup_(patch_clear) struct patch patch = {};
	struct fixture *f = *state;

	patch_pool(f, 0, &patch);
	assert_int_equal(patch.n_slots + patch.n_members, 0);
	f->states[0][0].bits.new_ok = false;
	assert_int_equal(
		image_patch(f->plans.live, "nobody", f->states[0], N_BACKENDS, 0, &patch), 0);
	assert_int_equal(image_patch(f->plans.live, "", f->states[0], N_BACKENDS, 0, &patch), 0);
	assert_int_equal(patch.n_slots + patch.n_members, 0);
}

/* b1 is in the blocks of all classes; each ring loses what it owned. */
static void test_death(void **state)
{
	_cleanup_(patch_clear) struct patch patch = {};
	struct fixture *f = *state;
	size_t slots = 0;

	for (size_t r = 0; r < f->plans.live->n_rings; r++) {
		const struct image_ring *ring = &f->plans.live->rings[r];
		int at = plans_member(ring->block, "web", "b1");

		if (at >= 0)
			slots += ring->ring->first[at + 1] - ring->ring->first[at];
	}
	f->states[0][0].bits = (struct bits){false, false};
	patch_pool(f, 0, &patch);
	assert_int_equal(patch.n_members, 2);
	assert_int_equal(patch.n_slots, slots);
	assert_in_range(slots, 2 * 4096 / 12 + 1024 / 6 - 4, 2 * 4096 / 12 + 1024 / 6 + 4);
	store(f, &patch);
	check_tables(f);
	plans_check_rings(f->plans.live);
}

static void test_off_link(void **state)
{
	_cleanup_(patch_clear) struct patch patch = {};
	struct fixture *f = *state;
	const struct image_service *dsr = plans_service(&f->plans, "198.18.0.12", 80);

	f->states[0][2].on_link = false;
	patch_pool(f, 0, &patch);
	assert_int_equal(patch.n_members, 1);
	assert_int_equal(patch.members[0].index,
		dsr->block->base + (uint32_t)plans_member(dsr->block, "web", "b3"));
	assert_false(patch.members[0].bits.old_ok);
}

/* A new next hop is a store to the member, not to any slot; so is draining's old_ok alone. */
static void test_nexthop(void **state)
{
	_cleanup_(patch_clear) struct patch patch = {};
	struct fixture *f = *state;

	f->states[0][1].nexthop = 7;
	patch_pool(f, 0, &patch);
	assert_int_equal(patch.n_slots, 0);
	assert_int_equal(patch.n_members, 1);
	assert_int_equal(patch.members[0].nexthop, 7);
	assert_true(patch.members[0].bits.new_ok);
}

/* Patches of several pools go into one; members without a state keep what they have. */
static void test_append(void **state)
{
	_cleanup_(patch_clear) struct patch patch = {};
	struct fixture *f = *state;
	size_t first;

	f->states[1][2].bits.new_ok = false;
	patch_pool(f, 1, &patch);
	first = patch.n_slots;
	assert_true(first > 0);
	f->states[0][0].bits.new_ok = false;
	f->states[0][N_BACKENDS - 1].bits.new_ok = false;
	assert_int_equal(
		image_patch(f->plans.live, "web", &f->states[0][1], N_BACKENDS - 1, 0, &patch), 0);
	assert_int_equal(patch.n_members, 1 + 1);
	assert_true(patch.n_slots > first);
	store(f, &patch);
	check_tables(f);
}

/* In any order of the states, after any history. */
static void test_random(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = 3;

	for (unsigned step = 0; step < 400; step++) {
		_cleanup_(patch_clear) struct patch patch = {};
		uint32_t a = unit_random(&seed, N_BACKENDS), b = unit_random(&seed, N_BACKENDS);
		struct member_state swapped = f->states[0][a];

		f->states[0][a] = f->states[0][b];
		f->states[0][b] = swapped;
		f->states[0][a].bits.new_ok = unit_random(&seed, 2);
		f->states[0][a].bits.old_ok = unit_random(&seed, 2);
		f->states[0][b].nexthop = unit_random(&seed, 3);
		f->states[0][b].on_link = unit_random(&seed, 2);
		patch_pool(f, 0, &patch);
		store(f, &patch);
		check_tables(f);
		plans_check_rings(f->plans.live);
	}
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_bits),
		ROW(test_nothing),
		ROW(test_death),
		ROW(test_off_link),
		ROW(test_nexthop),
		ROW(test_append),
		ROW(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
