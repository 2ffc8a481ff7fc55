/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/health.h"

#include "unit.h"

/*
 * A row is a story: outcomes from left to right, and the state after each. One letter an outcome:
 *	p pass   s soft (a timeout)   h hard (refused)   l local error   o tether off
 *	H a soft failure while the blind checker holds
 * One letter a state: ? unknown   u up   f failing   x unreachable
 */
struct story {
	const char *outcomes, *states;
	uint16_t rise, fall;
	bool refused_is_soft;
};

static const struct story stories[] = {
	/* the first evidence: one pass is enough, whatever `rise` is */
	{"p", "u", .rise = 5, .fall = 3},
	{"h", "x", .rise = 2, .fall = 3},
	{"sss", "??f", .rise = 2, .fall = 3},
	{"sps", "?uu", .rise = 2, .fall = 3},
	{"shs", "?xx", .rise = 2, .fall = 3},
	/* up */
	{"ph", "ux", .rise = 2, .fall = 3},
	{"psss", "uuuf", .rise = 2, .fall = 3},
	{"psspsss", "uuuuuuf", .rise = 2, .fall = 3},
	{"ps", "uf", .rise = 2, .fall = 1},
	/* failing, unreachable: no way between them but hard evidence */
	{"psssh", "uuufx", .rise = 2, .fall = 3},
	{"phssss", "uxxxxx", .rise = 2, .fall = 3},
	{"psssss", "uuufff", .rise = 2, .fall = 3},
	/* back: `rise` passes in a row */
	{"phpp", "uxxu", .rise = 2, .fall = 3},
	{"psssppp", "uuufffu", .rise = 3, .fall = 3},
	{"php", "uxu", .rise = 1, .fall = 3},
	{"phpspp", "uxxxxu", .rise = 2, .fall = 3},
	{"phphpp", "uxxxxu", .rise = 2, .fall = 3},
	{"sssp", "??ff", .rise = 2, .fall = 3},
	/* local errors are no evidence: they neither count nor break a series */
	{"lll", "???", .rise = 2, .fall = 1},
	{"pslsls", "uuuuuf", .rise = 2, .fall = 3},
	{"phplp", "uxxxu", .rise = 2, .fall = 3},
	{"poso", "uuuu", .rise = 2, .fall = 2},
	/* refused on another port than the backend's */
	{"phhh", "uuuf", .rise = 2, .fall = 3, .refused_is_soft = true},
	{"h", "?", .rise = 2, .fall = 3, .refused_is_soft = true},
	/* held: counted, but no change; the first failure after the hold does it */
	{"pHHHHs", "uuuuuf", .rise = 2, .fall = 3},
	{"pHHpss", "uuuuuu", .rise = 2, .fall = 3},
	{"pHHh", "uuux", .rise = 2, .fall = 3},
	{"HHH", "???", .rise = 2, .fall = 1},
};

static struct health_input input_of(char letter, bool refused_is_soft)
{
	struct health_input input = {
		.refused_is_soft = refused_is_soft,
		.hold = letter == 'H',
	};

	switch (letter) {
	case 'p':
		input.outcome = OUTCOME_pass;
		break;
	case 'h':
		input.outcome = OUTCOME_refused;
		break;
	case 'l':
		input.outcome = OUTCOME_local_error;
		break;
	case 'o':
		input.outcome = OUTCOME_tether_off;
		break;
	default:
		input.outcome = OUTCOME_answer_timeout;
	}
	return input;
}

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stories); i++) {
		const struct story *story = &stories[i];
		struct health_params params = {story->rise, story->fall};
		struct health health = {};
		char states[16] = "";

		for (size_t k = 0; story->outcomes[k]; k++) {
			struct health_input input =
				input_of(story->outcomes[k], story->refused_is_soft);
			enum health_state before = health.state;
			bool changed = health_step(&health, &params, &input, 1000 + k);

			assert_int_equal(changed, health.state != before);
			if (changed)
				assert_int_equal(health.since_ms, 1000 + k);
			states[k] = "?ufx"[health.state];
		}
		assert_string_equal(states, story->states);
	}
}

static void step(struct health *health, char letter, uint64_t now_ms)
{
	struct health_params params = {2, 3};
	struct health_input input = input_of(letter, false);

	health_step(health, &params, &input, now_ms);
}

static void test_first_failure(void **state)
{
	struct health health = {};

	(void)state;
	step(&health, 'p', 10);
	assert_int_equal(health.first_fail_ms, 0);
	step(&health, 's', 20);
	step(&health, 'l', 25);
	step(&health, 's', 30);
	assert_int_equal(health.first_fail_ms, 20);
	assert_int_equal(health.fails, 2);
	step(&health, 'p', 40);
	assert_int_equal(health.first_fail_ms, 0);
	step(&health, 'H', 50);
	assert_int_equal(health.first_fail_ms, 50);
}

/* `restored` ends with the first outcome that counts, whatever it says. */
static void test_restored(void **state)
{
	static const struct {
		char letter;
		bool restored;
	} rows[] = {
		{'p', false}, {'s', false}, {'h', false}, {'H', false}, {'l', true}, {'o', true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct health health = {.restored = true};

		step(&health, rows[i].letter, 1);
		assert_int_equal(health.restored, rows[i].restored);
	}
}

static void test_local_changes_nothing(void **state)
{
	struct health health = {.restored = true}, before;

	(void)state;
	step(&health, 's', 10);
	step(&health, 's', 20);
	before = health;
	step(&health, 'l', 30);
	step(&health, 'o', 40);
	assert_memory_equal(&health, &before, sizeof(health));
}

/* A server that is down for months does not wrap around to a fresh count. */
static void test_counters_saturate(void **state)
{
	struct health health = {};

	(void)state;
	for (uint32_t i = 0; i < UINT16_MAX + 10u; i++)
		step(&health, 's', i + 1);
	assert_int_equal(health.fails, UINT16_MAX);
	assert_int_equal(health.state, HEALTH_FAILING);
	for (uint32_t i = 0; i < UINT16_MAX + 10u; i++)
		step(&health, 'p', i + 1);
	assert_int_equal(health.passes, UINT16_MAX);
	assert_int_equal(health.state, HEALTH_UP);
}

static void test_combine(void **state)
{
	static const struct {
		const char *checks;
		enum health_state combined;
	} rows[] = {
		{"", HEALTH_UP},
		{"u", HEALTH_UP},
		{"uu", HEALTH_UP},
		{"u?", HEALTH_UNKNOWN},
		{"?fu", HEALTH_FAILING},
		{"f?", HEALTH_FAILING},
		{"ufx", HEALTH_UNREACHABLE},
		{"xu?", HEALTH_UNREACHABLE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].checks);
		struct health checks[4] = {};

		for (size_t k = 0; k < n; k++)
			checks[k].state = strchr("?ufx", rows[i].checks[k]) - "?ufx";
		assert_int_equal(health_combine(checks, n), rows[i].combined);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(health_state_name(HEALTH_UNKNOWN), "unknown");
	assert_string_equal(health_state_name(HEALTH_UP), "up");
	assert_string_equal(health_state_name(HEALTH_FAILING), "failing");
	assert_string_equal(health_state_name(HEALTH_UNREACHABLE), "unreachable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_first_failure),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_local_changes_nothing),
		cmocka_unit_test(test_counters_saturate),
		cmocka_unit_test(test_combine),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
