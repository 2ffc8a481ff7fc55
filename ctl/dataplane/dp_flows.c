/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow table, as the sweeps see it. */
#include "dataplane/dp_internal.h"

void dataplane_tick(struct dataplane *dp, uint32_t seconds)
{
	__atomic_store_n(&dp->control->clock, seconds, __ATOMIC_RELAXED);
}

/* An element of the arena is nothing but its slots, so those of a ring lie in one piece. */
const uint32_t *dataplane_slots(const struct dataplane *dp, const struct slots *slots)
{
	return dp->rings[slots->base / MUSTER_ELEMENT_SLOTS].slot;
}

static void fill_table(const struct dataplane *dp, struct flows_sweep *sweep)
{
	sweep->buckets = dp->flows;
	sweep->n_buckets = dp->options.flows / MUSTER_FLOW_WAYS;
	sweep->clock = __atomic_load_n(&dp->control->clock, __ATOMIC_RELAXED);
}

void dataplane_sweep(struct dataplane *dp, struct flows_sweep *sweep)
{
	fill_table(dp, sweep);
	flows_sweep(sweep);
}

void dataplane_forget(struct dataplane *dp, struct flows_sweep *sweep)
{
	fill_table(dp, sweep);
	flows_forget(sweep);
}

struct muster_tracking dataplane_tracking(const struct dataplane *dp, uint32_t service)
{
	return dp->tracking[service];
}
