/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a change of the tables costs the controller: building a ring, planning an image and writing it
 * (a flip), one backend lost in every pool (patches). Tables are plain memory here, written as the
 * data plane would; no system call is part of either.
 *
 *	bench_tables [FILE]	appends JSON lines to FILE
 *
 * Trials of all cases are interleaved, so that a noisy moment hits all of them alike; compare
 * medians within one run only.
 */
#include "core/flows.h"
#include "core/plan.h"

#include "models.h"

#include <inttypes.h>
#include <time.h>

#define TRIALS 15

static const struct plan_limits limits = {
	.services = 8192, .members = 1 << 18, .slots = 16 << 20, .buckets = 16384};
static const struct muster_hash_key key = {{0x0123456789abcdef, 0xfedcba9876543210}};

struct tables {
	struct muster_service *services;
	struct muster_member *members;
	uint32_t *slots;
};

struct result {
	char name[64];
	double us[TRIALS];
	double max_by_mean; /* of a ring; 0: not asked */
};

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* ---- rings ---- */

static const struct {
	size_t members;
	uint32_t size;
} rings[] = {{10, 65536}, {100, 16384}, {100, 65536}, {650, 65536}, {4096, 65536}};

static double max_by_mean(const struct ring *ring, size_t n)
{
	uint32_t max = 0;

	for (uint16_t i = 0; i < ring->n_index; i++)
		max = MAX(max, ring->first[i + 1] - ring->first[i]);
	return (double)max * (double)n / ring->size;
}

static void bench_ring(size_t row, struct result *result, unsigned trial)
{
	size_t n = rings[row].members;
	_free_ struct ring_member *members = calloc(n, sizeof(*members));
	_cleanup_(ring_unref) struct ring *ring = NULL;
	double start;

	models_must(members);
	for (size_t i = 0; i < n; i++)
		members[i] = (struct ring_member){
			models_addr_v4((uint32_t)i), htons(80), (uint16_t)i, 100, false};
	start = now_us();
	models_must(!ring_new(&ring, members, n, rings[row].size, &key));
	result->us[trial] = now_us() - start;
	result->max_by_mean = max_by_mean(ring, n);
	snprintf(result->name, sizeof(result->name), "ring %zu/%" PRIu32, n, rings[row].size);
}

/* 1 of 1000 is left: every slot is refilled, and few probes find anybody. */
static void bench_last_member(struct result *result, unsigned trial)
{
	enum { N = 1000 };
	static struct ring_member members[N];
	_cleanup_(ring_unref) struct ring *ring = NULL;
	uint16_t usable[N] = {[77] = RING_ALL};
	double start;

	for (size_t i = 0; i < N; i++)
		members[i] = (struct ring_member){
			models_addr_v4((uint32_t)i), htons(80), (uint16_t)i, 100, false};
	models_must(!ring_new(&ring, members, N, RING_SIZE_MAX, &key));
	start = now_us();
	models_must(ring_update(ring, usable, NULL) > 0);
	result->us[trial] = now_us() - start;
	snprintf(result->name, sizeof(result->name), "refill, 1 of 1000 left/65536");
}

/* ---- a sweep of the flow table: 1,048,576 entries ---- */

enum { SWEEP_BUCKETS = 1 << 18, SWEEP_SLOTS = 16384, SWEEP_MEMBERS = 100 };

/* Three of four entries taken, by flows that keep their slots pinned. */
static void fill_flows(struct muster_flow_bucket *buckets)
{
	for (uint32_t b = 0; b < SWEEP_BUCKETS; b++)
		for (uint32_t w = 0; w < MUSTER_FLOW_WAYS - 1; w++) {
			uint32_t tag = (uint32_t)muster_mix64(b * 4ull + w);
			uint32_t member = 1 + tag % (SWEEP_MEMBERS - 1);

			buckets[b].way[w].who =
				(uint64_t)tag << 32 | MUSTER_TOKEN(1 + member, member);
		}
}

static void bench_sweep(bool full, struct result *result, unsigned trial)
{
	_free_ struct muster_flow_bucket *buckets =
		aligned_alloc(64, SWEEP_BUCKETS * sizeof(*buckets));
	_free_ uint32_t *slots = calloc(SWEEP_SLOTS, sizeof(*slots));
	_free_ uint8_t *held = calloc(SWEEP_SLOTS, 1);
	struct flows_member members[SWEEP_MEMBERS + 1] = {};
	struct flows_ring ring = {slots, SWEEP_SLOTS, held};
	struct flows_sweep sweep = {.n_buckets = SWEEP_BUCKETS,
		.members = members,
		.n_members = ARRAY_SIZE(members),
		.tcp_s = 900,
		.udp_s = 30};
	double start;

	models_must(buckets && slots && held);
	memset(buckets, 0, SWEEP_BUCKETS * sizeof(*buckets));
	sweep.buckets = buckets;
	for (uint32_t s = 0; s < SWEEP_SLOTS; s++)
		slots[s] = MUSTER_SLOT(0, MUSTER_NONE);
	for (uint32_t m = 0; m < SWEEP_MEMBERS; m++)
		members[1 + m] = (struct flows_member){MUSTER_TOKEN(1 + m, m), &ring, NULL, 0};
	if (full)
		fill_flows(buckets);
	start = now_us();
	flows_sweep(&sweep);
	result->us[trial] = now_us() - start;
	models_must(sweep.entries == (full ? 3 * SWEEP_BUCKETS : 0));
	snprintf(result->name, sizeof(result->name), "sweep, 1048576 entries, %s",
		full ? "3/4 taken" : "empty");
}

/* ---- images ---- */

static const struct {
	size_t vips, backends;
} images[] = {
	{1, 10},
	{1, 100},
	{1, 1000},
	{10, 10},
	{10, 100},
	{10, 1000},
	{100, 10},
	{100, 100},
	{100, 1000},
};

static struct model *make_model(size_t vips, size_t backends)
{
	struct model *model = models_new();
	char name[24];

	for (size_t v = 0; v < vips; v++) {
		snprintf(name, sizeof(name), "web%zu", v);
		models_add_backends(
			model, models_add_pool(model, name), (uint32_t)(v << 12), backends);
		models_add_vip(model, name, models_addr_v4(0x800000 + (uint32_t)v), v);
	}
	return model;
}

static void write_members(struct tables *tables, const struct block *block)
{
	for (uint16_t i = 0; i < block->n; i++)
		tables->members[block->base + i] = (struct muster_member){
			.identity = block->members[i].identity,
			.addr = block->members[i].addr,
			.port = block->members[i].port,
			.nexthop = block->members[i].nexthop,
			.new_ok = block->members[i].bits.new_ok,
			.old_ok = block->members[i].bits.old_ok,
		};
}

static void write_image(struct tables *tables, const struct image *image)
{
	uint32_t bank = (uint32_t)(image->generation & 1) * limits.services;

	for (size_t b = 0; b < image->n_blocks; b++)
		write_members(tables, image->blocks[b]);
	for (size_t r = 0; r < image->n_rings; r++) {
		const struct ring *ring = image->rings[r].ring;

		for (uint32_t s = 0; s < ring->size; s++)
			tables->slots[ring->slots.base + s] =
				MUSTER_SLOT(ring->current[s], ring->current[s]);
	}
	for (size_t i = 0; i < image->n_services; i++) {
		const struct image_service *service = &image->services[i];

		tables->services[bank + service->index] = (struct muster_service){
			.key = service->key,
			.ring_base = service->ring ? service->ring->slots.base : 0,
			.ring_size = service->ring ? service->ring->size : 0,
			.member_base = service->block ? service->block->base : 0,
			.mode = service->mode,
			.on_empty = service->on_empty,
		};
	}
}

static void write_patch(struct tables *tables, const struct patch *patch)
{
	for (size_t i = 0; i < patch->n_slots; i++)
		__atomic_store_n(&tables->slots[patch->slots[i].index], patch->slots[i].value,
			__ATOMIC_RELAXED);
	for (size_t i = 0; i < patch->n_members; i++) {
		struct muster_member *member = &tables->members[patch->members[i].index];

		__atomic_store_n(&member->nexthop, patch->members[i].nexthop, __ATOMIC_RELAXED);
		__atomic_store_n(&member->new_ok, patch->members[i].bits.new_ok, __ATOMIC_RELAXED);
		__atomic_store_n(&member->old_ok, patch->members[i].bits.old_ok, __ATOMIC_RELAXED);
	}
}

/* The worst flip: all of it is new. */
static double time_flip(struct tables *tables, const struct plan_input *input, struct image **ret)
{
	_cleanup_(plan_space_free) struct plan_space *space = NULL;
	_cleanup_(image_free) struct image *empty = NULL;
	struct diags diags = {};
	bool changed;
	double start;

	models_must(!plan_space_new(&space, &limits) && !image_new(&empty));
	start = now_us();
	models_must(!plan_image(input, space, empty, ret, &changed, &diags));
	write_image(tables, *ret);
	return now_us() - start;
}

static double time_patches(struct tables *tables, const struct model *model,
	struct member_state **states, struct image *image)
{
	double us = 0;

	for (size_t p = 0; p < model->n_pools; p++) {
		_cleanup_(patch_clear) struct patch patch = {};
		struct pool *pool = &model->pools[p];
		double start = now_us();

		states[p][pool->n_backends / 2].bits = (struct bits){false, false};
		models_must(
			!image_patch(image, pool->name, states[p], pool->n_backends, 0, &patch));
		write_patch(tables, &patch);
		us += now_us() - start;
		models_must(patch.n_members == 1 && patch.n_slots > 0);
	}
	return us;
}

static void bench_image(size_t row, struct tables *tables, struct result *flip,
	struct result *patch, unsigned trial)
{
	_cleanup_(model_free) struct model *model =
		make_model(images[row].vips, images[row].backends);
	_cleanup_(image_free) struct image *image = NULL;
	struct member_state **states = models_states(model);
	struct plan_input input = {model, (const struct member_state *const *)states, key, 0};

	flip->us[trial] = time_flip(tables, &input, &image);
	patch->us[trial] = time_patches(tables, model, states, image);
	models_states_free(states, model);
	snprintf(flip->name, sizeof(flip->name), "flip %zux%zu", images[row].vips,
		images[row].backends);
	snprintf(patch->name, sizeof(patch->name), "patch %zux%zu, one lost in each",
		images[row].vips, images[row].backends);
}

/* ---- report ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(struct result *result, FILE *json)
{
	double *us = result->us;

	qsort(us, TRIALS, sizeof(*us), compare);
	printf("%-36s %10.1f %10.1f %10.1f", result->name, us[TRIALS / 2], us[0], us[TRIALS - 1]);
	if (result->max_by_mean > 0)
		printf("   %.4f", result->max_by_mean);
	printf("\n");
	if (json)
		fprintf(json,
			"{\"bench\":\"tables\",\"case\":\"%s\",\"unit\":\"us\",\"median\":%.1f,"
			"\"min\":%.1f,\"max\":%.1f,\"trials\":%d}\n",
			result->name, us[TRIALS / 2], us[0], us[TRIALS - 1], TRIALS);
}

int main(int argc, char **argv)
{
	enum { N_RINGS = ARRAY_SIZE(rings), N_IMAGES = ARRAY_SIZE(images) };
	static struct result results[N_RINGS + 3 + 2 * N_IMAGES];
	_fclose_ FILE *json = argc > 1 ? fopen(argv[1], "a") : NULL;
	struct tables tables = {
		.services = calloc(2 * limits.services, sizeof(*tables.services)),
		.members = calloc(limits.members, sizeof(*tables.members)),
		.slots = calloc(limits.slots, sizeof(*tables.slots)),
	};

	if (argc > 1 && !json) {
		perror(argv[1]);
		return 1;
	}
	models_must(tables.services && tables.members && tables.slots);
	for (unsigned trial = 0; trial < TRIALS; trial++) {
		struct result *flips = results + N_RINGS + 3, *patches = flips + N_IMAGES;

		for (size_t i = 0; i < N_RINGS; i++)
			bench_ring(i, &results[i], trial);
		bench_last_member(&results[N_RINGS], trial);
		bench_sweep(false, &results[N_RINGS + 1], trial);
		bench_sweep(true, &results[N_RINGS + 2], trial);
		for (size_t i = 0; i < N_IMAGES; i++)
			bench_image(i, &tables, &flips[i], &patches[i], trial);
	}
	printf("%-36s %10s %10s %10s   %s\n", "case (us)", "median", "min", "max", "max/mean");
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		report(&results[i], json);
	free(tables.services);
	free(tables.members);
	free(tables.slots);
	return 0;
}
