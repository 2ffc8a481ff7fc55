/* SPDX-License-Identifier: BSD-2-Clause */
/* apply, check, reload, hold, teardown. */
#include "cli/cli.h"
#include "manifest/files.h"

#include <time.h>

static void print_diags(const struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		fprintf(stderr, "%s%s\n", diags->rows[i].level == DIAG_WARNING ? "warning: " : "",
			diags->rows[i].text);
	if (diags->full)
		fprintf(stderr, "... and more\n");
}

static int read_files(const struct cli *cli, struct manifest_files *files)
{
	struct diags diags = {};
	int err = 0;

	for (int i = 0; i < cli->n_files && !err; i++)
		err = manifest_files_read(files, cli->files[i], true, &diags);
	print_diags(&diags);
	diags_clear(&diags);
	return err ? CLI_USAGE : CLI_OK;
}

static json_t *files_json(const struct manifest_files *files)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < files->n; i++)
		json_array_append_new(
			rows, json_pack("{s:s, s:o}", "name", files->sources[i].name, "text",
				      json_stringn(files->sources[i].text, files->sources[i].n)));
	return rows;
}

static unsigned count_empty(json_t *page)
{
	unsigned empty = 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(page, "vips"), i, row) empty +=
		json_integer_value(json_object_get(row, "usable")) == 0;
	return empty;
}

static int wait_ready(const struct cli *cli)
{
	time_t deadline = time(NULL) + cli->timeout;
	unsigned empty;
	json_t *page;
	int err;

	for (;;) {
		err = client_json(cli, "/v1/vips", NULL, &page);
		if (err)
			return err;
		empty = count_empty(page);
		json_decref(page);
		if (!empty)
			return CLI_OK;
		if (time(NULL) >= deadline) {
			cli_error(cli, "%u VIPs have no usable backend after %d s", empty,
				cli->timeout);
			return CLI_TIMEOUT;
		}
		usleep(50000);
	}
}

int cmd_apply(struct cli *cli)
{
	struct manifest_files files = {};
	json_t *body;
	int err = read_files(cli, &files);

	if (!err) {
		body = json_pack("{s:o, s:b, s:b}", "files", files_json(&files), "prune",
			(cli->given & OPTION_PRUNE) != 0, "allow_removal",
			(cli->given & OPTION_ALLOW_REMOVAL) != 0);
		if (body) {
			err = client_change(cli, "/v1/apply", body);
		} else {
			cli_error(cli, "a manifest is not UTF-8 text");
			err = CLI_USAGE;
		}
	}
	manifest_files_clear(&files);
	if (!err && cli->given & OPTION_WAIT)
		err = wait_ready(cli);
	return err;
}

int cmd_check(struct cli *cli)
{
	struct manifest_files files = {};
	struct model *model = NULL;
	struct diags diags = {};
	size_t backends = 0;
	int err = read_files(cli, &files);

	if (!err && manifest_load(files.sources, files.n, &model, &diags))
		err = CLI_USAGE;
	print_diags(&diags);
	for (size_t i = 0; model && i < model->n_pools; i++)
		backends += model->pools[i].n_backends;
	if (!err && cli->json)
		printf("{\"vips\": %zu, \"pools\": %zu, \"backends\": %zu}\n", model->n_vips,
			model->n_pools, backends);
	else if (!err)
		printf("ok: %zu VIPs, %zu pools, %zu backends\n", model->n_vips, model->n_pools,
			backends);
	model_free(&model);
	diags_clear(&diags);
	manifest_files_clear(&files);
	return err;
}

int cmd_reload(struct cli *cli)
{
	return client_change(cli, "/v1/reload",
		json_pack("{s:b}", "allow_removal", (cli->given & OPTION_ALLOW_REMOVAL) != 0));
}

int cmd_hold(struct cli *cli)
{
	uint64_t ms = 0;

	if (strcmp(cli->args[0], "off") && (!manifest_parse_duration(cli->args[0], &ms) || !ms)) {
		cli_error(cli, "'%s' is not a time like 20m, nor off", cli->args[0]);
		return CLI_USAGE;
	}
	return client_change(cli, "/v1/hold", json_pack("{s:I}", "for_ms", (json_int_t)ms));
}

int cmd_teardown(struct cli *cli)
{
	return client_change(cli, "/v1/teardown", json_object());
}
