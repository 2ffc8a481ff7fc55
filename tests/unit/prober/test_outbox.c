/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/outbox.h"

#include "tests/unit/core/unit.h"

enum { TARGETS = 4 };

/*
 * What comes, while nothing can be sent, as target and outcome (p pass, h hard, s soft, l local); and what
 * is sent in the end.
 */
static const struct {
	const char *put, *sent;
} rows[] = {
	{"", ""},
	/* in the order it came */
	{"0p 1p 2s", "0p 1p 2s"},
	/* hard evidence first, in the order it came */
	{"0p 1h 2s 3h", "1h 3h 0p 2s"},
	/* one slot a target: the later one, at the turn of the first */
	{"0p 1p 0s", "0s 1p"},
	{"0s 1p 0p", "0p 1p"},
	{"0s 0s", "0s"},
	/* hard evidence jumps the queue, also over what its own target said before */
	{"0p 1p 1h", "1h 0p"},
	{"0h 1s 1h 1h", "0h 1h"},
	/* a soft failure does not hide it ... */
	{"0h 0s", "0h"},
	{"0h 1p 0s 0s", "0h 1p"},
	/* ... a later pass does, and then has no haste */
	{"0h 1s 0p", "1s 0p"},
	{"0h 0s 0p", "0p"},
	{"0h 0p 0s", "0s"},
	/* our own trouble hides nothing, and gives way to everything */
	{"0p 0l", "0p"},
	{"0s 0l", "0s"},
	{"0h 0l", "0h"},
	{"0l 0p", "0p"},
	{"0l 0s", "0s"},
	{"0l 1p 0h", "0h 1p"},
	{"0l", "0l"},
	/* - : the target is deleted */
	{"0h 1p 0-", "1p"},
	{"0p 1p 2p 1-", "0p 2p"},
	{"0p 0- 1p 0s", "1p 0s"},
};

static struct probe_result result_of(char letter)
{
	static const char letters[] = "phsl";
	static const enum probe_outcome outcomes[] = {
		OUTCOME_pass, OUTCOME_refused, OUTCOME_bad_status, OUTCOME_local_error};
	const char *at = strchr(letters, letter);

	assert_non_null(at);
	return (struct probe_result){.outcome = (uint16_t)outcomes[at - letters]};
}

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outbox_slot slots[TARGETS] = {}, *slot;
		struct outbox outbox = {};
		char sent[32] = "";

		for (const char *p = rows[i].put; *p; p += p[2] ? 3 : 2) {
			struct probe_result result;

			slot = &slots[p[0] - '0'];
			if (p[1] == '-') {
				outbox_remove(&outbox, slot);
				continue;
			}
			result = result_of(p[1]);
			outbox_put(&outbox, slot, &result);
		}
		while ((slot = outbox_first(&outbox))) {
			size_t n = strlen(sent);

			snprintf(sent + n, sizeof(sent) - n, "%s%d%c", n ? " " : "",
				(int)(slot - slots),
				"phsl"[probe_outcome_strength(slot->result.outcome)]);
			outbox_remove(&outbox, slot);
			assert_false(slot->waits);
		}
		assert_string_equal(sent, rows[i].sent);
	}
}

/* The whole of the later result is sent, not only its outcome. */
static void test_content(void **state)
{
	struct outbox outbox = {};
	struct outbox_slot slot = {};
	struct probe_result first = result_of('s'), later = result_of('h');

	(void)state;
	first.probe_seq = 1;
	later.probe_seq = 2;
	later.cause_ns = 42;
	outbox_put(&outbox, &slot, &first);
	outbox_put(&outbox, &slot, &later);
	assert_ptr_equal(outbox_first(&outbox), &slot);
	assert_memory_equal(&slot.result, &later, sizeof(later));
	outbox_remove(&outbox, &slot);
	outbox_remove(&outbox, &slot);
	assert_null(outbox_first(&outbox));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
