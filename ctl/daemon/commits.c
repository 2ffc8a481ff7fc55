/* SPDX-License-Identifier: BSD-2-Clause */
/* Patches: from the state of a pool to stores in the live tables. */
#include "daemon/daemon.h"

bool commit_pool(struct daemon *daemon, struct fleet_pool *pool, uint64_t *ret_ns)
{
	bool changed = fleet_pool_update(pool, daemon_now_ms());
	struct patch patch = {};

	*ret_ns = 0;
	/* -ENOMEM: image and tables still agree; the next evidence or tick tries again. */
	if (image_patch(daemon->live, pool->config->name, pool->states, pool->config->n_backends,
		    &patch) == 0 &&
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
