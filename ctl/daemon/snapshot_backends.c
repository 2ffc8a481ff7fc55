/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/snapshot_internal.h"

#include "core/identities.h"
#include "daemon/settling.h"

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
		if (ring_current(ring->ring, s) < ring->block->n)
			slots[ring_current(ring->ring, s)]++;
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

		if (i == IDENTITIES_NONE)
			continue;
		rows[i].flows += settling_flows(daemon->settling, block->members[m].token);
		if (!dataplane_member_counters(daemon->dp, block->base + m, &one))
			snapshot_add(&rows[i].traffic, &one);
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
	struct snapshot_check *rows = snapshot_alloc(store, be->n_targets, sizeof(*rows));

	for (size_t t = 0; rows && t < be->n_targets; t++) {
		const struct target *target = be->targets[t];
		const struct check *check = &pool->config->checks[t];

		rows[t] = (struct snapshot_check){
			.name = snapshot_text(store, "%s", check->name),
			.type = check->type == CHECK_HTTP ? "http" : "tcp",
			.state = target->quarantined ? "quarantined"
						     : health_state_name(target->health.state),
			.outcome = target->outcome < OUTCOME_MAX
					   ? probe_outcome_name(target->outcome)
					   : "none yet",
			.detail = snapshot_text(store, "%s", target->detail),
			.latency_us = target->latency_us,
			.tethered = target->tethered,
		};
		if (target->health.state != HEALTH_UP && !row->reason)
			row->reason = target->outcome < OUTCOME_MAX
					      ? snapshot_text(store, "%s: %s", check->name,
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
	return snapshot_text(store, "%s %02x:%02x:%02x:%02x:%02x:%02x",
		net_link_name(path->nexthop.ifindex, name), mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

static const char *vlan_text(struct snapshot_store *store, const struct muster_nexthop *nexthop)
{
	const struct muster_tag *tag = nexthop->tag;

	if (!tag[0].tpid)
		return NULL;
	if (!tag[1].tpid)
		return snapshot_text(
			store, "%04x:%u", ntohs(tag[0].tpid), ntohs(tag[0].tci) & 0xfff);
	return snapshot_text(store, "%04x:%u %04x:%u", ntohs(tag[0].tpid),
		ntohs(tag[0].tci) & 0xfff, ntohs(tag[1].tpid), ntohs(tag[1].tci) & 0xfff);
}

static void take_path(
	struct snapshot_store *store, const struct path *path, struct snapshot_backend *row)
{
	char buf[ADDR_TEXT];

	row->path = path_state_name(path->state);
	row->via = via_text(store, path);
	if (path->state != PATH_OK)
		return;
	row->source = snapshot_text(store, "%s", addr_format(&path->nexthop.source, buf));
	row->vlan = vlan_text(store, &path->nexthop);
	row->mtu = path->nexthop.mtu;
}

static void take_backend(struct snapshot_store *store, const struct fleet_pool *pool, size_t i,
	struct snapshot_backend *row)
{
	const struct fleet_backend *be = &pool->backends[i];
	const struct member_state *state = &pool->states[i];
	bool has_path = state->nexthop != MUSTER_NO_NEXTHOP;
	uint64_t now_ms = daemon_now_ms();
	char buf[ADDR_TEXT];

	*row = (struct snapshot_backend){
		.pool = snapshot_text(store, "%s", pool->config->name),
		.name = snapshot_text(store, "%s", be->config->name),
		.address = snapshot_text(store, "%s",
			be->config->port
				? addr_format_port(&be->config->addr, be->config->port, buf)
				: addr_format(&be->config->addr, buf)),
		.zone = be->config->zone ? snapshot_text(store, "%s", be->config->zone) : NULL,
		.admin = admin_state_name(be->admin),
		.health = health_state_name(be->health),
		.weight = (uint16_t)(share_weight(&be->weight, now_ms) / 256),
		.backup = be->config->backup,
		.drain_left_ms =
			be->drain_deadline_ms > now_ms ? be->drain_deadline_ms - now_ms : 0,
		.new_ok = state->bits.new_ok && has_path,
		.old_ok = state->bits.old_ok && has_path,
		.since_ms = now_ms - be->since_ms,
	};
	take_path(store, &be->path, row);
	if (be->path.state != PATH_OK)
		row->reason = snapshot_text(store, "no path: %s", path_state_name(be->path.state));
	take_checks(store, pool, be, row);
}

void snapshot_backends(struct snapshot_store *store)
{
	const struct fleet *fleet = store->daemon->fleet;
	struct snapshot_backend *rows;
	size_t n = 0, at = 0;

	for (size_t p = 0; p < fleet->model->n_pools; p++)
		n += fleet->pools[p].config->n_backends;
	rows = snapshot_alloc(store, n, sizeof(*rows));
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
