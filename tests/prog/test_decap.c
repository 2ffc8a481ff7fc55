/* SPDX-License-Identifier: BSD-2-Clause */
/* The backend's side of ipip and gue: stripped if and only if the inner destination was told. */
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

/* A packet in a packet. */
struct wrapped {
	enum format format;
	bool outer6, inner6;
	unsigned tags;
	bool other; /* to an address that was not told */
	uint8_t outer_tos, inner_tos;
};

static struct decap_bpf *decap;

static void build_inner(struct frame *f, const struct wrapped *w)
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

static void build_tags(struct frame *f, unsigned n, uint16_t ethertype)
{
	eth(f, MAC_BACKEND, MAC_BALANCER, n > 1 ? 0x88a8 : n ? 0x8100 : ethertype);
	for (unsigned i = 1; i <= n; i++) {
		put16(f, (uint16_t)(100 * i));
		put16(f, i == n ? ethertype : 0x8100);
	}
}

static void build_gue(struct frame *f, const struct wrapped *w, size_t inner_bytes)
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
static void build(struct frame *f, const struct wrapped *w, size_t *ret_inner)
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

static uint32_t run(const struct frame *in, struct frame *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b, .data_size_in = (uint32_t)in->n,
		.data_out = out->b, .data_size_out = sizeof(out->b), .repeat = 1);

	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(decap->progs.muster_decap), &opts), 0);
	out->n = opts.data_size_out;
	return opts.retval;
}

static void assert_untouched(const struct frame *in)
{
	struct frame out;

	assert_int_equal(run(in, &out), XDP_PASS);
	assert_int_equal(out.n, in->n);
	assert_memory_equal(out.b, in->b, in->n);
}

/* Addresses and tags of @in, then what it has from @inner on. */
static void assert_stripped(const struct frame *in, size_t inner, const struct wrapped *w)
{
	size_t l2 = 12 + 4 * w->tags;
	struct frame out;

	assert_int_equal(run(in, &out), XDP_PASS);
	assert_int_equal(out.n, l2 + 2 + in->n - inner);
	assert_memory_equal(out.b, in->b, l2);
	assert_int_equal(get16(&out, l2), w->inner6 ? 0x86dd : 0x0800);
	assert_memory_equal(out.b + l2 + 2, in->b + inner, in->n - inner);
}

static uint64_t count_of(enum muster_decap_reason reason)
{
	struct muster_counters cpus[256] = {};
	uint32_t index = reason;
	uint64_t sum = 0;

	bpf_map_lookup_elem(bpf_map__fd(decap->maps.decap_reasons), &index, cpus);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += cpus[i].packets;
	return sum;
}

/* ---- tests ---- */

#define TURNS (FORMATS * 2 * 2 * 3)

/* Every format in every family with every number of tags. */
static struct wrapped turn(unsigned number)
{
	return (struct wrapped){
		.format = number % FORMATS,
		.outer6 = number / FORMATS & 1,
		.inner6 = number / FORMATS & 2,
		.tags = number / FORMATS / 4,
	};
}

static void every_format(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TURNS; i++) {
		struct wrapped w = turn(i);
		uint64_t before = count_of(w.format == IPIP ? MUSTER_DECAP_ipip : MUSTER_DECAP_gue);
		struct frame in;
		size_t inner;

		build(&in, &w, &inner);
		assert_stripped(&in, inner, &w);
		assert_int_equal(count_of(w.format == IPIP ? MUSTER_DECAP_ipip : MUSTER_DECAP_gue),
			before + 1);
	}
}

static void others_are_left_alone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TURNS; i++) {
		struct wrapped w = turn(i);
		uint64_t before = count_of(MUSTER_DECAP_not_told);
		struct frame in;
		size_t inner;

		w.other = true;
		build(&in, &w, &inner);
		assert_untouched(&in);
		assert_int_equal(count_of(MUSTER_DECAP_not_told), before + 1);
	}
}

static void every_truncation(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TURNS; i++) {
		struct wrapped w = turn(i);
		struct frame in;
		size_t inner;

		build(&in, &w, &inner);
		for (in.n--; in.n >= 14; in.n--)
			assert_untouched(&in);
	}
}

/* Padding stays behind the packet, and is no part of it. */
static void padding(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TURNS; i++) {
		struct wrapped w = turn(i);
		struct frame in;
		size_t inner;

		build(&in, &w, &inner);
		bytes(&in, 0, 6);
		assert_stripped(&in, inner, &w);
	}
}

/* Each length in turn one too large or too small. */
static void lengths_have_to_agree(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TURNS; i++) {
		struct wrapped w = turn(i);
		size_t inner, ip = 14 + 4 * w.tags;
		size_t outer_length = ip + (w.outer6 ? 4 : 2), inner_length;
		struct frame in, changed;

		build(&in, &w, &inner);
		inner_length = inner + (w.inner6 ? 4 : 2);
		changed = in;
		set16(&changed, outer_length, get16(&in, outer_length) + 1);
		assert_untouched(&changed);
		changed = in;
		set16(&changed, outer_length, get16(&in, outer_length) - 1);
		assert_untouched(&changed);
		changed = in;
		set16(&changed, inner_length, get16(&in, inner_length) + 1);
		assert_untouched(&changed);
		if (w.format == IPIP)
			continue;
		changed = in;
		set16(&changed, ip + (w.outer6 ? 40 : 20) + 4, 9);
		assert_untouched(&changed);
	}
}

/* RFC 6040, figure 4; DSCP of either is nobody's business. */
static void congestion_marks(void **state)
{
	(void)state;
	for (unsigned both = 0; both < 0x10000; both += 0x1f) {
		struct wrapped w = {.format = both % FORMATS,
			.outer6 = both & 0x10,
			.inner6 = both & 0x1000,
			.tags = both % 3,
			.outer_tos = (uint8_t)both,
			.inner_tos = (uint8_t)(both >> 8)};
		uint64_t dropped = count_of(MUSTER_DECAP_ecn_dropped);
		struct frame in, want, out;
		size_t inner;

		build(&in, &w, &inner);
		if ((w.outer_tos & 3) == 3 && !(w.inner_tos & 3)) {
			assert_int_equal(run(&in, &out), XDP_DROP);
			assert_int_equal(count_of(MUSTER_DECAP_ecn_dropped), dropped + 1);
			continue;
		}
		if ((w.outer_tos & 3) == 3)
			w.inner_tos |= 3;
		build_inner(&want, &w);
		assert_int_equal(run(&in, &out), XDP_PASS);
		assert_memory_equal(out.b + 14 + 4 * w.tags, want.b, want.n);
	}
}

static void odd_shells(void **state)
{
	static const struct {
		const char *what;
		struct wrapped w;
		size_t at;
		uint8_t value;
	} rows[] = {
		{"outer fragment", {.format = IPIP}, 20, 0x20},
		{"outer options", {.format = IPIP}, 14, 0x46},
		{"outer version", {.format = IPIP}, 14, 0x55},
		{"inner version", {.format = IPIP}, 34, 0x65},
		{"inner header length", {.format = IPIP}, 34, 0x44},
		{"another protocol", {.format = IPIP}, 23, 47},
		{"outer extension header", {.outer6 = true}, 20, 0},
		{"another port", {.format = GUE1}, 37, 0xc1},
		{"GUE version 2", {.format = GUE0}, 42, 0x80},
		{"GUE version 3", {.format = GUE1}, 42, 0xc5},
		{"direct, but of version 5", {.format = GUE1}, 42, 0x55},
		{"GUE control", {.format = GUE0}, 42, 0x20},
		{"GUE of another protocol", {.format = GUE0}, 43, 47},
		{"GUE with fields that reach too far", {.format = GUE0}, 42, 0x1f},
		{"ARP", {.format = IPIP}, 13, 6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct frame in, out;
		size_t inner;

		build(&in, &rows[i].w, &inner);
		in.b[rows[i].at] = rows[i].value;
		if (run(&in, &out) != XDP_PASS || out.n != in.n || memcmp(out.b, in.b, in.n))
			fail_msg("%s: touched", rows[i].what);
	}
}

static void mapped_is_no_ipv4(void **state)
{
	struct wrapped w = {.inner6 = true};
	struct frame in;
	size_t inner;

	(void)state;
	build(&in, &w, &inner);
	memset(in.b + inner + 24, 0, 10);
	memset(in.b + inner + 34, 0xff, 2);
	inet_pton(AF_INET, VIP4, in.b + inner + 36);
	assert_untouched(&in);
}

static int setup(void **state)
{
	static const char *const told[] = {VIP4, VIP6};
	struct muster_counters zero[256] = {};
	struct muster_addr addr;

	(void)state;
	decap = decap_bpf__open_and_load();
	if (!decap)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		addr_parse(told[i], &addr);
		bpf_map_update_elem(bpf_map__fd(decap->maps.decap_addresses), &addr, zero, BPF_ANY);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	decap_bpf__destroy(decap);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format),
		cmocka_unit_test(others_are_left_alone),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(padding),
		cmocka_unit_test(lengths_have_to_agree),
		cmocka_unit_test(congestion_marks),
		cmocka_unit_test(odd_shells),
		cmocka_unit_test(mapped_is_no_ipv4),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
