/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ring.h"

#include "unit.h"

#define NONE MUSTER_NONE

enum { A, B, C, MEMBERS };

static const bool all_stay[MEMBERS] = {true, true, true};

/* A ring whose slots are all @owner's, without a base: what slots.c reads of one. */
static void ring_fill(struct ring *ring, uint32_t size, uint16_t owner)
{
	*ring = (struct ring){.size = size, .current = malloc(size * sizeof(*ring->current))};
	assert_non_null(ring->current);
	for (uint32_t i = 0; i < size; i++)
		ring->current[i] = owner;
}

static void slots_make(struct slots *slots, uint32_t n, uint32_t word, uint32_t now)
{
	*slots = (struct slots){};
	assert_int_equal(slots_init(slots, n), 0);
	for (uint32_t at = 0; at < n; at++)
		slots_set(slots, at, word, now);
}

static void assert_all(const struct slots *slots, uint32_t word)
{
	uint32_t moving = 0, pinned = 0;

	for (uint32_t at = 0; at < slots->n; at++) {
		assert_int_equal(slots->word[at], word);
		moving += slot_is_moving(word);
		pinned += slot_is_pinned(word);
	}
	assert_int_equal(slots->moving, moving);
	assert_int_equal(slots->pinned, pinned);
}

static void test_set(void **state)
{
	struct slots slots = {};

	(void)state;
	assert_int_equal(slots_init(&slots, 4), 0);
	assert_all(&slots, MUSTER_SLOT_EMPTY);
	assert_true(slots_set(&slots, 2, MUSTER_SLOT(A, B), 7));
	assert_int_equal(slots.since[2], 7);
	assert_int_equal(slots.moving, 1);
	assert_int_equal(slots.version, 1);
	assert_false(slots_set(&slots, 2, MUSTER_SLOT(A, B), 9)); /* since when stays */
	assert_int_equal(slots.since[2], 7);
	assert_int_equal(slots.version, 1);
	slots_set(&slots, 2, MUSTER_SLOT(A, NONE), 9);
	assert_int_equal(slots.moving, 0);
	assert_int_equal(slots.pinned, 1);
	slots_touch(&slots, 20);
	assert_int_equal(slots.since[0], 20);
	slots_clear(&slots);
	assert_null(slots.word);
}

/* A slot of the ring is several here, where the ring shrank. */
static void test_follow(void **state)
{
	struct patch_slot changes[8];
	struct slots slots;
	struct ring ring;

	(void)state;
	ring_fill(&ring, 4, B);
	slots_make(&slots, 8, MUSTER_SLOT(A, A), 1);
	slots.base = 100;
	assert_int_equal(slots_follow(&slots, &ring, 2, 5, false, changes), 2);
	assert_int_equal(changes[0].index, 104);
	assert_int_equal(changes[1].index, 105);
	assert_int_equal(changes[0].value, MUSTER_SLOT(B, A));
	assert_int_equal(slots.since[4], 5);
	assert_int_equal(slots.since[3], 1);
	assert_int_equal(slots_follow(&slots, &ring, 2, 6, false, changes), 0);
	assert_int_equal(slots_follow(&slots, &ring, 2, 7, true, changes), 2); /* old flows too */
	assert_int_equal(slots.word[5], MUSTER_SLOT(B, B));
	assert_int_equal(slots.moving, 0);
	free(ring.current);
	slots_clear(&slots);
}

static void test_inherit(void **state)
{
	struct slots parent, slots;
	struct patch_slot changes[8];
	struct ring ring;

	(void)state;
	ring_fill(&ring, 8, B);
	ring.current[1] = A;
	slots_make(&parent, 8, MUSTER_SLOT(A, A), 3);
	slots_make(&slots, 8, MUSTER_SLOT_EMPTY, 0);
	slots.base = 16;
	assert_int_equal(slots_inherit(&slots, &ring, &parent, all_stay, 9, changes), 8);
	assert_int_equal(changes[1].index, 17);
	assert_int_equal(slots.word[0], MUSTER_SLOT(B, A));
	assert_int_equal(slots.since[0], 9);
	assert_int_equal(slots.word[1], MUSTER_SLOT(A, A));
	assert_int_equal(slots.since[1], 3); /* nothing changed there */
	assert_int_equal(slots_inherit(&slots, &ring, &parent, all_stay, 12, changes), 0);
	assert_int_equal(slots.since[0], 12); /* until then packets saw the ring before */
	assert_int_equal(slots.since[1], 3);
	assert_ptr_equal(slots.parent, &parent);
	assert_int_equal(slots.parent_version, parent.version);
	assert_int_equal(slots_inherit(&slots, &ring, NULL, NULL, 9, NULL), 7);
	assert_int_equal(slots.word[0], MUSTER_SLOT(B, B)); /* no ring before: nobody's flows */
	free(ring.current);
	slots_clear(&parent);
	slots_clear(&slots);
}

/* A ring that grew: each slot of the one before is several. */
static void test_inherit_finer(void **state)
{
	struct slots parent, slots;
	struct ring ring;

	(void)state;
	ring_fill(&ring, 8, A);
	slots_make(&parent, 2, MUSTER_SLOT(A, A), 3);
	slots_set(&parent, 1, MUSTER_SLOT(A, C), 4);
	slots_make(&slots, 8, MUSTER_SLOT_EMPTY, 0);
	slots_inherit(&slots, &ring, &parent, all_stay, 9, NULL);
	for (uint32_t at = 0; at < 8; at++) {
		assert_int_equal(slots.word[at], at < 4 ? MUSTER_SLOT(A, A) : MUSTER_SLOT(A, C));
		assert_int_equal(slots.since[at], at < 4 ? 3 : 4);
	}
	free(ring.current);
	slots_clear(&parent);
	slots_clear(&slots);
}

/* A ring that shrank a while ago, all of whose slots have settled: it goes on with as few as it has. */
static void test_inherit_coarser(void **state)
{
	struct slots parent, slots;
	struct ring ring;

	(void)state;
	ring_fill(&ring, 2, A);
	ring.current[1] = B;
	slots_make(&parent, 8, MUSTER_SLOT(A, A), 3);
	for (uint32_t at = 4; at < 8; at++)
		slots_set(&parent, at, MUSTER_SLOT(C, C), 4);
	assert_int_equal(slots_needed(&parent, 2), 2);
	slots_make(&slots, 2, MUSTER_SLOT_EMPTY, 0);
	slots_inherit(&slots, &ring, &parent, all_stay, 9, NULL);
	assert_int_equal(slots.word[0], MUSTER_SLOT(A, A));
	assert_int_equal(slots.since[0], 3);
	assert_int_equal(slots.word[1], MUSTER_SLOT(B, C));
	free(ring.current);
	slots_clear(&parent);
	slots_clear(&slots);
}

/*
 * Meanwhile one of those that become one slot got a new owner of new flows. They are recorded, so the slot must
 * not be stable, whoever has it now.
 */
static void test_inherit_coarser_again(void **state)
{
	static const uint16_t currents[] = {A, B};
	struct slots parent, slots;
	struct ring ring;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(currents); i++) {
		ring_fill(&ring, 1, currents[i]);
		slots_make(&parent, 4, MUSTER_SLOT(A, A), 3);
		slots_make(&slots, 1, MUSTER_SLOT_EMPTY, 0);
		slots_inherit(&slots, &ring, &parent, all_stay, 9, NULL);
		slots_set(&parent, 2, MUSTER_SLOT(B, A), 10);
		slots_inherit(&slots, &ring, &parent, all_stay, 11, NULL);
		assert_int_equal(slots.word[0], i ? MUSTER_SLOT(B, A) : MUSTER_SLOT(A, NONE));
		assert_int_equal(slots.since[0], 11);
		free(ring.current);
		slots_clear(&parent);
		slots_clear(&slots);
	}
}

static void test_needed(void **state)
{
	struct slots slots;

	(void)state;
	slots_make(&slots, 8, MUSTER_SLOT(A, A), 0);
	assert_int_equal(slots_needed(&slots, 16), 16);
	assert_int_equal(slots_needed(&slots, 8), 8);
	assert_int_equal(slots_needed(&slots, 2), 2);
	slots_set(&slots, 7, MUSTER_SLOT(A, NONE), 0);
	assert_int_equal(slots_needed(&slots, 2), 8);
	slots_set(&slots, 7, MUSTER_SLOT(B, B), 0); /* its neighbours are another's */
	assert_int_equal(slots_needed(&slots, 2), 8);
	slots_clear(&slots);
}

/* ---- settling ---- */

static void test_settle(void **state)
{
	static const struct {
		uint32_t word, since, after;
		bool held, failing, waits;
	} rows[] = {
		{MUSTER_SLOT(A, A), 0, MUSTER_SLOT(A, A), .held = false},
		{MUSTER_SLOT(A, NONE), 0, MUSTER_SLOT(A, A), .held = false},
		{MUSTER_SLOT(A, NONE), 0, MUSTER_SLOT(A, NONE), .held = true},
		{MUSTER_SLOT(A, NONE), 0, MUSTER_SLOT(A, A),
			.failing = true}, /* nothing new in it */
		{MUSTER_SLOT(A, NONE), 95, MUSTER_SLOT(A, NONE),
			.held = false}, /* since the sweep began */
		{MUSTER_SLOT(A, NONE), 99, MUSTER_SLOT(A, NONE), .held = false}, /* later */
		{MUSTER_SLOT(B, A), 50, MUSTER_SLOT(B, NONE), .held = false},
		{MUSTER_SLOT(B, A), 51, MUSTER_SLOT(B, A), .held = false}, /* not for so long */
		{MUSTER_SLOT(B, A), 50, MUSTER_SLOT(B, A), .failing = true},
		{MUSTER_SLOT(B, A), 50, MUSTER_SLOT(B, A), .waits = true},
		{MUSTER_SLOT(A, B), 50, MUSTER_SLOT(A, NONE), .waits = true}, /* another one does */
		{MUSTER_SLOT(NONE, A), 50, MUSTER_SLOT_EMPTY, .held = false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool waits[MEMBERS] = {rows[i].waits};
		uint8_t held = rows[i].held;
		struct slots_settling how = {.started = 95,
			.settle = 50,
			.failing = rows[i].failing,
			.held = &held,
			.waits = waits};
		struct patch_slot change = {};
		struct slots slots;
		size_t n;

		slots_make(&slots, 1, rows[i].word, rows[i].since);
		n = slots_settle(&slots, &how, 100, &change);
		assert_int_equal(n, rows[i].word != rows[i].after);
		assert_all(&slots, rows[i].after);
		if (n) {
			assert_int_equal(change.value, rows[i].after);
			assert_int_equal(slots.since[0], 100);
		}
		slots_clear(&slots);
	}
}

/* Two passes at least: what was pinned just now has not been swept since. */
static void test_settle_takes_two_passes(void **state)
{
	uint8_t held = 0;
	struct slots_settling how = {.started = 95, .settle = 50, .held = &held};
	struct patch_slot change;
	struct slots slots;

	(void)state;
	slots_make(&slots, 1, MUSTER_SLOT(B, A), 0);
	slots_settle(&slots, &how, 100, &change);
	assert_int_equal(slots.word[0], MUSTER_SLOT(B, NONE));
	slots_settle(&slots, &how, 100, &change);
	assert_int_equal(slots.word[0], MUSTER_SLOT(B, NONE));
	how.started = 101;
	slots_settle(&slots, &how, 101, &change);
	assert_int_equal(slots.word[0], MUSTER_SLOT(B, B));
	slots_clear(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_inherit_finer),
		cmocka_unit_test(test_inherit_coarser),
		cmocka_unit_test(test_inherit_coarser_again),
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_settle_takes_two_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
