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
	fleet->held_until_ms = before ? before->held_until_ms : 0;
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
