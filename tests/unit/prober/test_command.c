/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/command.h"

#include "tests/unit/core/unit.h"

enum { HEADER = sizeof(struct probe_header), ADD = sizeof(struct probe_add) };

static const struct probe_add good = {
	.header = {.version = PROBE_VERSION, .type = PROBE_FRAME_ADD, .target_id = 1},
	.spec =
		{
			.port = 80,
			.type = CHECK_HTTP,
			.interval = 2000,
			.fast = 200,
			.down = 1000,
			.timeout = 1500,
			.fast_timeout = 500,
			.rise = 2,
			.fall = 3,
			.n_status = 1,
			.path = "/health?x=\xc3\xa9",
			.host = "web.example.net",
			.body = "several\nlines",
		},
};

static void test_frames(void **state)
{
	static const struct {
		uint8_t version, type;
		size_t n;
		const char *why;
	} rows[] = {
		{PROBE_VERSION, PROBE_FRAME_ADD, ADD, NULL},
		{PROBE_VERSION, PROBE_FRAME_DELETE, HEADER, NULL},
		{PROBE_VERSION, PROBE_FRAME_RECHECK, HEADER, NULL},
		{PROBE_VERSION, PROBE_FRAME_DELETE, HEADER - 1, "shorter than a header"},
		{PROBE_VERSION, PROBE_FRAME_ADD, HEADER, "wrong length for its type"},
		{PROBE_VERSION, PROBE_FRAME_ADD, ADD - 1, "wrong length for its type"},
		{PROBE_VERSION, PROBE_FRAME_ADD, ADD + 1, "wrong length for its type"},
		{PROBE_VERSION, PROBE_FRAME_DELETE, ADD, "wrong length for its type"},
		{PROBE_VERSION, PROBE_FRAME_RECHECK, HEADER + 1, "wrong length for its type"},
		{PROBE_VERSION + 1, PROBE_FRAME_DELETE, HEADER, "another version"},
		{PROBE_VERSION, PROBE_FRAME_RESULT, HEADER, "not a type that musterd sends"},
		{PROBE_VERSION, PROBE_FRAME_HEARTBEAT, HEADER, "not a type that musterd sends"},
		{PROBE_VERSION, PROBE_FRAME_MAX, HEADER, "not a type that musterd sends"},
		{PROBE_VERSION, 255, HEADER, "not a type that musterd sends"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		union probe_frame frame = {.add = good};
		const char *why;

		frame.header.version = rows[i].version;
		frame.header.type = rows[i].type;
		why = command_check(&frame, rows[i].n);
		if (rows[i].why)
			assert_string_equal(why, rows[i].why);
		else
			assert_null(why);
	}
}

#define BREAK(field, value)                                                        \
	{                                                                          \
		offsetof(struct probe_spec, field), sizeof(good.spec.field), value \
	}

static void test_specs(void **state)
{
	/* What one byte more or less does: each field set to a value that it cannot have. */
	static const struct {
		size_t offset, n;
		int byte;
	} rows[] = {
		BREAK(type, CHECK_HTTP + 1),
		BREAK(tether, TETHER_OFF + 1),
		BREAK(hard_refused, 2),
		BREAK(port, 0),
		BREAK(interval, 0),
		BREAK(fast, 0),
		BREAK(down, 0),
		BREAK(timeout, 0),
		BREAK(fast_timeout, 0),
		BREAK(rise, 0),
		BREAK(fall, 0),
		BREAK(n_status, MODEL_STATUS_RANGES + 1),
		BREAK(host, 'x'),
		BREAK(path, 'x'),
		BREAK(body, 'x'),
		BREAK(host[3], '\n'),
		BREAK(path[3], '\r'),
		BREAK(path[3], ' '),
		BREAK(path[3], 0x7f),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		union probe_frame frame = {.add = good};

		memset((char *)&frame.add.spec + rows[i].offset, rows[i].byte, rows[i].n);
		assert_non_null(command_check(&frame, ADD));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_specs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
