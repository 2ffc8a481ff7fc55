/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways from VIPs to backends: pairs from the daemon's answer, a probe each. */
#include "cli/doctor.h"
#include "doctor/gather.h"
#include "doctor/probe.h"

#include "core/model.h"

#include <errno.h>
#include <net/if.h>

struct reach {
	struct reach_facts facts;
	struct probe probe;
	char dev[IF_NAMESIZE], vip[ADDR_TEXT], backend[2 * MODEL_NAME_MAX + 2];
};

static bool is_attached(const struct doctor *doctor, const char *dev)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(doctor->status, "interfaces"), i,
		row) if (!strcmp(doctor_text(row, "name"),
				 dev)) return strcmp(doctor_text(row, "mode"), "detached") != 0;
	return false;
}

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

	if (sscanf(doctor_text(backend, "via"), "%15s %x:%x:%x:%x:%x:%x", reach->dev, &dst[0],
		    &dst[1], &dst[2], &dst[3], &dst[4], &dst[5]) != 7 ||
		addr_parse(address, &shape->vip) ||
		parse_backend(doctor_text(backend, "address"), &shape->outer_dst) ||
		addr_parse(doctor_text(backend, "source"), &shape->outer_src) ||
		gather_mac(reach->dev, shape->src_mac))
		return;
	for (int i = 0; i < 6; i++)
		shape->dst_mac[i] = (uint8_t)dst[i];
	shape->mode = mode_of(doctor_text(vip, "mode"));
	shape->gue_port = htons((uint16_t)json_integer_value(json_object_get(vip, "gue_port")));
	overhead = probe_overhead(shape);
	reach->probe.ifindex = if_nametoindex(reach->dev);
	reach->probe.wanted = MIN(mtu, FRAME_BYTES_MAX - 64) - overhead;
	/* Frames in tags would have to be sent with them; their way is looked at, but not probed. */
	reach->facts.probed = mtu > overhead && !*doctor_text(backend, "vlan");
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
	snprintf(reach->backend, sizeof(reach->backend), "%s/%s", doctor_text(backend, "pool"),
		doctor_text(backend, "name"));
	prepare_probe(vip, backend, address, reach);
}

/* The strings are the JSON's; the rows stay where they are from here on. */
static void name_reaches(
	struct doctor *doctor, const json_t *vip, const json_t *backend, size_t from)
{
	for (size_t i = from; i < doctor->n_reaches; i++) {
		struct reach_facts *facts = &doctor->reaches[i].facts;

		facts->mode = doctor_text(vip, "mode");
		facts->path = doctor_text(backend, "path");
	}
}

static void add_pair(struct doctor *doctor, const json_t *vip, const json_t *backend)
{
	_free_ char *addresses = strdup(doctor_text(vip, "addresses"));
	size_t from = doctor->n_reaches;
	char *rest = addresses, *address;

	while (rest && (address = strsep(&rest, " "))) {
		bool v6 = strchr(address, ':'), own = strchr(doctor_text(backend, "source"), ':');

		/* l2dsr has no way into the other family. */
		if (*address && (v6 == own || strcmp(doctor_text(vip, "mode"), "l2dsr")))
			add_reach(doctor, vip, backend, address);
	}
	name_reaches(doctor, vip, backend, from);
}

static void add_pairs(struct doctor *doctor)
{
	const json_t *vip, *backend;
	size_t v, b;

	json_array_foreach(json_object_get(doctor->vips, "vips"), v, vip) json_array_foreach(
		json_object_get(doctor->backends, "backends"), b,
		backend) if (!strcmp(doctor_text(vip, "pool"), doctor_text(backend, "pool")))
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

void doctor_look_at_ways(struct doctor *doctor)
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
