/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>

/* muster-decap next to us, so that a build tree and an installation do not mix; else in PATH. */
static void run_beside(char **argv)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("muster-decap"));
	char *slash;

	if (n <= 0)
		return;
	path[n] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash + 1, "muster-decap");
	execv(path, argv);
}

int cmd_decap(struct cli *cli)
{
	char **argv = calloc((size_t)cli->n_args + 2, sizeof(*argv));

	if (!argv)
		return CLI_FAILED;
	argv[0] = (char *)"muster-decap";
	memcpy(argv + 1, cli->args, (size_t)cli->n_args * sizeof(*argv));
	run_beside(argv);
	execvp(argv[0], argv);
	cli_error(cli, "cannot run muster-decap: %s", strerror(errno));
	free(argv);
	return CLI_FAILED;
}
