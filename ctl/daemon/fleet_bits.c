/* SPDX-License-Identifier: BSD-2-Clause */
/* What backends may have: from health, admin state, weight and time to bits and shares. */
#include "daemon/fleet.h"

static enum health_state backend_health(struct fleet_backend *be)
{
	struct health checks[MODEL_CHECKS_MAX];

	for (size_t t = 0; t < be->n_targets; t++)
		checks[t] = be->targets[t]->health;
	return health_combine(checks, be->n_targets);
}

/* The backends of a pool do not come up at the same instant, but within the time of a check. */
#define YOUNG_MS 2000

bool fleet_pool_is_young(const struct fleet_pool *pool, uint64_t now_ms)
{
	return pool->served_ms && now_ms - pool->served_ms < YOUNG_MS && !pool->shrank;
}

/* ---- shares ---- */

bool fleet_drain_is_over(const struct fleet_backend *be, uint64_t now_ms)
{
	return be->admin == ADMIN_DRAINING && be->drain_deadline_ms &&
	       now_ms >= be->drain_deadline_ms;
}

bool fleet_is_draining(const struct fleet *fleet)
{
	for (size_t p = 0; p < fleet->model->n_pools; p++)
		for (size_t i = 0; i < fleet->pools[p].config->n_backends; i++)
			if (fleet->pools[p].backends[i].admin == ADMIN_DRAINING)
				return true;
	return false;
}

/*
 * A backend that comes up into a pool that has been served for a while starts slowly. Those that come up
 * together, or alone, share the load at once: who else should have it?
 */
static void came_up(const struct fleet_pool *pool, struct fleet_backend *be, uint64_t now_ms)
{
	be->slow_since_ms = 0;
	if (pool->config->slow_start && pool->served_ms &&
		now_ms - pool->served_ms >= pool->config->slow_start)
		be->slow_since_ms = now_ms;
}

static uint16_t backend_share(
	const struct fleet_pool *pool, const struct fleet_backend *be, uint64_t now_ms)
{
	uint64_t up_ms = be->slow_since_ms ? now_ms - be->slow_since_ms : UINT64_MAX;

	return share_of(share_weight(&be->weight, now_ms), be->config->weight, up_ms,
		pool->config->slow_start);
}

static bool is_timed(const struct fleet_pool *pool, const struct fleet_backend *be, uint64_t now_ms)
{
	return share_is_ramping(&be->weight, now_ms) ||
	       (be->slow_since_ms && now_ms - be->slow_since_ms <= pool->config->slow_start) ||
	       (be->admin == ADMIN_DRAINING && be->drain_deadline_ms);
}

bool fleet_is_held(const struct fleet *fleet, uint64_t now_ms)
{
	return now_ms < fleet->held_until_ms;
}

/* What a backend may have while changes are held: no more than it had, unless nobody else has anything. */
static void hold_back(const struct fleet_pool *pool, const struct member_state *state,
	struct bits *bits, uint16_t *share)
{
	if (!state->bits.new_ok && pool->served_ms)
		bits->new_ok = false;
	if (state->bits.new_ok)
		*share = state->share;
}

static bool update_state(struct fleet_pool *pool, size_t i, struct bits bits, uint64_t now_ms)
{
	struct fleet_backend *be = &pool->backends[i];
	struct member_state *state = &pool->states[i];
	uint16_t share;
	bool changed;

	if (fleet_drain_is_over(be, now_ms))
		bits = (struct bits){};
	bits.new_ok &= share_weight(&be->weight, now_ms) > 0;
	share = backend_share(pool, be, now_ms);
	if (fleet_is_held(pool->fleet, now_ms))
		hold_back(pool, state, &bits, &share);
	if (bits.new_ok && !state->bits.new_ok) {
		came_up(pool, be, now_ms);
		share = backend_share(pool, be, now_ms);
	}
	pool->shrank |= state->bits.new_ok && (!bits.new_ok || share < state->share);
	changed = memcmp(&state->bits, &bits, sizeof(bits)) || state->share != share;
	state->bits = bits;
	state->share = share;
	pool->timed |= is_timed(pool, be, now_ms);
	return changed;
}

static bool update_states(struct fleet_pool *pool, const struct bits *bits, uint64_t now_ms)
{
	bool changed = false, served = false;

	pool->timed = fleet_is_held(pool->fleet, now_ms);
	pool->shrank = false;
	for (size_t i = 0; i < pool->config->n_backends; i++) {
		changed |= update_state(pool, i, bits[i], now_ms);
		served |= pool->states[i].bits.new_ok;
	}
	if (!served)
		pool->served_ms = 0;
	else if (!pool->served_ms)
		pool->served_ms = now_ms;
	return changed;
}

bool fleet_pool_update(struct fleet_pool *pool, uint64_t now_ms)
{
	struct poolbits_params params = {
		.panic = pool->config->panic,
		.on_down_reset = pool->config->on_down_reset,
	};
	size_t n = pool->config->n_backends;
	_free_ struct poolbits_backend *rows = calloc(MAX(n, 1), sizeof(*rows));
	_free_ struct bits *bits = calloc(MAX(n, 1), sizeof(*bits));
	bool changed, panic;

	if (!rows || !bits)
		return false; /* the old bits stay; the next result tries again */
	for (size_t i = 0; i < n; i++) {
		struct fleet_backend *be = &pool->backends[i];
		enum health_state health = backend_health(be);

		if (health != be->health) {
			be->health = health;
			be->since_ms = now_ms;
		}
		if (health != HEALTH_UNKNOWN)
			be->restored = false;
		rows[i] = (struct poolbits_backend){
			.admin = be->admin,
			.health = health,
			.backup = be->config->backup,
			.restored = be->restored,
			.last = be->last,
		};
	}
	panic = poolbits_compute(&params, rows, n, bits);
	changed = panic != pool->panic;
	pool->panic = panic;
	changed |= update_states(pool, bits, now_ms);
	return changed;
}

static unsigned count_usable(const struct fleet_pool *pool, bool no_backups)
{
	unsigned n = 0;

	for (size_t i = 0; i < pool->config->n_backends; i++)
		n += pool->states[i].bits.new_ok && pool->states[i].nexthop != MUSTER_NO_NEXTHOP &&
		     !(no_backups && pool->config->backends[i].backup);
	return n;
}

unsigned fleet_pool_usable(const struct fleet_pool *pool)
{
	return count_usable(pool, false);
}

unsigned fleet_vip_usable(const struct fleet_pool *pool, const struct vip *vip)
{
	return count_usable(pool, vip->no_backups);
}

static bool backend_doubtful(const struct fleet_backend *be, bool was_blind, uint64_t now_ms)
{
	for (size_t t = 0; t < be->n_targets; t++) {
		const struct target *target = be->targets[t];

		if (was_blind && target->health.first_fail_ms)
			return true;
		if (poolbits_doubtful(
			    &target->health, target->spec.interval, target->spec.timeout, now_ms))
			return true;
	}
	return false;
}

bool fleet_blind(const struct fleet *fleet, bool was_blind, uint64_t now_ms)
{
	size_t n = fleet->model->n_pools, rows = 0;
	_free_ struct blind_pool *pools = calloc(MAX(n, 1), sizeof(*pools));

	for (size_t p = 0; pools && p < n; p++) {
		const struct fleet_pool *pool = &fleet->pools[p];

		for (size_t i = 0; i < pool->config->n_backends; i++) {
			const struct fleet_backend *be = &pool->backends[i];

			if (be->health != HEALTH_UP || !be->n_targets)
				continue;
			pools[rows].up++;
			pools[rows].doubtful += backend_doubtful(be, was_blind, now_ms);
		}
		rows += pools[rows].up > 0;
	}
	return pools && rows && poolbits_blind(pools, rows);
}
