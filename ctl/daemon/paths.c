/* SPDX-License-Identifier: BSD-2-Clause */
/* From netlink to next hops: a backend without one is not usable (`no_neighbour`). */
#include "daemon/daemon.h"

/* Index of the next hop of @path, written to the table if it is new; 0 if the table is full. */
static uint32_t nexthop_index(
	struct daemon *daemon, const struct path *path, const struct muster_addr *backend)
{
	struct muster_nexthop nexthop = path->nexthop;
	uint32_t index;
	bool is_new;

	settings_apply_outer_source(&daemon->settings, &nexthop, backend);
	index = nexthops_get(daemon->nexthops, &nexthop, &is_new);
	if (index == MUSTER_NO_NEXTHOP)
		events_emit(daemon->events, EVENT_ERROR, "nexthops_full", "why",
			"raise limits.nexthops in musterd.yaml", NULL);
	else if (is_new)
		dataplane_nexthop(daemon->dp, index, &nexthop);
	return index;
}

/*
 * While the kernel is still asking (PATH_PENDING) the last next hop stays: after a restart it comes
 * from the adopted image, and taking it away would lose packets that arrive fine.
 */
static void apply_path(
	struct daemon *daemon, struct fleet_pool *pool, size_t i, const struct path *path)
{
	struct member_state *state = &pool->states[i];

	pool->backends[i].path = *path;
	if (path->state == PATH_PENDING)
		return;
	state->on_link = path->on_link;
	state->nexthop = MUSTER_NO_NEXTHOP;
	if (path->state == PATH_OK)
		state->nexthop = nexthop_index(daemon, path, &pool->backends[i].config->addr);
}

static void report_path(struct daemon *daemon, const struct fleet_pool *pool,
	const struct fleet_backend *be, enum path_state from)
{
	char via[ADDR_TEXT];

	events_emit(daemon->events, be->path.state == PATH_OK ? EVENT_NOTICE : EVENT_WARNING,
		"path", "backend", event_text("%s/%s", pool->config->name, be->config->name),
		"from", path_state_name(from), "to", path_state_name(be->path.state), "via",
		addr_format(&be->path.via, via), NULL);
}

static void pool_path_changed(struct daemon *daemon, struct fleet_pool *pool,
	const struct muster_addr *addr, const struct path *path)
{
	unsigned usable_before = fleet_pool_usable(pool);
	bool panic_before = pool->panic, touched = false;
	uint64_t commit_ns;

	for (size_t i = 0; i < pool->config->n_backends; i++) {
		struct fleet_backend *be = &pool->backends[i];
		enum path_state from = be->path.state;

		if (!addr_equal(&be->config->addr, addr))
			continue;
		apply_path(daemon, pool, i, path);
		touched = true;
		if (from != path->state && daemon->live)
			report_path(daemon, pool, be, from);
	}
	if (!touched || !daemon->live)
		return;
	commit_pool(daemon, pool, &commit_ns);
	commit_report(daemon, pool, usable_before, panic_before);
}

void paths_changed(void *data, const struct muster_addr *addr, const struct path *path)
{
	struct daemon *daemon = data;
	struct path copy = *path;

	for (size_t p = 0; daemon->fleet && p < daemon->fleet->model->n_pools; p++)
		pool_path_changed(daemon, &daemon->fleet->pools[p], addr, &copy);
}

void paths_watch(struct daemon *daemon, struct fleet *fleet)
{
	for (size_t p = 0; p < fleet->model->n_pools; p++) {
		struct fleet_pool *pool = &fleet->pools[p];

		for (size_t i = 0; i < pool->config->n_backends; i++) {
			const struct muster_addr *addr = &pool->backends[i].config->addr;
			const struct path *path;

			if (net_watch(daemon->net, addr))
				continue; /* no memory: stays pending, and says so in `status` */
			path = net_path(daemon->net, addr);
			if (path)
				apply_path(daemon, pool, i, path);
		}
	}
}

void paths_unwatch(struct daemon *daemon, struct fleet *fleet)
{
	for (size_t p = 0; p < fleet->model->n_pools; p++)
		for (size_t i = 0; i < fleet->pools[p].config->n_backends; i++)
			net_unwatch(daemon->net, &fleet->pools[p].backends[i].config->addr);
}
