/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a packet of a slot goes to nobody, or to nobody's table: empty slots, RSTs, a flood of SYNs. */
#include "tracking.h"

/* ---- slots of nobody ---- */

static void gone_to_nobody(void **state)
{
	(void)state;
	set_slots(NONE, OLD);
	for (unsigned kind = TCP4; kind <= TCP6; kind++) {
		ends_as(kind, 100, SYN, XDP_TX, MUSTER_REASON_empty_reject);
		assert_int_equal(goes_to(kind, 200, 9000, ACK), OLD);
		assert_int_equal(goes_to(kind + UDP4, 200, 0, 0), OLD);
	}
	set_member(OLD, false, false);
	ends_as(TCP4, 200, ACK, XDP_TX, MUSTER_REASON_empty_reject);
	ends_as(UDP4, 200, 0, XDP_TX, MUSTER_REASON_empty_reject);
	services[TCP4]->on_empty = MUSTER_ON_EMPTY_DROP;
	ends_as(TCP4, 300, SYN, XDP_DROP, MUSTER_REASON_empty_drop);
}

static void nobodys(void **state)
{
	(void)state;
	assert_int_equal(goes_to(TCP4, 100, 500, SYN), NEW);
	set_slots(NONE, NONE);
	assert_int_equal(goes_to(TCP4, 100, 501, ACK), NEW); /* recorded, so it goes on */
	ends_as(TCP4, 200, ACK, XDP_TX, MUSTER_REASON_empty_reject);
	ends_as(TCP4, 200, SYN, XDP_TX, MUSTER_REASON_empty_reject);
	ends_as(UDP6, 200, 0, XDP_TX, MUSTER_REASON_empty_reject);
	assert_non_null(the_entry());
}

/* ---- on_down: reset ---- */

static void resets_have_the_right_numbers(void **state)
{
	struct frame in, out;

	(void)state;
	set_flags(MUSTER_SERVICE_RESET);
	assert_int_equal(goes_to(TCP6, 100, 500, SYN), NEW);
	assert_int_equal(goes_to(TCP6, 100, 501, ACK), NEW);
	set_member(NEW, false, false);
	flow_frame(&in, TCP6, 100, 501, ACK);
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	assert_int_equal(out.b[out.l4 + 13], RST);
	assert_int_equal(get32(&out, out.l4 + 4), 1); /* what the segment acknowledged */
	assert_int_equal(l4_sum(&out), 0);
	flow_frame(&in, TCP6, 100, 501, 0);
	assert_int_equal(prog_run(&prog, &in, &out), XDP_TX);
	assert_int_equal(out.b[out.l4 + 13], RST | ACK);
	assert_int_equal(get32(&out, out.l4 + 8), 511); /* behind the segment */
	assert_int_equal(prog_reason(&prog, MUSTER_REASON_member_reset), 2);
	ends_as(TCP6, 100, ACK | RST, XDP_DROP, MUSTER_REASON_empty_silent);
}

static void resets_have_a_budget(void **state)
{
	uint64_t limited;
	unsigned answered = 0;
	struct frame in, out;

	(void)state;
	set_flags(MUSTER_SERVICE_RESET);
	set_member(OLD, false, false);
	prog.control->reply_rate = 100;
	flow_frame(&in, TCP4, 100, 9000, ACK);
	for (int i = 0; i < 200; i++)
		answered += prog_run(&prog, &in, &out) == XDP_TX;
	limited = prog_reason(&prog, MUSTER_REASON_reply_limited);
	assert_in_range(answered, 1, 99);
	assert_int_equal(answered + limited, 200);
	assert_int_equal(prog_reason(&prog, MUSTER_REASON_member_reset), answered);
	assert_null(the_entry());
}

/* ---- stable slots ---- */

/* A million SYNs from anywhere: what a flood is. */
static void a_flood_finds_no_table(void **state)
{
	uint64_t random = 88172645463325252ull,
		 before = prog_reason(&prog, MUSTER_REASON_sent_l2dsr);
	struct frame in, out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.b, .data_out = out.b,
		.data_size_out = sizeof(out.b), .repeat = 1);

	(void)state;
	set_slots(NEW, NEW);
	for (int i = 0; i < 1000000; i++) {
		if (i % 20 == 0) /* a call each is what takes the time */
			flow_frame(&in, i % 40 ? TCP6 : TCP4, 1, 1, SYN);
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		memcpy(in.b + in.ip + (in.v6 ? 20 : 13), &random, 3);
		memcpy(in.b + in.l4, (uint8_t *)&random + 3, 2);
		if (!in.v6) {
			set16(&in, in.ip + 10, 0);
			set16(&in, in.ip + 10, ip4_sum(&in, in.ip));
		}
		opts.data_size_in = (uint32_t)in.n;
		opts.data_size_out = sizeof(out.b);
		assert_int_equal(bpf_prog_test_run_opts(prog.fd, &opts), 0);
	}
	assert_int_equal(prog_reason(&prog, MUSTER_REASON_sent_l2dsr), before + 1000000);
	assert_null(the_entry());
	for (unsigned kind = 0; kind < KINDS; kind++)
		assert_int_equal(prog.tracking[services[kind] - prog.services].failed, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene, end)
	const struct CMUnitTest tests[] = {
		TEST(gone_to_nobody),
		TEST(nobodys),
		TEST(resets_have_the_right_numbers),
		TEST(resets_have_a_budget),
		TEST(a_flood_finds_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
