/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model check of the rules that keep connections alive (docs/flows.md), over the code that has them:
 * bpf/track.h, ctl/core/slot.h, slots.c, flows.c. Every sequence of events for one slot, three members and two
 * or three flows (MUSTER_FLOWS=3: three everywhere, a minute); and the proof that the check would find it if a
 * rule were broken.
 */
#include "one_slot_search.h"

#include "tests/unit/core/unit.h"

static void holds(const struct one_slot *setup)
{
	struct one_slot_search search;

	one_slot_search_begin(&search, setup);
	one_slot_run(&search, true);
	fprintf(stderr, "  %-40s %9u states %10llu steps\n", setup->name, search.n,
		(unsigned long long)search.steps);
	one_slot_search_end(&search);
	assert_false(search.broken);
}

static void is_found(const struct one_slot *setup)
{
	struct one_slot_search search;

	one_slot_search_begin(&search, setup);
	one_slot_run(&search, true);
	one_slot_search_end(&search);
	fprintf(stderr, "  %-40s found after %u states\n", setup->name, search.n);
	if (!search.broken)
		fail_msg("%s: not found", setup->name);
}

#define ALL_OF_TCP .full = true, .forged = true, .closing = true, .leaving = true
#define ALL_OF_UDP .full = true, .leaving = true

static void connections_survive(void **state)
{
	static const struct one_slot rows[] = {
		{"TCP", 2, TRACK_SEGMENT, 0, ALL_OF_TCP},
		{"TCP, on_down reset", 2, TRACK_SEGMENT, MUSTER_SERVICE_RESET, ALL_OF_TCP},
		{"UDP", 3, TRACK_DATAGRAM, 0, ALL_OF_UDP},
		{"UDP, repick now", 3, TRACK_DATAGRAM, MUSTER_SERVICE_REPICK_NOW, ALL_OF_UDP},
		{"UDP, repick never", 3, TRACK_DATAGRAM, MUSTER_SERVICE_REPICK_NEVER, ALL_OF_UDP},
		{"TCP, three flows", 3, TRACK_SEGMENT, 0, .full = true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct one_slot row = rows[i];

		if (getenv("MUSTER_FLOWS"))
			row.flows = MIN(
				(unsigned)atoi(getenv("MUSTER_FLOWS")), (unsigned)ONE_SLOT_FLOWS);
		holds(&row);
	}
}

static void broken_rules_are_found(void **state)
{
	static const struct one_slot rows[FAULTS - 1] = {
		{"back to the owner is stable", 2, TRACK_SEGMENT, 0, .fault = FAULT_BACK_IS_STABLE},
		{"previous is the last current", 2, TRACK_SEGMENT, 0, .fault = FAULT_LAST_CURRENT},
		{"a down previous is forgotten", 2, TRACK_SEGMENT, 0,
			.fault = FAULT_DROP_DOWN_PREVIOUS},
		{"full: SYN to current", 2, TRACK_SEGMENT, 0, .full = true,
			.fault = FAULT_FULL_TO_CURRENT},
		{"ages although inserts fail", 2, TRACK_SEGMENT, 0, .full = true,
			.fault = FAULT_AGE_UNSEEN},
		{"the sweep takes from moving slots", 2, TRACK_SEGMENT, 0,
			.fault = FAULT_SWEEP_MOVING},
		{"no ISN check", 2, TRACK_SEGMENT, 0, .forged = true, .fault = FAULT_NO_ISN},
		{"live entries are evicted", 2, TRACK_SEGMENT, 0, .full = true,
			.fault = FAULT_EVICT},
		{"stable with other members' entries", 2, TRACK_SEGMENT, 0,
			.fault = FAULT_NOT_HELD},
		{"a SYN leaves a stale entry", 2, TRACK_SEGMENT, 0,
			.fault = FAULT_SYN_LEAVES_ENTRY},
		{"a new ring is stable", 2, TRACK_SEGMENT, 0, .leaving = true,
			.fault = FAULT_NO_OWNER_STAYS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is_found(&rows[i]);
}

/* What docs/flows.md says does break. If one of these is no longer found, the sentence there can go. */
static void exceptions_are_as_documented(void **state)
{
	static const struct one_slot rows[] = {
		{"forged while a flow opens", 1, TRACK_SEGMENT, 0, .forged = true,
			.beyond = BEYOND_FORGED_OPENING},
		{"a forged FIN, a forged SYN", 1, TRACK_SEGMENT, 0, .forged = true,
			.beyond = BEYOND_FORGED_FIN},
		{"a forged SYN of a half-closed flow", 1, TRACK_SEGMENT, 0, .forged = true,
			.closing = true, .beyond = BEYOND_HALF_CLOSED},
		{"a half-closed flow is silent", 1, TRACK_SEGMENT, 0, .closing = true,
			.beyond = BEYOND_SILENT},
		{"forged while its member is down", 1, TRACK_SEGMENT, 0, .forged = true,
			.beyond = BEYOND_FORGED_DOWN},
		{"a forged SYN and a segment that fits it", 1, TRACK_SEGMENT, 0, .forged = true,
			.beyond = BEYOND_FORGED_BOTH},
		{"two SYN-ACKs", 1, TRACK_SEGMENT, 0, .beyond = BEYOND_RETRANSMITTED},
		{"UDP, table full", 1, TRACK_DATAGRAM, 0, .full = true, .beyond = BEYOND_UDP_FULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is_found(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_survive),
		cmocka_unit_test(broken_rules_are_found),
		cmocka_unit_test(exceptions_are_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
