/* SPDX-License-Identifier: BSD-2-Clause */
/* The sweep: which entries go, and which slots are held. */
#include "plans.h"

#include "core/flows.h"

#include "core/slot.h"

#define NONE	MUSTER_NONE
#define CLOCK	100000u
#define SIZE	4
#define TCP_S	900u
#define UDP_S	30u
#define OPENING MUSTER_FLOW_OPENING
#define CLOSING MUSTER_FLOW_CLOSING
#define UDP	MUSTER_FLOW_UDP

enum { A, B };

struct table {
	struct muster_flow_bucket buckets[2];
	uint32_t slots[2][SIZE]; /* TCP, UDP */
	uint8_t held[2][SIZE];
	struct flows_ring rings[2];
	struct flows_member members[4];
	struct flows_sweep sweep;
};

static uint32_t token(uint32_t member)
{
	return MUSTER_TOKEN(member + 1, member);
}

static void table_init(struct table *table, uint32_t slot)
{
	*table = (struct table){};
	for (int p = 0; p < 2; p++) {
		for (int i = 0; i < SIZE; i++)
			table->slots[p][i] = slot;
		table->rings[p] = (struct flows_ring){table->slots[p], SIZE, table->held[p]};
	}
	for (uint32_t m = A; m <= B; m++)
		table->members[m + 1] = (struct flows_member){
			.token = token(m), .tcp = &table->rings[0], .udp = &table->rings[1]};
	table->sweep = (struct flows_sweep){
		.buckets = table->buckets,
		.n_buckets = 2,
		.members = table->members,
		.n_members = 4,
		.clock = CLOCK,
		.tcp_s = TCP_S,
		.udp_s = UDP_S,
	};
}

/* An entry of a flow in slot 1 of @who's, idle for so long. */
static struct muster_flow *put(struct table *table, uint32_t who, uint64_t state, uint32_t idle)
{
	struct muster_flow *way = &table->buckets[1].way[2];
	uint64_t seen = (CLOCK - idle) & MUSTER_FLOW_CLOCK_MASK;

	*way = (struct muster_flow){0x40001234ull << 32 | who, 77ull << 32 | seen << 8 | state};
	return way;
}

static void test_what_is_needed(void **state)
{
	static const struct {
		const char *name;
		uint32_t slot, who;
		uint64_t state;
		uint32_t idle;
		bool stays, held;
	} rows[] = {
		{"another's, pinned", MUSTER_SLOT(A, NONE), B, 0, 0, true, true},
		{"current's, pinned", MUSTER_SLOT(A, NONE), A, 0, 0, false, false},
		{"another's, stable", MUSTER_SLOT(A, A), B, 0, 0, false, false},
		{"current's, stable", MUSTER_SLOT(A, A), A, 0, 0, false, false},
		{"current's, moving", MUSTER_SLOT(A, B), A, 0, 0, true, false},
		{"previous's, moving", MUSTER_SLOT(A, B), B, 0, 0, true, false},
		{"nobody gets new ones", MUSTER_SLOT_EMPTY, A, 0, 0, true, false},
		{"gone to nobody", MUSTER_SLOT(NONE, A), A, 0, 0, true, false},
		{"idle as long as may be", MUSTER_SLOT(A, B), A, 0, TCP_S, true, false},
		{"idle for longer", MUSTER_SLOT(A, B), A, 0, TCP_S + 1, false, false},
		{"idle for longer, holds nothing", MUSTER_SLOT(A, NONE), B, 0, TCP_S + 1, false,
			false},
		{"opening", MUSTER_SLOT(A, B), A, OPENING, FLOWS_BRIEF_S, true, false},
		{"opening for long", MUSTER_SLOT(A, B), A, OPENING, FLOWS_BRIEF_S + 1, false,
			false},
		{"closing", MUSTER_SLOT(A, NONE), B, CLOSING, FLOWS_BRIEF_S, true, true},
		{"closing for long", MUSTER_SLOT(A, NONE), B, CLOSING, FLOWS_BRIEF_S + 1, false,
			false},
		{"UDP", MUSTER_SLOT(A, NONE), B, UDP, FLOWS_UDP_S, true, true},
		{"UDP, over", MUSTER_SLOT(A, NONE), B, UDP, FLOWS_UDP_S + 1, false, false},
		{"stamped after the clock was read", MUSTER_SLOT(A, B), A, 0, -1u, true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct table table;
		struct muster_flow *way;
		bool udp = rows[i].state & UDP;

		table_init(&table, MUSTER_SLOT(A, A));
		table.slots[udp][1] = rows[i].slot;
		way = put(&table, token(rows[i].who), rows[i].state, rows[i].idle);
		flows_sweep(&table.sweep);
		if ((way->who != 0) != rows[i].stays || table.held[udp][1] != rows[i].held)
			fail_msg("%s: %s, %s", rows[i].name, way->who ? "stays" : "goes",
				table.held[udp][1] ? "held" : "not held");
		assert_int_equal(table.held[!udp][1], 0);
		assert_int_equal(table.sweep.entries, rows[i].stays);
		assert_int_equal(table.sweep.removed, !rows[i].stays);
		assert_int_equal(table.members[rows[i].who + 1].flows,
			rows[i].stays && !(rows[i].state & CLOSING));
	}
}

/* Entries of whom nobody knows: another epoch, another index, no such epoch. */
static void test_other_tokens(void **state)
{
	static const uint32_t tokens[] = {
		MUSTER_TOKEN(1, 1), MUSTER_TOKEN(3, 0), MUSTER_TOKEN(4, 0), MUSTER_TOKEN(0, 1)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		void (*const both[])(struct flows_sweep *) = {flows_sweep, flows_forget};

		for (size_t f = 0; f < 2; f++) {
			struct table table;
			struct muster_flow *way;

			table_init(&table, MUSTER_SLOT(A, B));
			way = put(&table, tokens[i], 0, 0);
			both[f](&table.sweep);
			assert_int_equal(way->who, 0);
			assert_int_equal(table.sweep.removed, 1);
		}
	}
}

/*
 * A CPU claims a place by @who and writes @when a moment later. Until then it must not look as old as what was
 * there before, and an entry without a time must not stay for ever.
 */
static void test_just_recorded(void **state)
{
	struct table table;
	struct muster_flow *way;

	(void)state;
	table_init(&table, MUSTER_SLOT(A, B));
	way = put(&table, token(A), 0, TCP_S + 1);
	flows_sweep(&table.sweep);
	assert_int_equal(way->who, 0);
	assert_int_equal(way->when, 0);
	way->who = 0x40001234ull << 32 | token(A);
	flows_sweep(&table.sweep);
	assert_int_not_equal(way->who, 0);
	assert_int_equal(way->when, CLOCK << 8);
	for (int p = 0; p < 2; p++) /* of which ring it is, nobody knows */
		table.slots[p][1] = MUSTER_SLOT(B, NONE);
	way->when = 0;
	flows_sweep(&table.sweep);
	assert_int_not_equal(way->who, 0);
	assert_true(table.held[0][1] && table.held[1][1]);
	table.sweep.clock += TCP_S + 1;
	flows_sweep(&table.sweep);
	assert_int_equal(way->who, 0);
}

/* flows_forget() looks at nothing but the member. */
static void test_forget(void **state)
{
	struct table table;
	struct muster_flow *way;

	(void)state;
	table_init(&table, MUSTER_SLOT(A, A));
	way = put(&table, token(B), 0, TCP_S + 1);
	flows_forget(&table.sweep);
	assert_int_not_equal(way->who, 0);
	assert_int_equal(table.sweep.entries, 1);
}

/* The clock stood still while nobody ran it: nobody can tell how long a flow was idle. */
static void test_floor(void **state)
{
	struct table table;
	struct muster_flow *way;

	(void)state;
	table_init(&table, MUSTER_SLOT(A, B));
	table.sweep.floor = CLOCK - 10;
	way = put(&table, token(A), CLOSING, 50000);
	flows_sweep(&table.sweep);
	assert_int_not_equal(way->who, 0);
	table.sweep.floor = CLOCK - FLOWS_BRIEF_S - 1;
	flows_sweep(&table.sweep);
	assert_int_equal(way->who, 0);
}

/* 24 bits of seconds: twice a year they begin anew. */
static void test_clock_wraps(void **state)
{
	struct table table;
	struct muster_flow *way;

	(void)state;
	table_init(&table, MUSTER_SLOT(A, B));
	way = put(&table, token(A), 0, CLOCK + 5); /* stamped before the wrap */
	flows_sweep(&table.sweep);
	assert_int_equal(way->who, 0);
	table.sweep.clock = 5;
	way = put(&table, token(A), 0, CLOCK + 10);
	flows_sweep(&table.sweep);
	assert_int_not_equal(way->who, 0);
}

/* ---- whose entries are valid ---- */

static void test_members(void **state)
{
	_cleanup_(model_free) struct model *model = plans_pools(2);
	_cleanup_(plans_clear) struct plans plans;
	struct flows_sweep sweep = {};
	struct flows_ring rings[3] = {};

	(void)state;
	models_add_vip(model, "udp", models_addr("198.18.0.9"), 1)->proto = IPPROTO_UDP;
	plans_init(&plans, &plans_limits);
	plans_commit_up(&plans, model);
	assert_int_equal(plans.live->n_rings, 3);
	assert_int_equal(flows_members(&sweep, plans.live, rings), 0);
	for (size_t b = 0; b < plans.live->n_blocks; b++) {
		const struct block *block = plans.live->blocks[b];

		for (uint16_t m = 0; m < block->n; m++) {
			uint32_t epoch = MUSTER_TOKEN_EPOCH(block->members[m].token);
			const struct flows_member *member = &sweep.members[epoch];

			assert_in_range(epoch, 1, sweep.n_members - 1);
			assert_int_equal(member->token, block->members[m].token);
			assert_non_null(member->tcp);
			assert_int_equal(member->udp != NULL, !strcmp(block->pool, "p1"));
			assert_int_equal(member->tcp->n, 4096);
			assert_ptr_equal(plans.live->rings[member->tcp - rings].block, block);
		}
	}
	assert_int_equal(sweep.n_members, 41); /* epochs are dense, and 0 is none */
	assert_int_equal(sweep.members[0].token, 0);
	free(sweep.members);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_needed),
		cmocka_unit_test(test_other_tokens),
		cmocka_unit_test(test_just_recorded),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_clock_wraps),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
