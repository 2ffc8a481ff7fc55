/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of one slot, as a table. Sequences of them: tests/unit/bpf/test_one_slot.c. */
#include "core/slot.h"
#include "core/util.h"

#include "unit.h"

#define NONE MUSTER_NONE

enum { A, B, C };

static void test_forms(void **state)
{
	static const struct {
		uint32_t slot;
		bool stable, pinned, moving;
		uint16_t unrecorded;
	} rows[] = {
		{MUSTER_SLOT(A, A), true, false, false, A},
		{MUSTER_SLOT(A, B), false, false, true, B},
		{MUSTER_SLOT(A, NONE), false, true, false, A},
		{MUSTER_SLOT(NONE, A), false, false, true, A},
		{MUSTER_SLOT_EMPTY, true, false, false, NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(slot_is_stable(rows[i].slot), rows[i].stable);
		assert_int_equal(slot_is_pinned(rows[i].slot), rows[i].pinned);
		assert_int_equal(slot_is_moving(rows[i].slot), rows[i].moving);
		assert_int_equal(slot_unrecorded(rows[i].slot), rows[i].unrecorded);
	}
}

static void test_change(void **state)
{
	static const struct {
		uint32_t before;
		uint16_t current;
		uint32_t after;
	} rows[] = {
		{MUSTER_SLOT(A, A), A, MUSTER_SLOT(A, A)},
		{MUSTER_SLOT(A, A), B, MUSTER_SLOT(B, A)},
		{MUSTER_SLOT(A, A), NONE, MUSTER_SLOT(NONE, A)},
		{MUSTER_SLOT(B, A), B, MUSTER_SLOT(B, A)},
		{MUSTER_SLOT(B, A), C, MUSTER_SLOT(C, A)},    /* the oldest owner stays */
		{MUSTER_SLOT(B, A), A, MUSTER_SLOT(A, NONE)}, /* B's flows are recorded */
		{MUSTER_SLOT(B, A), NONE, MUSTER_SLOT(NONE, A)},
		{MUSTER_SLOT(NONE, A), B, MUSTER_SLOT(B, A)},
		{MUSTER_SLOT(NONE, A), A, MUSTER_SLOT(A, NONE)},
		{MUSTER_SLOT(A, NONE), A, MUSTER_SLOT(A, NONE)},
		{MUSTER_SLOT(A, NONE), B, MUSTER_SLOT(B, A)},
		{MUSTER_SLOT(A, NONE), NONE, MUSTER_SLOT(NONE, A)},
		{MUSTER_SLOT_EMPTY, A, MUSTER_SLOT(A, NONE)}, /* entries may have been left */
		{MUSTER_SLOT_EMPTY, NONE, MUSTER_SLOT_EMPTY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(slot_change(rows[i].before, rows[i].current), rows[i].after);
}

/* A is gone, B and C stay; index A may be a new member's now. */
static void test_inherit(void **state)
{
	static const bool stays[] = {false, true, true};
	static const struct {
		uint32_t before;
		uint16_t current;
		uint32_t after;
	} rows[] = {
		{MUSTER_SLOT(A, A), B, MUSTER_SLOT(B, B)},
		{MUSTER_SLOT(A, A), A, MUSTER_SLOT(A, A)},
		{MUSTER_SLOT(A, A), NONE, MUSTER_SLOT_EMPTY},
		{MUSTER_SLOT(B, A), B, MUSTER_SLOT(B, NONE)}, /* C's may be recorded */
		{MUSTER_SLOT(B, A), C, MUSTER_SLOT(C, NONE)},
		{MUSTER_SLOT(A, NONE), C, MUSTER_SLOT(C, NONE)},
		{MUSTER_SLOT(NONE, A), B, MUSTER_SLOT(B, NONE)},
		{MUSTER_SLOT(A, B), C, MUSTER_SLOT(C, B)},
		{MUSTER_SLOT(A, B), A, MUSTER_SLOT(A, B)},
		{MUSTER_SLOT(A, B), B, MUSTER_SLOT(B, NONE)},
		{MUSTER_SLOT(B, B), B, MUSTER_SLOT(B, B)},
		{MUSTER_SLOT(B, B), A, MUSTER_SLOT(A, B)},
		{MUSTER_SLOT_EMPTY, B, MUSTER_SLOT(B, NONE)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			slot_inherit(rows[i].before, rows[i].current, stays), rows[i].after);
}

static void test_settling(void **state)
{
	(void)state;
	assert_int_equal(slot_pin(MUSTER_SLOT(B, A)), MUSTER_SLOT(B, NONE));
	assert_int_equal(slot_pin(MUSTER_SLOT(NONE, A)), MUSTER_SLOT_EMPTY);
	assert_int_equal(slot_settle(MUSTER_SLOT(B, NONE)), MUSTER_SLOT(B, B));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_settling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
