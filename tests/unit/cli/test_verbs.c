/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

#include "tests/unit/core/unit.h"

struct row {
	const char *words[4];
	bool abbreviate;
	const char *object, *name; /* NULL name: nothing found */
	const char *hint;
};

static const struct row rows[] = {
	{{"status"}, false, NULL, "status", NULL},
	{{"backend", "drain", "b1"}, false, "backend", "drain", NULL},
	{{"st"}, false, NULL, NULL, NULL},
	{{"st"}, true, NULL, "status", NULL},
	{{"b", "dr", "b1"}, true, "backend", "drain", NULL},
	{{"backend", "d"}, true, "backend", "drain", NULL}, /* disable is never abbreviated */
	{{"backend", "disab", "b1"}, true, NULL, NULL, "did you mean 'backend disable'?"},
	{{"tear"}, true, NULL, NULL, NULL},
	{{"teardown"}, true, NULL, "teardown", NULL},
	{{"vip", "s", "web"}, true, "vip", "show", NULL},
	{{"statsu"}, false, NULL, NULL, "did you mean 'status'?"},
	{{"backend", "drian", "b1"}, false, NULL, NULL, "did you mean 'backend drain'?"},
	{{"backned", "drain"}, false, NULL, NULL, "did you mean 'backend'?"},
	{{"backend"}, false, NULL, NULL,
		"backend takes one of list show drain disable enable weight"},
	{{"xyzzy"}, true, NULL, NULL, NULL},
};

static void verbs_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		_free_ char *hint = NULL;
		const struct verb *verb;
		int argc = 0, used = 0;

		while (argc < 4 && row->words[argc])
			argc++;
		verb = verb_find((char *const *)row->words, argc, row->abbreviate, &used, &hint);
		if (!row->name != !verb)
			fail_msg("row %zu (%s): found %s", i, row->words[0],
				verb ? verb->name : "nothing");
		if (!verb) {
			if (row->hint && (!hint || strcmp(hint, row->hint)))
				fail_msg("row %zu: hint is %s", i, hint ? hint : "none");
			continue;
		}
		assert_string_equal(verb->name, row->name);
		assert_int_equal(used, row->object ? 2 : 1);
		if (row->object)
			assert_string_equal(verb->object, row->object);
	}
}

static const struct verb *verb_named(const char *object, const char *name)
{
	for (size_t i = 0; i < n_verbs; i++)
		if (!strcmp(verbs[i].name, name) &&
			(object ? verbs[i].object && !strcmp(verbs[i].object, object)
				: !verbs[i].object))
			return &verbs[i];
	fail_msg("no verb %s", name);
	return NULL;
}

struct parse_row {
	const char *object, *name;
	const char *words[6];
	int result, n_args, n_files;
	unsigned given;
};

static const struct parse_row parse_rows[] = {
	{NULL, "apply", {"-f", "a", "--file=b", "--prune"}, 0, 0, 2, OPTION_FILE | OPTION_PRUNE},
	{NULL, "apply", {"--prune"}, CLI_USAGE, 0, 0, OPTION_PRUNE},
	{NULL, "apply", {"-f"}, CLI_USAGE, 0, 0, OPTION_FILE},
	{NULL, "apply", {"-f", "a", "stray"}, CLI_USAGE, 1, 1, OPTION_FILE},
	{NULL, "status", {"--ready", "web"}, 0, 0, 0, OPTION_READY},
	{NULL, "status", {"--force"}, CLI_USAGE, 0, 0, 0},
	{"backend", "drain", {"--force", "b1"}, 0, 1, 0, OPTION_FORCE},
	{"backend", "drain", {"b1", "--force"}, 0, 1, 0, OPTION_FORCE},
	{"backend", "drain", {"--", "--force"}, 0, 1, 0, 0},
	{"backend", "drain", {NULL}, CLI_USAGE, 0, 0, 0},
	{"backend", "drain", {"b1", "deadline", "10m", "--wait"}, 0, 3, 0, OPTION_WAIT},
	{"backend", "drain", {"b1", "deadline", "10m", "b2"}, CLI_USAGE, 4, 0, 0},
	{"backend", "weight", {"b1", "50"}, 0, 2, 0, 0},
	{NULL, "decap", {"eth0", "address", "1.2.3.4", "--pin"}, 0, 4, 0, 0},
};

static void options_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parse_rows); i++) {
		const struct parse_row *row = &parse_rows[i];
		struct cli cli = {
			.verb = verb_named(row->object, row->name), .words = (char *)row->name};
		int argc = 0, result;

		while (argc < 6 && row->words[argc])
			argc++;
		result = cli_parse(&cli, (char **)row->words, argc);
		if (result != row->result || cli.n_args != row->n_args ||
			cli.n_files != row->n_files || cli.given != row->given)
			fail_msg("row %zu (%s): %d, %d arguments, %d files, options %x", i,
				row->name, result, cli.n_args, cli.n_files, cli.given);
	}
}

static void every_verb_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_verbs; i++) {
		assert_non_null(verbs[i].run);
		assert_true(strlen(verbs[i].help) > 5);
		assert_int_equal(!verbs[i].args, !verbs[i].max_args);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(verbs[i].name, verbs[j].name))
				assert_true(verbs[i].object && verbs[j].object &&
					    strcmp(verbs[i].object, verbs[j].object));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs_are_found),
		cmocka_unit_test(options_are_parsed),
		cmocka_unit_test(every_verb_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
