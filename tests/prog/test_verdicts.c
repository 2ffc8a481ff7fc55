/* SPDX-License-Identifier: BSD-2-Clause */
/* Each reason that a packet can leave for: packet in, verdict and counter out. */
#include "prog.h"

#define SYN 0x02
#define ACK 0x10
#define RST 0x04

static struct prog prog;

/* ---- packets ---- */

static void syn_ipip4(struct frame *f)
{
	tcp_to(f, V4_IPIP, SYN);
}
static void syn_l2dsr4(struct frame *f)
{
	tcp_to(f, V4_L2DSR, SYN);
}
static void ack_ipip6(struct frame *f)
{
	tcp_to(f, V6_IPIP, ACK);
}
static void udp_l2dsr6(struct frame *f)
{
	udp_to(f, V6_L2DSR);
}
static void to_other(struct frame *f)
{
	tcp_to(f, "198.18.0.200", SYN);
}
static void syn_empty(struct frame *f)
{
	tcp_to(f, V4_EMPTY, SYN);
}
static void rst_empty(struct frame *f)
{
	tcp_to(f, V4_EMPTY, RST);
}
static void syn_drop(struct frame *f)
{
	tcp_to(f, V4_DROP, SYN);
}

static void other_port(struct frame *f)
{
	from_client(f, V4_IPIP, IPPROTO_TCP);
	tcp(f, 40000, 81, 1, 1, SYN);
	seal(f);
}

static void arp(struct frame *f)
{
	eth(f, MAC_BALANCER, MAC_CLIENT, 0x0806);
	bytes(f, 0, 46);
}

static void broadcast(struct frame *f)
{
	tcp_to(f, V4_IPIP, SYN);
	memset(f->b, 0xff, 6);
}

static void tags(struct frame *f, unsigned n)
{
	struct frame plain;

	tcp_to(&plain, V4_IPIP, SYN);
	eth(f, MAC_BALANCER, MAC_CLIENT, n > 1 ? 0x88a8 : 0x8100);
	for (unsigned i = 1; i <= n; i++) {
		put16(f, (uint16_t)(100 * i));
		put16(f, i == n ? 0x0800 : 0x8100);
	}
	put(f, plain.b + 14, plain.n - 14);
}

static void tag(struct frame *f)
{
	tags(f, 1);
}

static void two_tags(struct frame *f)
{
	tags(f, 2);
}

static void three_tags(struct frame *f)
{
	tags(f, 3);
}

static void short_tcp(struct frame *f)
{
	from_client(f, V4_IPIP, IPPROTO_TCP);
	bytes(f, 0, 12);
	seal(f);
}

static void bad_ihl(struct frame *f)
{
	tcp_to(f, V4_IPIP, SYN);
	f->b[f->ip] = 0x44;
}

static void lying_length(struct frame *f)
{
	tcp_to(f, V4_IPIP, SYN);
	set16(f, f->ip + 2, 500);
}

static void bad_doff(struct frame *f)
{
	tcp_to(f, V4_IPIP, SYN);
	f->b[f->l4 + 12] = 0x40;
}

static void icmp4(struct frame *f, uint8_t type, uint8_t code)
{
	from_client(f, V4_IPIP, 1);
	icmp(f, type, code, 0x00010001);
	bytes(f, 'p', 40);
	seal(f);
}

static void icmp6(struct frame *f, uint8_t type)
{
	from_client(f, V6_IPIP, 58);
	icmp(f, type, 0, 0x00010001);
	bytes(f, 'p', 40);
	seal(f);
}

static void timestamp4(struct frame *f)
{
	icmp4(f, 13, 0);
}
static void echo4(struct frame *f)
{
	icmp4(f, 8, 0);
}
static void echo6(struct frame *f)
{
	icmp6(f, 128);
}
static void solicit6(struct frame *f)
{
	icmp6(f, 135);
}

static void sctp(struct frame *f)
{
	from_client(f, V4_IPIP, 132);
	bytes(f, 0, 32);
	seal(f);
}

static void big(struct frame *f)
{
	from_client(f, V4_IPIP, IPPROTO_UDP);
	udp(f, 40000, 80);
	bytes(f, 'x', 1500 - 28 - 19); /* fits as it is, not with 20 bytes more */
	seal(f);
}

static void from_loopback(struct frame *f)
{
	eth(f, MAC_BALANCER, MAC_CLIENT, 0x0800);
	ip4(f, "127.0.0.1", V4_EMPTY, IPPROTO_TCP);
	tcp(f, 40000, 80, 1, 1, SYN);
	seal(f);
}

static void from_odd(struct frame *f, const char *src, const char *vip)
{
	bool v6 = strchr(vip, ':');

	eth(f, MAC_BALANCER, MAC_CLIENT, v6 ? 0x86dd : 0x0800);
	if (v6)
		ip6(f, src, vip, IPPROTO_UDP);
	else
		ip4(f, src, vip, IPPROTO_UDP);
	udp(f, 40000, 80);
	seal(f);
}

/* An IPv4 VIP's address as the program keeps it, in an IPv6 header: on no wire is it that VIP. */
static void mapped_ipip(struct frame *f)
{
	from_odd(f, CLIENT6, "::ffff:" V4_IPIP);
}
static void mapped_empty(struct frame *f)
{
	from_odd(f, CLIENT6, "::ffff:" V4_EMPTY);
}
static void mapped_echo(struct frame *f)
{
	from_client(f, "::ffff:" V4_IPIP, 58);
	icmp(f, 128, 0, 0x00010001);
	seal(f);
}

static void short_udp(struct frame *f)
{
	udp_to(f, V4_IPIP);
	set16(f, f->l4 + 4, 7);
}

static void long_udp6(struct frame *f)
{
	udp_to(f, V6_IPIP);
	set16(f, f->l4 + 4, 19);
}

static void doff_beyond6(struct frame *f)
{
	tcp_to(f, V6_IPIP, SYN);
	f->b[f->l4 + 12] = 0xf0;
}

static void unknown_code_echo4(struct frame *f)
{
	icmp4(f, 8, 1);
}

/* ---- rows ---- */

struct row {
	const char *name;
	void (*build)(struct frame *frame);
	uint32_t verdict;
	enum muster_reason reason;
};

static const struct row rows[] = {
	{"a SYN to an ipip VIP", syn_ipip4, XDP_TX, MUSTER_REASON_sent_ipip},
	{"a SYN to an l2dsr VIP", syn_l2dsr4, XDP_TX, MUSTER_REASON_sent_l2dsr},
	{"an ACK over IPv6", ack_ipip6, XDP_TX, MUSTER_REASON_sent_ipip},
	{"UDP over IPv6", udp_l2dsr6, XDP_TX, MUSTER_REASON_sent_l2dsr},
	{"another address", to_other, XDP_PASS, MUSTER_REASON_not_vip},
	{"another port of a VIP", other_port, XDP_PASS, MUSTER_REASON_not_vip},
	{"mapped IPv4 in an IPv6 header", mapped_ipip, XDP_PASS, MUSTER_REASON_not_vip},
	{"mapped IPv4, no member", mapped_empty, XDP_PASS, MUSTER_REASON_not_vip},
	{"mapped IPv4, echo", mapped_echo, XDP_PASS, MUSTER_REASON_not_vip},
	{"ARP", arp, XDP_PASS, MUSTER_REASON_not_ip},
	{"broadcast", broadcast, XDP_PASS, MUSTER_REASON_not_ip},
	{"a VLAN tag", tag, XDP_TX, MUSTER_REASON_sent_ipip},
	{"two VLAN tags", two_tags, XDP_TX, MUSTER_REASON_sent_ipip},
	{"three VLAN tags", three_tags, XDP_PASS, MUSTER_REASON_vlan_tag},
	{"half a TCP header", short_tcp, XDP_PASS, MUSTER_REASON_truncated},
	{"IHL below 5", bad_ihl, XDP_PASS, MUSTER_REASON_bad_header},
	{"total length beyond the frame", lying_length, XDP_PASS, MUSTER_REASON_bad_header},
	{"TCP data offset below 5", bad_doff, XDP_PASS, MUSTER_REASON_bad_header},
	{"TCP data offset beyond the packet", doff_beyond6, XDP_PASS, MUSTER_REASON_bad_header},
	{"UDP length below 8", short_udp, XDP_PASS, MUSTER_REASON_bad_header},
	{"UDP length beyond the packet", long_udp6, XDP_PASS, MUSTER_REASON_bad_header},
	{"an ICMP timestamp request", timestamp4, XDP_DROP, MUSTER_REASON_icmp_other},
	{"echo with a code", unknown_code_echo4, XDP_DROP, MUSTER_REASON_icmp_other},
	{"neighbour solicitation", solicit6, XDP_PASS, MUSTER_REASON_neighbour_discovery},
	{"SCTP", sctp, XDP_DROP, MUSTER_REASON_unknown_protocol},
	{"echo", echo4, XDP_TX, MUSTER_REASON_echo_reply},
	{"echo over IPv6", echo6, XDP_TX, MUSTER_REASON_echo_reply},
	{"too large for the outer header, no DF", big, XDP_DROP, MUSTER_REASON_too_big_no_df},
	{"no member, reject", syn_empty, XDP_TX, MUSTER_REASON_empty_reject},
	{"no member, drop", syn_drop, XDP_DROP, MUSTER_REASON_empty_drop},
	{"an RST is not answered", rst_empty, XDP_DROP, MUSTER_REASON_empty_silent},
	{"a loopback source is not answered", from_loopback, XDP_DROP, MUSTER_REASON_empty_silent},
};

static void verdict_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t before = prog_reason(&prog, rows[i].reason), all = prog_reasons(&prog);
		struct frame in, out;
		uint32_t verdict;

		rows[i].build(&in);
		verdict = prog_run(&prog, &in, &out);
		if (verdict != rows[i].verdict)
			fail_msg("%s: verdict %u, not %u", rows[i].name, verdict, rows[i].verdict);
		if (prog_reason(&prog, rows[i].reason) != before + 1)
			fail_msg("%s: its reason was not counted", rows[i].name);
		if (prog_reasons(&prog) != all + 1)
			fail_msg("%s: other than one reason was counted", rows[i].name);
	}
}

static void odd_sources_are_not_answered(void **state)
{
	static const struct {
		const char *source, *vip;
	} odd[] = {
		{"0.0.0.0", V4_EMPTY},
		{"127.0.0.1", V4_EMPTY},
		{"224.0.0.1", V4_EMPTY},
		{"255.255.255.255", V4_EMPTY},
		{"::", V6_EMPTY},
		{"::1", V6_EMPTY},
		{"ff02::1", V6_EMPTY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		uint64_t before = prog_reason(&prog, MUSTER_REASON_empty_silent);
		struct frame in, out;

		from_odd(&in, odd[i].source, odd[i].vip);
		if (prog_run(&prog, &in, &out) != XDP_DROP ||
			prog_reason(&prog, MUSTER_REASON_empty_silent) != before + 1)
			fail_msg("from %s: answered", odd[i].source);
	}
}

/* ---- what only broken tables produce ---- */

static void expect(void (*build)(struct frame *), uint32_t verdict, enum muster_reason reason)
{
	uint64_t before = prog_reason(&prog, reason);
	struct frame in, out;

	build(&in);
	assert_int_equal(prog_run(&prog, &in, &out), verdict);
	assert_int_equal(prog_reason(&prog, reason), before + 1);
}

static struct muster_service *service_of(const char *addr, uint8_t proto)
{
	struct muster_key key = prog_key(addr, proto, 80);

	for (uint32_t i = 0; i < N_SERVICES; i++)
		if (!memcmp(&prog.services[i].key, &key, sizeof(key)))
			return &prog.services[i];
	fail_msg("no service");
	return NULL;
}

static void broken_tables(void **state)
{
	struct muster_service *service = service_of(V4_IPIP, IPPROTO_TCP), saved = *service;
	struct muster_member *member = &prog.members[service->member_base];

	(void)state;
	member->nexthop = MUSTER_NO_NEXTHOP;
	expect(syn_ipip4, XDP_DROP, MUSTER_REASON_no_nexthop);
	member->nexthop = 1000;
	expect(syn_ipip4, XDP_DROP, MUSTER_REASON_no_nexthop);
	member->nexthop = 1;
	service->member_base = N_MEMBERS;
	expect(syn_ipip4, XDP_DROP, MUSTER_REASON_no_member);
	*service = saved;
	service->ring_base = UINT32_MAX / 2;
	expect(syn_ipip4, XDP_TX, MUSTER_REASON_empty_reject);
	*service = saved;
	prog.control->abi_version = 99;
	expect(syn_ipip4, XDP_PASS, MUSTER_REASON_abi_mismatch);
	prog.control->abi_version = MUSTER_ABI_VERSION;
	expect(syn_ipip4, XDP_TX, MUSTER_REASON_sent_ipip);
}

static void without_the_long_way(void **state)
{
	int programs = bpf_map__fd(prog.skeleton->maps.programs);
	int any = bpf_program__fd(prog.skeleton->progs.muster_any);
	uint32_t first = 0;

	(void)state;
	assert_int_equal(bpf_map_delete_elem(programs, &first), 0);
	expect(tag, XDP_PASS, MUSTER_REASON_no_program);
	assert_int_equal(bpf_map_update_elem(programs, &first, &any, BPF_ANY), 0);
	expect(tag, XDP_TX, MUSTER_REASON_sent_ipip);
}

static void answers_are_limited(void **state)
{
	uint64_t before = prog_reason(&prog, MUSTER_REASON_reply_limited);
	unsigned answered = 0, limited = 0;
	struct frame in, out;

	(void)state;
	prog.control->reply_rate = 100; /* a burst of 11 */
	syn_empty(&in);
	for (int i = 0; i < 200; i++)
		if (prog_run(&prog, &in, &out) == XDP_TX)
			answered++;
		else
			limited++;
	assert_true(answered >= 1 && answered < 100);
	assert_int_equal(prog_reason(&prog, MUSTER_REASON_reply_limited), before + limited);
	prog.control->reply_rate = 0;
	expect(syn_empty, XDP_DROP, MUSTER_REASON_reply_limited);
	prog.control->reply_rate = 1000000;
}

/* no_headroom cannot be made by a test run: it always leaves room. The name is here for the record. */

/* ---- every length, every IHL ---- */

static void every_truncation(void **state)
{
	static void (*const builders[])(struct frame *) = {
		syn_ipip4, ack_ipip6, udp_l2dsr6, syn_empty, echo4, echo6};

	(void)state;
	for (size_t b = 0; b < ARRAY_SIZE(builders); b++) {
		struct frame in, out;
		size_t n;

		builders[b](&in);
		for (n = in.n; n >= 14; n--) {
			uint64_t all = prog_reasons(&prog);
			uint32_t verdict;

			in.n = n;
			verdict = prog_run(&prog, &in, &out);
			assert_int_equal(prog_reasons(&prog), all + 1);
			if (n < get16(&in, in.ip + (in.v6 ? 4 : 2)) + (in.v6 ? 54u : 14u))
				assert_int_equal(verdict, XDP_PASS);
		}
	}
}

static void every_ihl(void **state)
{
	(void)state;
	for (unsigned ihl = 0; ihl < 16; ihl++) {
		uint64_t all = prog_reasons(&prog);
		struct frame in, out;
		uint32_t verdict;

		tcp_to(&in, V4_IPIP, SYN);
		in.b[in.ip] = (uint8_t)(0x40 | ihl);
		verdict = prog_run(&prog, &in, &out);
		assert_int_equal(prog_reasons(&prog), all + 1);
		assert_int_equal(verdict, ihl == 5		     ? XDP_TX
					  : ihl > 5 && ihl * 4 <= 50 ? XDP_DROP
								     : XDP_PASS);
	}
}

static void every_total_length(void **state)
{
	(void)state;
	for (unsigned total = 0; total < 200; total++) {
		uint64_t all = prog_reasons(&prog);
		struct frame in, out;

		tcp_to(&in, V4_IPIP, SYN);
		set16(&in, in.ip + 2, (uint16_t)total);
		/* 20 + 20 + 10 bytes are there; less is padding behind the packet, more is a lie. */
		assert_int_equal(prog_run(&prog, &in, &out) == XDP_TX, total >= 40 && total <= 50);
		assert_int_equal(prog_reasons(&prog), all + 1);
	}
}

static void every_payload_length(void **state)
{
	(void)state;
	for (unsigned payload = 0; payload < 200; payload++) {
		uint64_t all = prog_reasons(&prog);
		struct frame in, out;

		tcp_to(&in, V6_IPIP, ACK);
		set16(&in, in.ip + 4, (uint16_t)payload);
		assert_int_equal(
			prog_run(&prog, &in, &out) == XDP_TX, payload >= 20 && payload <= 30);
		assert_int_equal(prog_reasons(&prog), all + 1);
	}
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
		cmocka_unit_test(verdict_and_reason),
		cmocka_unit_test(odd_sources_are_not_answered),
		cmocka_unit_test(broken_tables),
		cmocka_unit_test(without_the_long_way),
		cmocka_unit_test(answers_are_limited),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_ihl),
		cmocka_unit_test(every_total_length),
		cmocka_unit_test(every_payload_length),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
