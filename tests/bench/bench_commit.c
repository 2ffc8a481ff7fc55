/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commits through the real maps: a flip of a whole new image (planned, staged, made visible), the grace
 * period after it, the death of one backend in one pool and in every pool, and a second death 2 ms
 * after the first. Interleaved trials. Needs root; mounts a bpffs of its own and removes it.
 *
 *	bench_commit [FILE]	appends JSON lines to FILE
 */
#include "dataplane/dataplane.h"
#include "models.h"
#include "results.h"

#include <sys/mount.h>
#include <time.h>

#define TRIALS 9

static const struct {
	size_t vips, backends;
} sizes[] = {{1, 10}, {1, 100}, {1, 1000}, {10, 10}, {10, 100}, {10, 1000}, {100, 10}, {100, 100},
	{100, 1000}};

enum { FLIP, GRACE, DEATH, DEATHS, SECOND, N_CASES };
static const char *const cases[N_CASES] = {
	[FLIP] = "flip",
	[GRACE] = "grace period",
	[DEATH] = "one death in one pool",
	[DEATHS] = "one death in every pool",
	[SECOND] = "another 2 ms later",
};

static char pin_dir[64];

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_commit: %s: %s\n", what, why);
	exit(1);
}

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

/* Backend @which of the first @pools pools dies; one patch a pool, as musterd makes them. */
static double kill_backends(struct dataplane *dp, struct image *image, const struct model *model,
	struct member_state **states, size_t pools, size_t which)
{
	double start = now_us();

	for (size_t p = 0; p < pools; p++) {
		_cleanup_(patch_clear) struct patch patch = {};
		const struct pool *pool = &model->pools[p];

		states[p][which].bits = (struct bits){false, false};
		models_must(
			!image_patch(image, pool->name, states[p], pool->n_backends, 0, &patch));
		dataplane_patch(dp, &patch);
		models_must(patch.n_members == 1);
	}
	return now_us() - start;
}

static void trial(size_t size, struct result *results)
{
	struct dataplane_options options = {
		.pin_dir = pin_dir,
		.limits = {.services = 8192,
			.members = 1 << 18,
			.slots = 16 << 20,
			.buckets = 16384},
		.nexthops = 1024,
		.flows = 1 << 20,
		.fragments = 1024,
		.hash_key = {{1, 2}},
	};
	struct model *model = make_model(sizes[size].vips, sizes[size].backends);
	struct member_state **states = models_states(model);
	struct plan_input input = {
		model, (const struct member_state *const *)states, options.hash_key, 0};
	struct image *empty = NULL, *image = NULL;
	struct plan_space *space = NULL;
	struct dataplane *dp = NULL;
	_free_ char *error = NULL;
	struct diags diags = {};
	bool changed;
	double start;

	if (dataplane_open(&dp, &options, &error))
		die("open", error ? error : "?");
	models_must(!plan_space_new(&space, &options.limits) && !image_new(&empty));
	start = now_us();
	models_must(!plan_image(&input, space, empty, &image, &changed, &diags));
	image->generation = 1;
	if (dataplane_stage(dp, empty, image, &error))
		die("stage", error ? error : "?");
	dataplane_flip(dp, image);
	result_add(&results[FLIP], now_us() - start);
	start = now_us();
	dataplane_grace(dp);
	result_add(&results[GRACE], now_us() - start);
	result_add(&results[DEATH], kill_backends(dp, image, model, states, 1, 3));
	result_add(&results[DEATHS], kill_backends(dp, image, model, states, model->n_pools, 5));
	usleep(2000);
	result_add(&results[SECOND], kill_backends(dp, image, model, states, model->n_pools, 7));
	dataplane_teardown(dp);
	dataplane_close(&dp);
	image_free(&image);
	image_free(&empty);
	plan_space_free(&space);
	models_states_free(states, model);
	model_free(&model);
}

int main(int argc, char **argv)
{
	static struct result results[ARRAY_SIZE(sizes)][N_CASES];
	static char names[ARRAY_SIZE(sizes)][N_CASES][64];
	_fclose_ FILE *json = argc > 1 ? fopen(argv[1], "a") : NULL;
	char mount_dir[] = "/tmp/muster-bench-XXXXXX";

	if (!mkdtemp(mount_dir) || mount("bpf", mount_dir, "bpf", 0, ""))
		die("mounting a bpffs", "run as root");
	snprintf(pin_dir, sizeof(pin_dir), "%s/muster", mount_dir);
	for (int i = 0; i < TRIALS; i++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
			trial(s, results[s]);
	umount(mount_dir);
	rmdir(mount_dir);
	printf("%-36s %9s %9s %9s\n", "commits, VIPs x backends", "median", "min", "max");
	for (int c = 0; c < N_CASES; c++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
			struct result *result = &results[s][c];

			snprintf(names[s][c], sizeof(names[s][c]), "%s, %zu x %zu", cases[c],
				sizes[s].vips, sizes[s].backends);
			result->bench = "commit";
			result->name = names[s][c];
			result->unit = "us";
			result_print(result, json);
		}
	return 0;
}
