/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A controller in small over the data plane module and a real kernel, in namespaces and on a bpffs of
 * its own: for tests of what the kernel then does with packets.
 */
#ifndef MUSTER_TESTS_WORLD_H
#define MUSTER_TESTS_WORLD_H

#include "dataplane/dataplane.h"
#include "models.h"
#include "packet.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <cmocka.h>

#include <bpf/bpf.h>

#define WORLD_INLINE static inline __attribute__((unused))

static char mount_dir[] __attribute__((unused)) = "/tmp/muster-dp-XXXXXX";
static char pin_dir[64] __attribute__((unused));

WORLD_INLINE struct dataplane_options options(void)
{
	return (struct dataplane_options){
		.pin_dir = pin_dir,
		.limits = {.services = 256, .members = 1024, .slots = 1 << 16, .buckets = 256},
		.nexthops = 64,
		.reply_rate = 1000,
		.fragments = 64,
		.flows = 1024,
		.hash_key = {{11, 22}},
	};
}

WORLD_INLINE struct dataplane *open_dp(const struct dataplane_options *with)
{
	struct dataplane *dp = NULL;
	_free_ char *error = NULL;
	int err = dataplane_open(&dp, with, &error);

	if (err)
		fail_msg("open: %d %s", err, error ? error : "");
	return dp;
}

struct world {
	struct dataplane *dp;
	struct plan_space *space;
	struct model *model;
	struct member_state **states;
	struct image *live;
};

WORLD_INLINE void world_open(
	struct world *world, struct model *model, const struct dataplane_options *with)
{
	*world =
		(struct world){.dp = open_dp(with), .model = model, .states = models_states(model)};
	assert_int_equal(plan_space_new(&world->space, &with->limits), 0);
	assert_int_equal(dataplane_read_image(world->dp, 0, &world->live), 0);
	assert_true(plan_space_claim(world->space, world->live));
}

WORLD_INLINE void world_close(struct world *world)
{
	image_free(&world->live);
	plan_space_free(&world->space);
	models_states_free(world->states, world->model);
	model_free(&world->model);
	dataplane_close(&world->dp);
}

/* Plans and stages. NULL if nothing changed; then the live image is the new one. */
WORLD_INLINE struct image *world_stage(struct world *world, const struct dataplane_options *with)
{
	struct plan_input input = {
		world->model, (const struct member_state *const *)world->states, with->hash_key, 0};
	struct image *next = NULL;
	_free_ char *error = NULL;
	struct diags diags = {};
	bool changed;
	int err;

	assert_int_equal(plan_image(&input, world->space, world->live, &next, &changed, &diags), 0);
	if (!changed) {
		image_free(&world->live);
		world->live = next;
		return NULL;
	}
	next->generation = world->live->generation + 1;
	err = dataplane_stage(world->dp, world->live, next, &error);
	if (err)
		fail_msg("stage: %d %s", err, error ? error : "");
	return next;
}

/* Plans, stages, flips, waits, retires. True if anything changed. */
WORLD_INLINE bool world_commit(struct world *world, const struct dataplane_options *with)
{
	struct image *next = world_stage(world, with);

	if (!next)
		return false;
	dataplane_flip(world->dp, next);
	assert_int_equal(dataplane_grace(world->dp), 0);
	dataplane_retire(world->dp, world->live, next);
	plan_retire(world->space, world->live, next);
	image_free(&world->live);
	world->live = next;
	return true;
}

/* The last VIP leaves the model. */
WORLD_INLINE void world_drop_vip(struct world *world)
{
	struct vip *vip = &world->model->vips[--world->model->n_vips];

	free(vip->name);
	free(vip->addrs);
	free(vip->ports);
}

WORLD_INLINE void add_nexthop(struct dataplane *dp)
{
	struct muster_nexthop nexthop = {.ifindex = 1, .mtu = 1500};

	memcpy(nexthop.dst_mac, MAC_BACKEND, 6);
	memcpy(nexthop.src_mac, MAC_BALANCER, 6);
	nexthop.source = models_addr("10.255.0.1");
	dataplane_nexthop(dp, 1, &nexthop);
}

WORLD_INLINE struct model *one_vip(size_t backends)
{
	struct model *model = models_new();

	models_add_backends(model, models_add_pool(model, "web"), 0, backends);
	models_add_vip(model, "web", models_addr("198.18.0.1"), 0);
	return model;
}

WORLD_INLINE int program_fd(const struct dataplane *dp)
{
	return bpf_prog_get_fd_by_id(dataplane_program_id(dp));
}

/* Verdict for a SYN from @port; *ret_member: last byte of the outer destination. */
WORLD_INLINE uint32_t send_syn(
	const struct dataplane *dp, const char *vip, uint16_t port, uint8_t *ret_member)
{
	struct frame in, out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.b, .data_out = out.b,
		.data_size_out = sizeof(out.b), .repeat = 1);
	_close_ int fd = program_fd(dp);

	eth(&in, MAC_BALANCER, MAC_CLIENT, 0x0800);
	ip4(&in, "192.0.2.1", vip, 6);
	tcp(&in, port, 80, 1, 1, 2);
	seal(&in);
	opts.data_size_in = (uint32_t)in.n;
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	*ret_member = out.b[33];
	return opts.retval;
}

WORLD_INLINE int world_setup(void **state)
{
	(void)state;
	if (geteuid() || unshare(CLONE_NEWNS | CLONE_NEWNET))
		return -1;
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (!mkdtemp(mount_dir) || mount("bpf", mount_dir, "bpf", 0, ""))
		return -1;
	snprintf(pin_dir, sizeof(pin_dir), "%s/muster", mount_dir);
	return 0;
}

WORLD_INLINE int world_teardown(void **state)
{
	(void)state;
	umount(mount_dir);
	return rmdir(mount_dir);
}

#endif
