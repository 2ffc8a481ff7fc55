/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From health and admin state to the two bits of each backend, with the panic threshold; and the
 * blind-checker test over all pools. Pure.
 */
#ifndef MUSTER_CORE_POOLBITS_H
#define MUSTER_CORE_POOLBITS_H

#include "core/health.h"

struct bits {
	bool new_ok; /* may take new flows */
	bool old_ok; /* may keep the flows it has */
};

struct poolbits_backend {
	enum admin_state admin;
	enum health_state health;
	bool backup;
	bool restored;	  /* health is unknown after a restart ... */
	struct bits last; /* ... and these are the bits the adopted image had */
};

struct poolbits_params {
	uint8_t panic;	    /* percent of the enabled backends that may be not up */
	bool on_down_reset; /* failing: old_ok = 0 */
};

/*
 * Fills ret[0..n-1]. Panic (returned): more than `panic` % of the enabled backends are not up, so
 * failing ones count as new_ok; unreachable, disabled, draining, unknown never do. Backups take no part in it,
 * but while one of them is up there is no reason to panic.
 */
bool poolbits_compute(const struct poolbits_params *params, const struct poolbits_backend *backends,
	size_t n, struct bits *ret);

/*
 * One row per pool that has checks.
 * up: backends that were up; doubtful: those of them whose first soft failure of a running series
 * lies within the window (interval + timeout of their check) before now.
 */
struct blind_pool {
	size_t up, doubtful;
};

/*
 * The checker suspects itself: more than 80 % of all up backends are doubtful, in at least 3 pools,
 * or in all of them if there are fewer.
 */
bool poolbits_blind(const struct blind_pool *pools, size_t n);

/* Does @health count as doubtful at @now_ms, for a check of that interval and timeout? */
bool poolbits_doubtful(
	const struct health *health, uint32_t interval, uint32_t timeout, uint64_t now_ms);

#endif
