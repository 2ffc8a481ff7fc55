/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/events.h"

#include "tests/unit/core/unit.h"

static int woken;

static void wake(void *data)
{
	(void)data;
	woken++;
}

static const char *text_of(json_t *array, size_t i)
{
	return json_string_value(json_object_get(json_array_get(array, i), "text"));
}

static void values_are_logfmt(void **state)
{
	struct events *events;
	json_t *array;
	uint64_t next;

	(void)state;
	assert_int_equal(events_new(&events, wake, NULL), 0);
	events_emit(events, EVENT_INFO, "x", "plain", "a/b-1.2", "space", "two words", "quote",
		"say \"\\\"", "line", "a\nb", "empty", "", "absent", NULL, "bell", "\a", NULL);
	array = events_since(events, 0, &next);
	assert_string_equal(text_of(array, 0), "event=x plain=a/b-1.2 space=\"two words\" "
					       "quote=\"say \\\"\\\\\\\"\" line=\"a\\nb\" "
					       "empty=\"\" bell=\"?\"");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(array, 0), "space")), "two words");
	assert_int_equal(woken, 1);
	json_decref(array);
	events_free(&events);
}

static void since_gives_what_is_kept(void **state)
{
	struct events *events;
	json_t *array;
	uint64_t next;

	(void)state;
	assert_int_equal(events_new(&events, NULL, NULL), 0);
	for (int i = 0; i < 1100; i++)
		events_emit(events, EVENT_INFO, event_text("e%d", i), NULL);
	array = events_since(events, 1, &next);
	assert_int_equal(json_array_size(array), 1024);
	assert_string_equal(text_of(array, 0), "event=e76");
	assert_int_equal(next, 1101);
	json_decref(array);
	array = events_since(events, next, &next);
	assert_int_equal(json_array_size(array), 0);
	json_decref(array);
	events_free(&events);
}

static void durations(void **state)
{
	(void)state;
	assert_string_equal(event_duration(0), "0.0s");
	assert_string_equal(event_duration(12345), "12.3s");
	assert_string_equal(event_duration(247000), "4m07s");
	assert_string_equal(event_duration(11520000), "3h12m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_logfmt),
		cmocka_unit_test(since_gives_what_is_kept),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
