/* SPDX-License-Identifier: BSD-2-Clause */
/* What the forwarding mode of a VIP demands of its ports and its pool. */
#include "manifest/draft.h"

/* What VIPs ask of a pool, counted once: many VIPs may share a large one. */
struct facts {
	size_t n_v4, n_v6;
	uint16_t port_min, port_max; /* of the backends with a port; 0: none has one */
	bool used;
};

static void facts_count(const struct draft *draft, size_t p, struct facts *facts)
{
	const struct pool *pool = &draft->model->pools[p];

	for (size_t i = 0; i < pool->n_backends; i++) {
		const struct backend *backend = &pool->backends[i];
		uint16_t port = ntohs(backend->port);

		if (addr_is_v4(&backend->addr))
			facts->n_v4++;
		else
			facts->n_v6++;
		if (!port)
			continue;
		facts->port_min = facts->port_max ? MIN(facts->port_min, port) : port;
		facts->port_max = MAX(facts->port_max, port);
	}
}

/* DSR leaves the packet's ports alone, so the backend listens on the VIP's. */
static void verify_to(const struct draft *draft, size_t v, struct complaints *complaints)
{
	const struct vip *vip = &draft->model->vips[v];

	for (size_t i = 0; i < vip->n_ports; i++)
		if (vip->ports[i].to && vip->ports[i].to != vip->ports[i].port)
			complain_error(complaints, draft->vips[v].ports[i].to,
				"mode %s cannot send port %u to port %u: rewriting ports needs "
				"mode nat",
				mode_name(vip->mode), ntohs(vip->ports[i].port),
				ntohs(vip->ports[i].to));
}

static void verify_gue_port(const struct draft *draft, size_t v, struct complaints *complaints)
{
	const struct vip *vip = &draft->model->vips[v];

	if (draft->vips[v].gue_port.line && vip->mode != MUSTER_MODE_GUE)
		complain_error(complaints, draft->vips[v].gue_port,
			"gue_port is for mode gue, not %s", mode_name(vip->mode));
}

static void verify_repick(const struct draft *draft, size_t v, struct complaints *complaints)
{
	if (draft->vips[v].repick.line && draft->model->vips[v].proto != IPPROTO_UDP)
		complain_error(complaints, draft->vips[v].repick,
			"repick is for protocol udp: a TCP connection cannot change its backend");
}

static void complain_ports(
	const struct draft *draft, size_t v, size_t port_index, struct complaints *complaints)
{
	const struct vip *vip = &draft->model->vips[v];
	const struct vip_port *port = &vip->ports[port_index];
	const struct pool *pool = &draft->model->pools[vip->pool];

	for (size_t i = 0; i < pool->n_backends && !complaints_full(complaints); i++) {
		const struct backend *backend = &pool->backends[i];

		if (model_backend_port(vip, port, backend) == port->port)
			continue;
		complain_error(complaints, draft->pools[vip->pool].backends[i].port,
			"backend %s has port %u, but VIP %s port %u (" PLACE
			"): mode %s cannot rewrite ports",
			backend->name ? backend->name : "?", ntohs(backend->port),
			vip->name ? vip->name : "?", ntohs(port->port),
			PLACE_ARGS(draft->vips[v].ports[port_index].port), mode_name(vip->mode));
	}
}

static void verify_ports(const struct draft *draft, size_t v, const struct facts *facts,
	struct complaints *complaints)
{
	const struct vip *vip = &draft->model->vips[v];

	for (size_t i = 0; i < vip->n_ports; i++) {
		uint16_t port = ntohs(vip->ports[i].port);

		if (vip->ports[i].to || !facts->port_max ||
			(facts->port_min == port && facts->port_max == port))
			continue;
		complain_ports(draft, v, i, complaints);
	}
}

/* The other modes carry either family in either. */
static void warn_families(const struct draft *draft, size_t v, const struct facts *facts,
	struct complaints *complaints)
{
	const struct vip *vip = &draft->model->vips[v];
	char text[ADDR_TEXT];

	if (vip->mode != MUSTER_MODE_L2DSR)
		return;
	for (size_t i = 0; i < vip->n_addrs; i++) {
		bool v4 = addr_is_v4(&vip->addrs[i]);

		if (v4 ? facts->n_v4 : facts->n_v6)
			continue;
		complain_warning(complaints, draft->vips[v].addrs[i],
			"no %s backend in pool %s: %s will be empty", v4 ? "IPv4" : "IPv6",
			draft->model->pools[vip->pool].name, addr_format(&vip->addrs[i], text));
	}
}

static void warn_backups(const struct draft *draft, size_t v, struct complaints *complaints)
{
	const struct vip *vip = &draft->model->vips[v];
	const struct pool *pool = &draft->model->pools[vip->pool];

	if (draft->vips[v].on_empty.line && !vip->no_backups && !model_pool_has_backups(pool))
		complain_warning(complaints, draft->vips[v].on_empty,
			"on_empty is backup, but no backend of pool %s has backup: true",
			pool->name);
}

static void warn_unused(
	const struct draft *draft, const struct facts *facts, struct complaints *complaints)
{
	for (size_t p = 0; p < draft->model->n_pools; p++)
		if (!facts[p].used)
			complain_warning(complaints, draft->pools[p].name,
				"pool %s is not used by any VIP", draft->model->pools[p].name);
}

void verify_modes(const struct draft *draft, struct complaints *complaints)
{
	const struct model *model = draft->model;
	_free_ struct facts *facts = calloc(MAX(model->n_pools, 1), sizeof(*facts));

	if (!facts) {
		complaints->no_memory = true;
		return;
	}
	for (size_t p = 0; p < model->n_pools; p++)
		facts_count(draft, p, &facts[p]);
	for (size_t v = 0; v < model->n_vips && !complaints_full(complaints); v++) {
		const struct vip *vip = &model->vips[v];

		if (vip->mode == MUSTER_MODE_NONE)
			continue;
		verify_to(draft, v, complaints);
		verify_gue_port(draft, v, complaints);
		verify_repick(draft, v, complaints);
		if (vip->pool != DRAFT_NO_POOL)
			verify_ports(draft, v, &facts[vip->pool], complaints);
	}
	/* An object with an error would seem empty or unused without being so. */
	if (complaints->errors)
		return;
	for (size_t v = 0; v < model->n_vips; v++) {
		facts[model->vips[v].pool].used = true;
		warn_families(draft, v, &facts[model->vips[v].pool], complaints);
		warn_backups(draft, v, complaints);
	}
	warn_unused(draft, facts, complaints);
}
