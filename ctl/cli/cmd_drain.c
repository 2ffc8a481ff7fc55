/* SPDX-License-Identifier: BSD-2-Clause */
/* backend drain, and waiting for its end. */
#include "cli/backend.h"

#include <time.h>

/* So long without a flow, and the backend counts as drained. Longer pauses are not known of. */
#define QUIET_S 10

#define POLL_US	   500000
#define DEADLINE_S 5 /* musterd looks at deadlines each second */

struct drain {
	const struct cli *cli;
	char path[256];
	json_int_t flows, shown;
	bool over; /* the deadline has passed, or somebody ended the drain */
	time_t quiet_since;
};

static int look(struct drain *drain)
{
	json_t *page;
	int err = client_json(drain->cli, drain->path, NULL, &page);

	if (err)
		return err;
	drain->flows = json_integer_value(json_object_get(page, "flows"));
	drain->over = !json_is_true(json_object_get(page, "old_ok")) ||
		      strcmp(json_string_value(json_object_get(page, "admin")), "draining") != 0;
	json_decref(page);
	if (drain->flows)
		drain->quiet_since = time(NULL);
	return CLI_OK;
}

static void show(struct drain *drain)
{
	if (drain->flows == drain->shown || drain->cli->json)
		return;
	drain->shown = drain->flows;
	fprintf(stderr, "%lld flows left that were seen since the drain began\n",
		(long long)drain->flows);
}

static int finish(const struct drain *drain)
{
	if (drain->cli->json)
		printf("{\"flows\": %lld, \"deadline_passed\": %s}\n", (long long)drain->flows,
			drain->over ? "true" : "false");
	else if (drain->over)
		printf("the deadline has passed: %lld flows were moved\n", (long long)drain->flows);
	else
		printf("drained: no flow for %d s (one that is idle for longer is not known of)\n",
			QUIET_S);
	return CLI_OK;
}

static int wait_drained(struct cli *cli, uint64_t deadline_ms)
{
	struct drain drain = {.cli = cli, .shown = -1, .quiet_since = time(NULL)};
	time_t end = time(NULL) + cli->timeout;
	int err;

	if (deadline_ms && !cli->timeout_given)
		end = time(NULL) + (time_t)(deadline_ms / 1000) + DEADLINE_S;
	err = backend_path(cli, "", drain.path, sizeof(drain.path));
	while (!err) {
		err = look(&drain);
		if (err)
			break;
		show(&drain);
		if (drain.over || time(NULL) - drain.quiet_since >= QUIET_S)
			return finish(&drain);
		if (time(NULL) >= end) {
			cli_error(cli, "%lld flows are left", (long long)drain.flows);
			return CLI_TIMEOUT;
		}
		usleep(POLL_US);
	}
	return err;
}

int cmd_backend_drain(struct cli *cli)
{
	uint64_t deadline_ms;
	int err = backend_duration(cli, 1, "deadline", &deadline_ms);

	if (!err)
		err = backend_change(
			cli, "/drain", json_pack("{s:I}", "deadline_ms", (json_int_t)deadline_ms));
	if (!err && cli->given & OPTION_WAIT)
		err = wait_drained(cli, deadline_ms);
	return err;
}
