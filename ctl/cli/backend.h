/* SPDX-License-Identifier: BSD-2-Clause */
/* What the verbs of a backend share. Each returns CLI_OK, or the exit code after the error was printed. */
#ifndef MUSTER_CLI_BACKEND_H
#define MUSTER_CLI_BACKEND_H

#include "cli/cli.h"

/* "/v1/backends/POOL/NAME<suffix>"; a bare NAME is looked for in every pool. */
int backend_path(const struct cli *cli, const char *suffix, char *buf, size_t n);

/* POSTs @body (consumed), with --force in it if that was given. */
int backend_change(struct cli *cli, const char *suffix, json_t *body);

/* "@word TIME" from argument @at on; 0 if there is none. */
int backend_duration(const struct cli *cli, int at, const char *word, uint64_t *ret_ms);

#endif
