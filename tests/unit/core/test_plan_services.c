/* SPDX-License-Identifier: BSD-2-Clause */
#include "plans.h"

/* web: IPv4 and IPv6 address, ports 80 and 443; dns on the same IPv4 address, UDP. */
static struct model *two_vips(void)
{
	struct model *model = models_new();
	struct vip *vip;

	models_add_backends(model, models_add_pool(model, "web"), 1, 3);
	vip = models_add_vip(model, "web", models_addr("198.18.0.10"), 0);
	models_add_addr(vip, models_addr("2001:db8::10"));
	models_add_port(vip, 443);
	vip->on_empty = MUSTER_ON_EMPTY_DROP;
	vip = models_add_vip(model, "dns", models_addr("198.18.0.10"), 0);
	vip->proto = IPPROTO_UDP;
	return model;
}

static void test_records(void **state)
{
	static const struct {
		const char *addr, *vip;
		uint16_t port;
		uint8_t mode, on_empty;
		bool has_ring;
	} rows[] = {
		{"198.18.0.10", "", 0, MUSTER_MODE_NONE, 0, false},
		{"198.18.0.10", "web", 80, MUSTER_MODE_IPIP, MUSTER_ON_EMPTY_DROP, true},
		{"198.18.0.10", "web", 443, MUSTER_MODE_IPIP, MUSTER_ON_EMPTY_DROP, true},
		/* IPv4 backends take IPv6, too. */
		{"2001:db8::10", "web", 0, MUSTER_MODE_NONE, 0, false},
		{"2001:db8::10", "web", 80, MUSTER_MODE_IPIP, MUSTER_ON_EMPTY_DROP, true},
		{"2001:db8::10", "web", 443, MUSTER_MODE_IPIP, MUSTER_ON_EMPTY_DROP, true},
		/* But for l2dsr: no backend of the family. */
		{"2001:db8::11", "link", 0, MUSTER_MODE_NONE, 0, false},
		{"2001:db8::11", "link", 80, MUSTER_MODE_L2DSR, 0, false},
	};
	_cleanup_(model_free) struct model *model = two_vips();
	_cleanup_(plans_clear) struct plans plans;

	(void)state;
	plans_init(&plans, &plans_limits);
	models_add_vip(model, "link", models_addr("2001:db8::11"), 0)->mode = MUSTER_MODE_L2DSR;
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	assert_int_equal(plans.live->generation, 1);
	assert_int_equal(plans.live->n_services, ARRAY_SIZE(rows) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct image_service *service =
			plans_service(&plans, rows[i].addr, rows[i].port);

		assert_non_null(service);
		assert_string_equal(service->vip, rows[i].vip);
		assert_int_equal(service->mode, rows[i].mode);
		assert_int_equal(service->on_empty, rows[i].on_empty);
		assert_int_equal(service->ring != NULL, rows[i].has_ring);
		assert_int_equal(service->block != NULL, rows[i].has_ring);
	}
}

/* One block for both; a ring per protocol. */
static void test_shared_block(void **state)
{
	_cleanup_(model_free) struct model *model = two_vips();
	_cleanup_(plans_clear) struct plans plans;
	struct muster_key key = {.addr = models_addr("198.18.0.10"), .port = htons(80)};
	const struct image_service *tcp, *udp;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	key.proto = IPPROTO_UDP;
	udp = image_find_service(plans.live, &key);
	tcp = plans_service(&plans, "198.18.0.10", 80);
	assert_ptr_equal(tcp->block, udp->block);
	assert_ptr_equal(tcp->ring, plans_service(&plans, "198.18.0.10", 443)->ring);
	assert_ptr_not_equal(tcp->ring, udp->ring);
	assert_int_equal(tcp->ring->proto, IPPROTO_TCP);
	assert_int_equal(udp->ring->proto, IPPROTO_UDP);
	assert_int_equal(plans.live->n_blocks, 1);
	assert_int_equal(plans.live->n_rings, 2);
}

static void test_classes(void **state)
{
	_cleanup_(model_free) struct model *model = two_vips();
	_cleanup_(plans_clear) struct plans plans;
	const struct image_service *dsr, *v6, *routed;

	(void)state;
	plans_init(&plans, &plans_limits);
	models_add_backend(model, 0, "six", models_addr("2001:db8::1"), 100);
	models_add_vip(model, "dsr", models_addr("198.18.0.11"), 0)->mode = MUSTER_MODE_L2DSR;
	models_add_vip(model, "dsr6", models_addr("2001:db8::11"), 0)->mode = MUSTER_MODE_L2DSR;
	plans_commit_up(&plans, model);
	assert_int_equal(plans.live->n_blocks, 3);
	dsr = plans_service(&plans, "198.18.0.11", 80);
	v6 = plans_service(&plans, "2001:db8::11", 80);
	routed = plans_service(&plans, "2001:db8::10", 80);
	assert_ptr_equal(routed->block, plans_service(&plans, "198.18.0.10", 80)->block);
	assert_int_equal(routed->block->n, 4);
	assert_true(dsr->block->class.on_link);
	assert_int_equal(dsr->block->class.family, AF_INET);
	assert_int_equal(dsr->block->n, 3);
	assert_int_equal(v6->block->class.family, AF_INET6);
	assert_int_equal(v6->block->n, 1);
	assert_int_equal(plans_member(v6->block, "web", "six"), 0);
}

/* The index of a removed service is free again only after plan_retire(). */
static void test_indexes(void **state)
{
	_cleanup_(model_free) struct model *model = two_vips(), *other = models_new();
	_cleanup_(plans_clear) struct plans plans;
	uint32_t index, used;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	index = plans_service(&plans, "198.18.0.10", 443)->index;
	used = arena_used(plans.space->services);

	models_add_backends(other, models_add_pool(other, "web"), 1, 3);
	models_add_port(models_add_vip(other, "web", models_addr("198.18.0.10"), 0), 443);
	models_add_vip(other, "new", models_addr("198.18.0.1"), 0);
	plans_commit_up(&plans, other);
	assert_int_equal(plans_service(&plans, "198.18.0.10", 443)->index, index);
	assert_true(plans_service(&plans, "198.18.0.1", 80)->index >= used);
}

static void test_changes(void **state)
{
	_cleanup_(model_free) struct model *model = two_vips();
	_cleanup_(plans_clear) struct plans plans;

	(void)state;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	plans_commit_up(&plans, model);
	assert_false(plans.changed);
	model->vips[0].on_empty = MUSTER_ON_EMPTY_REJECT;
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	model->vips[0].mode = MUSTER_MODE_L2DSR;
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	models_add_vip(model, "more", models_addr("198.18.0.12"), 0);
	plans_commit_up(&plans, model);
	assert_true(plans.changed);
	/* What only the controller knows. */
	free(model->vips[2].name);
	model->vips[2].name = strdup("renamed");
	plans_commit_up(&plans, model);
	assert_false(plans.changed);
	assert_string_equal(plans_service(&plans, "198.18.0.12", 80)->vip, "renamed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_shared_block),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_indexes),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
