/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

#include <stdarg.h>

static const struct {
	const char *name;
	unsigned option;
	bool has_value;
} rows[] = {
	{"-f", OPTION_FILE, true},
	{"--file", OPTION_FILE, true},
	{"--prune", OPTION_PRUNE, false},
	{"--allow-removal", OPTION_ALLOW_REMOVAL, false},
	{"--wait", OPTION_WAIT, false},
	{"--force", OPTION_FORCE, false},
	{"--ready", OPTION_READY, true},
	{"-c", OPTION_CONFIG, true},
	{"--config", OPTION_CONFIG, true},
};

void cli_error(const struct cli *cli, const char *format, ...)
{
	va_list args;

	if (cli->quiet)
		return;
	if (cli->words && *cli->words)
		fprintf(stderr, "muster: '%s': ", cli->words);
	else
		fprintf(stderr, "muster: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static int unknown_option(const struct cli *cli, const char *word)
{
	const char *names[ARRAY_SIZE(rows)], *nearest;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (cli->verb->options & rows[i].option)
			names[n++] = rows[i].name;
	nearest = util_nearest(word, names, n);
	if (nearest)
		cli_error(cli, "no option %s (did you mean '%s'?)", word, nearest);
	else
		cli_error(cli, "no option %s; see `muster %s%s%s --help`", word,
			cli->verb->object ? cli->verb->object : "", cli->verb->object ? " " : "",
			cli->verb->name);
	return CLI_USAGE;
}

static int take_value(struct cli *cli, unsigned option, const char *value)
{
	if (option == OPTION_READY)
		cli->ready = value;
	else if (option == OPTION_CONFIG)
		cli->config = value;
	else if (cli->n_files == CLI_FILES_MAX) {
		cli_error(cli, "more than %d -f; name a directory", CLI_FILES_MAX);
		return CLI_USAGE;
	} else
		cli->files[cli->n_files++] = value;
	return 0;
}

/* *ret_used: words taken. */
static int parse_option(struct cli *cli, char **argv, int argc, int *ret_used)
{
	const char *word = argv[0];
	size_t n = strcspn(word, "=");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strlen(rows[i].name) != n || strncmp(rows[i].name, word, n) ||
			!(cli->verb->options & rows[i].option))
			continue;
		cli->given |= rows[i].option;
		*ret_used = 1;
		if (!rows[i].has_value)
			return word[n] ? unknown_option(cli, word) : 0;
		if (word[n])
			return take_value(cli, rows[i].option, word + n + 1);
		if (argc < 2) {
			cli_error(cli, "%s needs a value", word);
			return CLI_USAGE;
		}
		*ret_used = 2;
		return take_value(cli, rows[i].option, argv[1]);
	}
	return unknown_option(cli, word);
}

int cli_parse(struct cli *cli, char **argv, int argc)
{
	static char *args[CLI_ARGS_MAX * 8];
	bool options_end = cli->verb->max_args > (int)ARRAY_SIZE(args); /* decap has its own */
	int at = 0, used = 1, err;

	cli->args = args;
	while (at < argc) {
		if (!options_end && !strcmp(argv[at], "--")) {
			options_end = true;
			at++;
		} else if (!options_end && argv[at][0] == '-' && argv[at][1]) {
			err = parse_option(cli, argv + at, argc - at, &used);
			if (err)
				return err;
			at += used;
		} else if (cli->n_args == (int)ARRAY_SIZE(args) - 1) {
			cli_error(cli, "too many arguments");
			return CLI_USAGE;
		} else {
			args[cli->n_args++] = argv[at++];
		}
	}
	if (cli->n_args < cli->verb->min_args || cli->n_args > cli->verb->max_args) {
		if (cli->verb->args)
			cli_error(cli, "expects %s", cli->verb->args);
		else
			cli_error(cli, "takes no argument '%s'", args[0]);
		return CLI_USAGE;
	}
	if (cli->verb->options & OPTION_FILE && !cli->n_files) {
		cli_error(cli, "needs -f PATH");
		return CLI_USAGE;
	}
	return 0;
}
