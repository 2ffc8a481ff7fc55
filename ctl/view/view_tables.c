/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rows and fields there are. What they look like is the writer's. */
#include "view/view_internal.h"

#include <errno.h>

enum tone view_tone(const char *state)
{
	static const struct {
		const char *state;
		enum tone tone;
	} rows[] = {
		{"ready", TONE_GOOD},
		{"up", TONE_GOOD},
		{"native", TONE_GOOD},
		{"running", TONE_GOOD},
		{"ok", TONE_GOOD},
		{"panic", TONE_WARN},
		{"failing", TONE_WARN},
		{"draining", TONE_WARN},
		{"generic", TONE_WARN},
		{"unknown", TONE_WARN},
		{"starting", TONE_WARN},
		{"pending", TONE_WARN},
		{"disabled", TONE_WARN},
		{"empty", TONE_BAD},
		{"unreachable", TONE_BAD},
		{"detached", TONE_BAD},
		{"dead", TONE_BAD},
		{"no_neighbour", TONE_BAD},
		{"no_route", TONE_BAD},
		{"link_down", TONE_BAD},
		{"local", TONE_BAD},
		{"quarantined", TONE_BAD},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].state, state))
			return rows[i].tone;
	return TONE_PLAIN;
}

struct cell view_state(const char *state)
{
	return TONED(state, view_tone(state));
}

/* ---- VIPs ---- */

const struct column view_vip_columns[VIEW_VIP_COLUMNS] = {
	{"name", "VIP"},
	{"addresses", "ADDRESSES"},
	{"ports", "PORTS"},
	{"protocol", "PROTO"},
	{"mode", "MODE"},
	{"gue_port", NULL},
	{"pool", "POOL"},
	{"state", "STATE"},
	{"usable", "USABLE"},
	{"members", "OF"},
	{"packets", "PACKETS"},
	{"bytes", NULL},
	{"new_flows", "NEW FLOWS"},
	{"origin", "FROM"},
};

void view_vip_cells(const struct snapshot_vip *vip, struct cell *cells)
{
	const struct cell row[VIEW_VIP_COLUMNS] = {
		TEXT(vip->name),
		TEXT(vip->addresses),
		TEXT(vip->ports),
		TEXT(vip->proto),
		TEXT(vip->mode),
		NUMBER(vip->gue_port),
		TEXT(vip->pool),
		view_state(vip->state),
		NUMBER(vip->usable),
		NUMBER(vip->members),
		NUMBER(vip->traffic.packets),
		NUMBER(vip->traffic.bytes),
		NUMBER(vip->traffic.new_flows),
		TEXT(vip->origin),
	};

	memcpy(cells, row, sizeof(row));
}

int view_vips_table(struct writer *writer, const struct snapshot *snapshot)
{
	_free_ struct cell *cells = calloc(snapshot->n_vips * VIEW_VIP_COLUMNS + 1, sizeof(*cells));
	struct table table = {
		.key = "vips",
		.empty = "no VIPs: put manifests into vips_dir and `muster reload`, or `muster "
			 "apply -f FILE`",
		.columns = view_vip_columns,
		.n_columns = VIEW_VIP_COLUMNS,
		.n_rows = snapshot->n_vips,
		.cells = cells,
	};

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n_vips; i++)
		view_vip_cells(&snapshot->vips[i], &cells[i * VIEW_VIP_COLUMNS]);
	writer->ops->table(writer, &table);
	return 0;
}

/* ---- backends ---- */

const struct column view_backend_columns[VIEW_BACKEND_COLUMNS] = {
	{"pool", "POOL"},
	{"name", "NAME"},
	{"address", "ADDRESS"},
	{"zone", NULL},
	{"weight", "WEIGHT"},
	{"backup", NULL},
	{"admin", "ADMIN"},
	{"health", "HEALTH"},
	{"since_ms", "FOR"},
	{"new_ok", "NEW"},
	{"old_ok", "OLD"},
	{"share", "SHARE"},
	{"flows", "FLOWS"},
	{"drain_left_ms", NULL},
	{"path", "PATH"},
	{"via", NULL},
	{"vlan", NULL},
	{"source", NULL},
	{"mtu", NULL},
	{"packets", "PACKETS"},
	{"bytes", NULL},
	{"new_flows", "NEW FLOWS"},
	{"reason", "WHY"},
};

void view_backend_cells(const struct snapshot_backend *be, struct cell *cells)
{
	const struct cell row[VIEW_BACKEND_COLUMNS] = {
		TEXT(be->pool),
		TEXT(be->name),
		TEXT(be->address),
		TEXT(be->zone),
		NUMBER(be->weight),
		BOOL(be->backup),
		view_state(be->admin),
		view_state(be->health),
		DURATION(be->since_ms),
		BOOL(be->new_ok),
		BOOL(be->old_ok),
		SHARE(be->share),
		NUMBER(be->flows),
		DURATION(be->drain_left_ms),
		view_state(be->path),
		TEXT(be->via),
		TEXT(be->vlan),
		TEXT(be->source),
		NUMBER(be->mtu),
		NUMBER(be->traffic.packets),
		NUMBER(be->traffic.bytes),
		NUMBER(be->traffic.new_flows),
		TEXT(be->reason),
	};

	memcpy(cells, row, sizeof(row));
}

/* ---- pools ---- */

const struct column view_pool_columns[VIEW_POOL_COLUMNS] = {
	{"name", "POOL"},
	{"usable", "USABLE"},
	{"backends", "OF"},
	{"slots", "SLOTS"},
	{"moving", "MOVING"},
	{"pinned", "PINNED"},
	{"flows", "FLOWS"},
	{"untracked", "UNTRACKED"},
};

void view_pool_cells(const struct snapshot_pool *pool, struct cell *cells)
{
	const struct cell row[VIEW_POOL_COLUMNS] = {
		TEXT(pool->name),
		NUMBER(pool->usable),
		NUMBER(pool->backends),
		NUMBER(pool->slots),
		NUMBER(pool->moving),
		NUMBER(pool->pinned),
		NUMBER(pool->flows),
		NUMBER(pool->untracked),
	};

	memcpy(cells, row, sizeof(row));
}

int view_pools_table(struct writer *writer, const struct snapshot *snapshot)
{
	_free_ struct cell *cells =
		calloc(snapshot->n_pools * VIEW_POOL_COLUMNS + 1, sizeof(*cells));
	struct table table = {
		.key = "pools",
		.empty = "no pools",
		.columns = view_pool_columns,
		.n_columns = VIEW_POOL_COLUMNS,
		.n_rows = snapshot->n_pools,
		.cells = cells,
	};

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n_pools; i++)
		view_pool_cells(&snapshot->pools[i], &cells[i * VIEW_POOL_COLUMNS]);
	writer->ops->table(writer, &table);
	return 0;
}

/* @pool: NULL for all. */
int view_backends_table(struct writer *writer, const struct snapshot *snapshot, const char *pool)
{
	_free_ struct cell *cells =
		calloc(snapshot->n_backends * VIEW_BACKEND_COLUMNS + 1, sizeof(*cells));
	struct table table = {
		.key = "backends",
		.empty = "no backends",
		.columns = view_backend_columns,
		.n_columns = VIEW_BACKEND_COLUMNS,
		.cells = cells,
	};

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n_backends; i++)
		if (!pool || !strcmp(snapshot->backends[i].pool, pool))
			view_backend_cells(&snapshot->backends[i],
				&cells[table.n_rows++ * VIEW_BACKEND_COLUMNS]);
	writer->ops->table(writer, &table);
	return 0;
}
