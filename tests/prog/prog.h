/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program over small tables filled by hand: VIPs of each kind, one member each, so that a row of
 * a test can say exactly what has to come out.
 */
#ifndef MUSTER_TESTS_PROG_H
#define MUSTER_TESTS_PROG_H

#include "core/addr.h"
#include "core/util.h"
#include "muster.skel.h"
#include "packet.h"

#include <bpf/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#define N_SERVICES     64
#define N_BUCKETS      64
#define N_MEMBERS      64
#define N_FLOW_BUCKETS 64
#define LOOPBACK       1 /* the ingress interface of test runs */

#define V4_IPIP	 "198.18.0.100"
#define V4_L2DSR "198.18.0.101"
#define V4_EMPTY "198.18.0.102"
#define V4_DROP	 "198.18.0.103"
#define V6_IPIP	 "2001:db8::100"
#define V6_L2DSR "2001:db8::101"
#define V6_EMPTY "2001:db8::102"
#define CLIENT4	 "192.0.2.1"
#define CLIENT6	 "2001:db8:1::1"
#define BACKEND4 "10.0.1.11"
#define BACKEND6 "2001:db8:2::11"
#define SOURCE4	 "10.0.0.1"
#define SOURCE6	 "2001:db8:2::1"

struct prog {
	struct muster_bpf *skeleton;
	int fd, n_cpus;
	struct muster_control *control;
	struct muster_bucket *frontends;
	struct muster_service *services;
	struct muster_ring_element *rings;
	struct muster_member *members;
	struct muster_nexthop *nexthops;
	struct muster_addr *reply_sources;
	struct muster_flow_bucket *flows;
	struct muster_tracking *tracking;
	uint32_t next_service, next_member;
};

static inline void *table(struct bpf_map *map)
{
	size_t bytes = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

/* @frags: the build for frames in pieces. */
static inline void prog_open_build(struct prog *prog, bool frags)
{
	uint32_t zero = 0;
	int any;

	*prog = (struct prog){.skeleton = muster_bpf__open()};
	assert_non_null(prog->skeleton);
	bpf_map__set_max_entries(prog->skeleton->maps.frontends, N_BUCKETS);
	bpf_map__set_max_entries(prog->skeleton->maps.services, 2 * N_SERVICES);
	bpf_map__set_max_entries(prog->skeleton->maps.service_counters, N_SERVICES);
	bpf_map__set_max_entries(prog->skeleton->maps.rings, 4096);
	bpf_map__set_max_entries(prog->skeleton->maps.members, N_MEMBERS);
	bpf_map__set_max_entries(prog->skeleton->maps.member_counters, N_MEMBERS);
	bpf_map__set_max_entries(prog->skeleton->maps.nexthops, 16);
	bpf_map__set_max_entries(prog->skeleton->maps.fragments, 64);
	bpf_map__set_max_entries(prog->skeleton->maps.reply_sources, 2);
	bpf_map__set_max_entries(prog->skeleton->maps.flows, N_FLOW_BUCKETS);
	bpf_map__set_max_entries(prog->skeleton->maps.tracking, N_SERVICES);
	prog->skeleton->rodata->n_services = N_SERVICES;
	prog->skeleton->rodata->bucket_mask = N_BUCKETS - 1;
	prog->skeleton->rodata->flow_mask = N_FLOW_BUCKETS - 1;
	prog->skeleton->rodata->has_frags = frags;
	if (frags) {
		bpf_program__set_flags(prog->skeleton->progs.muster_xdp, BPF_F_XDP_HAS_FRAGS);
		bpf_program__set_flags(prog->skeleton->progs.muster_any, BPF_F_XDP_HAS_FRAGS);
	}
	assert_int_equal(muster_bpf__load(prog->skeleton), 0);
	prog->fd = bpf_program__fd(prog->skeleton->progs.muster_xdp);
	any = bpf_program__fd(prog->skeleton->progs.muster_any);
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(prog->skeleton->maps.programs), &zero, &any, 0), 0);
	prog->n_cpus = libbpf_num_possible_cpus();
	prog->control = table(prog->skeleton->maps.control);
	prog->frontends = table(prog->skeleton->maps.frontends);
	prog->services = table(prog->skeleton->maps.services);
	prog->rings = table(prog->skeleton->maps.rings);
	prog->members = table(prog->skeleton->maps.members);
	prog->nexthops = table(prog->skeleton->maps.nexthops);
	prog->reply_sources = table(prog->skeleton->maps.reply_sources);
	prog->flows = table(prog->skeleton->maps.flows);
	prog->tracking = table(prog->skeleton->maps.tracking);
	*prog->control = (struct muster_control){
		.generation = 2,
		.abi_version = MUSTER_ABI_VERSION,
		.reply_rate = 1000000,
	};
	muster_control_set_key(
		prog->control, (struct muster_hash_key){{0x0123456789abcdef, 0xfedcba9876543210}});
}

static inline void prog_open(struct prog *prog)
{
	prog_open_build(prog, false);
}

static inline struct muster_key prog_key(const char *addr, uint8_t proto, uint16_t port)
{
	struct muster_key key = {.port = htons(port), .proto = proto};

	assert_int_equal(addr_parse(addr, &key.addr), 0);
	return key;
}

/* Puts @service into bank @bank under its own index, and the frontend in place. Returns the index. */
static inline uint32_t prog_service(struct prog *prog, unsigned bank, struct muster_service service)
{
	uint64_t hash = muster_key_hash(&prog->control->hash_key, &service.key);
	struct muster_bucket *bucket = &prog->frontends[hash & (N_BUCKETS - 1)];
	uint32_t index = prog->next_service++;

	prog->services[bank * N_SERVICES + index] = service;
	for (int i = 0; i < MUSTER_BUCKET_WAYS; i++)
		if (!bucket->way[i].tag) {
			bucket->way[i] = (struct muster_frontend){muster_key_tag(hash), index};
			return index;
		}
	fail_msg("bucket full");
	return 0;
}

/* A VIP with one member (@member NULL: none) and the record of its address. */
static inline uint32_t prog_vip(struct prog *prog, const char *addr, uint8_t proto, uint8_t mode,
	const char *member, uint8_t on_empty, uint32_t nexthop)
{
	uint32_t index, slot = prog->next_member * 256;
	struct muster_service service = {
		.key = prog_key(addr, proto, 80),
		.mode = mode,
		.on_empty = on_empty,
		.member_base = prog->next_member,
		.ring_base = slot,
		.ring_size = member ? 256 : 0,
	};

	for (uint32_t i = 0; i < 256; i++)
		prog->rings[(slot + i) / 16].slot[i % 16] = MUSTER_SLOT(0, 0);
	index = prog_service(prog, 0, service);
	if (member) {
		struct muster_member *at = &prog->members[prog->next_member];

		*at = (struct muster_member){
			.identity = 1, .nexthop = nexthop, .new_ok = 1, .old_ok = 1};
		addr_parse(member, &at->addr);
	}
	prog->next_member++;
	return index;
}

static inline void prog_address(struct prog *prog, const char *addr)
{
	prog_service(prog, 0, (struct muster_service){.key = prog_key(addr, 0, 0)});
}

static inline void prog_nexthop(
	struct prog *prog, uint32_t index, uint32_t ifindex, const char *source)
{
	struct muster_nexthop *at = &prog->nexthops[index];

	*at = (struct muster_nexthop){.ifindex = ifindex, .mtu = 1500};
	memcpy(at->dst_mac, MAC_BACKEND, 6);
	memcpy(at->src_mac, MAC_BALANCER, 6);
	addr_parse(source, &at->source);
}

static inline struct muster_counters prog_counters(
	const struct prog *prog, struct bpf_map *map, uint32_t index)
{
	struct muster_counters cpus[256] = {}, sum = {};

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &index, cpus), 0);
	for (int i = 0; i < prog->n_cpus; i++) {
		sum.packets += cpus[i].packets;
		sum.bytes += cpus[i].bytes;
		sum.new_flows += cpus[i].new_flows;
	}
	return sum;
}

static inline uint64_t prog_reason(const struct prog *prog, enum muster_reason reason)
{
	return prog_counters(prog, prog->skeleton->maps.reason_counters, reason).packets;
}

static inline uint64_t prog_reasons(const struct prog *prog)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < MUSTER_REASONS_MAX; i++)
		sum += prog_reason(prog, i);
	return sum;
}

/* Runs @in; the output (or what is left of it) in *out. Returns the XDP verdict. */
static inline uint32_t prog_run(const struct prog *prog, const struct frame *in, struct frame *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b, .data_size_in = (uint32_t)in->n,
		.data_out = out->b, .data_size_out = sizeof(out->b), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(prog->fd, &opts), 0);
	look(out, opts.data_size_out);
	return opts.retval;
}

static inline void prog_close(struct prog *prog)
{
	muster_bpf__destroy(prog->skeleton);
}

/* Every kind of VIP there is. */
static inline void prog_fill(struct prog *prog)
{
	static const char *const addresses[] = {
		V4_IPIP, V4_L2DSR, V4_EMPTY, V4_DROP, V6_IPIP, V6_L2DSR, V6_EMPTY};

	prog_nexthop(prog, 1, LOOPBACK, SOURCE4);
	prog_nexthop(prog, 2, LOOPBACK, SOURCE6);
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		prog_address(prog, addresses[i]);
	for (int i = 0; i < 2; i++) {
		uint8_t proto = i ? IPPROTO_UDP : IPPROTO_TCP;

		prog_vip(prog, V4_IPIP, proto, MUSTER_MODE_IPIP, BACKEND4, 0, 1);
		prog_vip(prog, V4_L2DSR, proto, MUSTER_MODE_L2DSR, BACKEND4, 0, 1);
		prog_vip(prog, V6_IPIP, proto, MUSTER_MODE_IPIP, BACKEND6, 0, 2);
		prog_vip(prog, V6_L2DSR, proto, MUSTER_MODE_L2DSR, BACKEND6, 0, 2);
		prog_vip(prog, V4_EMPTY, proto, MUSTER_MODE_IPIP, NULL, MUSTER_ON_EMPTY_REJECT, 0);
		prog_vip(prog, V6_EMPTY, proto, MUSTER_MODE_IPIP, NULL, MUSTER_ON_EMPTY_REJECT, 0);
		prog_vip(prog, V4_DROP, proto, MUSTER_MODE_IPIP, NULL, MUSTER_ON_EMPTY_DROP, 0);
	}
}

/* ---- frames as a client sends them ---- */

static inline void from_client(struct frame *f, const char *vip, uint8_t proto)
{
	bool v6 = strchr(vip, ':');

	eth(f, MAC_BALANCER, MAC_CLIENT, v6 ? 0x86dd : 0x0800);
	if (v6)
		ip6(f, CLIENT6, vip, proto);
	else
		ip4(f, CLIENT4, vip, proto);
}

static inline void tcp_to(struct frame *f, const char *vip, uint8_t flags)
{
	from_client(f, vip, IPPROTO_TCP);
	tcp(f, 40000, 80, 1000, 2000, flags);
	bytes(f, 'x', 10);
	seal(f);
}

static inline void udp_to(struct frame *f, const char *vip)
{
	from_client(f, vip, IPPROTO_UDP);
	udp(f, 40000, 80);
	bytes(f, 'x', 10);
	seal(f);
}

#endif
