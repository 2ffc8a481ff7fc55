/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nanoseconds a packet, by the wrap method (see wrap.bpf.c), against bare programs in the same wrap.
 * Trials of all cases are interleaved. Before a case is timed its verdict and its output are checked.
 *
 *	bench_packets [FILE]	appends JSON lines to FILE
 */
#include "core/addr.h"
#include "core/util.h"
#include "muster.skel.h"
#include "packet.h"
#include "results.h"
#include "wrap.h"
#include "wrap.skel.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mman.h>

#define TRIALS	   61
#define REPEAT	   200000
#define POOLS	   64
#define RING_SIZE  16381
#define RING_SPACE 16384
#define MEMBERS	   100
#define VIP4	   "198.18.0.0" /* .0 to .63 */
#define VIP6	   "2001:db8::"
#define CLIENT4	   "192.0.2.1"
#define CLIENT6	   "2001:db8:1::1"

struct bench {
	struct muster_bpf *muster;
	struct wrap_bpf *wrap;
	struct wrap_template *template;
	struct muster_control *control;
	struct muster_bucket *frontends;
	struct muster_service *services;
	struct muster_ring_element *rings;
	struct muster_member *members;
	struct muster_nexthop *nexthops;
	uint32_t n_services;
};

struct row {
	const char *name;
	bool v6, udp, syn, other; /* other: to no VIP */
	uint8_t mode;
	uint32_t flows, pools; /* powers of two */
};

static const struct row rows[] = {
	{"tcp4 ipip established, 1 flow", .mode = MUSTER_MODE_IPIP, .flows = 1, .pools = 1},
	{"tcp4 ipip established, 64k flows", .mode = MUSTER_MODE_IPIP, .flows = 1 << 16,
		.pools = 1},
	{"tcp4 ipip established, 512k flows", .mode = MUSTER_MODE_IPIP, .flows = 1 << 19,
		.pools = 1},
	{"tcp4 ipip 512k flows, 64 pools", .mode = MUSTER_MODE_IPIP, .flows = 1 << 19,
		.pools = POOLS},
	{"tcp4 ipip SYN, new flows", .mode = MUSTER_MODE_IPIP, .syn = true, .flows = 1 << 20,
		.pools = 1},
	{"tcp4 l2dsr established, 1 flow", .mode = MUSTER_MODE_L2DSR, .flows = 1, .pools = 1},
	{"udp4 ipip, 1 flow", .udp = true, .mode = MUSTER_MODE_IPIP, .flows = 1, .pools = 1},
	{"tcp6 ipip established, 1 flow", .v6 = true, .mode = MUSTER_MODE_IPIP, .flows = 1,
		.pools = 1},
	{"tcp6 ipip established, 512k flows", .v6 = true, .mode = MUSTER_MODE_IPIP,
		.flows = 1 << 19, .pools = 1},
	{"not a VIP", .other = true, .flows = 1, .pools = 1},
};

static void die(const char *what)
{
	fprintf(stderr, "bench_packets: %s\n", what);
	exit(1);
}

static void *table(struct bpf_map *map)
{
	size_t bytes = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (at == MAP_FAILED)
		die("mmap");
	return at;
}

/* ---- tables ---- */

static void load(struct bench *bench)
{
	bench->muster = muster_bpf__open();
	bench->wrap = wrap_bpf__open();
	if (!bench->muster || !bench->wrap)
		die("open");
	bpf_map__set_max_entries(bench->muster->maps.frontends, 16384);
	bpf_map__set_max_entries(bench->muster->maps.services, 2 * 8192);
	bpf_map__set_max_entries(bench->muster->maps.service_counters, 8192);
	bpf_map__set_max_entries(bench->muster->maps.rings, 5 * POOLS * RING_SPACE / 16);
	bpf_map__set_max_entries(bench->muster->maps.members, 32768);
	bpf_map__set_max_entries(bench->muster->maps.member_counters, 32768);
	bpf_map__set_max_entries(bench->muster->maps.nexthops, 16384);
	bpf_map__set_max_entries(bench->muster->maps.fragments, 1024);
	bpf_map__set_max_entries(bench->muster->maps.reply_sources, 2);
	bench->muster->rodata->n_services = 8192;
	bench->muster->rodata->bucket_mask = 16383;
	if (muster_bpf__load(bench->muster) || wrap_bpf__load(bench->wrap))
		die("the kernel does not load the programs (root?)");
	bench->template = table(bench->wrap->maps.template);
	bench->control = table(bench->muster->maps.control);
	bench->frontends = table(bench->muster->maps.frontends);
	bench->services = table(bench->muster->maps.services);
	bench->rings = table(bench->muster->maps.rings);
	bench->members = table(bench->muster->maps.members);
	bench->nexthops = table(bench->muster->maps.nexthops);
	*bench->control =
		(struct muster_control){.hash_key = {{0x0123456789abcdef, 0xfedcba9876543210}},
			.abi_version = MUSTER_ABI_VERSION};
}

static void add_frontend(struct bench *bench, const struct muster_key *key, uint32_t service)
{
	uint64_t hash = muster_key_hash(&bench->control->hash_key, key);
	struct muster_bucket *bucket = &bench->frontends[hash & 16383];

	for (int i = 0; i < MUSTER_BUCKET_WAYS; i++)
		if (!bucket->way[i].tag) {
			bucket->way[i] = (struct muster_frontend){muster_key_tag(hash), service};
			return;
		}
	die("bucket full");
}

/* A pool of its own for the VIP number @number of that kind. */
static void add_vip(struct bench *bench, bool v6, uint8_t proto, uint8_t mode, unsigned number)
{
	uint32_t index = bench->n_services++;
	struct muster_service service = {
		.mode = mode,
		.ring_base = index * RING_SPACE,
		.ring_size = RING_SIZE,
		.member_base = 1 + index * MEMBERS,
	};

	addr_parse(v6 ? VIP6 : VIP4, &service.key.addr);
	service.key.addr.b[15] = (uint8_t)number;
	service.key.port = htons(mode == MUSTER_MODE_L2DSR ? 81 : 80);
	service.key.proto = proto;
	bench->services[index] = service;
	add_frontend(bench, &service.key, index);
	for (uint32_t slot = 0; slot < RING_SIZE; slot++) {
		uint32_t at = service.ring_base + slot,
			 member = (uint32_t)muster_mix64(at) % MEMBERS;

		bench->rings[at / 16].slot[at % 16] = MUSTER_SLOT(member, member);
	}
	for (uint32_t m = 0; m < MEMBERS; m++) {
		struct muster_member *member = &bench->members[service.member_base + m];
		struct muster_nexthop *nexthop = &bench->nexthops[1 + m];

		*member = (struct muster_member){
			.identity = m + 1, .nexthop = 1 + m, .new_ok = 1, .old_ok = 1};
		addr_parse(v6 ? "2001:db8:2::" : "10.0.1.0", &member->addr);
		member->addr.b[15] = (uint8_t)m;
		*nexthop = (struct muster_nexthop){.ifindex = 1, .mtu = 1500};
		memcpy(nexthop->dst_mac, MAC_BACKEND, 6);
		memcpy(nexthop->src_mac, MAC_BALANCER, 6);
		addr_parse(v6 ? "2001:db8:2::ffff" : "10.0.0.1", &nexthop->source);
	}
}

static void fill(struct bench *bench)
{
	for (unsigned i = 0; i < POOLS; i++)
		add_vip(bench, false, IPPROTO_TCP, MUSTER_MODE_IPIP, i);
	add_vip(bench, false, IPPROTO_TCP, MUSTER_MODE_L2DSR, 0);
	add_vip(bench, false, IPPROTO_UDP, MUSTER_MODE_IPIP, 0);
	add_vip(bench, true, IPPROTO_TCP, MUSTER_MODE_IPIP, 0);
}

/* ---- frames ---- */

static void build(const struct row *row, struct frame *f)
{
	uint16_t port = row->mode == MUSTER_MODE_L2DSR ? 81 : 80;

	eth(f, MAC_BALANCER, MAC_CLIENT, row->v6 ? 0x86dd : 0x0800);
	if (row->v6)
		ip6(f, CLIENT6, VIP6, IPPROTO_TCP);
	else
		ip4(f, CLIENT4, row->other ? "198.19.0.0" : VIP4,
			row->udp ? IPPROTO_UDP : IPPROTO_TCP);
	if (row->udp)
		udp(f, 0, port);
	else
		tcp(f, 0, port, 1, 1, row->syn ? 0x02 : 0x10);
	bytes(f, 'x', f->n < WRAP_BYTES ? WRAP_BYTES - f->n : 0);
	seal(f);
}

/* The number of the flow goes on from trial to trial, so that all flows have their turn. */
static void set_template(struct bench *bench, const struct row *row)
{
	uint32_t turn = bench->template->turn;
	struct wrap_template *t = bench->template;
	struct frame f;

	build(row, &f);
	*t = (struct wrap_template){
		.bytes = (uint32_t)f.n,
		.port_at = (uint32_t)f.l4,
		.source_at = (uint32_t)(f.ip + (f.v6 ? 20 : 14)),
		.vip_at = (uint32_t)(f.ip + (f.v6 ? 39 : 19)),
		.flow_mask = row->flows - 1,
		.pool_mask = row->pools - 1,
		.turn = turn,
	};
	memcpy(t->frame, f.b, MIN(f.n, sizeof(t->frame)));
}

/* ---- runs ---- */

static uint32_t run(struct bench *bench, int program, const struct row *row, unsigned repeat,
	struct frame *out, double *ret_ns)
{
	int fd = bpf_program__fd(bench->wrap->progs.wrap);
	uint32_t zero = 0;
	struct frame in;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.b, .data_out = out->b,
		.data_size_out = sizeof(out->b), .repeat = (int)repeat);

	build(row, &in);
	opts.data_size_in = (uint32_t)in.n;
	if (bpf_map_update_elem(
		    bpf_map__fd(bench->wrap->maps.under_test), &zero, &program, BPF_ANY) ||
		bpf_prog_test_run_opts(fd, &opts))
		die("test run");
	out->n = opts.data_size_out;
	*ret_ns = opts.duration;
	return opts.retval;
}

static void check(struct bench *bench, int program, const struct row *row)
{
	uint32_t want = row->other ? XDP_PASS : XDP_TX;
	size_t grown = row->mode == MUSTER_MODE_IPIP ? row->v6 ? 40 : 20 : 0;
	struct frame in, out;
	double ns;

	set_template(bench, row);
	build(row, &in);
	for (int i = 0; i < 3; i++) { /* the third looks like the first: the wrap works */
		if (run(bench, program, row, 1 + (unsigned)i, &out, &ns) != want ||
			out.n != in.n + grown)
			die(row->name);
		if (grown && memcmp(out.b + 14 + grown + 12, in.b + 14 + 12, 2))
			die(row->name);
		if (!row->other && memcmp(out.b, MAC_BACKEND, 6))
			die(row->name);
	}
}

static void pin_to_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	static struct result floors[ARRAY_SIZE(rows)], results[ARRAY_SIZE(rows)], encaps[2],
		encap_floors[2];
	static const struct row encap_rows[] = {
		{"bare encapsulation, 20 bytes", .mode = MUSTER_MODE_IPIP, .flows = 1, .pools = 1},
		{"bare encapsulation, 40 bytes", .v6 = true, .mode = MUSTER_MODE_IPIP, .flows = 1,
			.pools = 1}};
	FILE *json = argc > 1 ? fopen(argv[1], "a") : NULL;
	static struct bench bench;
	int program, tx, encap[2];
	struct frame out;
	double ns;

	pin_to_one_cpu();
	load(&bench);
	fill(&bench);
	program = bpf_program__fd(bench.muster->progs.muster_xdp);
	tx = bpf_program__fd(bench.wrap->progs.bare_tx);
	encap[0] = bpf_program__fd(bench.wrap->progs.bare_encap20);
	encap[1] = bpf_program__fd(bench.wrap->progs.bare_encap40);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(&bench, program, &rows[i]);
	for (int trial = 0; trial < TRIALS; trial++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			set_template(&bench, &rows[i]);
			run(&bench, tx, &rows[i], REPEAT, &out, &ns);
			result_add(&floors[i], ns);
			run(&bench, program, &rows[i], REPEAT, &out, &ns);
			result_add(&results[i], ns);
		}
		for (size_t i = 0; i < ARRAY_SIZE(encaps); i++) {
			set_template(&bench, &encap_rows[i]);
			run(&bench, tx, &encap_rows[i], REPEAT, &out, &ns);
			result_add(&encap_floors[i], ns);
			run(&bench, encap[i], &encap_rows[i], REPEAT, &out, &ns);
			result_add(&encaps[i], ns);
		}
	}
	printf("%-36s %9s %9s %9s\n", "packets", "median", "min", "max");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		results[i].bench = "packets";
		results[i].name = rows[i].name;
		results[i].unit = "ns";
		result_against(&results[i], &floors[i]);
		result_print(&results[i], json);
	}
	for (size_t i = 0; i < ARRAY_SIZE(encaps); i++) {
		encaps[i].bench = "packets";
		encaps[i].name = encap_rows[i].name;
		encaps[i].unit = "ns";
		result_against(&encaps[i], &encap_floors[i]);
		result_print(&encaps[i], json);
	}
	if (json)
		fclose(json);
	return 0;
}
