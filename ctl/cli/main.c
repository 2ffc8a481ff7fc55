/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

/* Options before the verb; *ret_used: words taken. */
static int parse_global(struct cli *cli, char **argv, int argc, int *ret_used)
{
	int at = 0;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if (!strcmp(argv[at], "-j") || !strcmp(argv[at], "--json")) {
			cli->json = true;
		} else if (!strcmp(argv[at], "--run-dir") && at + 1 < argc) {
			cli->run_dir = argv[++at];
		} else if (!strcmp(argv[at], "--timeout") && at + 1 < argc &&
			   atoi(argv[at + 1]) > 0) {
			cli->timeout = atoi(argv[++at]);
			cli->timeout_given = true;
		} else if (!strcmp(argv[at], "-h") || !strcmp(argv[at], "--help")) {
			verbs_help(stdout);
			exit(CLI_OK);
		} else if (!strcmp(argv[at], "-V") || !strcmp(argv[at], "--version")) {
			exit(cmd_version(cli));
		} else {
			cli_error(cli, "no option %s, or its value is missing; see `muster --help`",
				argv[at]);
			return CLI_USAGE;
		}
	}
	*ret_used = at;
	return 0;
}

/* -j and --help are taken behind the verb, too; removes them. */
static bool take_flag(char **argv, int *argc, const char *flag, const char *other)
{
	for (int i = 0; i < *argc && strcmp(argv[i], "--"); i++) {
		if (strcmp(argv[i], flag) && strcmp(argv[i], other))
			continue;
		memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i - 1) * sizeof(*argv));
		--*argc;
		return true;
	}
	return false;
}

static char *join(char *const *argv, int argc)
{
	char *words = strdup("");

	for (int i = 0; i < argc && words; i++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", words, i ? " " : "", argv[i]) < 0)
			longer = NULL;
		free(words);
		words = longer;
	}
	return words;
}

static int help(char **argv, int argc)
{
	const struct verb *verb;
	_free_ char *hint = NULL;
	int used;

	if (argc && !strcmp(argv[0], "--scdoc")) {
		verbs_scdoc(stdout);
		return CLI_OK;
	}
	verb = verb_find(argv, argc, false, &used, &hint);
	if (verb)
		verb_help(stdout, verb);
	else
		verbs_help(stdout);
	return CLI_OK;
}

static int run_verb(struct cli *cli, char **argv, int argc)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	_free_ char *hint = NULL;
	int used, err;

	cli->verb = verb_find(argv, argc, terminal, &used, &hint);
	if (!cli->verb) {
		fprintf(stderr, "muster: no verb '%s'%s%s; see `muster --help`\n", cli->words,
			hint ? ": " : "", hint ? hint : "");
		return CLI_USAGE;
	}
	argv += used;
	argc -= used;
	if (cli->verb->run != cmd_decap) {
		cli->json |= take_flag(argv, &argc, "-j", "--json");
		if (take_flag(argv, &argc, "-h", "--help")) {
			verb_help(stdout, cli->verb);
			return CLI_OK;
		}
	}
	err = cli_parse(cli, argv, argc);
	return err ? err : cli->verb->run(cli);
}

int main(int argc, char **argv)
{
	const char *run_dir = getenv("MUSTER_RUN_DIR");
	struct cli cli = {
		.run_dir = run_dir && *run_dir ? run_dir : "/run/muster",
		.timeout = 30,
		.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
	};
	int used, err;

	err = parse_global(&cli, argv + 1, argc - 1, &used);
	if (err)
		return err;
	argv += used + 1;
	argc -= used + 1;
	if (!argc) {
		verbs_help(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[0], "help"))
		return help(argv + 1, argc - 1);
	cli.words = join(argv, argc);
	err = run_verb(&cli, argv, argc);
	free(cli.words);
	return err;
}
