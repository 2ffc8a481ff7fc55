/* SPDX-License-Identifier: BSD-2-Clause */
/* Services: a record per {address, protocol, port}, and one per address. */
#include "core/plan_build.h"

#include <errno.h>

static int add_service(
	struct plan *plan, const struct vip *vip, const struct image_service *service)
{
	struct image *image = plan->image;
	struct image_service *added;

	if (util_grow(&image->services, image->n_services, sizeof(*image->services)))
		return -ENOMEM;
	added = &image->services[image->n_services++];
	*added = *service;
	memcpy(added->vip, vip->name, MIN(strlen(vip->name), sizeof(added->vip) - 1));
	return 0;
}

static uint8_t service_flags(const struct vip *vip, const struct pool *pool, bool no_backups)
{
	static const uint8_t repick[] = {
		[REPICK_DOWN] = 0,
		[REPICK_NOW] = MUSTER_SERVICE_REPICK_NOW,
		[REPICK_NEVER] = MUSTER_SERVICE_REPICK_NEVER,
	};
	uint8_t flags = 0;

	if (vip->affinity)
		flags |= MUSTER_SERVICE_AFFINITY;
	if (no_backups)
		flags |= MUSTER_SERVICE_NO_BACKUPS;
	if (vip->proto == IPPROTO_UDP)
		return flags | repick[vip->repick];
	return pool->on_down_reset ? flags | MUSTER_SERVICE_RESET : flags;
}

static int add_address(struct plan *plan, const struct vip *vip, const struct muster_addr *addr)
{
	const struct pool *pool = &plan->input->model->pools[vip->pool];
	bool no_backups = vip->no_backups && model_pool_has_backups(pool);
	enum plan_class class = plan_class_of(addr, vip->mode, no_backups);
	enum plan_proto proto = vip->proto == IPPROTO_TCP ? PLAN_TCP : PLAN_UDP;
	struct image_service service = {.key.addr = *addr, .mode = MUSTER_MODE_NONE};
	int err = add_service(plan, vip, &service);

	if (err)
		return err;
	err = plan_block(plan, vip->pool, class, &service.block);
	if (err)
		return err;
	err = plan_ring(plan, vip->pool, class, proto, &service.ring);
	service.flags = service_flags(vip, pool, no_backups);
	service.mode = vip->mode;
	service.on_empty = vip->on_empty;
	service.gue_port = vip->mode == MUSTER_MODE_GUE ? vip->gue_port : 0;
	service.key.proto = vip->proto;
	for (size_t i = 0; !err && i < vip->n_ports; i++) {
		service.key.port = vip->ports[i].port;
		err = add_service(plan, vip, &service);
	}
	return err;
}

/* Of VIPs that share an address one record of it remains, which is no single one's. */
static void merge_addresses(struct image *image)
{
	size_t n = 0;

	for (size_t i = 0; i < image->n_services; i++) {
		struct image_service *last = n ? &image->services[n - 1] : NULL;

		if (last && !image_compare_services(last, &image->services[i])) {
			if (strcmp(last->vip, image->services[i].vip))
				memset(last->vip, 0, sizeof(last->vip));
			continue;
		}
		image->services[n++] = image->services[i];
	}
	image->n_services = n;
}

static int services_full(struct plan *plan, const struct image_service *service)
{
	const struct vip *vip = model_find_vip(plan->input->model, service->vip);
	char address[ADDR_TEXT];

	if (vip)
		return plan_full(plan, PLAN_SERVICES, vip->origin, "vip", vip->name, 1);
	return plan_full(plan, PLAN_SERVICES, (struct origin){}, "address",
		addr_format(&service->key.addr, address), 1);
}

/* On error the services from the first one without an index on are dropped: they hold nothing. */
static int assign_indexes(struct plan *plan)
{
	struct image *image = plan->image;

	for (size_t i = 0; i < image->n_services; i++) {
		struct image_service *service = &image->services[i];
		const struct image_service *old = image_find_service(plan->previous, &service->key);

		service->index = old ? old->index : arena_alloc(plan->space->services, 1);
		if (service->index == ARENA_FULL) {
			image->n_services = i;
			return services_full(plan, service);
		}
	}
	return 0;
}

static int add_services(struct plan *plan)
{
	const struct model *model = plan->input->model;
	int err = 0;

	for (size_t v = 0; !err && v < model->n_vips; v++)
		for (size_t a = 0; !err && a < model->vips[v].n_addrs; a++)
			err = add_address(plan, &model->vips[v], &model->vips[v].addrs[a]);
	return err;
}

int plan_services(struct plan *plan)
{
	struct image *image = plan->image;
	int err = add_services(plan);

	if (err) {
		image->n_services = 0; /* none has an index yet */
		return err;
	}
	if (image->n_services)
		qsort(image->services, image->n_services, sizeof(*image->services),
			image_compare_services);
	merge_addresses(image);
	return assign_indexes(plan);
}
