/* SPDX-License-Identifier: BSD-2-Clause */
/* What the backend's program is told when it is loaded: outer sources, another port, frames in pieces. */
#include "decap.h"

static struct muster_decap_source source(const char *addr, uint8_t family, uint32_t bits)
{
	struct muster_decap_source source = {.prefix_bits = 32 + bits, .family = family};

	assert_int_equal(addr_parse(addr, &source.addr), 0);
	if (family == MUSTER_DECAP_IPV4)
		source.prefix_bits += 96;
	return source;
}

/* Outer sources are 10.0.0.1 and 2001:db8:2::1. */
static const struct {
	const char *what, *addr;
	uint8_t family;
	uint32_t bits;
	bool ipv4, ipv6; /* stripped */
} rows[] = {
	{"the address", "10.0.0.1", 4, 32, true, false},
	{"its network", "10.0.0.0", 4, 24, true, false},
	{"another address", "10.0.0.2", 4, 32, false, false},
	{"another network", "10.0.1.0", 4, 24, false, false},
	{"all of IPv4", "0.0.0.0", 4, 0, true, false},
	{"the IPv6 address", "2001:db8:2::1", 6, 128, false, true},
	{"its IPv6 network", "2001:db8:2::", 6, 48, false, true},
	{"another IPv6 network", "2001:db8:3::", 6, 48, false, false},
	{"all of IPv6", "::", 6, 0, false, true},
};

static void only_from_sources(void **state)
{
	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct muster_decap_source from =
			source(rows[row].addr, rows[row].family, rows[row].bits);

		decap = decap_open(false, &from, 1);
		assert_non_null(decap);
		for (unsigned i = 0; i < TURNS; i++) {
			struct wrapped w = turn(i);
			uint64_t refused = count_of(MUSTER_DECAP_source_refused);
			struct frame in;
			size_t inner;

			build(&in, &w, &inner);
			if (w.outer6 ? rows[row].ipv6 : rows[row].ipv4) {
				assert_stripped(&in, inner, &w);
				continue;
			}
			assert_untouched(&in);
			assert_int_equal(count_of(MUSTER_DECAP_source_refused), refused + 1);
		}
		decap_bpf__destroy(decap);
	}
}

/* ::ffff:10.0.0.1 in an IPv6 header is on no wire the IPv4 address. */
static void mapped_is_no_ipv4_source(void **state)
{
	static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
	struct muster_decap_source from = source("0.0.0.0", MUSTER_DECAP_IPV4, 0);
	struct wrapped w = {.outer6 = true};
	struct frame in;
	size_t inner;

	(void)state;
	decap = decap_open(false, &from, 1);
	assert_non_null(decap);
	build(&in, &w, &inner);
	memcpy(in.b + 14 + 8, mapped, sizeof(mapped));
	assert_untouched(&in);
	decap_bpf__destroy(decap);
}

static void several_sources(void **state)
{
	struct muster_decap_source from[] = {
		source("192.0.2.0", MUSTER_DECAP_IPV4, 24),
		source("2001:db8:2::", MUSTER_DECAP_IPV6, 64),
		source("10.0.0.1", MUSTER_DECAP_IPV4, 32),
	};

	(void)state;
	decap = decap_open(false, from, ARRAY_SIZE(from));
	assert_non_null(decap);
	for (unsigned i = 0; i < TURNS; i++) {
		struct wrapped w = turn(i);
		struct frame in;
		size_t inner;

		build(&in, &w, &inner);
		assert_stripped(&in, inner, &w);
	}
	decap_bpf__destroy(decap);
}

/* What is for one of ours, by address and in bytes. */
static void bytes_of_an_address(void **state)
{
	struct muster_counters cpus[256] = {}, sum = {};
	struct muster_addr addr;
	struct wrapped w = {.format = GUE1};
	struct frame in;
	size_t inner;

	(void)state;
	decap = decap_open(false, NULL, 0);
	assert_non_null(decap);
	build(&in, &w, &inner);
	for (int i = 0; i < 3; i++)
		assert_stripped(&in, inner, &w);
	addr_parse(VIP4, &addr);
	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(decap->maps.decap_addresses), &addr, cpus), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++) {
		sum.packets += cpus[i].packets;
		sum.bytes += cpus[i].bytes;
	}
	assert_int_equal(sum.packets, 3);
	assert_int_equal(sum.bytes, 3 * in.n);
	decap_bpf__destroy(decap);
}

#define JUMBO 8000

/* @lie: added to the outer length. */
static void jumbo_frame(const struct wrapped *w, int lie, uint32_t want_bytes)
{
	static uint8_t in[JUMBO], out[JUMBO];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = JUMBO, .data_out = out,
		.data_size_out = JUMBO, .repeat = 1);
	size_t inner, ip = 14 + 4 * w->tags, l2 = 12 + 4 * w->tags, kept;
	struct frame head;

	build(&head, w, &inner);
	for (size_t i = 0; i < JUMBO; i++)
		in[i] = (uint8_t)(i * 31 >> 3);
	set16(&head, ip + (w->outer6 ? 4 : 2),
		(uint16_t)(JUMBO - ip - (w->outer6 ? 40 : 0) + (size_t)lie));
	if (w->format != IPIP)
		set16(&head, ip + (w->outer6 ? 40 : 20) + 4,
			(uint16_t)(JUMBO - ip - (w->outer6 ? 40 : 20) + (size_t)lie));
	set16(&head, inner + (w->inner6 ? 4 : 2), (uint16_t)(JUMBO - inner - (w->inner6 ? 40 : 0)));
	memcpy(in, head.b, head.n);
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(decap->progs.muster_decap), &opts), 0);
	assert_int_equal(opts.retval, XDP_PASS);
	assert_int_equal(opts.data_size_out, want_bytes ? want_bytes : JUMBO - (inner - l2 - 2));
	if (want_bytes) {
		assert_memory_equal(out, in, JUMBO);
		return;
	}
	kept = JUMBO - inner;
	assert_memory_equal(out, in, l2);
	assert_memory_equal(out + l2 + 2, in + inner, kept);
}

/* Only the first page is in view; the length is that of all. */
static void frames_in_pieces(void **state)
{
	(void)state;
	decap = decap_open(true, NULL, 0);
	if (!decap) {
		print_message("this kernel has no XDP over frames in pieces\n");
		skip();
	}
	for (unsigned i = 0; i < TURNS; i++) {
		struct wrapped w = turn(i);
		struct frame in;
		size_t inner;

		jumbo_frame(&w, 0, 0);
		jumbo_frame(&w, 1, JUMBO);
		build(&in, &w, &inner); /* small ones as ever */
		assert_stripped(&in, inner, &w);
	}
	decap_bpf__destroy(decap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_from_sources),
		cmocka_unit_test(mapped_is_no_ipv4_source),
		cmocka_unit_test(several_sources),
		cmocka_unit_test(bytes_of_an_address),
		cmocka_unit_test(frames_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
