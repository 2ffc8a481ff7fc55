/* SPDX-License-Identifier: BSD-2-Clause */
/* status, monitor, vip, pool, version. */
#include "cli/cli.h"

static int print_ready(const struct cli *cli, const json_t *answer)
{
	bool ready = json_is_true(json_object_get(answer, "ready"));

	if (cli->json) {
		json_dumpf(answer, stdout, JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		printf("%s: %s (%lld of %lld usable)\n", cli->ready, ready ? "ready" : "not ready",
			json_integer_value(json_object_get(answer, "usable")),
			json_integer_value(json_object_get(answer, "members")));
	}
	return ready ? CLI_OK : CLI_NEGATIVE;
}

int cmd_status(struct cli *cli)
{
	json_t *answer;
	char path[256];
	int err;

	if (!cli->ready)
		return client_page(cli, "/v1/status");
	snprintf(path, sizeof(path), "/v1/ready/%s", cli->ready);
	err = client_json(cli, path, NULL, &answer);
	if (err)
		return err;
	err = print_ready(cli, answer);
	json_decref(answer);
	return err;
}

static void print_events(const struct cli *cli, const json_t *answer)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(answer, "events"), i, row)
	{
		if (cli->json) {
			json_dumpf(row, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
			putchar('\n');
		} else {
			printf("%s %s\n", json_string_value(json_object_get(row, "time")),
				json_string_value(json_object_get(row, "text")));
		}
	}
	fflush(stdout);
}

int cmd_monitor(struct cli *cli)
{
	char path[64] = "/v1/events";
	json_t *answer;
	int err;

	cli->timeout = 60; /* longer than musterd holds a poll */
	for (;;) {
		err = client_json(cli, path, NULL, &answer);
		if (err)
			return err;
		print_events(cli, answer);
		snprintf(path, sizeof(path), "/v1/events?since=%lld",
			json_integer_value(json_object_get(answer, "next")));
		json_decref(answer);
	}
}

int cmd_version(struct cli *cli)
{
	printf(cli->json ? "{\"version\": \"%s\"}\n" : "muster %s\n", MUSTER_VERSION);
	return CLI_OK;
}

int cmd_vip_list(struct cli *cli)
{
	return client_page(cli, "/v1/vips");
}

int cmd_pool_list(struct cli *cli)
{
	return client_page(cli, "/v1/pools");
}

int cmd_pool_show(struct cli *cli)
{
	char path[256];

	snprintf(path, sizeof(path), "/v1/pools/%s", cli->args[0]);
	return client_page(cli, path);
}

int cmd_vip_show(struct cli *cli)
{
	char path[256];

	snprintf(path, sizeof(path), "/v1/vips/%s", cli->args[0]);
	return client_page(cli, path);
}
