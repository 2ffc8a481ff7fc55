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
#include "packet_rows.h"
#include "results.h"
#include "wrap.h"
#include "wrap.skel.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mman.h>

#define LOADS	     5	/* of the programs: where the kernel puts them is worth some ns, too */
#define TRIALS	     13 /* of each load */
#define REPEAT	     200000
#define FLOW_BUCKETS (1 << 18) /* 1,048,576 entries, 16 MiB */
#define RING_SIZE    16384
#define RING_SPACE   16384
#define MEMBERS	     100

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
	struct muster_flow_bucket *flows;
	uint32_t n_services;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_packets: %s\n", what);
	exit(1);
}

static size_t table_bytes(const struct bpf_map *map)
{
	return (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
}

static void *table(struct bpf_map *map)
{
	void *at = mmap(
		NULL, table_bytes(map), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (at == MAP_FAILED)
		die("mmap");
	return at;
}

/* ---- tables ---- */

static void join_programs(struct bench *bench)
{
	int any = bpf_program__fd(bench->muster->progs.muster_any);
	uint32_t zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(bench->muster->maps.programs), &zero, &any, BPF_ANY))
		die("joining the programs");
}

static void load(struct bench *bench)
{
	bench->muster = muster_bpf__open();
	bench->wrap = wrap_bpf__open();
	if (!bench->muster || !bench->wrap)
		die("open");
	bpf_map__set_max_entries(bench->muster->maps.frontends, 16384);
	bpf_map__set_max_entries(bench->muster->maps.services, 2 * 8192);
	bpf_map__set_max_entries(bench->muster->maps.service_counters, 8192);
	bpf_map__set_max_entries(bench->muster->maps.rings, 2 * POOLS * RING_SPACE / 16);
	bpf_map__set_max_entries(bench->muster->maps.members, 32768);
	bpf_map__set_max_entries(bench->muster->maps.member_counters, 32768);
	bpf_map__set_max_entries(bench->muster->maps.nexthops, 16384);
	bpf_map__set_max_entries(bench->muster->maps.fragments, 1024);
	bpf_map__set_max_entries(bench->muster->maps.reply_sources, 2);
	bench->muster->rodata->n_services = 8192;
	bench->muster->rodata->bucket_mask = 16383;
	bpf_map__set_max_entries(bench->muster->maps.flows, FLOW_BUCKETS);
	bpf_map__set_max_entries(bench->muster->maps.tracking, 8192);
	bench->muster->rodata->flow_mask = FLOW_BUCKETS - 1;
	if (muster_bpf__load(bench->muster) || wrap_bpf__load(bench->wrap))
		die("the kernel does not load the programs (root?)");
	join_programs(bench);
	bench->template = table(bench->wrap->maps.template);
	bench->control = table(bench->muster->maps.control);
	bench->frontends = table(bench->muster->maps.frontends);
	bench->services = table(bench->muster->maps.services);
	bench->rings = table(bench->muster->maps.rings);
	bench->members = table(bench->muster->maps.members);
	bench->nexthops = table(bench->muster->maps.nexthops);
	bench->flows = table(bench->muster->maps.flows);
	*bench->control =
		(struct muster_control){.hash_key = {{0x0123456789abcdef, 0xfedcba9876543210}},
			.abi_version = MUSTER_ABI_VERSION};
}

static void unload(struct bench *bench)
{
	munmap(bench->template, table_bytes(bench->wrap->maps.template));
	munmap(bench->control, table_bytes(bench->muster->maps.control));
	munmap(bench->frontends, table_bytes(bench->muster->maps.frontends));
	munmap(bench->services, table_bytes(bench->muster->maps.services));
	munmap(bench->rings, table_bytes(bench->muster->maps.rings));
	munmap(bench->members, table_bytes(bench->muster->maps.members));
	munmap(bench->nexthops, table_bytes(bench->muster->maps.nexthops));
	munmap(bench->flows, table_bytes(bench->muster->maps.flows));
	muster_bpf__destroy(bench->muster);
	wrap_bpf__destroy(bench->wrap);
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

static void add_members(struct bench *bench, const struct row *row, uint32_t base)
{
	bool v6 = row->v6 ^ row->across;

	for (uint32_t m = 0; m < MEMBERS; m++) {
		struct muster_member *member = &bench->members[base + m];
		struct muster_nexthop *nexthop = &bench->nexthops[base + m];

		*member = (struct muster_member){.identity = m + 1,
			.nexthop = base + m,
			.new_ok = 1,
			.old_ok = 1,
			.token = MUSTER_TOKEN(base + m, m)};
		addr_parse(v6 ? "2001:db8:2::" : "10.0.1.0", &member->addr);
		member->addr.b[15] = (uint8_t)m;
		*nexthop = (struct muster_nexthop){.ifindex = 1, .mtu = 1500};
		memcpy(nexthop->dst_mac, MAC_BACKEND, 6);
		memcpy(nexthop->src_mac, MAC_BALANCER, 6);
		addr_parse(v6 ? "2001:db8:2::ffff" : "10.0.0.1", &nexthop->source);
		if (row->tagged)
			nexthop->tag[0] = (struct muster_tag){htons(0x8100), htons(7)};
	}
}

/* A pool of its own for the VIP number @number of that kind. */
static void add_vip(struct bench *bench, const struct row *row, unsigned number)
{
	uint32_t index = bench->n_services++;
	struct muster_service service = {
		.mode = row->mode,
		.gue_port = htons(6080),
		.ring_base = index * RING_SPACE,
		.ring_size = RING_SIZE,
		.member_base = 1 + index * MEMBERS,
	};

	addr_parse(row->v6 ? VIP6 : VIP4, &service.key.addr);
	service.key.addr.b[15] = (uint8_t)number;
	service.key.port = htons(port_of(row));
	service.key.proto = row->udp ? IPPROTO_UDP : IPPROTO_TCP;
	bench->services[index] = service;
	add_frontend(bench, &service.key, index);
	for (uint32_t slot = 0; slot < RING_SIZE; slot++) {
		uint32_t at = service.ring_base + slot,
			 member = (uint32_t)muster_mix64(at) % MEMBERS, before = member;

		if (row->slots == SLOTS_MOVING || (row->slots == SLOTS_EIGHTH && slot % 8 == 3))
			before = (member + 1) % MEMBERS;
		bench->rings[at / 16].slot[at % 16] = MUSTER_SLOT(member, before);
	}
	add_members(bench, row, service.member_base);
}

static bool has_service(const struct bench *bench, const struct row *row)
{
	uint8_t proto = row->udp ? IPPROTO_UDP : IPPROTO_TCP;

	for (uint32_t i = 0; i < bench->n_services; i++) {
		const struct muster_key *key = &bench->services[i].key;

		if (key->port == htons(port_of(row)) && key->proto == proto &&
			addr_is_v4(&key->addr) == !row->v6)
			return true;
	}
	return false;
}

static void fill(struct bench *bench)
{
	struct muster_service *address = &bench->services[bench->n_services++];

	addr_parse(VIP4, &address->key.addr);
	add_frontend(bench, &address->key, bench->n_services - 1);
	for (unsigned i = 0; i < POOLS; i++)
		add_vip(bench, &rows[0], i);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!rows[i].other && !has_service(bench, &rows[i]))
			add_vip(bench, &rows[i], 0);
}

/* ---- runs ---- */

/* The number of the flow goes on from trial to trial, so that all flows have their turn. */
static void set_template(struct bench *bench, const struct row *row)
{
	uint32_t turn = bench->template->turn;
	struct wrap_template *t = bench->template;
	struct frame f;

	build(row, &f);
	*t = (struct wrap_template){
		.bytes = (uint32_t)f.n,
		.port_at = (uint32_t)(f.proto == 1 ? f.ip + 14 : f.l4),
		.source_at = (uint32_t)(f.ip + (f.v6 ? 20 : 14)),
		.vip_at = (uint32_t)(f.ip + (f.v6 ? 39 : 19)),
		.flow_mask = row->flows - 1,
		.pool_mask = row->pools - 1,
		.turn = turn,
	};
	memcpy(t->frame, f.b, MIN(f.n, sizeof(t->frame)));
}

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

static size_t grown_by(const struct row *row)
{
	size_t ip = row->v6 ^ row->across ? 40 : 20;

	if (row->other || row->mode == MUSTER_MODE_L2DSR)
		return 0;
	return row->mode == MUSTER_MODE_GUE ? ip + 8 : ip;
}

/* The ports of a later fragment are those of its first. */
static void see_first_fragment(struct bench *bench, const struct row *row)
{
	struct row plain = *row;
	struct frame f;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.b, .repeat = 1);

	plain.bend = NULL;
	build(&plain, &f);
	memset(f.b + f.ip + 14, 0, 2); /* as the wrap does */
	set16(&f, f.ip + 6, 0x2000);
	opts.data_size_in = (uint32_t)f.n;
	if (bpf_prog_test_run_opts(bpf_program__fd(bench->muster->progs.muster_xdp), &opts) ||
		opts.retval != XDP_TX)
		die("a first fragment");
}

static void check(struct bench *bench, int program, const struct row *row)
{
	uint32_t want = row->other ? XDP_PASS : XDP_TX;
	size_t grown = grown_by(row);
	struct frame in, out;
	double ns;

	if (row->bend == fragment)
		see_first_fragment(bench, row);
	set_template(bench, row);
	build(row, &in);
	if (row->slots == SLOTS_MOVING) /* all of its flows are recorded */
		run(bench, program, row, row->flows, &out, &ns);
	for (int i = 0; i < 3; i++) { /* the third looks like the first: the wrap works */
		if (run(bench, program, row, 1 + (unsigned)i, &out, &ns) != want ||
			out.n != in.n + grown)
			die(row->name);
		if (grown && memcmp(out.b + in.ip + grown + 12, in.b + in.ip + 12, 2))
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

static const struct row encap_rows[] = {
	{"bare encapsulation, 20 bytes", .mode = MUSTER_MODE_IPIP, .flows = 1, .pools = 1},
	{"bare encapsulation, 40 bytes", .v6 = true, .mode = MUSTER_MODE_IPIP, .flows = 1,
		.pools = 1},
};

struct pair {
	struct result floor, result;
};

static struct pair pairs[ARRAY_SIZE(rows)], encaps[ARRAY_SIZE(encap_rows)];

/* The floor and the program, one behind the other. */
static void try_pair(struct bench *bench, const struct row *row, int program, struct pair *pair)
{
	int tx = bpf_program__fd(bench->wrap->progs.bare_tx);
	struct frame out;
	double ns;

	if (row->insert)
		memset(bench->flows, 0, table_bytes(bench->muster->maps.flows));
	set_template(bench, row);
	run(bench, tx, row, REPEAT, &out, &ns);
	result_add(&pair->floor, ns);
	run(bench, program, row, REPEAT, &out, &ns);
	result_add(&pair->result, ns);
}

static void try_all(struct bench *bench)
{
	int program = bpf_program__fd(bench->muster->progs.muster_xdp);
	int encap[] = {bpf_program__fd(bench->wrap->progs.bare_encap20),
		bpf_program__fd(bench->wrap->progs.bare_encap40)};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(bench, program, &rows[i]);
	for (int trial = 0; trial < TRIALS; trial++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			try_pair(bench, &rows[i], program, &pairs[i]);
		for (size_t i = 0; i < ARRAY_SIZE(encaps); i++)
			try_pair(bench, &encap_rows[i], encap[i], &encaps[i]);
	}
}

static void print(struct pair *pair, const char *name, FILE *json)
{
	pair->result.bench = "packets";
	pair->result.name = name;
	pair->result.unit = "ns";
	result_against(&pair->result, &pair->floor);
	result_print(&pair->result, json);
}

int main(int argc, char **argv)
{
	FILE *json = argc > 1 ? fopen(argv[1], "a") : NULL;

	pin_to_one_cpu();
	for (int i = 0; i < LOADS; i++) {
		static struct bench bench;

		bench = (struct bench){};
		load(&bench);
		fill(&bench);
		try_all(&bench);
		unload(&bench);
	}
	printf("%-36s %9s %9s %9s\n", "packets", "median", "min", "max");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		print(&pairs[i], rows[i].name, json);
	for (size_t i = 0; i < ARRAY_SIZE(encaps); i++)
		print(&encaps[i], encap_rows[i].name, json);
	if (json)
		fclose(json);
	return 0;
}
