/* SPDX-License-Identifier: BSD-2-Clause */
/* Every {address, protocol, port} belongs to one VIP, and no backend has the address of a VIP. */
#include "manifest/draft.h"

#define FRONTENDS_MAX 65536 /* of all VIPs; what the tables can hold at most */

struct frontend {
	struct muster_addr addr;
	__be16 port;
	uint8_t proto;
	size_t vip, addr_index, port_index;
};

static int compare_sizes(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_keys(const struct frontend *a, const struct frontend *b)
{
	int order = addr_compare(&a->addr, &b->addr);

	if (!order)
		order = a->proto - b->proto;
	return order ? order : ntohs(a->port) - ntohs(b->port);
}

static int by_key(const void *a, const void *b)
{
	const struct frontend *x = a, *y = b;
	int order = compare_keys(x, y);

	if (!order)
		order = compare_sizes(x->vip, y->vip);
	if (!order)
		order = compare_sizes(x->addr_index, y->addr_index);
	return order ? order : compare_sizes(x->port_index, y->port_index);
}

static size_t collect_vip(const struct model *model, size_t v, struct frontend *rows)
{
	const struct vip *vip = &model->vips[v];
	size_t n = 0;

	for (size_t a = 0; a < vip->n_addrs; a++)
		for (size_t p = 0; p < vip->n_ports; p++)
			rows[n++] = (struct frontend){
				vip->addrs[a], vip->ports[p].port, vip->proto, v, a, p};
	return n;
}

/* How many frontends there are, or 0 after the complaint that they are too many. */
static size_t count(const struct draft *draft, struct complaints *complaints)
{
	const struct model *model = draft->model;
	size_t n = 0;

	for (size_t v = 0; v < model->n_vips; v++) {
		n += model->vips[v].n_addrs * model->vips[v].n_ports;
		if (n <= FRONTENDS_MAX)
			continue;
		complain_error(complaints, draft->vips[v].addrs[0],
			"with this VIP there are more than %d frontends (addresses x ports)",
			FRONTENDS_MAX);
		return 0;
	}
	return n;
}

static const char *vip_name(const struct vip *vip)
{
	return vip->name ? vip->name : "?";
}

/* @b has the key of @a, which was written first. Returns the place of the complaint. */
static struct origin complain_frontend(const struct draft *draft, const struct frontend *a,
	const struct frontend *b, const struct origin *last, struct complaints *complaints)
{
	const struct vip_places *places_a = &draft->vips[a->vip], *places_b = &draft->vips[b->vip];
	struct origin where = places_b->addrs[b->addr_index],
		      first = places_a->addrs[a->addr_index];
	bool same_vip = a->vip == b->vip, same_port = same_vip && a->addr_index == b->addr_index;
	char text[ADDR_TEXT];

	if (same_port) {
		where = places_b->ports[b->port_index].port;
		first = places_a->ports[a->port_index].port;
	}
	/* One complaint for all ports of an address. */
	if (where.file == last->file && where.line == last->line && where.col == last->col)
		return where;
	if (same_port)
		complain_error(complaints, where, "port %u is listed already (" PLACE ")",
			ntohs(b->port), PLACE_ARGS(first));
	else if (same_vip)
		complain_error(complaints, where, "%s is listed already (" PLACE ")",
			addr_format(&b->addr, text), PLACE_ARGS(first));
	else
		complain_error(complaints, where, "%s/%s belongs to VIP %s already (" PLACE ")",
			addr_format_port(&b->addr, b->port, text), proto_name(b->proto),
			vip_name(&draft->model->vips[a->vip]), PLACE_ARGS(first));
	return where;
}

static void verify_unique(const struct draft *draft, const struct frontend *rows, size_t n,
	struct complaints *complaints)
{
	struct origin last = {};

	for (size_t i = 1, first = 0; i < n && !complaints_full(complaints); i++) {
		if (compare_keys(&rows[first], &rows[i]))
			first = i;
		else
			last = complain_frontend(draft, &rows[first], &rows[i], &last, complaints);
	}
}

/* The first frontend with that address, or NULL. */
static const struct frontend *find_address(
	const struct frontend *rows, size_t n, const struct muster_addr *addr)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (addr_compare(&rows[middle].addr, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && addr_equal(&rows[low].addr, addr) ? &rows[low] : NULL;
}

static void verify_pool(const struct draft *draft, size_t p, const struct frontend *rows, size_t n,
	struct complaints *complaints)
{
	const struct pool *pool = &draft->model->pools[p];
	char text[ADDR_TEXT];

	for (size_t i = 0; i < pool->n_backends && !complaints_full(complaints); i++) {
		const struct backend *backend = &pool->backends[i];
		const struct frontend *found;

		found = draft->pools[p].backends[i].addr.line
				? find_address(rows, n, &backend->addr)
				: NULL;
		if (!found)
			continue;
		complain_error(complaints, draft->pools[p].backends[i].addr,
			"backend %s is VIP %s's own address %s (" PLACE ")",
			backend->name ? backend->name : "?",
			vip_name(&draft->model->vips[found->vip]),
			addr_format(&backend->addr, text),
			PLACE_ARGS(draft->vips[found->vip].addrs[found->addr_index]));
	}
}

void verify_frontends(const struct draft *draft, struct complaints *complaints)
{
	size_t n = count(draft, complaints), used = 0;
	_free_ struct frontend *rows = calloc(MAX(n, 1), sizeof(*rows));

	if (!rows) {
		complaints->no_memory = true;
		return;
	}
	for (size_t v = 0; n && v < draft->model->n_vips; v++)
		used += collect_vip(draft->model, v, rows + used);
	if (n)
		qsort(rows, n, sizeof(*rows), by_key);
	verify_unique(draft, rows, n, complaints);
	for (size_t p = 0; p < draft->model->n_pools; p++)
		verify_pool(draft, p, rows, n, complaints);
}
