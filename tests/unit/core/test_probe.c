/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/probe.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>

static void test_outcomes(void **state)
{
	static const struct {
		enum probe_outcome outcome;
		const char *name;
		enum probe_strength strength;
	} rows[] = {
		{OUTCOME_pass, "pass", PROBE_PASS},
		{OUTCOME_refused, "refused", PROBE_HARD},
		{OUTCOME_reset, "reset", PROBE_SOFT},
		{OUTCOME_closed, "closed", PROBE_SOFT},
		{OUTCOME_connect_timeout, "connect_timeout", PROBE_SOFT},
		{OUTCOME_answer_timeout, "answer_timeout", PROBE_SOFT},
		{OUTCOME_unreachable, "unreachable", PROBE_SOFT},
		{OUTCOME_bad_status, "bad_status", PROBE_SOFT},
		{OUTCOME_bad_body, "bad_body", PROBE_SOFT},
		{OUTCOME_bad_protocol, "bad_protocol", PROBE_SOFT},
		{OUTCOME_local_error, "local_error", PROBE_LOCAL},
		{OUTCOME_tether_off, "tether_off", PROBE_LOCAL},
	};

	(void)state;
	assert_int_equal(ARRAY_SIZE(rows), OUTCOME_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(rows[i].outcome, i);
		assert_string_equal(probe_outcome_name(rows[i].outcome), rows[i].name);
		assert_int_equal(probe_outcome_strength(rows[i].outcome), rows[i].strength);
		assert_true(strlen(probe_outcome_text(rows[i].outcome)) > 3);
	}
}

/* Both processes come from one build, but a difference in layout must not go unseen. */
static void test_layout(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct probe_header), 16);
	assert_int_equal(sizeof(struct probe_spec), 1616);
	assert_int_equal(sizeof(struct probe_add), 1632);
	assert_int_equal(sizeof(struct probe_result), 56 + PROBE_DETAIL_MAX);
	assert_int_equal(offsetof(struct probe_result, detail), 56);
}

enum { HEADER = sizeof(struct probe_header), RESULT = sizeof(struct probe_result) };

static void test_check(void **state)
{
	static const struct {
		uint8_t version, type;
		uint16_t outcome, tethered;
		size_t n;
		int err;
	} rows[] = {
		{PROBE_VERSION, PROBE_FRAME_RESULT, OUTCOME_pass, 0, RESULT, 0},
		{PROBE_VERSION, PROBE_FRAME_RESULT, OUTCOME_MAX - 1, 1, RESULT, 0},
		{PROBE_VERSION, PROBE_FRAME_HEARTBEAT, 0, 0, HEADER, 0},
		/* lengths */
		{PROBE_VERSION, PROBE_FRAME_RESULT, 0, 0, 0, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_RESULT, 0, 0, 1, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_RESULT, 0, 0, HEADER, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_RESULT, 0, 0, RESULT - 1, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_RESULT, 0, 0, RESULT + 1, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_HEARTBEAT, 0, 0, HEADER - 1, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_HEARTBEAT, 0, 0, HEADER + 1, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_HEARTBEAT, 0, 0, RESULT, -EPROTO},
		/* what only musterd may say */
		{PROBE_VERSION, PROBE_FRAME_ADD, 0, 0, sizeof(struct probe_add), -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_DELETE, 0, 0, HEADER, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_RECHECK, 0, 0, HEADER, -EPROTO},
		/* out of range */
		{PROBE_VERSION, PROBE_FRAME_MAX, 0, 0, RESULT, -EPROTO},
		{PROBE_VERSION, 255, 0, 0, RESULT, -EPROTO},
		{PROBE_VERSION + 1, PROBE_FRAME_RESULT, 0, 0, RESULT, -EPROTO},
		{0, PROBE_FRAME_HEARTBEAT, 0, 0, HEADER, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_RESULT, OUTCOME_MAX, 0, RESULT, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_RESULT, 0xffff, 0, RESULT, -EPROTO},
		{PROBE_VERSION, PROBE_FRAME_RESULT, 0, 2, RESULT, -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		union probe_frame frame = {
			.result = {
				.header = {.version = rows[i].version, .type = rows[i].type},
				.outcome = rows[i].outcome,
				.tethered = rows[i].tethered,
			}};

		assert_int_equal(probe_frame_check(&frame, rows[i].n), rows[i].err);
	}
}

static void test_detail(void **state)
{
	static const struct {
		const char *sent, *shown;
	} rows[] = {
		{"HTTP 503", "HTTP 503"},
		{"", ""},
		{"a\nb\tc", "a?b?c"},
		{"\x1b[31mred\x7f", "?[31mred?"},
		{"caf\xc3\xa9", "caf??"},
	};
	union probe_frame frame = {
		.header = {.version = PROBE_VERSION, .type = PROBE_FRAME_RESULT}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(frame.result.detail, PROBE_DETAIL_MAX, "%s", rows[i].sent);
		assert_int_equal(probe_frame_check(&frame, sizeof(frame.result)), 0);
		assert_string_equal(frame.result.detail, rows[i].shown);
	}
	memset(frame.result.detail, 'x', PROBE_DETAIL_MAX);
	assert_int_equal(probe_frame_check(&frame, sizeof(frame.result)), 0);
	assert_int_equal(strnlen(frame.result.detail, PROBE_DETAIL_MAX), PROBE_DETAIL_MAX - 1);
}

static void test_spec(void **state)
{
	struct check check = {
		.type = CHECK_HTTP,
		.tether = TETHER_OFF,
		.interval = 2000,
		.fast = 200,
		.down = 1000,
		.timeout = 1500,
		.fast_timeout = 500,
		.rise = 2,
		.fall = 3,
		.path = (char *)"/health",
		.status = {{200, 299}, {404, 404}},
		.n_status = 2,
	};
	struct muster_addr addr;
	struct probe_spec spec, again;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1", &addr), 0);
	memset(&spec, 0xaa, sizeof(spec));
	memset(&again, 0x55, sizeof(again));
	probe_spec_init(&spec, &check, &addr, htons(80));
	probe_spec_init(&again, &check, &addr, htons(80));
	assert_memory_equal(&spec, &again, sizeof(spec));
	assert_int_equal(spec.port, htons(80));
	assert_int_equal(spec.hard_refused, 1);
	assert_int_equal(spec.tether, TETHER_OFF);
	assert_int_equal(spec.n_status, 2);
	assert_int_equal(spec.status[1].high, 404);
	assert_string_equal(spec.path, "/health");
	assert_string_equal(spec.host, "");
	assert_string_equal(spec.body, "");

	check.port = htons(8080);
	probe_spec_init(&spec, &check, &addr, htons(80));
	assert_int_equal(spec.port, htons(8080));
	assert_int_equal(spec.hard_refused, 0);
	check.port = htons(80);
	probe_spec_init(&spec, &check, &addr, htons(80));
	assert_int_equal(spec.hard_refused, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_detail),
		cmocka_unit_test(test_spec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
