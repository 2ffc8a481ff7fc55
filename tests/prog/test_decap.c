/* SPDX-License-Identifier: BSD-2-Clause */
/* The backend's side of ipip: stripped if and only if the inner destination was told. */
#include "core/addr.h"
#include "core/util.h"
#include "decap.skel.h"
#include "packet.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define VIP4   "198.18.0.100"
#define VIP6   "2001:db8::100"
#define OTHER4 "198.18.0.101"

static struct decap_bpf *decap;

static void inner4(struct frame *f, const char *dst)
{
	ip4(f, "192.0.2.1", dst, 6);
	tcp(f, 40000, 80, 1, 1, 2);
}

/* Lengths and checksums of an outer header at 14 around all that follows. */
static void close_outer4(struct frame *f)
{
	set16(f, 16, (uint16_t)(f->n - 14));
	set16(f, 24, ip4_sum(f, 14));
}

static void told4(struct frame *f)
{
	eth(f, MAC_BACKEND, MAC_BALANCER, 0x0800);
	ip4(f, "10.0.0.1", "10.0.1.11", 4);
	inner4(f, VIP4);
	close_outer4(f);
}

static void told6(struct frame *f)
{
	eth(f, MAC_BACKEND, MAC_BALANCER, 0x86dd);
	ip6(f, "2001:db8:2::1", "2001:db8:2::11", 41);
	ip6(f, "2001:db8:1::1", VIP6, 6);
	tcp(f, 40000, 80, 1, 1, 2);
	set16(f, 18, (uint16_t)(f->n - 54));
}

static void not_told(struct frame *f)
{
	eth(f, MAC_BACKEND, MAC_BALANCER, 0x0800);
	ip4(f, "10.0.0.1", "10.0.1.11", 4);
	inner4(f, OTHER4);
	close_outer4(f);
}

static void plain(struct frame *f)
{
	eth(f, MAC_BACKEND, MAC_BALANCER, 0x0800);
	inner4(f, VIP4);
	seal(f);
}

static void outer_fragment(struct frame *f)
{
	told4(f);
	set16(f, 20, 0x2000);
}

static void outer_options(struct frame *f)
{
	told4(f);
	f->b[14] = 0x46;
}

static void arp(struct frame *f)
{
	eth(f, MAC_BACKEND, MAC_BALANCER, 0x0806);
	bytes(f, 4, 60);
}

static const struct {
	const char *name;
	void (*build)(struct frame *frame);
	size_t stripped;
	uint16_t ethertype;
} rows[] = {
	{"IPv4 in IPv4 to a VIP", told4, 20, 0x0800},
	{"IPv6 in IPv6 to a VIP", told6, 40, 0x86dd},
	{"another inner destination", not_told, 0, 0x0800},
	{"not encapsulated", plain, 0, 0x0800},
	{"a fragment of the outer packet", outer_fragment, 0, 0x0800},
	{"options in the outer header", outer_options, 0, 0x0800},
	{"ARP", arp, 0, 0x0806},
};

static uint32_t run(const struct frame *in, struct frame *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b, .data_size_in = (uint32_t)in->n,
		.data_out = out->b, .data_size_out = sizeof(out->b), .repeat = 1);

	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(decap->progs.muster_decap), &opts), 0);
	out->n = opts.data_size_out;
	return opts.retval;
}

static void only_what_was_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct frame in, out;

		rows[i].build(&in);
		assert_int_equal(run(&in, &out), XDP_PASS);
		if (out.n != in.n - rows[i].stripped)
			fail_msg("%s: %zu bytes stripped, not %zu", rows[i].name, in.n - out.n,
				rows[i].stripped);
		assert_memory_equal(out.b, in.b, 12);
		assert_int_equal(get16(&out, 12), rows[i].ethertype);
		assert_memory_equal(out.b + 14, in.b + 14 + rows[i].stripped, out.n - 14);
	}
}

static void every_truncation(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct frame in, out;

		rows[i].build(&in);
		for (; in.n >= 14; in.n--)
			assert_int_equal(run(&in, &out), XDP_PASS);
	}
}

static void stripped_packets_are_counted(void **state)
{
	struct muster_counters before, after;
	struct muster_addr addr;
	struct frame in, out;
	int fd = bpf_map__fd(decap->maps.decap_addresses);

	(void)state;
	addr_parse(VIP4, &addr);
	assert_int_equal(bpf_map_lookup_elem(fd, &addr, &before), 0);
	told4(&in);
	run(&in, &out);
	not_told(&in);
	run(&in, &out);
	assert_int_equal(bpf_map_lookup_elem(fd, &addr, &after), 0);
	assert_int_equal(after.packets, before.packets + 1);
}

static int setup(void **state)
{
	static const char *const told[] = {VIP4, VIP6};
	struct muster_counters zero = {};
	struct muster_addr addr;

	(void)state;
	decap = decap_bpf__open_and_load();
	if (!decap)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		addr_parse(told[i], &addr);
		bpf_map_update_elem(
			bpf_map__fd(decap->maps.decap_addresses), &addr, &zero, BPF_ANY);
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
		cmocka_unit_test(only_what_was_told),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(stripped_packets_are_counted),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
