/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VIP of every kind that a packet can meet: each mode and pair of families, several members, none at
 * all, a member without next hop. Shared by run_packets.c (rows of test_packets.py) and
 * test_mutations.c. prog.h's own prog_fill() is not called: this replaces it.
 */
#ifndef MUSTER_TESTS_SCENE_H
#define MUSTER_TESTS_SCENE_H

#include "prog.h"

#include <sched.h>

#define SCENE_MEMBERS 4 /* of a service that spreads; one of them 10.0.1.11, .12 .. */
#define SCENE_MTU     1500
#define HOP4	      1 /* next hops: the outer source is IPv4 ... */
#define HOP6	      2 /* ... or IPv6 */
#define SCENE_HOPS    2

struct scene_vip {
	const char *addr;
	uint8_t mode, on_empty, n_members;
	const char *member; /* the first one */
	uint32_t nexthop;
	uint16_t port, gue_port;
};

#define REJECT MUSTER_ON_EMPTY_REJECT
#define IPIP   MUSTER_MODE_IPIP
#define L2DSR  MUSTER_MODE_L2DSR
#define GUE    MUSTER_MODE_GUE

/* Each of them over TCP and over UDP. tests/prog/wire.py has the same list. */
static const struct scene_vip scene_vips[] = {
	{"198.18.0.100", IPIP, REJECT, 1, "10.0.1.11", HOP4, 80, 0},
	{"198.18.0.101", L2DSR, REJECT, 1, "10.0.1.11", HOP4, 80, 0},
	{"198.18.0.102", IPIP, REJECT, 0, NULL, 0, 80, 0},
	{"198.18.0.103", IPIP, MUSTER_ON_EMPTY_DROP, 0, NULL, 0, 80, 0},
	{"198.18.0.104", IPIP, REJECT, 1, "2001:db8:2::11", HOP6, 80, 0},
	{"198.18.0.105", GUE, REJECT, 1, "10.0.1.11", HOP4, 80, 6080},
	{"198.18.0.105", GUE, REJECT, 1, "10.0.1.11", HOP4, 443, 7000},
	{"198.18.0.106", GUE, REJECT, 1, "2001:db8:2::11", HOP6, 80, 6080},
	{"198.18.0.107", IPIP, REJECT, SCENE_MEMBERS, "10.0.1.11", HOP4, 80, 0},
	{"198.18.0.108", IPIP, REJECT, 1, "10.0.1.11", MUSTER_NO_NEXTHOP, 80, 0},
	{"2001:db8::100", IPIP, REJECT, 1, "2001:db8:2::11", HOP6, 80, 0},
	{"2001:db8::101", L2DSR, REJECT, 1, "2001:db8:2::11", HOP6, 80, 0},
	{"2001:db8::102", IPIP, REJECT, 0, NULL, 0, 80, 0},
	{"2001:db8::103", IPIP, MUSTER_ON_EMPTY_DROP, 0, NULL, 0, 80, 0},
	{"2001:db8::104", IPIP, REJECT, 1, "10.0.1.11", HOP4, 80, 0},
	{"2001:db8::105", GUE, REJECT, 1, "2001:db8:2::11", HOP6, 80, 6080},
	{"2001:db8::106", GUE, REJECT, 1, "10.0.1.11", HOP4, 80, 6080},
	{"2001:db8::107", IPIP, REJECT, SCENE_MEMBERS, "2001:db8:2::11", HOP6, 80, 0},
};

struct scene {
	struct prog prog;
	uint32_t next_element;
};

static inline void scene_service(struct scene *scene, const struct scene_vip *vip, uint8_t proto)
{
	struct prog *prog = &scene->prog;
	uint32_t element = scene->next_element++;
	struct muster_service service = {
		.key = prog_key(vip->addr, proto, vip->port),
		.mode = vip->mode,
		.on_empty = vip->on_empty,
		.gue_port = htons(vip->gue_port),
		.member_base = prog->next_member,
		.ring_base = element * MUSTER_ELEMENT_SLOTS,
		.ring_size = vip->n_members ? MUSTER_ELEMENT_SLOTS : 0,
	};

	for (uint32_t i = 0; i < MUSTER_ELEMENT_SLOTS && vip->n_members; i++)
		prog->rings[element].slot[i] = MUSTER_SLOT(i % vip->n_members, i % vip->n_members);
	for (uint32_t i = 0; i < vip->n_members; i++) {
		struct muster_member *member = &prog->members[prog->next_member++];

		*member = (struct muster_member){
			.identity = i + 1, .nexthop = vip->nexthop, .new_ok = 1, .old_ok = 1};
		assert_int_equal(addr_parse(vip->member, &member->addr), 0);
		member->addr.b[15] = (uint8_t)(member->addr.b[15] + i);
	}
	prog_service(prog, 0, service);
}

static inline void scene_reset_hop(struct scene *scene, uint32_t hop)
{
	prog_nexthop(&scene->prog, hop, LOOPBACK, hop == HOP4 ? SOURCE4 : SOURCE6);
}

/* What a row may have changed. */
static inline void scene_reset(struct scene *scene)
{
	scene_reset_hop(scene, HOP4);
	scene_reset_hop(scene, HOP6);
	scene->prog.control->reply_rate = 1000000;
}

/* @frags: the build for frames in pieces. */
static inline void scene_open(struct scene *scene, bool frags)
{
	cpu_set_t cpus;

	/* Budgets are per CPU. */
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	*scene = (struct scene){};
	prog_open_build(&scene->prog, frags);
	for (size_t i = 0; i < ARRAY_SIZE(scene_vips); i++) {
		if (!i || strcmp(scene_vips[i].addr, scene_vips[i - 1].addr))
			prog_address(&scene->prog, scene_vips[i].addr);
		scene_service(scene, &scene_vips[i], IPPROTO_TCP);
		scene_service(scene, &scene_vips[i], IPPROTO_UDP);
	}
	scene_reset(scene);
}

static inline struct bpf_map *scene_map(const struct scene *scene, const char *name)
{
	return bpf_object__find_map_by_name(scene->prog.skeleton->obj, name);
}

/* ---- counters, all of a map with one system call ---- */

struct scene_counts {
	struct muster_counters of[MUSTER_REASONS_MAX]; /* summed over the CPUs */
};

static inline void scene_read(
	const struct scene *scene, struct bpf_map *map, struct scene_counts *ret_counts)
{
	static struct muster_counters cpus[MUSTER_REASONS_MAX * 256];
	uint32_t n = bpf_map__max_entries(map), keys[MUSTER_REASONS_MAX], next;
	int n_cpus = scene->prog.n_cpus;

	assert_in_range(n, 1, MUSTER_REASONS_MAX);
	assert_in_range(n_cpus, 1, 256);
	assert_int_equal(
		bpf_map_lookup_batch(bpf_map__fd(map), NULL, &next, keys, cpus, &n, NULL), 0);
	memset(ret_counts, 0, sizeof(*ret_counts));
	for (uint32_t i = 0; i < n; i++)
		for (int cpu = 0; cpu < n_cpus; cpu++) {
			const struct muster_counters *at =
				&cpus[i * (uint32_t)n_cpus + (uint32_t)cpu];

			ret_counts->of[keys[i]].packets += at->packets;
			ret_counts->of[keys[i]].bytes += at->bytes;
			ret_counts->of[keys[i]].new_flows += at->new_flows;
		}
}

#endif
