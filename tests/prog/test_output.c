/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes out, byte by byte. Checksums are verified by an independent routine. */
#include "prog.h"

#define SYN 0x02
#define FIN 0x01
#define ACK 0x10
#define RST 0x04

static struct prog prog;

static void assert_macs(const struct frame *out, const char *dst, const char *src)
{
	assert_memory_equal(out->b, dst, 6);
	assert_memory_equal(out->b + 6, src, 6);
}

static void assert_address(const struct frame *out, size_t at, const char *text)
{
	uint8_t want[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	inet_pton(family, text, want);
	assert_memory_equal(out->b + at, want, family == AF_INET ? 4 : 16);
}

/* ---- to a member ---- */

static void l2dsr_changes_macs_and_takes_a_hop(void **state)
{
	static const char *const vips[] = {V4_L2DSR, V6_L2DSR};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vips); i++) {
		struct frame in, out;

		tcp_to(&in, vips[i], SYN);
		assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
		assert_int_equal(out.n, in.n);
		assert_macs(&out, MAC_BACKEND, MAC_BALANCER);
		hop(&in);
		assert_memory_equal(out.b + 12, in.b + 12, in.n - 12);
	}
}

static void ipip4_outer_header(void **state)
{
	struct frame in, out;

	(void)state;
	tcp_to(&in, V4_IPIP, SYN);
	in.b[in.ip + 1] = 0xb8; /* EF */
	set16(&in, in.ip + 10, 0);
	set16(&in, in.ip + 10, ip4_sum(&in, in.ip));
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	assert_int_equal(out.n, in.n + 20);
	assert_macs(&out, MAC_BACKEND, MAC_BALANCER);
	assert_int_equal(get16(&out, 12), 0x0800);
	assert_int_equal(out.b[14], 0x45);
	assert_int_equal(out.b[15], 0xb8);
	assert_int_equal(get16(&out, 16), in.n - 14 + 20);
	assert_int_equal(get16(&out, 20), 0x4000);
	assert_int_equal(out.b[22], 64);
	assert_int_equal(out.b[23], 4);
	assert_int_equal(ip4_sum(&out, 14), 0);
	assert_address(&out, 26, SOURCE4);
	assert_address(&out, 30, BACKEND4);
	hop(&in);
	assert_memory_equal(out.b + 34, in.b + 14, in.n - 14);
}

static void ipip6_outer_header(void **state)
{
	struct frame in, out;

	(void)state;
	tcp_to(&in, V6_IPIP, SYN);
	in.b[in.ip] = 0x6b; /* traffic class 0xb8 */
	in.b[in.ip + 1] = 0x80;
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	assert_int_equal(out.n, in.n + 40);
	assert_int_equal(get16(&out, 12), 0x86dd);
	assert_int_equal(get32(&out, 14) >> 20, 0x6b8);
	assert_int_equal(get16(&out, 18), in.n - 14);
	assert_int_equal(out.b[20], 41);
	assert_int_equal(out.b[21], 64);
	assert_address(&out, 22, SOURCE6);
	assert_address(&out, 38, BACKEND6);
	hop(&in);
	assert_memory_equal(out.b + 54, in.b + 14, in.n - 14);
}

static void padding_is_not_encapsulated_as_payload(void **state)
{
	struct frame in, out;

	(void)state;
	from_client(&in, V4_IPIP, IPPROTO_TCP);
	tcp(&in, 40000, 80, 1, 1, ACK);
	seal(&in);
	bytes(&in, 0, 6); /* Ethernet's minimum */
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	assert_int_equal(get16(&out, 16), 60);
}

static void other_interface_is_a_redirect(void **state)
{
	static const char *const vips[] = {V4_L2DSR, V4_IPIP, V6_L2DSR, V6_IPIP};

	(void)state;
	prog.nexthops[1].ifindex = prog.nexthops[2].ifindex = 77;
	for (size_t i = 0; i < ARRAY_SIZE(vips); i++) {
		struct frame in, out;

		tcp_to(&in, vips[i], SYN);
		assert_int_equal(prog_run(&prog, &in, &out), XDP_REDIRECT);
		assert_macs(&out, MAC_BACKEND, MAC_BALANCER);
	}
	prog.nexthops[1].ifindex = prog.nexthops[2].ifindex = LOOPBACK;
}

/* ---- RST ---- */

struct rst_row {
	const char *name;
	uint8_t flags;
	size_t payload;
	uint32_t seq, ack;
	uint8_t want_flags;
};

static void rst_follows_rfc9293(void **state)
{
	static const struct rst_row rows[] = {
		{"SYN", SYN, 0, 0, 1001, RST | ACK},
		{"SYN with data", SYN, 7, 0, 1008, RST | ACK},
		{"ACK", ACK, 0, 2000, 0, RST},
		{"data with ACK", ACK, 100, 2000, 0, RST},
		{"FIN without ACK", FIN, 3, 0, 1004, RST | ACK},
	};
	static const char *const vips[] = {V4_EMPTY, V6_EMPTY};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const struct rst_row *row = &rows[i / 2];
		const char *vip = vips[i % 2];
		struct frame in, out;

		from_client(&in, vip, IPPROTO_TCP);
		tcp(&in, 40000, 80, 1000, 2000, row->flags);
		bytes(&in, 'x', row->payload);
		seal(&in);
		assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
		assert_macs(&out, MAC_CLIENT, MAC_BALANCER);
		assert_int_equal(out.n, out.v6 ? 74 : 54);
		assert_address(&out, out.v6 ? 22 : 26, vip);
		assert_address(&out, out.v6 ? 38 : 30, out.v6 ? CLIENT6 : CLIENT4);
		if (!out.v6)
			assert_int_equal(ip4_sum(&out, 14), 0);
		assert_int_equal(l4_sum(&out), 0);
		assert_int_equal(get16(&out, out.l4), 80);
		assert_int_equal(get16(&out, out.l4 + 2), 40000);
		if (get32(&out, out.l4 + 4) != row->seq || get32(&out, out.l4 + 8) != row->ack ||
			out.b[out.l4 + 13] != row->want_flags)
			fail_msg("%s: seq %u ack %u flags %x", row->name, get32(&out, out.l4 + 4),
				get32(&out, out.l4 + 8), out.b[out.l4 + 13]);
	}
}

/* ---- port unreachable, echo ---- */

static void unreachable_quotes_the_packet(void **state)
{
	static const char *const vips[] = {V4_EMPTY, V6_EMPTY};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vips); i++) {
		struct frame in, out;
		size_t header;

		udp_to(&in, vips[i]);
		header = in.v6 ? 40 : 20;
		assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
		assert_macs(&out, MAC_CLIENT, MAC_BALANCER);
		assert_int_equal(out.n, 14 + header + 8 + in.n - 14);
		assert_int_equal(out.proto, out.v6 ? 58 : 1);
		assert_int_equal(out.b[out.l4], out.v6 ? 1 : 3);
		assert_int_equal(out.b[out.l4 + 1], out.v6 ? 4 : 3);
		assert_address(&out, out.v6 ? 22 : 26, vips[i]);
		if (!out.v6)
			assert_int_equal(ip4_sum(&out, 14), 0);
		assert_int_equal(l4_sum(&out), 0);
		assert_memory_equal(out.b + out.l4 + 8, in.b + 14, in.n - 14);
	}
}

static void echo_is_answered_in_full(void **state)
{
	static const struct {
		const char *vip;
		uint8_t proto, request, reply;
	} rows[] = {{V4_IPIP, 1, 8, 0}, {V6_IPIP, 58, 128, 129}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t n = 0; n < 70; n++) { /* odd lengths, too */
			struct frame in, out;

			from_client(&in, rows[i].vip, rows[i].proto);
			icmp(&in, rows[i].request, 0, 0x12340001 + (uint32_t)n);
			bytes(&in, (uint8_t)(n * 37), n);
			seal(&in);
			assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
			assert_int_equal(out.n, in.n);
			assert_int_equal(out.b[out.l4], rows[i].reply);
			assert_memory_equal(out.b + out.l4 + 4, in.b + in.l4 + 4, n + 4);
			if (!out.v6)
				assert_int_equal(ip4_sum(&out, 14), 0);
			assert_int_equal(l4_sum(&out), 0);
			assert_address(&out, out.v6 ? 22 : 26, rows[i].vip);
		}
}

/* ---- tables ---- */

static void flow_goes_to_the_slot_of_its_hash(void **state)
{
	struct muster_key key = prog_key(V4_L2DSR, IPPROTO_UDP, 80);
	struct muster_service *service = NULL;
	unsigned seen[8] = {};

	(void)state;
	for (uint32_t i = 0; i < N_SERVICES; i++)
		if (!memcmp(&prog.services[i].key, &key, sizeof(key)))
			service = &prog.services[i];
	assert_non_null(service);
	service->member_base = 40;
	for (uint16_t m = 0; m < 8; m++) {
		prog.members[40 + m] = (struct muster_member){.identity = m + 1, .nexthop = 4 + m};
		addr_parse(BACKEND4, &prog.members[40 + m].addr);
		prog_nexthop(&prog, 4 + m, LOOPBACK, SOURCE4);
		prog.nexthops[4 + m].dst_mac[5] = (uint8_t)(0x10 + m);
	}
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t at = service->ring_base + i;

		prog.rings[at / 16].slot[at % 16] = MUSTER_SLOT(i % 8, i % 8);
	}
	for (uint16_t port = 1024; port < 1024 + 800; port++) {
		struct muster_addr src;
		struct frame in, out;
		uint64_t hash;
		uint32_t member;

		from_client(&in, V4_L2DSR, IPPROTO_UDP);
		udp(&in, port, 80);
		seal(&in);
		addr_parse(CLIENT4, &src);
		hash = muster_flow_hash(
			prog.control, &src, &key.addr, htons(port), htons(80), IPPROTO_UDP, 0);
		member = muster_reduce((uint32_t)hash, 256) % 8;
		assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
		assert_int_equal(out.b[5], 0x10 + member);
		seen[member]++;
	}
	for (int m = 0; m < 8; m++)
		assert_in_range(seen[m], 50, 160);
}

static void counters_of_service_and_member(void **state)
{
	struct muster_key key = prog_key(V4_IPIP, IPPROTO_TCP, 80);
	struct muster_counters service, member;
	uint32_t index = 0;
	struct frame in, out;

	(void)state;
	while (memcmp(&prog.services[index].key, &key, sizeof(key)))
		index++;
	service = prog_counters(&prog, prog.skeleton->maps.service_counters, index);
	member = prog_counters(
		&prog, prog.skeleton->maps.member_counters, prog.services[index].member_base);
	tcp_to(&in, V4_IPIP, SYN);
	prog_run(&prog, &in, &out);
	tcp_to(&in, V4_IPIP, SYN | ACK);
	prog_run(&prog, &in, &out);
	tcp_to(&in, V4_IPIP, ACK);
	prog_run(&prog, &in, &out);
	for (int i = 0; i < 2; i++) {
		struct muster_counters *before = i ? &member : &service;
		struct muster_counters now = prog_counters(&prog,
			i ? prog.skeleton->maps.member_counters
			  : prog.skeleton->maps.service_counters,
			i ? prog.services[index].member_base : index);

		assert_int_equal(now.packets, before->packets + 3);
		assert_int_equal(now.bytes, before->bytes + 3 * in.n);
		assert_int_equal(now.new_flows, before->new_flows + 1);
	}
}

static void generation_chooses_the_bank(void **state)
{
	struct muster_key key = prog_key(V4_L2DSR, IPPROTO_TCP, 80);
	struct frame in, out;
	uint32_t index = 0;

	(void)state;
	while (memcmp(&prog.services[index].key, &key, sizeof(key)))
		index++;
	tcp_to(&in, V4_L2DSR, SYN);
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	prog.control->generation = 3; /* the other bank does not have it */
	assert_int_equal(prog_run(&prog, &in, &out), XDP_PASS);
	prog.services[N_SERVICES + index] = prog.services[index];
	prog.services[N_SERVICES + index].mode = MUSTER_MODE_IPIP;
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	assert_int_equal(out.n, in.n + 20);
	prog.control->generation = 4;
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	assert_int_equal(out.n, in.n);
	prog.control->generation = 2;
}

static int setup(void **state)
{
	(void)state;
	prog_open(&prog);
	prog_fill(&prog);
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
		cmocka_unit_test(l2dsr_changes_macs_and_takes_a_hop),
		cmocka_unit_test(ipip4_outer_header),
		cmocka_unit_test(ipip6_outer_header),
		cmocka_unit_test(padding_is_not_encapsulated_as_payload),
		cmocka_unit_test(other_interface_is_a_redirect),
		cmocka_unit_test(rst_follows_rfc9293),
		cmocka_unit_test(unreachable_quotes_the_packet),
		cmocka_unit_test(echo_is_answered_in_full),
		cmocka_unit_test(flow_goes_to_the_slot_of_its_hash),
		cmocka_unit_test(counters_of_service_and_member),
		cmocka_unit_test(generation_chooses_the_bank),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
