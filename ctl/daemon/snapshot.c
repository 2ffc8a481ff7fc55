/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/settling.h"
#include "daemon/snapshot_internal.h"

#include <errno.h>
#include <stdarg.h>

void *snapshot_alloc(struct snapshot_store *store, size_t n, size_t size)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk) + MAX(n, 1) * size);

	if (!chunk) {
		store->failed = true;
		return NULL;
	}
	chunk->next = store->chunks;
	store->chunks = chunk;
	return chunk->bytes;
}

const char *snapshot_text(struct snapshot_store *store, const char *format, ...)
{
	va_list args;
	char *copy;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	copy = snapshot_alloc(store, (size_t)n + 1, 1);
	if (!copy)
		return "";
	va_start(args, format);
	vsnprintf(copy, (size_t)n + 1, format, args);
	va_end(args);
	return copy;
}

void snapshot_add(struct muster_counters *sum, const struct muster_counters *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
	sum->new_flows += more->new_flows;
}

/* ---- interfaces, tables, reasons ---- */

static void take_interfaces(struct snapshot_store *store)
{
	static const char *const modes[] = {
		[DATAPLANE_DETACHED] = "detached",
		[DATAPLANE_NATIVE] = "native",
		[DATAPLANE_GENERIC] = "generic",
	};
	const struct daemon *daemon = store->daemon;
	size_t n = daemon->settings.n_interfaces;
	struct snapshot_interface *rows = snapshot_alloc(store, n, sizeof(*rows));

	if (!rows)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct interface *interface = &daemon->interfaces[i];

		rows[i] = (struct snapshot_interface){
			.name = snapshot_text(store, "%s", interface->name),
			.ifindex = interface->ifindex,
			.mode = modes[interface->mode],
			.note = interface->note ? snapshot_text(store, "%s", interface->note)
						: NULL,
		};
	}
	store->snapshot.interfaces = rows;
	store->snapshot.n_interfaces = n;
}

static void take_usage(struct snapshot_store *store)
{
	const struct daemon *daemon = store->daemon;
	const struct snapshot_usage usage[] = {
		{"services", arena_used(daemon->space->services),
			arena_size(daemon->space->services)},
		{"members", arena_used(daemon->space->members), arena_size(daemon->space->members)},
		{"ring_slots", arena_used(daemon->space->elements) * MUSTER_ELEMENT_SLOTS,
			arena_size(daemon->space->elements) * MUSTER_ELEMENT_SLOTS},
		{"nexthops", nexthops_used(daemon->nexthops), daemon->settings.nexthops},
		{"flows", settling_stats(daemon->settling).entries, daemon->settings.flows},
	};
	struct snapshot_usage *rows = snapshot_alloc(store, 1, sizeof(usage));

	if (!rows)
		return;
	memcpy(rows, usage, sizeof(usage));
	store->snapshot.usage = rows;
	store->snapshot.n_usage = ARRAY_SIZE(usage);
}

static void take_reasons(struct snapshot_store *store)
{
	static const struct {
		uint32_t number;
		const char *name, *action, *text;
	} reasons[] = {
#define R(number, name, action, text) {number, #name, #action, text},
		MUSTER_REASONS(R)
#undef R
	};
	struct snapshot_reason *rows = snapshot_alloc(store, ARRAY_SIZE(reasons), sizeof(*rows));
	struct muster_counters counters;

	if (!rows)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		counters = (struct muster_counters){};
		dataplane_reason_counters(store->daemon->dp, reasons[i].number, &counters);
		rows[i] = (struct snapshot_reason){
			reasons[i].name, reasons[i].action, reasons[i].text, counters.packets};
	}
	store->snapshot.reasons = rows;
	store->snapshot.n_reasons = ARRAY_SIZE(reasons);
}

/* ---- VIPs ---- */

static struct muster_counters vip_traffic(const struct daemon *daemon, const struct vip *vip)
{
	struct muster_counters sum = {}, one;

	for (size_t i = 0; i < daemon->live->n_services; i++) {
		const struct image_service *service = &daemon->live->services[i];

		if (service->mode == MUSTER_MODE_NONE || strcmp(service->vip, vip->name))
			continue;
		if (!dataplane_service_counters(daemon->dp, service->index, &one))
			snapshot_add(&sum, &one);
	}
	return sum;
}

static const char *join_addresses(struct snapshot_store *store, const struct vip *vip)
{
	const char *joined = "";
	char buf[ADDR_TEXT];

	for (size_t i = 0; i < vip->n_addrs; i++)
		joined = snapshot_text(
			store, "%s%s%s", joined, i ? " " : "", addr_format(&vip->addrs[i], buf));
	return joined;
}

static const char *join_ports(struct snapshot_store *store, const struct vip *vip)
{
	const char *joined = "";

	for (size_t i = 0; i < vip->n_ports; i++)
		joined = snapshot_text(
			store, "%s%s%u", joined, i ? " " : "", ntohs(vip->ports[i].port));
	return joined;
}

static const char *origin_text(struct snapshot_store *store, const struct origin *origin)
{
	return origin->file ? snapshot_text(store, "%s:%u", origin->file, origin->line) : "api";
}

static void take_vips(struct snapshot_store *store)
{
	const struct fleet *fleet = store->daemon->fleet;
	size_t n = fleet->model->n_vips;
	struct snapshot_vip *rows = snapshot_alloc(store, n, sizeof(*rows));

	for (size_t i = 0; rows && i < n; i++) {
		const struct vip *vip = &fleet->model->vips[i];
		const struct fleet_pool *pool = &fleet->pools[vip->pool];
		unsigned usable = fleet_vip_usable(pool, vip);

		rows[i] = (struct snapshot_vip){
			.name = snapshot_text(store, "%s", vip->name),
			.pool = snapshot_text(store, "%s", pool->config->name),
			.mode = mode_name(vip->mode),
			.gue_port = vip->mode == MUSTER_MODE_GUE ? ntohs(vip->gue_port) : 0,
			.proto = proto_name(vip->proto),
			.origin = origin_text(store, &vip->origin),
			.addresses = join_addresses(store, vip),
			.ports = join_ports(store, vip),
			.state = !usable       ? "empty"
				 : pool->panic ? "panic"
					       : "ready",
			.usable = usable,
			.members = (unsigned)pool->config->n_backends,
			.traffic = vip_traffic(store->daemon, vip),
		};
	}
	store->snapshot.vips = rows;
	store->snapshot.n_vips = rows ? n : 0;
}

static void take_warnings(struct snapshot_store *store)
{
	const char **rows = snapshot_alloc(store, 2, sizeof(*rows));

	if (!rows)
		return;
	if (store->daemon->refused)
		rows[0] = snapshot_text(
			store, "the last change was refused: %s", store->daemon->refused);
	store->snapshot.warnings = rows;
}

static void take_head(struct snapshot_store *store)
{
	static const char *const states[] = {
		[SUPERVISOR_STARTING] = "starting",
		[SUPERVISOR_RUNNING] = "running",
		[SUPERVISOR_DEAD] = "dead",
	};
	const struct daemon *daemon = store->daemon;

	store->snapshot = (struct snapshot){
		.version = MUSTER_VERSION,
		.pid = getpid(),
		.uptime_ms = daemon_now_ms() - daemon->started_ms,
		.generation = daemon->live->generation,
		.commits_patch = daemon->commits_patch,
		.commits_flip = daemon->commits_flip,
		.last_commit_us = daemon->last_commit_us,
		.loop_stall_max_ms = (double)daemon->stall_max_ns / 1e6,
		.program_id = dataplane_program_id(daemon->dp),
		.held_ms = fleet_is_held(daemon->fleet, daemon_now_ms())
				   ? daemon->fleet->held_until_ms - daemon_now_ms()
				   : 0,
		.blind = daemon->blind,
		.busy = daemon->change != NULL,
		.prober = states[supervisor_state(daemon->supervisor)],
		.prober_pid = supervisor_pid(daemon->supervisor),
		.prober_restarts = supervisor_restarts(daemon->supervisor),
		.prober_targets = targets_count(daemon->targets),
		.prober_quarantined = targets_quarantined(daemon->targets),
	};
}

int snapshot_take(struct snapshot_store **ret, const struct daemon *daemon)
{
	struct snapshot_store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->daemon = daemon;
	take_head(store);
	take_warnings(store);
	take_interfaces(store);
	take_usage(store);
	take_reasons(store);
	take_vips(store);
	snapshot_backends(store);
	snapshot_pools(store);
	if (store->failed) {
		snapshot_free(&store);
		return -ENOMEM;
	}
	*ret = store;
	return 0;
}

const struct snapshot *snapshot_of(const struct snapshot_store *store)
{
	return &store->snapshot;
}

void snapshot_free(struct snapshot_store **store)
{
	struct chunk *next;

	if (!*store)
		return;
	for (struct chunk *chunk = (*store)->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(*store);
	*store = NULL;
}
