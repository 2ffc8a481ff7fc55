/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/model.h"

static void check_clear(struct check *check)
{
	free(check->name);
	free(check->host);
	free(check->path);
	free(check->body);
}

static void backend_clear(struct backend *backend)
{
	free(backend->name);
	free(backend->zone);
}

static void pool_clear(struct pool *pool)
{
	for (size_t i = 0; i < pool->n_backends; i++)
		backend_clear(&pool->backends[i]);
	for (size_t i = 0; i < pool->n_checks; i++)
		check_clear(&pool->checks[i]);
	free(pool->backends);
	free(pool->checks);
	free(pool->name);
}

static void vip_clear(struct vip *vip)
{
	free(vip->name);
	free(vip->addrs);
	free(vip->ports);
}

void model_free(struct model **model)
{
	struct model *m = *model;

	if (!m)
		return;
	for (size_t i = 0; i < m->n_vips; i++)
		vip_clear(&m->vips[i]);
	for (size_t i = 0; i < m->n_pools; i++)
		pool_clear(&m->pools[i]);
	for (size_t i = 0; i < m->n_files; i++)
		free(m->files[i]);
	free(m->vips);
	free(m->pools);
	free(m->files);
	free(m);
	*model = NULL;
}

bool model_pool_has_backups(const struct pool *pool)
{
	for (size_t i = 0; i < pool->n_backends; i++)
		if (pool->backends[i].backup)
			return true;
	return false;
}

const char *admin_state_name(enum admin_state state)
{
	static const char *const names[] = {
		[ADMIN_ENABLED] = "enabled",
		[ADMIN_DRAINING] = "draining",
		[ADMIN_DISABLED] = "disabled",
	};

	return names[state];
}

const char *mode_name(uint8_t mode)
{
	static const char *const names[] = {
		[MUSTER_MODE_NONE] = "none",
		[MUSTER_MODE_L2DSR] = "l2dsr",
		[MUSTER_MODE_IPIP] = "ipip",
		[MUSTER_MODE_GUE] = "gue",
	};

	return names[mode];
}

const char *proto_name(uint8_t proto)
{
	return proto == IPPROTO_TCP ? "tcp" : proto == IPPROTO_UDP ? "udp" : "any";
}

struct pool *model_find_pool(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->n_pools; i++)
		if (!strcmp(model->pools[i].name, name))
			return &model->pools[i];
	return NULL;
}

struct vip *model_find_vip(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->n_vips; i++)
		if (!strcmp(model->vips[i].name, name))
			return &model->vips[i];
	return NULL;
}

__be16 model_backend_port(
	const struct vip *vip, const struct vip_port *port, const struct backend *be)
{
	(void)vip;
	return port->to ? port->to : be->port ? be->port : port->port;
}

uint64_t model_identity(const char *pool, const char *backend)
{
	static const struct muster_hash_key unkeyed = {{0x6d7573746572, 0x6964656e74}};
	size_t n_pool = strlen(pool), n_backend = strlen(backend);
	__u64 words[2 * (MODEL_NAME_MAX + 1) / 8] = {};
	char *bytes = (char *)words;
	uint64_t identity;

	memcpy(bytes, pool, MIN(n_pool, (size_t)MODEL_NAME_MAX));
	memcpy(bytes + MODEL_NAME_MAX + 1, backend, MIN(n_backend, (size_t)MODEL_NAME_MAX));
	identity = muster_hash_words(&unkeyed, words, ARRAY_SIZE(words));
	return identity ? identity : 1;
}

bool model_removal_is_small(const struct model *old, const struct model *next)
{
	size_t gone = 0;

	for (size_t i = 0; i < old->n_vips; i++)
		gone += !model_find_vip(next, old->vips[i].name);
	return !gone || 2 * gone <= old->n_vips;
}
