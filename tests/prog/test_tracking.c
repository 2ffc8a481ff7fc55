/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots that move, through the real program: where packets go, what is recorded, what happens when nothing can be. */
#include "prog.h"

static struct prog prog;
static struct muster_service *service;

enum { NEW, OLD }; /* members: current and previous */

#define ANY_MEMBER 0xff

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };

/* ---- the scene: one VIP, two members that a MAC address tells apart ---- */

static void set_slots(uint32_t current, uint32_t previous)
{
	for (uint32_t s = 0; s < service->ring_size; s++) {
		uint32_t at = service->ring_base + s;

		prog.rings[at / 16].slot[at % 16] = MUSTER_SLOT(current, previous);
	}
}

static struct muster_member *member(unsigned which)
{
	return &prog.members[service->member_base + which];
}

static int scene(void **state)
{
	(void)state;
	prog_open(&prog);
	prog_address(&prog, V4_L2DSR);
	prog_vip(&prog, V4_L2DSR, IPPROTO_TCP, MUSTER_MODE_L2DSR, BACKEND4, 0, 4);
	for (uint32_t i = 0; i < N_SERVICES; i++)
		if (prog.services[i].key.proto == IPPROTO_TCP)
			service = &prog.services[i];
	for (unsigned m = NEW; m <= OLD; m++) {
		*member(m) = (struct muster_member){
			.identity = m + 1,
			.nexthop = 4 + m,
			.new_ok = 1,
			.old_ok = 1,
			.token = MUSTER_TOKEN(77 + m, m),
		};
		addr_parse(BACKEND4, &member(m)->addr);
		prog_nexthop(&prog, 4 + m, LOOPBACK, SOURCE4);
		prog.nexthops[4 + m].dst_mac[5] = (uint8_t)m;
	}
	prog.control->clock = 1000;
	set_slots(NEW, OLD);
	return 0;
}

static int end(void **state)
{
	(void)state;
	prog_close(&prog);
	return 0;
}

static void segment(struct frame *f, uint16_t port, uint32_t seq, uint8_t flags)
{
	from_client(f, V4_L2DSR, IPPROTO_TCP);
	tcp(f, port, 80, seq, 1, flags);
	bytes(f, 'x', 10);
	seal(f);
}

/* Who gets a segment of the flow from @port. */
static unsigned goes_to(uint16_t port, uint32_t seq, uint8_t flags)
{
	struct frame in, out;

	segment(&in, port, seq, flags);
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	return out.b[5];
}

static size_t entries(unsigned which)
{
	size_t n = 0;

	for (size_t b = 0; b < N_FLOW_BUCKETS; b++)
		for (int w = 0; w < MUSTER_FLOW_WAYS; w++) {
			uint32_t token = (uint32_t)prog.flows[b].way[w].who;

			n += token && (which == ANY_MEMBER || token == member(which)->token);
		}
	return n;
}

/* Foreign entries in every place that is free. */
static void fill_table(void)
{
	for (size_t b = 0; b < N_FLOW_BUCKETS; b++)
		for (int w = 0; w < MUSTER_FLOW_WAYS; w++)
			if (!prog.flows[b].way[w].who)
				prog.flows[b].way[w].who = 0xdead00000000ull | 0xfffff000 | w;
}

/* ---- tests ---- */

static void stable_slots_record_nothing(void **state)
{
	(void)state;
	set_slots(NEW, NEW);
	for (uint16_t port = 1; port < 5000; port++)
		assert_int_equal(goes_to(port, 1, port % 2 ? SYN : ACK), NEW);
	assert_int_equal(entries(ANY_MEMBER), 0);
}

static void a_change_moves_new_flows_alone(void **state)
{
	(void)state;
	assert_int_equal(goes_to(100, 500, SYN), NEW);
	assert_int_equal(goes_to(200, 9000, ACK), OLD);
	assert_int_equal(entries(NEW), 1);
	assert_int_equal(entries(OLD), 1);
	assert_int_equal(goes_to(100, 501, ACK), NEW);
	assert_int_equal(
		goes_to(100, 500000000, ACK), NEW); /* established: no question of its number */
	set_slots(NEW, MUSTER_NONE);
	assert_int_equal(goes_to(200, 9100, ACK), OLD);
	assert_int_equal(goes_to(300, 1, ACK), NEW);
	assert_int_equal(entries(ANY_MEMBER), 2); /* pinned: nothing is added */
}

static void a_retransmitted_syn_keeps_its_member(void **state)
{
	(void)state;
	assert_int_equal(goes_to(100, 500, SYN), NEW);
	set_slots(OLD, MUSTER_NONE);
	assert_int_equal(goes_to(100, 500, SYN), NEW);
	assert_int_equal(goes_to(100, 501, ACK), NEW);
}

static void a_forged_syn_takes_nothing_over(void **state)
{
	(void)state;
	assert_int_equal(goes_to(100, 3000000000u, SYN), NEW);
	assert_int_equal(goes_to(100, 1000, ACK), OLD); /* of an older flow */
	assert_int_equal(goes_to(100, 3000000000u, SYN), OLD);
	assert_int_equal(goes_to(100, 3000000001u, ACK), OLD);
	assert_int_equal(entries(ANY_MEMBER), 1);
}

static void a_dead_member_loses_its_flows(void **state)
{
	(void)state;
	assert_int_equal(goes_to(100, 9000, ACK), OLD);
	member(OLD)->new_ok = member(OLD)->old_ok = 0;
	assert_int_equal(goes_to(100, 9000, ACK), NEW);
	assert_int_equal(goes_to(200, 9000, ACK), NEW);
	assert_int_equal(entries(NEW), 0); /* it may come back */
	member(OLD)->old_ok = 1;
	assert_int_equal(goes_to(200, 9000, ACK), OLD);
	member(OLD)->token = MUSTER_TOKEN(99, OLD); /* another one at its index */
	set_slots(NEW, MUSTER_NONE);
	assert_int_equal(goes_to(100, 9000, ACK), NEW);
}

static void reset_where_it_is_wanted(void **state)
{
	struct frame in, out;

	(void)state;
	service->flags = MUSTER_SERVICE_RESET;
	member(OLD)->new_ok = member(OLD)->old_ok = 0;
	segment(&in, 100, 9000, ACK);
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	assert_int_equal(prog_reason(&prog, MUSTER_REASON_member_reset), 1);
	assert_int_equal(out.b[out.l4 + 13], RST);
	assert_int_equal(get16(&out, out.l4), 80);
	assert_int_equal(get16(&out, out.l4 + 2), 100);
	assert_int_equal(get16(&out, out.l4 + 6), 1); /* what the segment acknowledged */
	assert_int_equal(goes_to(100, 9000, SYN), NEW);
}

static void a_full_table_loses_no_old_flow(void **state)
{
	struct frame in, out;

	(void)state;
	assert_int_equal(goes_to(100, 1, SYN), NEW);
	fill_table();
	assert_int_equal(goes_to(100, 2, ACK), NEW);
	assert_int_equal(goes_to(200, 9000, ACK), OLD);
	assert_int_equal(goes_to(300, 1, SYN), OLD); /* not recorded, so where the old ones are */
	assert_int_equal(goes_to(300, 2, ACK), OLD);
	assert_int_equal(prog.tracking[service - prog.services].failed, 3);
	assert_int_equal(prog.tracking[service - prog.services].clock, 1000);
	member(OLD)->new_ok = member(OLD)->old_ok = 0;
	segment(&in, 400, 1, SYN);
	assert_int_equal(prog_run(&prog, &in, &out), XDP_DROP);
	assert_int_equal(prog_reason(&prog, MUSTER_REASON_flows_full), 1);
}

static void the_end_of_a_flow_is_noted(void **state)
{
	(void)state;
	goes_to(100, 1, SYN);
	goes_to(100, 2, ACK);
	goes_to(100, 12, ACK | FIN);
	for (size_t b = 0; b < N_FLOW_BUCKETS; b++)
		for (int w = 0; w < MUSTER_FLOW_WAYS; w++)
			if (prog.flows[b].way[w].who)
				assert_int_equal((uint32_t)prog.flows[b].way[w].when,
					1000 << 8 | MUSTER_FLOW_CLOSING);
	/* The port again is a new flow, and goes where new flows go. */
	set_slots(OLD, NEW);
	assert_int_equal(goes_to(100, 5000, SYN), OLD);
	assert_int_equal(goes_to(100, 5001, ACK), OLD);
}

static void clients_keep_together(void **state)
{
	(void)state;
	service->flags = MUSTER_SERVICE_AFFINITY;
	for (uint32_t s = 0; s < service->ring_size; s++) {
		uint32_t at = service->ring_base + s;

		prog.rings[at / 16].slot[at % 16] = MUSTER_SLOT(s % 2, s % 2);
	}
	for (uint16_t port = 2; port < 200; port++)
		assert_int_equal(goes_to(port, 1, SYN), goes_to(1, 1, SYN));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene, end)
	const struct CMUnitTest tests[] = {
		TEST(stable_slots_record_nothing),
		TEST(a_change_moves_new_flows_alone),
		TEST(a_retransmitted_syn_keeps_its_member),
		TEST(a_forged_syn_takes_nothing_over),
		TEST(a_dead_member_loses_its_flows),
		TEST(reset_where_it_is_wanted),
		TEST(a_full_table_loses_no_old_flow),
		TEST(the_end_of_a_flow_is_noted),
		TEST(clients_keep_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
