/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets in packets, and the backend's program to run them through. */
#ifndef MUSTER_TESTS_DECAP_H
#define MUSTER_TESTS_DECAP_H

#include "core/addr.h"
#include "core/util.h"
#include "decap.skel.h"
#include "packet.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <muster/decap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define VIP4   "198.18.0.100"
#define VIP6   "2001:db8::100"
#define OTHER4 "198.18.0.101"
#define OTHER6 "2001:db8::101"

enum format { IPIP, GUE1, GUE0, GUE0_OPTIONS, FORMATS };

static struct decap_bpf *decap; /* the one that run() runs */

/* A packet in a packet. */
struct wrapped {
	enum format format;
	bool outer6, inner6;
	unsigned tags;
	bool other; /* to an address that was not told */
	uint8_t outer_tos, inner_tos;
};

static inline void build_inner(struct frame *f, const struct wrapped *w)
{
	memset(f, 0, sizeof(*f));
	if (w->inner6)
		ip6(f, "2001:db8:1::1", w->other ? OTHER6 : VIP6, 6);
	else
		ip4(f, "192.0.2.1", w->other ? OTHER4 : VIP4, 6);
	tcp(f, 40000, 80, 1, 1, 2);
	bytes(f, 'x', 11);
	if (w->inner6)
		f->b[0] |= w->inner_tos >> 4, f->b[1] |= (uint8_t)(w->inner_tos << 4);
	else
		f->b[1] = w->inner_tos;
	seal(f);
}

static inline void build_tags(struct frame *f, unsigned n, uint16_t ethertype)
{
	eth(f, MAC_BACKEND, MAC_BALANCER, n > 1 ? 0x88a8 : n ? 0x8100 : ethertype);
	for (unsigned i = 1; i <= n; i++) {
		put16(f, (uint16_t)(100 * i));
		put16(f, i == n ? ethertype : 0x8100);
	}
}

static inline void build_gue(struct frame *f, const struct wrapped *w, size_t inner_bytes)
{
	size_t options = w->format == GUE0_OPTIONS ? 8 : 0;
	size_t header = w->format == GUE1 ? 0 : 4 + options;

	put16(f, 0xc123);
	put16(f, 6080);
	put16(f, (uint16_t)(8 + header + inner_bytes));
	put16(f, 0);
	if (!header)
		return;
	put8(f, (uint8_t)(options / 4));
	put8(f, w->inner6 ? 41 : 4);
	put16(f, 0);
	bytes(f, 0x77, options);
}

/* @ret_inner: where the inner packet begins. */
static inline void build(struct frame *f, const struct wrapped *w, size_t *ret_inner)
{
	uint8_t proto = w->format != IPIP ? 17 : w->inner6 ? 41 : 4;
	struct frame inner;
	size_t ip;

	build_inner(&inner, w);
	build_tags(f, w->tags, w->outer6 ? 0x86dd : 0x0800);
	ip = f->n;
	if (w->outer6)
		ip6(f, "2001:db8:2::1", "2001:db8:2::11", proto);
	else
		ip4(f, "10.0.0.1", "10.0.1.11", proto);
	if (w->format != IPIP)
		build_gue(f, w, inner.n);
	*ret_inner = f->n;
	put(f, inner.b, inner.n);
	if (w->outer6) {
		f->b[ip] |= w->outer_tos >> 4;
		f->b[ip + 1] |= (uint8_t)(w->outer_tos << 4);
		set16(f, ip + 4, (uint16_t)(f->n - ip - 40));
	} else {
		f->b[ip + 1] = w->outer_tos;
		set16(f, ip + 2, (uint16_t)(f->n - ip));
		set16(f, ip + 10, ip4_sum(f, ip));
	}
}

/* Loads it with both VIPs told. @sources, @n: `from`, none: anywhere. */
static inline struct decap_bpf *decap_open(
	bool frags, const struct muster_decap_source *sources, size_t n)
{
	static const char *const told[] = {VIP4, VIP6};
	struct decap_bpf *skeleton = decap_bpf__open();
	struct muster_counters zero[256] = {};
	struct muster_addr addr;
	uint8_t one = 1;

	if (!skeleton)
		return NULL;
	skeleton->rodata->has_frags = frags;
	skeleton->rodata->only_sources = n > 0;
	if (frags)
		bpf_program__set_flags(skeleton->progs.muster_decap, BPF_F_XDP_HAS_FRAGS);
	if (decap_bpf__load(skeleton)) {
		decap_bpf__destroy(skeleton);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		addr_parse(told[i], &addr);
		bpf_map_update_elem(
			bpf_map__fd(skeleton->maps.decap_addresses), &addr, zero, BPF_ANY);
	}
	for (size_t i = 0; i < n; i++)
		bpf_map_update_elem(
			bpf_map__fd(skeleton->maps.decap_sources), &sources[i], &one, BPF_ANY);
	return skeleton;
}

static inline uint32_t run(const struct frame *in, struct frame *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b, .data_size_in = (uint32_t)in->n,
		.data_out = out->b, .data_size_out = sizeof(out->b), .repeat = 1);

	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(decap->progs.muster_decap), &opts), 0);
	out->n = opts.data_size_out;
	return opts.retval;
}

static inline void assert_untouched(const struct frame *in)
{
	struct frame out;

	assert_int_equal(run(in, &out), XDP_PASS);
	assert_int_equal(out.n, in->n);
	assert_memory_equal(out.b, in->b, in->n);
}

/* Addresses and tags of @in, then what it has from @inner on. */
static inline void assert_stripped(const struct frame *in, size_t inner, const struct wrapped *w)
{
	size_t l2 = 12 + 4 * w->tags;
	struct frame out;

	assert_int_equal(run(in, &out), XDP_PASS);
	assert_int_equal(out.n, l2 + 2 + in->n - inner);
	assert_memory_equal(out.b, in->b, l2);
	assert_int_equal(get16(&out, l2), w->inner6 ? 0x86dd : 0x0800);
	assert_memory_equal(out.b + l2 + 2, in->b + inner, in->n - inner);
}

static inline uint64_t count_of(enum muster_decap_reason reason)
{
	struct muster_counters cpus[256] = {};
	uint32_t index = reason;
	uint64_t sum = 0;

	bpf_map_lookup_elem(bpf_map__fd(decap->maps.decap_reasons), &index, cpus);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += cpus[i].packets;
	return sum;
}

#define TURNS (FORMATS * 2 * 2 * 3)

/* Every format in every family with every number of tags. */
static inline struct wrapped turn(unsigned number)
{
	return (struct wrapped){
		.format = number % FORMATS,
		.outer6 = number / FORMATS & 1,
		.inner6 = number / FORMATS & 2,
		.tags = number / FORMATS / 4,
	};
}

#endif
