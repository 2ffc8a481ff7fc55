/* SPDX-License-Identifier: BSD-2-Clause */
/* muster doctor: what musterd knows comes from its API, what the host is from ctl/doctor/. */
#include "cli/cli.h"
#include "core/settings.h"
#include "doctor/gather.h"
#include "doctor/probe.h"
#include "manifest/files.h"
#include "manifest/manifest.h"

#include <errno.h>
#include <net/if.h>

#define CONFIG "/etc/muster/musterd.yaml"

/* A VIP address and a backend of it, and the probe between them. */
struct reach {
	struct reach_facts facts;
	struct probe probe;
	char dev[IF_NAMESIZE], vip[ADDR_TEXT], backend[2 * MODEL_NAME_MAX + 2];
};

struct doctor {
	json_t *status, *vips, *backends; /* NULL: no musterd */
	struct settings settings;
	bool has_settings;
	struct findings findings;
	struct reach *reaches;
	size_t n_reaches;
};

static const char *text_of(const json_t *row, const char *key)
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
		facts.mode = text_of(row, "mode");
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
		look_at_nic(doctor, text_of(row, "name"), row);
}

static bool is_attached(const struct doctor *doctor, const char *dev)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(doctor->status, "interfaces"), i,
		row) if (!strcmp(text_of(row, "name"), dev)) return strcmp(text_of(row, "mode"),
		"detached") != 0;
	return false;
}

/* ---- the ways to backends ---- */

static uint8_t mode_of(const char *name)
{
	for (uint8_t mode = MUSTER_MODE_L2DSR; mode <= MUSTER_MODE_GUE; mode++)
		if (!strcmp(mode_name(mode), name))
			return mode;
	return MUSTER_MODE_NONE;
}

/* "192.0.2.1:80", "[2001:db8::1]:80" or without port. */
static int parse_backend(const char *text, struct muster_addr *ret)
{
	char copy[ADDR_TEXT];
	char *end;

	snprintf(copy, sizeof(copy), "%s", text[0] == '[' ? text + 1 : text);
	if (!addr_parse(copy, ret))
		return 0;
	end = text[0] == '[' ? strchr(copy, ']') : strrchr(copy, ':');
	if (end)
		*end = '\0';
	return addr_parse(copy, ret);
}

static void prepare_probe(
	const json_t *vip, const json_t *backend, const char *address, struct reach *reach)
{
	struct probe_shape *shape = &reach->probe.shape;
	unsigned mtu = (unsigned)json_integer_value(json_object_get(backend, "mtu")), overhead;
	unsigned dst[6];

	if (sscanf(text_of(backend, "via"), "%15s %x:%x:%x:%x:%x:%x", reach->dev, &dst[0], &dst[1],
		    &dst[2], &dst[3], &dst[4], &dst[5]) != 7 ||
		addr_parse(address, &shape->vip) ||
		parse_backend(text_of(backend, "address"), &shape->outer_dst) ||
		addr_parse(text_of(backend, "source"), &shape->outer_src) ||
		gather_mac(reach->dev, shape->src_mac))
		return;
	for (int i = 0; i < 6; i++)
		shape->dst_mac[i] = (uint8_t)dst[i];
	shape->mode = mode_of(text_of(vip, "mode"));
	shape->gue_port = htons((uint16_t)json_integer_value(json_object_get(vip, "gue_port")));
	overhead = probe_overhead(shape);
	reach->probe.ifindex = if_nametoindex(reach->dev);
	reach->probe.wanted = MIN(mtu, FRAME_BYTES_MAX - 64) - overhead;
	/* Frames in tags would have to be sent with them; their way is looked at, but not probed. */
	reach->facts.probed = mtu > overhead && !*text_of(backend, "vlan");
	reach->facts.has_source = !gather_address(reach->dev, &shape->vip, &shape->src);
	reach->facts.wanted = reach->probe.wanted;
}

static void add_reach(
	struct doctor *doctor, const json_t *vip, const json_t *backend, const char *address)
{
	struct reach *reach;

	if (util_grow(&doctor->reaches, doctor->n_reaches, sizeof(*doctor->reaches))) {
		doctor->findings.no_memory = true;
		return;
	}
	reach = &doctor->reaches[doctor->n_reaches++];
	*reach = (struct reach){};
	snprintf(reach->vip, sizeof(reach->vip), "%s", address);
	snprintf(reach->backend, sizeof(reach->backend), "%s/%s", text_of(backend, "pool"),
		text_of(backend, "name"));
	prepare_probe(vip, backend, address, reach);
}

/* The strings are the JSON's; the rows stay where they are from here on. */
static void name_reaches(
	struct doctor *doctor, const json_t *vip, const json_t *backend, size_t from)
{
	for (size_t i = from; i < doctor->n_reaches; i++) {
		struct reach_facts *facts = &doctor->reaches[i].facts;

		facts->mode = text_of(vip, "mode");
		facts->path = text_of(backend, "path");
	}
}

static void add_pair(struct doctor *doctor, const json_t *vip, const json_t *backend)
{
	_free_ char *addresses = strdup(text_of(vip, "addresses"));
	size_t from = doctor->n_reaches;
	char *rest = addresses, *address;

	while (rest && (address = strsep(&rest, " "))) {
		bool v6 = strchr(address, ':'), own = strchr(text_of(backend, "source"), ':');

		/* l2dsr has no way into the other family. */
		if (*address && (v6 == own || strcmp(text_of(vip, "mode"), "l2dsr")))
			add_reach(doctor, vip, backend, address);
	}
	name_reaches(doctor, vip, backend, from);
}

static void add_pairs(struct doctor *doctor)
{
	const json_t *vip, *backend;
	size_t v, b;

	json_array_foreach(json_object_get(doctor->vips, "vips"), v, vip)
		json_array_foreach(json_object_get(doctor->backends, "backends"), b,
			backend) if (!strcmp(text_of(vip, "pool"), text_of(backend, "pool")))
			add_pair(doctor, vip, backend);
}

/* Those to send to the front; the order of the others does not matter. */
static size_t sort_probed(struct reach *reaches, size_t n)
{
	size_t probed = 0;

	for (size_t i = 0; i < n; i++)
		if (reaches[i].facts.probed && reaches[i].facts.has_source) {
			struct reach moved = reaches[i];

			reaches[i] = reaches[probed];
			reaches[probed++] = moved;
		}
	return probed;
}

static void look_at_ways(struct doctor *doctor)
{
	size_t n;
	_free_ struct probe *probes = NULL;
	int err = 0;

	add_pairs(doctor);
	n = sort_probed(doctor->reaches, doctor->n_reaches);
	probes = calloc(MAX(n, 1), sizeof(*probes));
	for (size_t i = 0; probes && i < n; i++)
		probes[i] = doctor->reaches[i].probe;
	if (n)
		err = probes ? probe_run(probes, n) : -ENOMEM;
	if (err)
		findings_add(&doctor->findings, DOCTOR_ID_probe_not_permitted, "probes",
			"the way to backends was not probed: %s", strerror(-err));
	for (size_t i = 0; i < doctor->n_reaches; i++) {
		struct reach *reach = &doctor->reaches[i];

		if (i < n && !err)
			reach->facts.reached = probes[i].reached;
		reach->facts.probed &= !err;
		reach->facts.vip = reach->vip;
		reach->facts.backend = reach->backend;
		reach->facts.dev = reach->dev;
		reach->facts.dev_attached = is_attached(doctor, reach->dev);
		judge_reach(&reach->facts, &doctor->findings);
	}
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
	look_at_ways(&doctor);
	worst = findings_worst(&doctor.findings);
	if (cli->json)
		print_json(&doctor.findings);
	else
		print_text(cli, &doctor.findings);
	doctor_clear(&doctor);
	return worst == DOCTOR_FAILED ? CLI_NEGATIVE : CLI_OK;
}
