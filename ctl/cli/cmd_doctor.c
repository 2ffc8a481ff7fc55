/* SPDX-License-Identifier: BSD-2-Clause */
/* muster doctor: what musterd knows comes from its API, what the host is from ctl/doctor/. */
#include "cli/cli.h"
#include "cli/doctor.h"
#include "doctor/gather.h"
#include "manifest/files.h"
#include "manifest/manifest.h"

#define CONFIG "/etc/muster/musterd.yaml"

const char *doctor_text(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

/* ---- where facts come from ---- */

static void read_settings(struct doctor *doctor, const char *path)
{
	struct manifest_files files = {};
	struct diags diags = {};

	if (!manifest_files_read(&files, path, true, &diags) && files.n == 1)
		doctor->has_settings =
			!manifest_load_settings(&files.sources[0], &doctor->settings, &diags);
	manifest_files_clear(&files);
	diags_clear(&diags);
}

static void ask_daemon(struct cli *cli, struct doctor *doctor)
{
	cli->quiet = true;
	if (client_json(cli, "/v1/status", NULL, &doctor->status))
		doctor->status = NULL;
	else if (client_json(cli, "/v1/vips", NULL, &doctor->vips) ||
		 client_json(cli, "/v1/backends", NULL, &doctor->backends))
		doctor->vips = doctor->backends = NULL;
	cli->quiet = false;
	if (!doctor->status)
		findings_add(&doctor->findings, DOCTOR_ID_daemon_away, cli->run_dir,
			"no musterd answers there");
}

/* ---- interfaces ---- */

static void look_at_nic(struct doctor *doctor, const char *name, const json_t *row)
{
	struct nic_facts facts;

	gather_nic(name, &facts);
	if (row) {
		facts.mode = doctor_text(row, "mode");
		facts.note = json_string_value(json_object_get(row, "note"));
	}
	judge_nic(&facts, &doctor->findings);
}

static void look_at_nics(struct doctor *doctor)
{
	const json_t *row;
	size_t i;

	if (!doctor->status) {
		for (i = 0; doctor->has_settings && i < doctor->settings.n_interfaces; i++)
			look_at_nic(doctor, doctor->settings.interfaces[i], NULL);
		return;
	}
	json_array_foreach(json_object_get(doctor->status, "interfaces"), i, row)
		look_at_nic(doctor, doctor_text(row, "name"), row);
}

/* ---- output ---- */

static void print_json(const struct findings *findings)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *row = &findings->rows[i];

		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:s, s:s?}", "id", row->id, "level",
				      doctor_level_name(row->level), "subject", row->subject,
				      "text", row->text, "cure", row->cure));
	}
	rows = json_pack("{s:o}", "findings", rows);
	json_dumpf(rows, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(rows);
}

static const char *color_of(const struct cli *cli, enum doctor_level level)
{
	static const char *const colors[] = {[DOCTOR_OK] = "\033[32m",
		[DOCTOR_NOTE] = "",
		[DOCTOR_SKIPPED] = "",
		[DOCTOR_WARNING] = "\033[33m",
		[DOCTOR_FAILED] = "\033[31m"};

	return cli->color ? colors[level] : "";
}

static void print_text(const struct cli *cli, const struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *row = &findings->rows[i];

		printf("%s%-8s%s %s: %s\n", color_of(cli, row->level),
			doctor_level_name(row->level), cli->color ? "\033[0m" : "", row->subject,
			row->text);
		if (row->cure)
			printf("%8s cure: %s\n", "", row->cure);
	}
}

static void doctor_clear(struct doctor *doctor)
{
	json_decref(doctor->status);
	json_decref(doctor->vips);
	json_decref(doctor->backends);
	if (doctor->has_settings)
		settings_clear(&doctor->settings);
	findings_clear(&doctor->findings);
	free(doctor->reaches);
}

int cmd_doctor(struct cli *cli)
{
	struct doctor doctor = {};
	struct kernel_facts kernel;
	enum doctor_level worst;

	read_settings(&doctor, cli->config ? cli->config : CONFIG);
	if (cli->config && !doctor.has_settings) {
		cli_error(cli, "%s cannot be used: musterd -t -c %s tells why", cli->config,
			cli->config);
		return CLI_USAGE;
	}
	gather_kernel(
		doctor.has_settings ? doctor.settings.pin_dir : "/sys/fs/bpf/muster", &kernel);
	judge_kernel(&kernel, &doctor.findings);
	ask_daemon(cli, &doctor);
	look_at_nics(&doctor);
	doctor_look_at_ways(&doctor);
	worst = findings_worst(&doctor.findings);
	if (cli->json)
		print_json(&doctor.findings);
	else
		print_text(cli, &doctor.findings);
	doctor_clear(&doctor);
	return worst == DOCTOR_FAILED ? CLI_NEGATIVE : CLI_OK;
}
