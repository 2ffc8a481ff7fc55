/* SPDX-License-Identifier: BSD-2-Clause */
/* Images through the data plane module into packets, and back out of pinned maps. */
#include "world.h"

/* ---- tests ---- */

static void flip_patch_and_counters(void **state)
{
	struct dataplane_options with = options();
	_cleanup_(patch_clear) struct patch patch = {};
	struct muster_counters counters;
	struct world world;
	uint8_t member, dead;

	(void)state;
	world_open(&world, one_vip(4), &with);
	add_nexthop(world.dp);
	assert_int_equal(send_syn(world.dp, "198.18.0.1", 1, &member), XDP_PASS);
	assert_true(world_commit(&world, &with));
	assert_int_equal(send_syn(world.dp, "198.18.0.1", 1, &dead), XDP_TX);
	assert_false(world_commit(&world, &with)); /* nothing changed */

	world.states[0][dead].bits = (struct bits){false, false};
	assert_int_equal(image_patch(world.live, "web", world.states[0], 4, 0, &patch), 0);
	dataplane_patch(world.dp, &patch);
	for (uint16_t port = 1; port < 200; port++) {
		assert_int_equal(send_syn(world.dp, "198.18.0.1", port, &member), XDP_TX);
		assert_int_not_equal(member, dead);
	}
	assert_int_equal(
		dataplane_reason_counters(world.dp, MUSTER_REASON_sent_ipip, &counters), 0);
	assert_int_equal(counters.packets, 200);
	dataplane_teardown(world.dp);
	world_close(&world);
}

static void removed_vip_is_gone_with_its_counters(void **state)
{
	struct dataplane_options with = options();
	struct muster_counters counters;
	struct world world;
	uint32_t index = 0;
	uint8_t member;

	(void)state;
	world_open(&world, one_vip(2), &with);
	add_nexthop(world.dp);
	models_add_vip(world.model, "other", models_addr("198.18.0.2"), 0);
	world_commit(&world, &with);
	assert_int_equal(send_syn(world.dp, "198.18.0.2", 1, &member), XDP_TX);
	for (size_t i = 0; i < world.live->n_services; i++)
		if (!strcmp(world.live->services[i].vip, "other") && world.live->services[i].mode)
			index = world.live->services[i].index;
	assert_int_equal(dataplane_service_counters(world.dp, index, &counters), 0);
	assert_int_equal(counters.new_flows, 1);
	world_drop_vip(&world);
	assert_true(world_commit(&world, &with));
	assert_int_equal(send_syn(world.dp, "198.18.0.2", 1, &member), XDP_PASS);
	assert_int_equal(send_syn(world.dp, "198.18.0.1", 1, &member), XDP_TX);
	assert_int_equal(dataplane_service_counters(world.dp, index, &counters), 0);
	assert_int_equal(counters.new_flows, 0);
	dataplane_teardown(world.dp);
	world_close(&world);
}

static void bucket_full_changes_nothing(void **state)
{
	struct dataplane_options with = options();
	struct world world;
	struct plan_input input;
	struct image *next = NULL;
	_free_ char *error = NULL;
	struct diags diags = {};
	uint8_t member;
	bool changed;

	(void)state;
	with.limits.buckets = 1; /* eight frontends, the address records included */
	world_open(&world, one_vip(2), &with);
	add_nexthop(world.dp);
	world_commit(&world, &with);
	for (int i = 2; i < 6; i++) {
		char addr[24];

		snprintf(addr, sizeof(addr), "198.18.0.%d", i);
		models_add_vip(world.model, addr, models_addr(addr), 0);
	}
	input = (struct plan_input){
		world.model, (const struct member_state *const *)world.states, with.hash_key, 0};
	assert_int_equal(plan_image(&input, world.space, world.live, &next, &changed, &diags), 0);
	next->generation = world.live->generation + 1;
	assert_int_equal(dataplane_stage(world.dp, world.live, next, &error), -ENOSPC);
	assert_non_null(strstr(error, "limits.buckets"));
	plan_retire(world.space, next, world.live);
	image_free(&next);
	assert_int_equal(send_syn(world.dp, "198.18.0.1", 1, &member), XDP_TX);
	assert_int_equal(send_syn(world.dp, "198.18.0.2", 1, &member), XDP_PASS);
	world.model->n_vips = 3; /* six frontends fit */
	assert_true(world_commit(&world, &with));
	assert_int_equal(send_syn(world.dp, "198.18.0.3", 1, &member), XDP_TX);
	world.model->n_vips = 5;
	dataplane_teardown(world.dp);
	world_close(&world);
}

/* As an older musterd may have left it. */
static void lacking_map_is_made(void **state)
{
	static const char *const extra[] = {"fragments", "reply_sources"};
	struct dataplane_options with = options();
	struct world world;
	struct dataplane *dp;
	uint8_t member;

	(void)state;
	world_open(&world, one_vip(4), &with);
	add_nexthop(world.dp);
	assert_true(world_commit(&world, &with));
	assert_int_equal(dataplane_publish(world.dp, NULL), 0);
	world_close(&world);
	for (size_t i = 0; i < ARRAY_SIZE(extra); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", pin_dir, extra[i]);
		assert_int_equal(unlink(path), 0);
	}
	dp = open_dp(&with);
	assert_true(dataplane_adopted(dp, NULL));
	assert_int_equal(send_syn(dp, "198.18.0.1", 1, &member), XDP_TX);
	assert_int_equal(dataplane_publish(dp, NULL), 0);
	dataplane_close(&dp);
	with.fragments *= 2; /* of another size is as good as none */
	dp = open_dp(&with);
	assert_true(dataplane_adopted(dp, NULL));
	assert_int_equal(dataplane_publish(dp, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(extra); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", pin_dir, extra[i]);
		assert_int_equal(access(path, F_OK), 0);
	}
	dataplane_teardown(dp);
	dataplane_close(&dp);
}

static void second_one_is_refused(void **state)
{
	struct dataplane_options with = options();
	struct dataplane *dp = open_dp(&with), *other = NULL;
	_free_ char *error = NULL;

	(void)state;
	assert_int_equal(dataplane_open(&other, &with, &error), -EBUSY);
	assert_null(other);
	assert_non_null(strstr(error, "another musterd"));
	dataplane_teardown(dp);
	dataplane_close(&dp);
}

static void what_is_pinned_is_adopted(void **state)
{
	struct dataplane_options with = options(), rest = options();
	struct world world;
	const char *why;
	uint64_t generation;

	(void)state;
	world_open(&world, one_vip(5), &with);
	add_nexthop(world.dp);
	world_commit(&world, &with);
	assert_false(dataplane_adopted(world.dp, &why));
	assert_null(why);
	generation = world.live->generation;
	assert_int_equal(dataplane_publish(world.dp, NULL), 0);
	world_close(&world);

	rest.hash_key = (struct muster_hash_key){{99, 99}}; /* not given: the adopted one stays */
	world_open(&world, one_vip(5), &rest);
	assert_true(dataplane_adopted(world.dp, &why));
	assert_int_equal(dataplane_hash_key(world.dp).k[0], 11);
	assert_int_equal(world.live->generation, generation);
	assert_false(world_commit(&world, &with)); /* the same content: no flip */
	world_close(&world);

	rest.limits.members = 2048;
	world_open(&world, one_vip(5), &rest);
	assert_false(dataplane_adopted(world.dp, &why));
	assert_non_null(strstr(why, "limits.members changed"));
	world_close(&world);

	rest = options();
	rest.hash_key_given = true;
	rest.hash_key = (struct muster_hash_key){{99, 99}};
	world_open(&world, one_vip(5), &rest);
	assert_false(dataplane_adopted(world.dp, &why));
	assert_string_equal(why, "hash_key changed");
	dataplane_teardown(world.dp);
	world_close(&world);
}

static void damage_is_seen(void **state)
{
	struct dataplane_options with = options();
	struct muster_service service;
	struct image *image = NULL;
	struct world world;
	char path[96];
	uint32_t index;
	int fd;

	(void)state;
	world_open(&world, one_vip(5), &with);
	world_commit(&world, &with);
	dataplane_publish(world.dp, NULL);
	index = (uint32_t)(world.live->generation & 1) * with.limits.services +
		world.live->services[1].index;
	snprintf(path, sizeof(path), "%s/services", pin_dir);
	fd = bpf_obj_get(path);
	bpf_map_lookup_elem(fd, &index, &service);
	service.ring_base = UINT32_MAX - 15;
	bpf_map_update_elem(fd, &index, &service, BPF_ANY);
	close(fd);
	assert_int_equal(dataplane_read_image(world.dp, 0, &image), -EUCLEAN);
	assert_null(image);
	dataplane_teardown(world.dp);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flip_patch_and_counters),
		cmocka_unit_test(removed_vip_is_gone_with_its_counters),
		cmocka_unit_test(bucket_full_changes_nothing),
		cmocka_unit_test(lacking_map_is_made),
		cmocka_unit_test(second_one_is_refused),
		cmocka_unit_test(what_is_pinned_is_adopted),
		cmocka_unit_test(damage_is_seen),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
