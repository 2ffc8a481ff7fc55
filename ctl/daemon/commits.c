/* SPDX-License-Identifier: BSD-2-Clause */
/* Patches: from the state of a pool to stores in the live tables. */
#include "daemon/daemon.h"

bool commit_pool(struct daemon *daemon, struct fleet_pool *pool, uint64_t *ret_ns)
{
	bool changed = fleet_pool_update(pool, daemon_now_ms());
	struct patch patch = {.young = fleet_pool_is_young(pool, daemon_now_ms())};

	*ret_ns = 0;
	/* -ENOMEM: image and tables still agree; the next evidence or tick tries again. */
	if (image_patch(daemon->live, pool->config->name, pool->states, pool->config->n_backends,
		    daemon_now_ds(), &patch) == 0 &&
		(patch.n_slots || patch.n_members)) {
		*ret_ns = dataplane_patch(daemon->dp, &patch);
		daemon->commits_patch++;
	}
	patch_clear(&patch);
	return changed || *ret_ns;
}

void commit_report(
	struct daemon *daemon, struct fleet_pool *pool, unsigned usable_before, bool panic_before)
{
	const char *name = pool->config->name;
	unsigned usable = fleet_pool_usable(pool);

	if (usable_before && !usable)
		events_emit(daemon->events, EVENT_ERROR, "pool_empty", "pool", name, "why",
			"no usable backend is left", NULL);
	if (!usable_before && usable)
		events_emit(daemon->events, EVENT_NOTICE, "pool_served", "pool", name, "usable",
			event_text("%u/%zu", usable, pool->config->n_backends), NULL);
	if (pool->panic != panic_before)
		events_emit(daemon->events, EVENT_WARNING, pool->panic ? "panic" : "panic_over",
			"pool", name, "why",
			pool->panic
				? event_text("more than %u %% of the enabled backends are not up: "
					     "failing ones keep traffic",
					  pool->config->panic)
				: "enough backends are up again",
			NULL);
}

static void report_drained(struct daemon *daemon, const struct fleet_pool *pool, uint64_t before_ms)
{
	for (size_t i = 0; i < pool->config->n_backends; i++) {
		const struct fleet_backend *be = &pool->backends[i];

		if (fleet_drain_is_over(be, daemon_now_ms()) && !fleet_drain_is_over(be, before_ms))
			events_emit(daemon->events, EVENT_NOTICE, "drained", "backend",
				event_text("%s/%s", pool->config->name, be->config->name), "why",
				"its deadline has passed: the flows it still had go to others",
				NULL);
	}
}

static void commit_again(struct daemon *daemon, struct fleet_pool *pool)
{
	unsigned usable_before = fleet_pool_usable(pool);
	bool panic_before = pool->panic;
	uint64_t ns;

	commit_pool(daemon, pool, &ns);
	commit_report(daemon, pool, usable_before, panic_before);
}

void commit_all(struct daemon *daemon)
{
	for (size_t p = 0; p < daemon->fleet->model->n_pools; p++)
		commit_again(daemon, &daemon->fleet->pools[p]);
}

void commit_tick(struct daemon *daemon)
{
	uint64_t before_ms = daemon->ticked_ms;

	daemon->ticked_ms = daemon_now_ms();
	for (size_t p = 0; p < daemon->fleet->model->n_pools; p++) {
		struct fleet_pool *pool = &daemon->fleet->pools[p];

		if (!pool->timed)
			continue;
		commit_again(daemon, pool);
		report_drained(daemon, pool, before_ms);
	}
}
