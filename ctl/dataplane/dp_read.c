/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the tables back: the adopted image, and counters. */
#include "dataplane/dp_internal.h"

#include <errno.h>

#define BLOCK_CAPACITY_MIN 16

static bool key_is_empty(const struct muster_key *key)
{
	static const struct muster_key empty;

	return !memcmp(key, &empty, sizeof(empty));
}

static bool in_range(uint32_t first, uint32_t n, uint32_t size)
{
	return first < size && n <= size - first;
}

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/* ---- rings ---- */

static struct ring *find_ring(const struct image *image, uint32_t base, uint8_t proto)
{
	for (size_t i = 0; i < image->n_rings; i++)
		if (image->rings[i].ring->slots.base == base &&
			image->rings[i].ring->proto == proto)
			return image->rings[i].ring;
	return NULL;
}

static void raise_top(uint16_t member, uint16_t *top)
{
	if (member != MUSTER_NONE)
		*top = MAX(*top, (uint16_t)(member + 1));
}

/* @ret_top: 1 + the largest member index in a slot. */
static int read_ring(const struct dataplane *dp, const struct muster_service *service,
	struct ring **ret, uint16_t *ret_top)
{
	_cleanup_(ring_unref) struct ring *ring = calloc(1, sizeof(*ring));
	const uint32_t *slots;

	if (!ring)
		return -ENOMEM;
	ring->references = 1;
	ring->size = service->ring_size;
	ring->proto = service->key.proto;
	ring->key = dp->control->hash_key;
	if (slots_init(&ring->slots, service->ring_size))
		return -ENOMEM;
	ring->slots.base = service->ring_base;
	slots = dataplane_slots(dp, &ring->slots);
	for (uint32_t at = 0; at < ring->slots.n; at++) {
		slots_set(&ring->slots, at, slots[at], 0);
		raise_top((uint16_t)MUSTER_SLOT_CURRENT(slots[at]), ret_top);
		raise_top((uint16_t)MUSTER_SLOT_PREVIOUS(slots[at]), ret_top);
	}
	*ret = take_ptr(ring);
	return 0;
}

/* ---- blocks ---- */

static struct block *find_block(const struct image *image, uint32_t base)
{
	for (size_t i = 0; i < image->n_blocks; i++)
		if (image->blocks[i]->base == base)
			return image->blocks[i];
	return NULL;
}

/* The next block begins where the range of this one ends, so members are read up to there. */
static uint32_t block_end(const struct dataplane *dp, uint32_t bank, uint32_t base)
{
	uint32_t end = MIN(dp->options.limits.members, base + MODEL_POOL_MEMBERS);

	for (uint32_t i = 0; i < dp->options.limits.services; i++) {
		const struct muster_service *service = &dp->services[bank + i];

		if (service->ring_size && service->member_base > base)
			end = MIN(end, service->member_base);
	}
	return end;
}

/*
 * Behind the range of a block may stand what an earlier musterd staged, or did not come to clear, when it ended:
 * a member knows its place in its own block.
 */
static bool is_in_place(const struct muster_member *member, uint32_t place)
{
	return member->identity && MUSTER_TOKEN_INDEX(member->token) == place;
}

static int read_block(const struct dataplane *dp, uint32_t bank,
	const struct muster_service *service, struct block **ret)
{
	_cleanup_(block_unref) struct block *block = calloc(1, sizeof(*block));
	uint32_t end = block_end(dp, bank, service->member_base);

	if (!block)
		return -ENOMEM;
	block->references = 1;
	block->base = service->member_base;
	block->class.on_link = service->mode == MUSTER_MODE_L2DSR;
	block->class.no_backups = service->flags & MUSTER_SERVICE_NO_BACKUPS;
	block->class.family =
		block->class.on_link ? (uint8_t)addr_family(&service->key.addr) : AF_UNSPEC;
	for (uint32_t at = block->base; at < end; at++)
		if (is_in_place(&dp->members[at], at - block->base))
			block->n = (uint16_t)(at - block->base + 1);
	block->members = calloc(MAX(block->n, 1), sizeof(*block->members));
	if (!block->members)
		return -ENOMEM;
	for (uint16_t m = 0; m < block->n; m++) {
		const struct muster_member *at = &dp->members[block->base + m];

		if (!is_in_place(at, m))
			continue;
		block->members[m] = (struct image_member){
			.identity = at->identity,
			.addr = at->addr,
			.port = at->port,
			.weight = 0, /* not in the table; the rings it is in are compared instead */
			.share = at->new_ok ? RING_ALL : 0, /* not in the table either */
			.bits = {at->new_ok, at->old_ok},
			.nexthop = at->nexthop,
			.token = at->token,
		};
	}
	for (block->capacity = BLOCK_CAPACITY_MIN; block->capacity < block->n;)
		block->capacity *= 2;
	*ret = take_ptr(block);
	return 0;
}

/* ---- services ---- */

static bool service_is_sound(const struct dataplane *dp, const struct muster_service *service)
{
	const struct plan_limits *limits = &dp->options.limits;

	if (service->mode > MUSTER_MODE_GUE || service->on_empty > MUSTER_ON_EMPTY_DROP)
		return false;
	if (!service->ring_size)
		return true;
	return is_power_of_two(service->ring_size) && service->ring_size <= RING_SIZE_MAX &&
	       service->member_base < limits->members &&
	       service->ring_base % MUSTER_ELEMENT_SLOTS == 0 &&
	       in_range(service->ring_base, service->ring_size, limits->slots);
}

static int read_members(const struct dataplane *dp, uint32_t bank,
	const struct muster_service *service, struct image *image, struct image_service *row)
{
	uint16_t top = 0;
	int err;

	row->block = find_block(image, service->member_base);
	if (!row->block) {
		if (util_grow(&image->blocks, image->n_blocks, sizeof(*image->blocks)))
			return -ENOMEM;
		err = read_block(dp, bank, service, &row->block);
		if (err)
			return err;
		image->blocks[image->n_blocks++] = row->block;
	}
	row->ring = find_ring(image, service->ring_base, service->key.proto);
	if (row->ring)
		return 0;
	if (util_grow(&image->rings, image->n_rings, sizeof(*image->rings)))
		return -ENOMEM;
	err = read_ring(dp, service, &row->ring, &top);
	if (err)
		return err;
	image->rings[image->n_rings++] = (struct image_ring){row->ring, block_ref(row->block)};
	return top > row->block->n ? -EUCLEAN : 0;
}

static int read_service(
	const struct dataplane *dp, uint32_t bank, uint32_t index, struct image *image)
{
	const struct muster_service *service = &dp->services[bank + index];
	struct image_service row = {
		.key = service->key,
		.index = index,
		.mode = service->mode,
		.on_empty = service->on_empty,
		.gue_port = service->gue_port,
		.flags = service->flags,
	};
	int err = 0;

	if (key_is_empty(&service->key))
		return 0;
	if (!service_is_sound(dp, service))
		return -EUCLEAN;
	if (service->ring_size)
		err = read_members(dp, bank, service, image, &row);
	if (err)
		return err;
	if (util_grow(&image->services, image->n_services, sizeof(*image->services)))
		return -ENOMEM;
	image->services[image->n_services++] = row;
	return 0;
}

int dataplane_read_image(struct dataplane *dp, uint32_t now, struct image **ret)
{
	_cleanup_(image_free) struct image *image = NULL;
	uint32_t bank = (dp->control->generation & 1) * dp->options.limits.services;
	int err = image_new(&image);

	if (err)
		return err;
	image->generation = dp->control->generation;
	for (uint32_t i = 0; !err && i < dp->options.limits.services; i++)
		err = read_service(dp, bank, i, image);
	if (err)
		return err;
	for (size_t r = 0; r < image->n_rings; r++)
		slots_touch(&image->rings[r].ring->slots, now);
	if (image->n_services)
		qsort(image->services, image->n_services, sizeof(*image->services),
			image_compare_services);
	*ret = take_ptr(image);
	return 0;
}

struct muster_nexthop dataplane_read_nexthop(const struct dataplane *dp, uint32_t index)
{
	if (index >= dp->options.nexthops)
		return (struct muster_nexthop){};
	return dp->nexthops[index];
}

/* ---- counters ---- */

static int read_counters(
	const struct dataplane *dp, enum dp_map map, uint32_t index, struct muster_counters *ret)
{
	_free_ struct muster_counters *cpus = calloc((size_t)dp->n_cpus, sizeof(*cpus));
	struct muster_counters sum = {};

	if (!cpus)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf_map__fd(dp->maps[map]), &index, cpus))
		return -errno;
	for (int cpu = 0; cpu < dp->n_cpus; cpu++) {
		sum.packets += cpus[cpu].packets;
		sum.bytes += cpus[cpu].bytes;
		sum.new_flows += cpus[cpu].new_flows;
	}
	*ret = sum;
	return 0;
}

int dataplane_service_counters(
	const struct dataplane *dp, uint32_t index, struct muster_counters *ret)
{
	return read_counters(dp, DP_service_counters, index, ret);
}

int dataplane_member_counters(
	const struct dataplane *dp, uint32_t index, struct muster_counters *ret)
{
	return read_counters(dp, DP_member_counters, index, ret);
}

int dataplane_reason_counters(
	const struct dataplane *dp, uint32_t reason, struct muster_counters *ret)
{
	return read_counters(dp, DP_reason_counters, reason, ret);
}
