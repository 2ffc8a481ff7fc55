/* SPDX-License-Identifier: BSD-2-Clause */
/* The backend's side of ipip and gue: stripped if and only if the inner destination was told. */
#include "decap.h"

/* ---- tests ---- */

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

/* RFC 6040, figure 4, but for ECT(1) over ECT(0): only CE moves inward. DSCP of either is nobody's business. */
static void assert_marked(struct wrapped w)
{
	uint64_t dropped = count_of(MUSTER_DECAP_ecn_dropped);
	struct frame in, want, out;
	size_t inner;

	build(&in, &w, &inner);
	if ((w.outer_tos & 3) == 3 && !(w.inner_tos & 3)) {
		assert_int_equal(run(&in, &out), XDP_DROP);
		assert_int_equal(count_of(MUSTER_DECAP_ecn_dropped), dropped + 1);
		return;
	}
	if ((w.outer_tos & 3) == 3)
		w.inner_tos |= 3;
	build_inner(&want, &w);
	assert_int_equal(run(&in, &out), XDP_PASS);
	assert_int_equal(out.n, 14 + 4 * w.tags + want.n);
	assert_memory_equal(out.b + 14 + 4 * w.tags, want.b, want.n);
}

/* Every pair of ECN fields in every format. */
static void congestion_marks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TURNS * 16; i++) {
		struct wrapped w = turn(i % TURNS);

		w.outer_tos = (uint8_t)(0xb8 | i / TURNS % 4);
		w.inner_tos = (uint8_t)(0x28 | i / TURNS / 4);
		assert_marked(w);
	}
}

/* Every pair of whole fields, each in some format. */
static void every_tos(void **state)
{
	(void)state;
	for (uint32_t both = 0; both < 0x10000; both++) {
		struct wrapped w = turn((both * 2654435761u >> 16) % TURNS);

		w.outer_tos = (uint8_t)both;
		w.inner_tos = (uint8_t)(both >> 8);
		assert_marked(w);
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
		{"the inner packet in the padding", {.format = IPIP}, 17, 20},
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

/* They may say that the packet inside is not yet what its receiver should see. */
static void gue_flags(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 16; bit++) {
		struct wrapped w = {.format = GUE0_OPTIONS, .outer6 = bit & 1, .inner6 = bit & 2};
		uint64_t before = count_of(MUSTER_DECAP_gue_flags);
		struct frame in;
		size_t inner;

		build(&in, &w, &inner);
		set16(&in, inner - 10, (uint16_t)(1 << bit));
		assert_untouched(&in);
		assert_int_equal(count_of(MUSTER_DECAP_gue_flags), before + 1);
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
	(void)state;
	decap = decap_open(false, NULL, 0);
	return decap ? 0 : -1;
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
		cmocka_unit_test(every_tos),
		cmocka_unit_test(odd_shells),
		cmocka_unit_test(gue_flags),
		cmocka_unit_test(mapped_is_no_ipv4),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
