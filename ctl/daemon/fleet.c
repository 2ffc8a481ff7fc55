/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/fleet.h"

#include <errno.h>

/* The port a pool's traffic arrives on where the backend names none: that of its first VIP. */
static __be16 pool_vip_port(const struct model *model, size_t pool)
{
	for (size_t i = 0; i < model->n_vips; i++) {
		const struct vip *vip = &model->vips[i];

		if (vip->pool == pool && vip->n_ports)
			return vip->ports[0].to ? vip->ports[0].to : vip->ports[0].port;
	}
	return 0;
}

/* Where the backend of that identity stood in @before (or NULL); @hint: its place now. */
static int find_before(const struct fleet_pool *before, uint64_t identity, size_t hint)
{
	size_t n = before ? before->config->n_backends : 0;

	if (hint < n && before->backends[hint].identity == identity)
		return (int)hint;
	for (size_t j = 0; j < n; j++)
		if (before->backends[j].identity == identity)
			return (int)j;
	return -1;
}

static int backend_targets(struct fleet_backend *be, const struct pool *pool, __be16 vip_port,
	const struct fleet_context *context)
{
	__be16 port = be->config->port ? be->config->port : vip_port;
	struct probe_spec spec;

	be->targets = calloc(pool->n_checks ? pool->n_checks : 1, sizeof(*be->targets));
	if (!be->targets)
		return -ENOMEM;
	/* A pool that no VIP uses and whose backends have no port has nothing to probe. */
	for (size_t i = 0; i < pool->n_checks; i++) {
		const struct check *check = &pool->checks[i];

		if (!check->port && !port)
			continue;
		probe_spec_init(&spec, check, &be->config->addr, port);
		be->targets[be->n_targets] = targets_get(context->targets, &spec);
		if (!be->targets[be->n_targets])
			return -ENOMEM;
		be->n_targets++;
	}
	return 0;
}

static void backend_admin(struct fleet_backend *be, const struct fleet_context *context)
{
	const struct override *override;

	be->admin = be->config->admin;
	be->weight = (struct share_ramp){.to = be->config->weight};
	HASH_FIND(hh, context->overrides, &be->identity, sizeof(be->identity), override);
	if (override && override->has_admin) {
		be->admin = override->admin;
		be->drain_deadline_ms = override->drain_deadline_ms;
	}
	if (override && override->has_weight)
		be->weight = override->weight;
	if (be->identity == context->weight_identity)
		be->weight = context->weight;
}

static int fleet_backend_init(struct fleet_pool *pool, size_t i, const struct fleet_pool *before,
	__be16 vip_port, const struct fleet_context *context)
{
	struct fleet_backend *be = &pool->backends[i];
	int old;

	be->config = &pool->config->backends[i];
	be->identity = model_identity(pool->config->name, be->config->name);
	be->since_ms = context->now_ms;
	be->health = HEALTH_UNKNOWN;
	backend_admin(be, context);
	pool->states[i].identity = be->identity;
	old = find_before(before, be->identity, i);
	if (old >= 0 && addr_equal(&before->backends[old].config->addr, &be->config->addr)) {
		be->path = before->backends[old].path;
		be->health = before->backends[old].health;
		be->since_ms = before->backends[old].since_ms;
		be->slow_since_ms = before->backends[old].slow_since_ms;
		be->restored = before->backends[old].restored;
		be->last = before->backends[old].last;
		pool->states[i] = before->states[old];
	}
	return backend_targets(be, pool->config, vip_port, context);
}

static int fleet_pool_init(struct fleet *fleet, size_t p, const struct fleet_pool *before,
	const struct fleet_context *context)
{
	struct fleet_pool *pool = &fleet->pools[p];
	const struct pool *config = &fleet->model->pools[p];
	__be16 vip_port = pool_vip_port(fleet->model, p);
	int err;

	pool->fleet = fleet;
	pool->config = config;
	pool->served_ms = before ? before->served_ms : 0;
	pool->backends = calloc(MAX(config->n_backends, 1), sizeof(*pool->backends));
	pool->states = calloc(MAX(config->n_backends, 1), sizeof(*pool->states));
	if (!pool->backends || !pool->states)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_backends; i++) {
		err = fleet_backend_init(pool, i, before, vip_port, context);
		if (err)
			return err;
	}
	return 0;
}

int fleet_new(struct fleet **ret, struct model *model, struct fleet *before,
	const struct fleet_context *context)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));
	int err = 0;

	if (!fleet) {
		model_free(&model);
		return -ENOMEM;
	}
	fleet->model = model;
	fleet->pools = calloc(MAX(model->n_pools, 1), sizeof(*fleet->pools));
	if (!fleet->pools)
		err = -ENOMEM;
	for (size_t p = 0; !err && p < model->n_pools; p++)
		err = fleet_pool_init(fleet, p,
			before ? fleet_find_pool(before, model->pools[p].name) : NULL, context);
	if (err) {
		fleet_free(&fleet, context->targets);
		return err;
	}
	*ret = fleet;
	return 0;
}

static void fleet_pool_clear(struct fleet_pool *pool, struct targets *targets)
{
	for (size_t i = 0; pool->backends && i < pool->config->n_backends; i++) {
		struct fleet_backend *be = &pool->backends[i];

		for (size_t t = 0; t < be->n_targets; t++)
			targets_put(targets, be->targets[t]);
		free(be->targets);
	}
	free(pool->backends);
	free(pool->states);
}

void fleet_free(struct fleet **fleet, struct targets *targets)
{
	struct fleet *f = *fleet;

	if (!f)
		return;
	for (size_t p = 0; f->pools && p < f->model->n_pools; p++)
		fleet_pool_clear(&f->pools[p], targets);
	free(f->pools);
	model_free(&f->model);
	free(f);
	*fleet = NULL;
}

static void forget_pools(struct target *target, void *data)
{
	(void)data;
	free(target->pools);
	target->pools = NULL;
	target->n_pools = 0;
}

static int target_join(struct target *target, struct fleet_pool *pool)
{
	if (target->n_pools && target->pools[target->n_pools - 1] == pool)
		return 0;
	if (util_grow(&target->pools, target->n_pools, sizeof(*target->pools)))
		return -ENOMEM;
	target->pools[target->n_pools++] = pool;
	return 0;
}

int fleet_activate(struct fleet *fleet, struct targets *targets)
{
	targets_each(targets, forget_pools, NULL);
	for (size_t p = 0; p < fleet->model->n_pools; p++) {
		struct fleet_pool *pool = &fleet->pools[p];

		for (size_t i = 0; i < pool->config->n_backends; i++)
			for (size_t t = 0; t < pool->backends[i].n_targets; t++)
				if (target_join(pool->backends[i].targets[t], pool))
					return -ENOMEM;
	}
	return 0;
}

static const struct image_member *adopted_member(
	const struct image *adopted, uint64_t identity, const struct muster_addr *addr)
{
	for (size_t b = 0; b < adopted->n_blocks; b++)
		for (uint16_t i = 0; i < adopted->blocks[b]->n; i++) {
			const struct image_member *member = &adopted->blocks[b]->members[i];

			if (member->identity == identity && addr_equal(&member->addr, addr))
				return member;
		}
	return NULL;
}

void fleet_restore(struct fleet *fleet, const struct image *adopted)
{
	for (size_t p = 0; p < fleet->model->n_pools; p++) {
		struct fleet_pool *pool = &fleet->pools[p];

		for (size_t i = 0; i < pool->config->n_backends; i++) {
			struct fleet_backend *be = &pool->backends[i];
			const struct image_member *member =
				adopted_member(adopted, be->identity, &be->config->addr);

			if (!member)
				continue;
			be->restored = true;
			be->last = member->bits;
			pool->served_ms = 1; /* nobody knows since when, but not only now */
			pool->states[i].nexthop = member->nexthop;
			pool->states[i].on_link = true;
		}
	}
}

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

static bool update_state(struct fleet_pool *pool, size_t i, struct bits bits, uint64_t now_ms)
{
	struct fleet_backend *be = &pool->backends[i];
	struct member_state *state = &pool->states[i];
	uint16_t share;
	bool changed;

	if (fleet_drain_is_over(be, now_ms))
		bits = (struct bits){};
	bits.new_ok &= share_weight(&be->weight, now_ms) > 0;
	if (bits.new_ok && !state->bits.new_ok)
		came_up(pool, be, now_ms);
	share = backend_share(pool, be, now_ms);
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

	pool->timed = pool->shrank = false;
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

struct fleet_pool *fleet_find_pool(struct fleet *fleet, const char *name)
{
	for (size_t p = 0; p < fleet->model->n_pools; p++)
		if (!strcmp(fleet->pools[p].config->name, name))
			return &fleet->pools[p];
	return NULL;
}

struct fleet_backend *fleet_pool_find(struct fleet_pool *pool, const char *name)
{
	for (size_t i = 0; i < pool->config->n_backends; i++)
		if (!strcmp(pool->backends[i].config->name, name))
			return &pool->backends[i];
	return NULL;
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
