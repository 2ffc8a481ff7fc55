/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jumbo frames through the build for frames in pieces: what the program sees of them is their first page. All
 * checksums are of the whole frame.
 */
#include "prog.h"

#define V4_GUE6	  "198.18.0.110"
#define V6_GUE6	  "2001:db8::110"
#define JUMBO_MTU 65000

static struct prog prog;

struct jumbo {
	uint8_t b[40000];
	size_t n;
};

static struct jumbo in, out;

static void store16(size_t at, uint16_t value)
{
	in.b[at] = (uint8_t)(value >> 8);
	in.b[at + 1] = (uint8_t)value;
}

/* A UDP datagram of @payload bytes to @vip; a checksum of 0 if not @summed. */
static void build(const char *vip, size_t payload, bool summed)
{
	struct frame head;
	size_t l4;
	uint32_t sum;

	udp_to(&head, vip);
	in.n = head.l4 + 8 + payload;
	l4 = 8 + payload;
	memcpy(in.b, head.b, head.l4 + 8);
	for (size_t i = 0; i < payload; i++)
		in.b[head.l4 + 8 + i] = (uint8_t)(i * 7 + i / 251);
	store16(head.l4 + 4, (uint16_t)l4);
	store16(head.l4 + 6, 0);
	if (head.v6) {
		store16(18, (uint16_t)l4);
	} else {
		store16(16, (uint16_t)(20 + l4));
		in.b[20] = 0x40; /* DF */
		store16(24, 0);
		store16(24, finish_sum(sum_bytes(in.b + 14, 20, 0)));
	}
	if (!summed)
		return;
	sum = sum_bytes(in.b + (head.v6 ? 22 : 26), head.v6 ? 32 : 8, (uint32_t)l4 + 17);
	store16(head.l4 + 6, finish_sum(sum_bytes(in.b + head.l4, l4, sum)));
}

static uint32_t run(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.b, .data_size_in = (uint32_t)in.n,
		.data_out = out.b, .data_size_out = sizeof(out.b), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(prog.fd, &opts), 0);
	out.n = opts.data_size_out;
	return opts.retval;
}

static void expect(uint32_t verdict, enum muster_reason reason)
{
	uint64_t before = prog_reason(&prog, reason);

	assert_int_equal(run(), verdict);
	assert_int_equal(prog_reason(&prog, reason), before + 1);
}

static void encapsulated_whole(void **state)
{
	static const size_t sizes[] = {1400, 3000, 4000, 8972, 16000};
	static const char *const vips[] = {V4_IPIP, V6_IPIP};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(vips); i++) {
		const char *vip = vips[i % ARRAY_SIZE(vips)];
		size_t grown = strchr(vip, ':') ? 40 : 20;

		build(vip, sizes[i / ARRAY_SIZE(vips)], true);
		expect(XDP_TX, MUSTER_REASON_sent_ipip);
		assert_int_equal(out.n, in.n + grown);
		assert_memory_equal(out.b + 14 + grown + 40, in.b + 14 + 40, in.n - 14 - 40);
	}
}

/* With and without a sum of its own: then the program reads it all, piece by piece. */
static void outer_checksum_over_all_pieces(void **state)
{
	static const size_t sizes[] = {1, 1400, 3001, 4000, 8971, 16000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes) * 4; i++) {
		size_t l4;

		build(i & 1 ? V6_GUE6 : V4_GUE6, sizes[i / 4], i & 2);
		expect(XDP_TX, MUSTER_REASON_sent_gue);
		assert_int_equal(out.n, in.n + 48);
		l4 = out.n - 54;
		assert_int_equal(out.b[58] << 8 | out.b[59], l4);
		assert_int_equal(finish_sum(sum_bytes(out.b + 54, l4,
					 sum_bytes(out.b + 22, 32, (uint32_t)l4 + 17))),
			0);
	}
}

static void too_large_to_sum(void **state)
{
	(void)state;
	build(V4_GUE6, 20000, false);
	expect(XDP_DROP, MUSTER_REASON_no_checksum);
	build(V4_GUE6, 20000, true); /* its own checksum tells the sum */
	expect(XDP_TX, MUSTER_REASON_sent_gue);
}

static void errors_quote_the_beginning(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 2; i++)
		prog.nexthops[i].mtu = 1500;
	build(V4_IPIP, 8000, true);
	expect(XDP_TX, MUSTER_REASON_too_big_reply);
	assert_int_equal(out.n, 14 + 576);
	assert_int_equal(out.b[40] << 8 | out.b[41], 1480);
	assert_int_equal(finish_sum(sum_bytes(out.b + 34, 556, 0)), 0);
	build(V6_IPIP, 8000, true);
	expect(XDP_TX, MUSTER_REASON_too_big_reply);
	assert_int_equal(out.n, 14 + 1280);
	assert_int_equal(
		finish_sum(sum_bytes(out.b + 54, 1240, sum_bytes(out.b + 22, 32, 1240 + 58))), 0);
	for (uint32_t i = 1; i <= 2; i++)
		prog.nexthops[i].mtu = JUMBO_MTU;
}

static void not_ours_passes_unchanged(void **state)
{
	(void)state;
	build(V4_IPIP, 9000, true);
	in.b[33] = 99; /* another address */
	assert_int_equal(run(), XDP_PASS);
	assert_int_equal(out.n, in.n);
	assert_memory_equal(out.b, in.b, in.n);
}

static int setup(void **state)
{
	static const char *const vips[] = {V4_GUE6, V6_GUE6};

	(void)state;
	if (geteuid())
		return -1;
	prog_open_build(&prog, true);
	prog_fill(&prog);
	for (size_t i = 0; i < ARRAY_SIZE(vips); i++) {
		prog_address(&prog, vips[i]);
		prog_vip(&prog, vips[i], IPPROTO_UDP, MUSTER_MODE_GUE, BACKEND6, 0, 2);
	}
	for (uint32_t i = 1; i <= 2; i++)
		prog.nexthops[i].mtu = JUMBO_MTU;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	prog_close(&prog);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encapsulated_whole),
		cmocka_unit_test(outer_checksum_over_all_pieces),
		cmocka_unit_test(too_large_to_sum),
		cmocka_unit_test(errors_quote_the_beginning),
		cmocka_unit_test(not_ours_passes_unchanged),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
