/* SPDX-License-Identifier: BSD-2-Clause */
/* Commits: flips in four steps, and patches. */
#include "dataplane/dp_internal.h"

#include <errno.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static uint32_t *slot_at(const struct dataplane *dp, uint32_t index)
{
	return &dp->rings[index / MUSTER_ELEMENT_SLOTS].slot[index % MUSTER_ELEMENT_SLOTS];
}

#define STORE(at, value) __atomic_store_n(at, value, __ATOMIC_RELAXED)

/* ---- stage ---- */

static bool has_ring(const struct image *image, const struct ring *ring)
{
	for (size_t i = 0; i < image->n_rings; i++)
		if (image->rings[i].ring == ring ||
			(image->rings[i].ring->slots.base == ring->slots.base &&
				!image->rings[i].ring->owner))
			return true; /* shared, or adopted in its place with the same content */
	return false;
}

static void stage_ring(const struct dataplane *dp, const struct ring *ring)
{
	const struct slots *slots = &ring->slots;

	for (uint32_t at = 0; at < slots->n; at++)
		STORE(slot_at(dp, slots->base + at), slots->word[at]);
}

static void stage_services(const struct dataplane *dp, const struct image *next)
{
	struct muster_service *bank =
		dp->services + (next->generation & 1) * dp->options.limits.services;

	memset(bank, 0, dp->options.limits.services * sizeof(*bank));
	for (size_t i = 0; i < next->n_services; i++) {
		const struct image_service *service = &next->services[i];

		bank[service->index] = (struct muster_service){
			.key = service->key,
			.ring_base = service->ring ? service->ring->slots.base : 0,
			.ring_size = service->ring ? service->ring->slots.n : 0,
			.member_base = service->block ? service->block->base : 0,
			.mode = service->mode,
			.on_empty = service->on_empty,
			.gue_port = service->gue_port,
			.flags = service->flags,
		};
	}
}

static struct muster_bucket *bucket_of(
	const struct dataplane *dp, const struct muster_key *key, uint32_t *ret_tag)
{
	uint64_t hash = muster_key_hash(&dp->control->hash_key, key);

	*ret_tag = muster_key_tag(hash);
	return &dp->frontends[(uint32_t)hash & (dp->options.limits.buckets - 1)];
}

/* Tag and index in one store: a reader sees both or none. */
static void store_frontend(struct muster_frontend *at, uint32_t tag, uint32_t service)
{
	union {
		struct muster_frontend frontend;
		uint64_t word;
	} value = {.frontend = {.tag = tag, .service = service}};

	__atomic_store_n((uint64_t *)(void *)at, value.word, __ATOMIC_RELEASE);
}

/* 1: added, 0: it was there, -ENOSPC. */
static int stage_frontend(
	const struct dataplane *dp, const struct image_service *service, char **ret_error)
{
	struct muster_bucket *bucket;
	struct muster_frontend *unused = NULL;
	char text[ADDR_TEXT];
	uint32_t tag;

	bucket = bucket_of(dp, &service->key, &tag);
	for (int i = 0; i < MUSTER_BUCKET_WAYS; i++) {
		struct muster_frontend *way = &bucket->way[i];

		if (way->tag == tag && way->service == service->index)
			return 0;
		if (way->tag == tag)
			return dp_fail(ret_error, -ENOSPC,
				"%s has the hash of another frontend; set another hash_key",
				addr_format_port(&service->key.addr, service->key.port, text));
		if (!way->tag && !unused)
			unused = way;
	}
	if (!unused)
		return dp_fail(ret_error, -ENOSPC,
			"frontend bucket full at %s: %d frontends share it; raise limits.buckets "
			"in "
			"musterd.yaml",
			addr_format_port(&service->key.addr, service->key.port, text),
			MUSTER_BUCKET_WAYS);
	store_frontend(unused, tag, service->index);
	return 1;
}

static void drop_frontend(const struct dataplane *dp, const struct image_service *service)
{
	struct muster_bucket *bucket;
	uint32_t tag;

	bucket = bucket_of(dp, &service->key, &tag);
	for (int i = 0; i < MUSTER_BUCKET_WAYS; i++)
		if (bucket->way[i].tag == tag && bucket->way[i].service == service->index)
			store_frontend(&bucket->way[i], 0, 0);
}

/* All or none: an error takes back what was added. */
static int stage_frontends(const struct dataplane *dp, const struct image *next, char **ret_error)
{
	_free_ bool *added = calloc(MAX(next->n_services, 1), sizeof(*added));
	int err = added ? 0 : -ENOMEM;

	for (size_t i = 0; i < next->n_services && err >= 0; i++) {
		err = stage_frontend(dp, &next->services[i], ret_error);
		if (err >= 0)
			added[i] = err;
	}
	if (err >= 0)
		return 0;
	for (size_t i = 0; added && i < next->n_services; i++)
		if (added[i])
			drop_frontend(dp, &next->services[i]);
	return err;
}

int dataplane_stage(struct dataplane *dp, const struct image *previous, const struct image *next,
	char **ret_error)
{
	int err = stage_frontends(dp, next, ret_error);

	if (err)
		return err;
	for (size_t i = 0; i < next->n_rings; i++)
		if (!has_ring(previous, next->rings[i].ring))
			stage_ring(dp, next->rings[i].ring);
	dp_stage_members(dp, previous, next);
	stage_services(dp, next);
	return 0;
}

/* ---- flip, grace, retire ---- */

uint64_t dataplane_flip(struct dataplane *dp, const struct image *next)
{
	__atomic_store_n(&dp->control->generation, next->generation, __ATOMIC_RELEASE);
	return now_ns();
}

/*
 * The kernel returns from the update of a map in a map only when every program that could have read
 * the old inner map has ended: synchronize_rcu(), or its like. The content does not matter, but it has
 * to be another map each time.
 */
int dataplane_grace(struct dataplane *dp)
{
	uint32_t zero = 0;
	int inner = dp->grace_inner[dp->grace_turn++ % ARRAY_SIZE(dp->grace_inner)];

	return bpf_map_update_elem(dp->grace_fd, &zero, &inner, BPF_ANY) ? -errno : 0;
}

void dataplane_retire(struct dataplane *dp, const struct image *previous, const struct image *next)
{
	for (size_t i = 0; i < previous->n_services; i++) {
		const struct image_service *service = &previous->services[i];

		if (image_find_service(next, &service->key))
			continue;
		drop_frontend(dp, service);
		dp_zero_counters(dp, DP_service_counters, service->index);
	}
	dp_retire_members(dp, previous, next);
}

/* ---- patch ---- */

#define AHEAD 16 /* slots asked for while those before them are stored */

uint64_t dataplane_patch(struct dataplane *dp, const struct patch *patch)
{
	for (size_t i = 0; i < patch->n_members; i++) {
		const struct patch_member *change = &patch->members[i];
		struct muster_member *at = &dp->members[change->index];

		STORE(&at->nexthop, change->nexthop);
		STORE(&at->new_ok, change->bits.new_ok);
		STORE(&at->old_ok, change->bits.old_ok);
	}
	for (size_t i = 0; i < patch->n_slots; i++) {
		if (i + AHEAD < patch->n_slots) /* each slot is on a line of its own */
			__builtin_prefetch(slot_at(dp, patch->slots[i + AHEAD].index), 1);
		STORE(slot_at(dp, patch->slots[i].index), patch->slots[i].value);
	}
	return now_ns();
}

void dataplane_nexthop(struct dataplane *dp, uint32_t index, const struct muster_nexthop *nexthop)
{
	dp->nexthops[index] = *nexthop;
	__atomic_thread_fence(__ATOMIC_RELEASE);
}
