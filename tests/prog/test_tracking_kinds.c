/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots that move, by kind of packet: datagrams, IPv6, ICMP errors, later fragments, tagged frames. The rules
 * as such: test_tracking.c, tests/unit/bpf.
 */
#include "tracking.h"

/* ---- what is recorded ---- */

static void syn_and_segments(void **state)
{
	(void)state;
	for (unsigned kind = TCP4; kind <= TCP6; kind++) {
		memset(prog.flows, 0, N_FLOW_BUCKETS * sizeof(*prog.flows));
		prog.control->clock = 1000;
		assert_int_equal(goes_to(kind, 100, 500, SYN), NEW);
		assert_entry(NEW, 500ull << 32 | 1000 << 8 | MUSTER_FLOW_OPENING);
		prog.control->clock = 1007; /* seconds, as the controller tells them */
		assert_int_equal(goes_to(kind, 100, 500, SYN), NEW);
		assert_entry(NEW, 500ull << 32 | 1007 << 8 | MUSTER_FLOW_OPENING);
		assert_int_equal(goes_to(kind, 100, 501, ACK), NEW);
		assert_entry(NEW, 500ull << 32 | 1007 << 8);
		prog.control->clock = 0x1000000 + 5; /* of which 24 bits are kept */
		assert_int_equal(goes_to(kind, 100, 511, ACK), NEW);
		assert_entry(NEW, 500ull << 32 | 5 << 8);
		assert_int_equal(goes_to(kind, 100, 521, ACK | RST), NEW);
		assert_entry(NEW, 500ull << 32 | 5 << 8 | MUSTER_FLOW_CLOSING);
	}
}

/* The first segment that a moving slot sees of a flow is its last. */
static void an_end_is_recorded_as_one(void **state)
{
	(void)state;
	assert_int_equal(goes_to(TCP4, 100, 9000, ACK | FIN), OLD);
	assert_entry(OLD, 1000 << 8 | MUSTER_FLOW_CLOSING);
	set_member(OLD, false, true); /* it drains: the port again is a new flow */
	assert_int_equal(goes_to(TCP4, 100, 70000000, SYN), NEW);
}

static void syn_ack_is_no_syn(void **state)
{
	(void)state;
	assert_int_equal(goes_to(TCP4, 100, 500, SYN | ACK), OLD);
	assert_int_equal(goes_to(TCP4, 100, 500, SYN | RST), OLD);
	assert_entry(OLD, 1000 << 8 | MUSTER_FLOW_CLOSING);
}

static void datagrams(void **state)
{
	(void)state;
	for (unsigned kind = UDP4; kind <= UDP6; kind++) {
		memset(prog.flows, 0, N_FLOW_BUCKETS * sizeof(*prog.flows));
		set_member(OLD, true, true);
		assert_int_equal(goes_to(kind, 100, 0, 0), OLD); /* nothing tells a new flow */
		assert_entry(OLD, 1000 << 8 | MUSTER_FLOW_UDP);
		set_member(OLD, false, true);
		assert_int_equal(goes_to(kind, 100, 0, 0), OLD);
		set_member(OLD, false, false);
		assert_int_equal(goes_to(kind, 100, 0, 0), NEW);
		assert_entry(NEW, 1000 << 8 | MUSTER_FLOW_UDP);
		set_member(OLD, true, true);
		assert_int_equal(goes_to(kind, 100, 0, 0), NEW); /* it has moved for good */
	}
}

static void datagrams_leave_now(void **state)
{
	(void)state;
	set_flags(MUSTER_SERVICE_REPICK_NOW);
	assert_int_equal(goes_to(UDP4, 100, 0, 0), OLD);
	set_member(OLD, false, true);
	assert_int_equal(goes_to(UDP4, 100, 0, 0), NEW);
	assert_entry(NEW, 1000 << 8 | MUSTER_FLOW_UDP);
	assert_int_equal(goes_to(TCP4, 100, 9000, ACK), OLD); /* of TCP that is no matter */
}

static void datagrams_never_leave(void **state)
{
	(void)state;
	set_flags(MUSTER_SERVICE_REPICK_NEVER);
	assert_int_equal(goes_to(UDP4, 100, 0, 0), OLD);
	set_member(OLD, false, false);
	assert_int_equal(goes_to(UDP4, 100, 0, 0), OLD);
	set_slots(NEW, NONE);
	assert_int_equal(goes_to(UDP4, 100, 0, 0), OLD);
	prog.members[OLD].token = MUSTER_TOKEN(99, OLD); /* but from one that is gone they do */
	assert_int_equal(goes_to(UDP4, 100, 0, 0), NEW);
	assert_null(the_entry());
}

/* ---- packets that belong to a flow and are none of its own ---- */

/* Too big, from somewhere on the way back to the client of TCP4 or UDP4. */
static void icmp_error(struct frame *f, unsigned kind, uint16_t port)
{
	struct frame quoted;

	eth(&quoted, MAC_BALANCER, MAC_CLIENT, 0x0800);
	ip4(&quoted, V4_L2DSR, CLIENT4, kind < UDP4 ? IPPROTO_TCP : IPPROTO_UDP);
	if (kind < UDP4)
		tcp(&quoted, 80, port, 1, 1, ACK);
	else
		udp(&quoted, 80, port);
	seal(&quoted);
	eth(f, MAC_BALANCER, MAC_CLIENT, 0x0800);
	ip4(f, "192.0.2.77", V4_L2DSR, IPPROTO_ICMP);
	icmp(f, 3, 4, 1400);
	put(f, quoted.b + quoted.ip, quoted.n - quoted.ip);
	seal(f);
}

static void icmp_errors_follow_the_flow(void **state)
{
	static const unsigned kinds[] = {TCP4, UDP4};
	struct frame in;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		icmp_error(&in, kinds[i], 300);
		assert_int_equal(forwarded_to(&in), OLD);
		assert_null(the_entry());
		set_slots(NEW, NONE);
		assert_int_equal(forwarded_to(&in), NEW);
		set_slots(NEW, OLD);
		assert_int_equal(goes_to(kinds[i], 300, 9000, ACK), OLD);
		set_slots(NEW, NONE);
		assert_int_equal(forwarded_to(&in), OLD);
		assert_entry(OLD, 1000 << 8 | (kinds[i] == UDP4 ? MUSTER_FLOW_UDP : 0));
		memset(prog.flows, 0, N_FLOW_BUCKETS * sizeof(*prog.flows));
		set_slots(NEW, OLD);
	}
}

static void fragment(struct frame *f, uint16_t offset, bool more)
{
	from_client(f, V4_L2DSR, IPPROTO_UDP);
	set16(f, f->ip + 4, 0x7777);
	set16(f, f->ip + 6, (uint16_t)(offset / 8 | (more ? 0x2000 : 0)));
	if (!offset) {
		udp(f, 400, 80);
		bytes(f, 'x', 24);
	} else {
		bytes(f, 'y', 16);
	}
	seal(f);
	if (!offset)
		set16(f, f->l4 + 4, 48); /* of the whole datagram */
}

static void later_fragments_follow_the_flow(void **state)
{
	struct frame in;

	(void)state;
	fragment(&in, 0, true);
	assert_int_equal(forwarded_to(&in), OLD);
	assert_entry(OLD, 1000 << 8 | MUSTER_FLOW_UDP);
	prog.control->clock = 1005;
	set_slots(NEW, NONE);
	fragment(&in, 32, false);
	assert_int_equal(forwarded_to(&in), OLD);
	assert_entry(OLD, 1000 << 8 | MUSTER_FLOW_UDP);
	memset(prog.flows, 0, N_FLOW_BUCKETS * sizeof(*prog.flows));
	set_slots(NEW, OLD);
	assert_int_equal(forwarded_to(&in), OLD);
	assert_null(the_entry());
}

/* A frame with a VLAN tag takes the long way, of the same flow. */
static void both_ways_agree(void **state)
{
	struct frame in, plain;

	(void)state;
	flow_frame(&plain, TCP4, 100, 500, SYN);
	eth(&in, MAC_BALANCER, MAC_CLIENT, 0x8100);
	put16(&in, 100);
	put16(&in, 0x0800);
	put(&in, plain.b + 14, plain.n - 14);
	assert_int_equal(forwarded_to(&in), NEW);
	assert_entry(NEW, 500ull << 32 | 1000 << 8 | MUSTER_FLOW_OPENING);
	assert_int_equal(goes_to(TCP4, 100, 501, ACK), NEW);
	assert_entry(NEW, 500ull << 32 | 1000 << 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene, end)
	const struct CMUnitTest tests[] = {
		TEST(syn_and_segments),
		TEST(an_end_is_recorded_as_one),
		TEST(syn_ack_is_no_syn),
		TEST(datagrams),
		TEST(datagrams_leave_now),
		TEST(datagrams_never_leave),
		TEST(icmp_errors_follow_the_flow),
		TEST(later_fragments_follow_the_flow),
		TEST(both_ways_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
