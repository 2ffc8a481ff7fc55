/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/snapshot.h"

#include "core/identities.h"

#include <errno.h>
#include <stdarg.h>

struct chunk {
	struct chunk *next;
	max_align_t bytes[];
};

/* Everything a snapshot points to is a chunk, freed together. */
struct snapshot_store {
	struct snapshot snapshot;
	struct chunk *chunks;
	const struct daemon *daemon;
	bool failed;
};

static void *chunk_alloc(struct snapshot_store *store, size_t n, size_t size)
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

static const char *text(struct snapshot_store *store, const char *format, ...) PRINTF(2, 3);
static const char *text(struct snapshot_store *store, const char *format, ...)
{
	va_list args;
	char *copy;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	copy = chunk_alloc(store, (size_t)n + 1, 1);
	if (!copy)
		return "";
	va_start(args, format);
	vsnprintf(copy, (size_t)n + 1, format, args);
	va_end(args);
	return copy;
}

static void add_counters(struct muster_counters *sum, const struct muster_counters *more)
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
	struct snapshot_interface *rows = chunk_alloc(store, n, sizeof(*rows));

	if (!rows)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct interface *interface = &daemon->interfaces[i];

		rows[i] = (struct snapshot_interface){
			.name = text(store, "%s", interface->name),
			.ifindex = interface->ifindex,
			.mode = modes[interface->mode],
			.note = interface->note ? text(store, "%s", interface->note) : NULL,
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
	};
	struct snapshot_usage *rows = chunk_alloc(store, 1, sizeof(usage));

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
	struct snapshot_reason *rows = chunk_alloc(store, ARRAY_SIZE(reasons), sizeof(*rows));
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
			add_counters(&sum, &one);
	}
	return sum;
}

static const char *join_addresses(struct snapshot_store *store, const struct vip *vip)
{
	const char *joined = "";
	char buf[ADDR_TEXT];

	for (size_t i = 0; i < vip->n_addrs; i++)
		joined = text(
			store, "%s%s%s", joined, i ? " " : "", addr_format(&vip->addrs[i], buf));
	return joined;
}

static const char *join_ports(struct snapshot_store *store, const struct vip *vip)
{
	const char *joined = "";

	for (size_t i = 0; i < vip->n_ports; i++)
		joined = text(store, "%s%s%u", joined, i ? " " : "", ntohs(vip->ports[i].port));
	return joined;
}

static const char *origin_text(struct snapshot_store *store, const struct origin *origin)
{
	return origin->file ? text(store, "%s:%u", origin->file, origin->line) : "api";
}

static void take_vips(struct snapshot_store *store)
{
	const struct fleet *fleet = store->daemon->fleet;
	size_t n = fleet->model->n_vips;
	struct snapshot_vip *rows = chunk_alloc(store, n, sizeof(*rows));

	for (size_t i = 0; rows && i < n; i++) {
		const struct vip *vip = &fleet->model->vips[i];
		const struct fleet_pool *pool = &fleet->pools[vip->pool];
		unsigned usable = fleet_pool_usable(pool);

		rows[i] = (struct snapshot_vip){
			.name = text(store, "%s", vip->name),
			.pool = text(store, "%s", pool->config->name),
			.mode = mode_name(vip->mode),
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

/* ---- backends ---- */

/* Of the first ring of the pool, for each member index: slots it has now. */
static const struct image_ring *first_ring(const struct daemon *daemon, const char *pool)
{
	for (size_t i = 0; i < daemon->live->n_rings; i++)
		if (!strcmp(daemon->live->rings[i].block->pool, pool))
			return &daemon->live->rings[i];
	return NULL;
}

static void add_shares(const struct image_ring *ring, const struct identities *index,
	struct snapshot_backend *rows)
{
	_free_ uint32_t *slots = calloc((size_t)ring->block->n + 1, sizeof(*slots));

	if (!slots)
		return;
	for (uint32_t s = 0; s < ring->ring->size; s++)
		if (ring->ring->current[s] < ring->block->n)
			slots[ring->ring->current[s]]++;
	for (uint16_t m = 0; m < ring->block->n; m++) {
		uint32_t i = identities_find(index, ring->block->members[m].identity);

		if (i != IDENTITIES_NONE)
			rows[i].share = (double)slots[m] / ring->ring->size;
	}
}

static void add_traffic(const struct daemon *daemon, const struct block *block,
	const struct identities *index, struct snapshot_backend *rows)
{
	struct muster_counters one;

	for (uint16_t m = 0; m < block->n; m++) {
		uint32_t i = identities_find(index, block->members[m].identity);

		if (i != IDENTITIES_NONE &&
			!dataplane_member_counters(daemon->dp, block->base + m, &one))
			add_counters(&rows[i].traffic, &one);
	}
}

/* What the live image knows of the backends of @pool: their share of its ring, their traffic. */
static void take_image(
	struct snapshot_store *store, const struct fleet_pool *pool, struct snapshot_backend *rows)
{
	const struct daemon *daemon = store->daemon;
	const struct image_ring *ring = first_ring(daemon, pool->config->name);
	struct identities index;

	if (identities_init(&index, pool->config->n_backends)) {
		store->failed = true;
		return;
	}
	for (size_t i = 0; i < pool->config->n_backends; i++)
		identities_add(&index, pool->backends[i].identity, (uint32_t)i);
	if (ring)
		add_shares(ring, &index, rows);
	for (size_t b = 0; b < daemon->live->n_blocks; b++)
		if (!strcmp(daemon->live->blocks[b]->pool, pool->config->name))
			add_traffic(daemon, daemon->live->blocks[b], &index, rows);
	identities_clear(&index);
}

static void take_checks(struct snapshot_store *store, const struct fleet_pool *pool,
	const struct fleet_backend *be, struct snapshot_backend *row)
{
	struct snapshot_check *rows = chunk_alloc(store, be->n_targets, sizeof(*rows));

	for (size_t t = 0; rows && t < be->n_targets; t++) {
		const struct target *target = be->targets[t];
		const struct check *check = &pool->config->checks[t];

		rows[t] = (struct snapshot_check){
			.name = text(store, "%s", check->name),
			.type = check->type == CHECK_HTTP ? "http" : "tcp",
			.state = target->quarantined ? "quarantined"
						     : health_state_name(target->health.state),
			.outcome = target->outcome < OUTCOME_MAX
					   ? probe_outcome_name(target->outcome)
					   : "none yet",
			.detail = text(store, "%s", target->detail),
			.latency_us = target->latency_us,
			.tethered = target->tethered,
		};
		if (target->health.state != HEALTH_UP && !row->reason)
			row->reason = target->outcome < OUTCOME_MAX
					      ? text(store, "%s: %s", check->name,
							probe_outcome_text(target->outcome))
					      : "not probed yet";
	}
	row->checks = rows;
	row->n_checks = rows ? be->n_targets : 0;
}

static const char *via_text(struct snapshot_store *store, const struct path *path)
{
	const uint8_t *mac = path->nexthop.dst_mac;
	char name[IF_NAMESIZE];

	if (path->state != PATH_OK)
		return NULL;
	return text(store, "%s %02x:%02x:%02x:%02x:%02x:%02x",
		net_link_name(path->nexthop.ifindex, name), mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

static void take_backend(struct snapshot_store *store, const struct fleet_pool *pool, size_t i,
	struct snapshot_backend *row)
{
	const struct fleet_backend *be = &pool->backends[i];
	const struct member_state *state = &pool->states[i];
	bool has_path = state->nexthop != MUSTER_NO_NEXTHOP;
	char buf[ADDR_TEXT];

	*row = (struct snapshot_backend){
		.pool = text(store, "%s", pool->config->name),
		.name = text(store, "%s", be->config->name),
		.address = text(store, "%s",
			be->config->port
				? addr_format_port(&be->config->addr, be->config->port, buf)
				: addr_format(&be->config->addr, buf)),
		.zone = be->config->zone ? text(store, "%s", be->config->zone) : NULL,
		.admin = admin_state_name(be->admin),
		.health = health_state_name(be->health),
		.path = path_state_name(be->path.state),
		.via = via_text(store, &be->path),
		.weight = be->config->weight,
		.new_ok = state->bits.new_ok && has_path,
		.old_ok = state->bits.old_ok && has_path,
		.since_ms = daemon_now_ms() - be->since_ms,
	};
	if (be->path.state != PATH_OK)
		row->reason = text(store, "no path: %s", path_state_name(be->path.state));
	take_checks(store, pool, be, row);
}

static void take_backends(struct snapshot_store *store)
{
	const struct fleet *fleet = store->daemon->fleet;
	struct snapshot_backend *rows;
	size_t n = 0, at = 0;

	for (size_t p = 0; p < fleet->model->n_pools; p++)
		n += fleet->pools[p].config->n_backends;
	rows = chunk_alloc(store, n, sizeof(*rows));
	for (size_t p = 0; rows && p < fleet->model->n_pools; p++) {
		const struct fleet_pool *pool = &fleet->pools[p];

		for (size_t i = 0; i < pool->config->n_backends; i++)
			take_backend(store, pool, i, &rows[at + i]);
		take_image(store, pool, &rows[at]);
		at += pool->config->n_backends;
	}
	store->snapshot.backends = rows;
	store->snapshot.n_backends = at;
}

static void take_warnings(struct snapshot_store *store)
{
	const char **rows = chunk_alloc(store, 2, sizeof(*rows));

	if (!rows)
		return;
	if (store->daemon->refused)
		rows[0] = text(store, "the last change was refused: %s", store->daemon->refused);
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
	take_backends(store);
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
