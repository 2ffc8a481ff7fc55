/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/nexthops.h"

#include "unit.h"

#include <errno.h>

enum { SIZE = 8 };

static struct muster_nexthop via(uint8_t mac)
{
	return (struct muster_nexthop){.ifindex = 2, .mtu = 1500, .dst_mac = {2, 0, 0, 0, 0, mac}};
}

static struct nexthops *make(void)
{
	struct nexthops *nexthops = NULL;

	assert_int_equal(nexthops_new(&nexthops, SIZE), 0);
	return nexthops;
}

static uint32_t get(struct nexthops *nexthops, uint8_t mac, bool wanted_new)
{
	struct muster_nexthop nexthop = via(mac);
	bool is_new;
	uint32_t index = nexthops_get(nexthops, &nexthop, &is_new);

	assert_int_equal(is_new, wanted_new);
	return index;
}

/* An image with one block whose members name @indexes. */
struct named {
	struct image image;
	struct block block, *blocks[1];
	struct image_member members[4];
};

static const struct image *naming(struct named *named, const uint32_t *indexes, uint16_t n)
{
	*named = (struct named){.block = {.members = named->members, .n = n}};
	named->blocks[0] = &named->block;
	named->image = (struct image){.blocks = named->blocks, .n_blocks = 1};
	for (uint16_t i = 0; i < n; i++)
		named->members[i] =
			(struct image_member){.identity = i + 1u, .nexthop = indexes[i]};
	return &named->image;
}

static void test_shared(void **state)
{
	_cleanup_(nexthops_free) struct nexthops *nexthops = make();
	uint32_t a = get(nexthops, 1, true), b = get(nexthops, 2, true);

	(void)state;
	assert_int_not_equal(a, MUSTER_NO_NEXTHOP);
	assert_int_not_equal(a, b);
	assert_int_equal(get(nexthops, 1, false), a);
	assert_int_equal(nexthops_used(nexthops), 2);
	assert_int_equal(nexthops_at(nexthops, b)->dst_mac[5], 2);
	assert_null(nexthops_at(nexthops, MUSTER_NO_NEXTHOP));
	assert_null(nexthops_at(nexthops, SIZE));
	assert_null(nexthops_at(nexthops, SIZE - 1));
}

static void test_full(void **state)
{
	_cleanup_(nexthops_free) struct nexthops *nexthops = make();

	(void)state;
	for (uint8_t i = 1; i < SIZE; i++)
		assert_in_range(get(nexthops, i, true), 1, SIZE - 1);
	assert_int_equal(get(nexthops, SIZE, false), MUSTER_NO_NEXTHOP);
	assert_in_range(get(nexthops, 3, false), 1, SIZE - 1);
}

static void test_claim(void **state)
{
	static const struct {
		uint32_t index;
		uint8_t mac;
		int err;
	} rows[] = {
		{5, 1, 0},
		{5, 1, 0},
		{5, 2, -EEXIST},
		{0, 1, -EINVAL},
		{SIZE, 1, -EINVAL},
		{1, 3, 0},
	};
	_cleanup_(nexthops_free) struct nexthops *nexthops = make();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct muster_nexthop nexthop = via(rows[i].mac);

		assert_int_equal(nexthops_claim(nexthops, rows[i].index, &nexthop), rows[i].err);
	}
	assert_int_equal(get(nexthops, 1, false), 5);
	assert_int_equal(get(nexthops, 4, true), 2);
}

static void test_sweep(void **state)
{
	_cleanup_(nexthops_free) struct nexthops *nexthops = make();
	uint32_t index[5];
	struct named live, next;

	(void)state;
	for (uint8_t i = 0; i < 5; i++)
		index[i] = get(nexthops, i, true);
	nexthops_mark(
		nexthops, naming(&live, &index[0], 1), naming(&next, &index[1], 1), &index[2], 1);
	get(nexthops, 3, false); /* wanted again between mark and sweep */
	assert_int_equal(nexthops_used(nexthops), 5);
	nexthops_sweep(nexthops);
	assert_int_equal(nexthops_used(nexthops), 4);
	assert_null(nexthops_at(nexthops, index[4]));
	for (uint8_t i = 0; i < 4; i++)
		assert_int_equal(get(nexthops, i, false), index[i]);
	assert_int_equal(get(nexthops, 9, true), index[4]);
	nexthops_mark(nexthops, naming(&live, NULL, 0), NULL, NULL, 0);
	nexthops_sweep(nexthops);
	assert_int_equal(nexthops_used(nexthops), 0);
	nexthops_sweep(nexthops); /* nothing marked */
	get(nexthops, 1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
