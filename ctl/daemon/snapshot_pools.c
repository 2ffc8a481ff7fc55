/* SPDX-License-Identifier: BSD-2-Clause */
/* What is at risk in each pool: slots that moved, and the flows that were recorded because of it. */
#include "daemon/settling.h"
#include "daemon/snapshot_internal.h"

static void add_rings(const struct daemon *daemon, struct snapshot_pool *row)
{
	for (size_t r = 0; r < daemon->live->n_rings; r++) {
		const struct slots *slots = &daemon->live->rings[r].ring->slots;

		if (strcmp(daemon->live->rings[r].block->pool, row->name))
			continue;
		row->slots += slots->n;
		row->moving += slots->moving;
		row->pinned += slots->pinned;
	}
}

static void add_services(const struct daemon *daemon, struct snapshot_pool *row)
{
	for (size_t i = 0; i < daemon->live->n_services; i++) {
		const struct image_service *service = &daemon->live->services[i];

		if (service->block && !strcmp(service->block->pool, row->name))
			row->untracked += dataplane_tracking(daemon->dp, service->index).failed;
	}
}

static void add_backends(const struct snapshot *snapshot, struct snapshot_pool *row)
{
	for (size_t i = 0; i < snapshot->n_backends; i++)
		if (!strcmp(snapshot->backends[i].pool, row->name))
			row->flows += snapshot->backends[i].flows;
}

void snapshot_pools(struct snapshot_store *store)
{
	const struct fleet *fleet = store->daemon->fleet;
	size_t n = fleet->model->n_pools;
	struct snapshot_pool *rows = snapshot_alloc(store, n, sizeof(*rows));

	for (size_t p = 0; rows && p < n; p++) {
		rows[p] = (struct snapshot_pool){
			.name = snapshot_text(store, "%s", fleet->pools[p].config->name),
			.usable = fleet_pool_usable(&fleet->pools[p]),
			.backends = (unsigned)fleet->pools[p].config->n_backends,
		};
		add_rings(store->daemon, &rows[p]);
		add_services(store->daemon, &rows[p]);
		add_backends(&store->snapshot, &rows[p]);
	}
	store->snapshot.pools = rows;
	store->snapshot.n_pools = rows ? n : 0;
	store->snapshot.sweep_us = settling_stats(store->daemon->settling).sweep_us;
}
