/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line. One table of verbs (verbs.c) drives dispatch, help and the man page; one file per
 * family of verbs does the work; client.c talks to musterd.
 */
#ifndef MUSTER_CLI_CLI_H
#define MUSTER_CLI_CLI_H

#include "core/util.h"

#include <jansson.h>

#define CLI_FILES_MAX 64
#define CLI_ARGS_MAX  16

enum cli_exit {
	CLI_OK = 0,
	CLI_NEGATIVE = 1,    /* differs, not ready */
	CLI_USAGE = 2,	     /* usage or invalid input */
	CLI_UNREACHABLE = 3, /* no daemon, no permission */
	CLI_NOT_FOUND = 4,
	CLI_REFUSED = 5, /* conflict, or needs --force or --allow-removal */
	CLI_FAILED = 6,
	CLI_TIMEOUT = 124,
};

/* Options that a verb takes; bits. */
enum cli_option {
	OPTION_FILE = 1 << 0,
	OPTION_PRUNE = 1 << 1,
	OPTION_ALLOW_REMOVAL = 1 << 2,
	OPTION_WAIT = 1 << 3,
	OPTION_FORCE = 1 << 4,
	OPTION_READY = 1 << 5,
	OPTION_CONFIG = 1 << 6,
};

struct verb;

struct cli {
	const struct verb *verb;
	char *words; /* the command as typed, for messages: "backend drain b1" */
	char *const *args;
	int n_args;
	bool json, color;
	bool quiet; /* errors are not printed: the caller has something else to say */
	const char *run_dir;
	int timeout; /* seconds */
	bool timeout_given;
	/* options of the verb */
	unsigned given; /* enum cli_option */
	const char *files[CLI_FILES_MAX];
	int n_files;
	const char *ready, *config;
};

struct verb {
	const char *object; /* NULL: none */
	const char *name;
	const char *args; /* "NAME", "[POOL]"; NULL: none */
	int min_args, max_args;
	unsigned options; /* enum cli_option */
	bool whole;	  /* never abbreviated */
	int (*run)(struct cli *cli);
	const char *help;
};

extern const struct verb verbs[];
extern const size_t n_verbs;

/*
 * The verb that @argv begins with; *ret_used: how many words it took. @abbreviate: a unique beginning
 * suffices. NULL: none; then *ret_hint (freed by the caller) says what may have been meant.
 */
const struct verb *verb_find(
	char *const *argv, int argc, bool abbreviate, int *ret_used, char **ret_hint);

void verbs_help(FILE *out);
void verb_help(FILE *out, const struct verb *verb);
void verbs_scdoc(FILE *out);

/*
 * Reads options and arguments behind the verb. 0, or CLI_USAGE after saying what is wrong. The order
 * does not matter; `--` ends options.
 */
int cli_parse(struct cli *cli, char **argv, int argc);

/* "muster: 'backend drain b1': sentence" on standard error. */
void cli_error(const struct cli *cli, const char *format, ...) PRINTF(2, 3);

/* ---- client.c ---- */

/*
 * One request; @body NULL: GET, else POST (consumed). *ret: the body of a 200, freed by the caller.
 * CLI_OK, or the exit code after the error was printed.
 */
int client_request(const struct cli *cli, const char *path, json_t *body, char **ret);
/* Likewise, parsed. */
int client_json(const struct cli *cli, const char *path, json_t *body, json_t **ret);
/* GETs a page and prints it as text or JSON. */
int client_page(const struct cli *cli, const char *path);
/* POSTs and prints the answer's text, or all of it with -j. */
int client_change(const struct cli *cli, const char *path, json_t *body);

/* ---- cmd_*.c ---- */
int cmd_apply(struct cli *cli);
int cmd_check(struct cli *cli);
int cmd_reload(struct cli *cli);
int cmd_status(struct cli *cli);
int cmd_monitor(struct cli *cli);
int cmd_hold(struct cli *cli);
int cmd_teardown(struct cli *cli);
int cmd_decap(struct cli *cli);
int cmd_doctor(struct cli *cli);
int cmd_version(struct cli *cli);
int cmd_vip_list(struct cli *cli);
int cmd_vip_show(struct cli *cli);
int cmd_pool_list(struct cli *cli);
int cmd_pool_show(struct cli *cli);
int cmd_backend_list(struct cli *cli);
int cmd_backend_show(struct cli *cli);
int cmd_backend_drain(struct cli *cli);
int cmd_backend_disable(struct cli *cli);
int cmd_backend_enable(struct cli *cli);
int cmd_backend_weight(struct cli *cli);

#endif
