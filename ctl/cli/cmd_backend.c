/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/backend.h"
#include "manifest/manifest.h"

#include <errno.h>

int backend_path(const struct cli *cli, const char *suffix, char *buf, size_t n)
{
	const char *backend = cli->args[0], *slash = strchr(backend, '/');

	if (!*backend || (slash && (slash == backend || !slash[1] || strchr(slash + 1, '/'))) ||
		strpbrk(backend, "?#% ")) {
		cli_error(cli, "'%s' is no backend; say POOL/NAME or NAME", backend);
		return CLI_USAGE;
	}
	snprintf(buf, n, "/v1/backends/%s%s%s", slash ? "" : "-/", backend, suffix);
	return CLI_OK;
}

int cmd_backend_list(struct cli *cli)
{
	char path[256] = "/v1/backends";

	if (cli->n_args)
		snprintf(path, sizeof(path), "/v1/backends?pool=%s", cli->args[0]);
	return client_page(cli, path);
}

int cmd_backend_show(struct cli *cli)
{
	char path[256];
	int err = backend_path(cli, "", path, sizeof(path));

	return err ? err : client_page(cli, path);
}

int backend_change(struct cli *cli, const char *suffix, json_t *body)
{
	char path[256];
	int err = backend_path(cli, suffix, path, sizeof(path));

	if (err) {
		json_decref(body);
		return err;
	}
	if (cli->given & OPTION_FORCE)
		json_object_set_new(body, "force", json_true());
	return client_change(cli, path, body);
}

int cmd_backend_disable(struct cli *cli)
{
	return backend_change(cli, "/disable", json_object());
}

int cmd_backend_enable(struct cli *cli)
{
	return backend_change(cli, "/enable", json_object());
}

int backend_duration(const struct cli *cli, int at, const char *word, uint64_t *ret_ms)
{
	*ret_ms = 0;
	if (cli->n_args <= at)
		return CLI_OK;
	if (strcmp(cli->args[at], word)) {
		cli_error(cli, "expects %s, not '%s'", word, cli->args[at]);
		return CLI_USAGE;
	}
	if (cli->n_args == at + 1) {
		cli_error(cli, "%s needs a time like 10m", word);
		return CLI_USAGE;
	}
	if (!manifest_parse_duration(cli->args[at + 1], ret_ms)) {
		cli_error(cli, "'%s' is not a time: say 30s, 10m or 1h", cli->args[at + 1]);
		return CLI_USAGE;
	}
	return CLI_OK;
}

int cmd_backend_weight(struct cli *cli)
{
	const char *text = cli->args[1];
	uint64_t over_ms;
	long weight;
	char *end;
	int err;

	errno = 0;
	weight = strtol(text, &end, 10);
	if (errno || *end || end == text || weight < 0 || weight > 65535) {
		cli_error(cli, "a weight is a number from 0 to 65535, not '%s'", text);
		return CLI_USAGE;
	}
	err = backend_duration(cli, 2, "over", &over_ms);
	if (err)
		return err;
	return backend_change(cli, "/weight",
		json_pack("{s:I, s:I}", "weight", (json_int_t)weight, "over_ms",
			(json_int_t)over_ms));
}
