/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probe targets: one per distinct (address, port, check), shared by the backends of all pools that
 * need it. A target owns the health that its check sees; it lives as long as a backend refers to it,
 * so health survives reloads and restarts of the prober.
 */
#ifndef MUSTER_DAEMON_TARGETS_H
#define MUSTER_DAEMON_TARGETS_H

#include "core/health.h"
#include "core/poolbits.h"
#include "daemon/supervisor.h"

#include <uthash.h>

#define TARGET_CRASHES_MAX 3

struct fleet_pool;

struct target {
	uint32_t id; /* never used again */
	struct probe_spec spec;
	struct health health;
	unsigned references;
	unsigned crashes;
	bool quarantined; /* crashed the prober too often: not probed any more */
	uint64_t probe_seq;
	/* of the last result */
	uint32_t latency_us;
	bool tethered;
	enum probe_outcome outcome;
	char detail[PROBE_DETAIL_MAX];
	/* pools of the active fleet with a backend that refers to it */
	struct fleet_pool **pools;
	size_t n_pools;
	UT_hash_handle by_spec, by_id;
};

struct targets;

int targets_new(struct targets **ret);
void targets_free(struct targets **targets);

/* Where ADD and DELETE frames go; NULL: nowhere yet. */
void targets_set_supervisor(struct targets *targets, struct supervisor *supervisor);

/* The target of that spec, referenced; made and announced to the prober if it is new. NULL: no memory. */
struct target *targets_get(struct targets *targets, const struct probe_spec *spec);
void targets_put(struct targets *targets, struct target *target);

struct target *targets_find(struct targets *targets, uint32_t id);
void targets_send_all(struct targets *targets);

/* The prober crashed while it worked on @id. True if the target is quarantined from now on. */
bool targets_crashed(struct targets *targets, uint32_t id);

unsigned targets_count(const struct targets *targets);
unsigned targets_quarantined(const struct targets *targets);

/* Calls @f for each. */
void targets_each(
	struct targets *targets, void (*f)(struct target *target, void *data), void *data);

#endif
