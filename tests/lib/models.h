/* SPDX-License-Identifier: BSD-2-Clause */
/* Models and states made by a few calls, for tests and benchmarks of what is planned from them. */
#ifndef MUSTER_TESTS_MODELS_H
#define MUSTER_TESTS_MODELS_H

#include "core/image.h"

#include <arpa/inet.h>

#define MODELS_INLINE static inline __attribute__((unused))

/* The start of any test: out of memory is not what it is about. */
MODELS_INLINE void models_must(bool condition)
{
	if (!condition)
		abort();
}

MODELS_INLINE struct muster_addr models_addr(const char *text)
{
	struct muster_addr addr;

	models_must(!addr_parse(text, &addr));
	return addr;
}

/* 10.0.0.0 + @i */
MODELS_INLINE struct muster_addr models_addr_v4(uint32_t i)
{
	struct muster_addr addr = {};

	addr.w[2] = htonl(0xffff);
	addr.w[3] = htonl(0x0a000000 + i);
	return addr;
}

MODELS_INLINE struct model *models_new(void)
{
	struct model *model = calloc(1, sizeof(*model));

	models_must(model);
	return model;
}

MODELS_INLINE size_t models_add_pool(struct model *model, const char *name)
{
	models_must(!util_grow(&model->pools, model->n_pools, sizeof(*model->pools)));
	model->pools[model->n_pools] = (struct pool){
		.name = strdup(name),
		.panic = 50,
		.origin = {"pools.yaml", (unsigned)model->n_pools + 1, 1},
	};
	return model->n_pools++;
}

MODELS_INLINE struct backend *models_add_backend(struct model *model, size_t pool, const char *name,
	struct muster_addr addr, uint16_t weight)
{
	struct pool *p = &model->pools[pool];

	models_must(!util_grow(&p->backends, p->n_backends, sizeof(*p->backends)));
	p->backends[p->n_backends] = (struct backend){
		.name = strdup(name),
		.addr = addr,
		.port = htons(80),
		.weight = weight,
	};
	return &p->backends[p->n_backends++];
}

/* Backends b1 .. bN at 10.0.0.0 + @first, first + 1, ... */
MODELS_INLINE void models_add_backends(struct model *model, size_t pool, uint32_t first, size_t n)
{
	char name[24];

	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "b%zu", i + 1);
		models_add_backend(model, pool, name, models_addr_v4(first + (uint32_t)i), 100);
	}
}

MODELS_INLINE struct vip *models_add_vip(
	struct model *model, const char *name, struct muster_addr addr, size_t pool)
{
	struct vip *vip;

	models_must(!util_grow(&model->vips, model->n_vips, sizeof(*model->vips)));
	vip = &model->vips[model->n_vips++];
	*vip = (struct vip){
		.name = strdup(name),
		.addrs = calloc(1, sizeof(*vip->addrs)),
		.n_addrs = 1,
		.ports = calloc(1, sizeof(*vip->ports)),
		.n_ports = 1,
		.proto = IPPROTO_TCP,
		.mode = MUSTER_MODE_IPIP,
		.pool = pool,
		.origin = {"vips.yaml", (unsigned)model->n_vips, 1},
	};
	models_must(vip->addrs && vip->ports);
	vip->addrs[0] = addr;
	vip->ports[0].port = htons(80);
	return vip;
}

MODELS_INLINE void models_add_addr(struct vip *vip, struct muster_addr addr)
{
	models_must(!util_grow(&vip->addrs, vip->n_addrs, sizeof(*vip->addrs)));
	vip->addrs[vip->n_addrs++] = addr;
}

MODELS_INLINE void models_add_port(struct vip *vip, uint16_t port)
{
	models_must(!util_grow(&vip->ports, vip->n_ports, sizeof(*vip->ports)));
	vip->ports[vip->n_ports++] = (struct vip_port){.port = htons(port)};
}

/* What every backend is at first: up, on the link, next hop 1. [pool][backend] */
MODELS_INLINE struct member_state **models_states(const struct model *model)
{
	struct member_state **states = calloc(model->n_pools + 1, sizeof(*states));

	models_must(states);
	for (size_t p = 0; p < model->n_pools; p++) {
		const struct pool *pool = &model->pools[p];

		states[p] = calloc(pool->n_backends + 1, sizeof(**states));
		models_must(states[p]);
		for (size_t i = 0; i < pool->n_backends; i++)
			states[p][i] = (struct member_state){
				.identity = model_identity(pool->name, pool->backends[i].name),
				.bits = {true, true},
				.share = RING_ALL,
				.on_link = true,
				.nexthop = 1,
			};
	}
	return states;
}

MODELS_INLINE void models_states_free(struct member_state **states, const struct model *model)
{
	for (size_t p = 0; p < model->n_pools; p++)
		free(states[p]);
	free(states);
}

#endif
