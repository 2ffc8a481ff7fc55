/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/draft.h"
#include "manifest/fields.h"

#define ON_EMPTY_BACKUP 0xff

static const struct choice protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}};
static const struct choice modes[] = {
	{"l2dsr", MUSTER_MODE_L2DSR}, {"ipip", MUSTER_MODE_IPIP}, {"gue", MUSTER_MODE_GUE}};
static const struct choice on_empty[] = {{"reject", MUSTER_ON_EMPTY_REJECT},
	{"drop", MUSTER_ON_EMPTY_DROP}, {"backup", ON_EMPTY_BACKUP}};
static const struct choice affinities[] = {{"flow", false}, {"client", true}};
static const struct choice repicks[] = {
	{"down", REPICK_DOWN}, {"now", REPICK_NOW}, {"never", REPICK_NEVER}};
static const struct choice announce[] = {{"auto", true}, {"none", false}};
static const char *const later_modes[] = {"nat", "local"};
static const char *const later_keys[] = {"select", "fallback", "zone_policy", "leader"};

static void add_address(
	const struct reading *r, const struct field *field, const struct node *value)
{
	struct vip_places *places = r->places;
	struct vip *vip = r->object;
	struct muster_addr addr;

	if (!field_parse_address(r, field, value, "a VIP", &addr))
		return;
	if (util_grow(&vip->addrs, vip->n_addrs, sizeof(*vip->addrs)) ||
		util_grow(&places->addrs, vip->n_addrs, sizeof(*places->addrs))) {
		r->complaints->no_memory = true;
		return;
	}
	places->addrs[vip->n_addrs] = value->where;
	vip->addrs[vip->n_addrs++] = addr;
}

static void read_addresses(
	const struct reading *r, const struct field *field, const struct node *value)
{
	/* Complaints about an entry speak of one. */
	struct field entry = *field;

	entry.key = "address";
	if (!field_is_list(r, field, value))
		return;
	for (value = value->child; value && !complaints_full(r->complaints); value = value->next)
		add_address(r, &entry, value);
}

static const struct field port_fields[] = {
	{.key = "port",
		.read = field_port,
		FIELD_AT(struct vip_port, port),
		FIELD_PLACE(struct port_places, port),
		.required = true},
	{.key = "to",
		.read = field_port,
		FIELD_AT(struct vip_port, to),
		FIELD_PLACE(struct port_places, to)},
};

static const struct schema port_schema = {
	.what = "a port",
	.fields = port_fields,
	.n = ARRAY_SIZE(port_fields),
};

static void add_port(const struct reading *r, const struct field *field, const struct node *value)
{
	struct port_places port_places = {.port = value->where};
	struct vip_places *places = r->places;
	struct vip *vip = r->object;
	struct vip_port port = {};
	struct reading inner = {r->complaints, r->draft, &port, &port_places};

	if (value->type == NODE_MAPPING)
		schema_read(&inner, &port_schema, value);
	else if (value->type == NODE_SCALAR && strchr(value->text, '-'))
		complain_error(r->complaints, value->where,
			"ranges of ports are not supported; list each port");
	else
		port.port = field_parse_port(r, field, value);
	if (!port.port)
		return;
	if (util_grow(&vip->ports, vip->n_ports, sizeof(*vip->ports)) ||
		util_grow(&places->ports, vip->n_ports, sizeof(*places->ports))) {
		r->complaints->no_memory = true;
		return;
	}
	places->ports[vip->n_ports] = port_places;
	vip->ports[vip->n_ports++] = port;
}

static void read_ports(const struct reading *r, const struct field *field, const struct node *value)
{
	struct field entry = *field;

	entry.key = "port";
	if (!field_is_list(r, field, value))
		return;
	for (value = value->child; value && !complaints_full(r->complaints); value = value->next)
		add_port(r, &entry, value);
}

static void read_pool(const struct reading *r, const struct field *field, const struct node *value)
{
	static const struct field name = {.key = "pool", FIELD_AT(struct vip_places, pool_name)};
	struct reading places = {r->complaints, r->draft, r->places, NULL};

	(void)field;
	field_name(&places, &name, value);
}

/* Whoever says reject or drop does not want the backups of the pool; who says nothing does. */
static void read_on_empty(
	const struct reading *r, const struct field *field, const struct node *value)
{
	struct vip *vip = r->object;

	field_choice(r, field, value);
	vip->no_backups = vip->on_empty != ON_EMPTY_BACKUP;
	if (!vip->no_backups)
		vip->on_empty = MUSTER_ON_EMPTY_REJECT;
}

/* ---- `backends` and `checks` make a pool of the VIP's name ---- */

static bool need_inline_pool(const struct reading *r)
{
	struct vip *vip = r->object;

	if (vip->pool != DRAFT_NO_POOL)
		return true;
	if (draft_add_pool(r->draft, &vip->pool)) {
		r->complaints->no_memory = true;
		return false;
	}
	r->draft->model->pools[vip->pool].inline_pool = true;
	return true;
}

static void read_backends(
	const struct reading *r, const struct field *field, const struct node *value)
{
	if (need_inline_pool(r))
		backends_read(r, field, value, ((struct vip *)r->object)->pool);
}

static void read_checks(
	const struct reading *r, const struct field *field, const struct node *value)
{
	(void)field;
	if (need_inline_pool(r))
		checks_read(r, value, ((struct vip *)r->object)->pool);
}

#define MEMBER(member) FIELD_AT(struct vip, member)
#define PLACED(member) FIELD_PLACE(struct vip_places, member)

static const struct field fields[] = {
	DRAFT_HEAD_FIELDS,
	{.key = "name", .read = field_name, MEMBER(name), PLACED(name), .required = true},
	{.key = "addresses", .read = read_addresses, .required = true},
	{.key = "protocol", .read = field_choice, MEMBER(proto), FIELD_CHOICES(protocols)},
	{.key = "ports", .read = read_ports, .required = true, .schema = &port_schema},
	{.key = "mode",
		.read = field_choice,
		MEMBER(mode),
		.required = true,
		FIELD_CHOICES(modes),
		FIELD_LATER(later_modes)},
	{.key = "gue_port", .read = field_port, MEMBER(gue_port), PLACED(gue_port)},
	{.key = "pool", .read = read_pool, PLACED(pool)},
	{.key = "backends", .read = read_backends, PLACED(backends), .schema = &backend_schema},
	{.key = "checks", .read = read_checks, PLACED(checks), .schema = &check_schema},
	{.key = "on_empty",
		.read = read_on_empty,
		MEMBER(on_empty),
		PLACED(on_empty),
		FIELD_CHOICES(on_empty)},
	{.key = "affinity", .read = field_choice, MEMBER(affinity), FIELD_CHOICES(affinities)},
	{.key = "repick",
		.read = field_choice,
		MEMBER(repick),
		PLACED(repick),
		FIELD_CHOICES(repicks)},
	{.key = "announce", .read = field_choice, MEMBER(announce), FIELD_CHOICES(announce)},
};

const struct schema vip_schema = {
	.what = "a Vip",
	.fields = fields,
	.n = ARRAY_SIZE(fields),
	.later = later_keys,
	.n_later = ARRAY_SIZE(later_keys),
	.other = &pool_schema,
};

/* A VIP has either `pool`, or `backends` and perhaps `checks`. */
static void check_pool_keys(
	struct complaints *complaints, const struct vip_places *places, struct origin where)
{
	if (places->pool.line && places->backends.line)
		complain_error(complaints, places->backends,
			"either pool or backends, not both (pool is at " PLACE ")",
			PLACE_ARGS(places->pool));
	else if (places->pool.line && places->checks.line)
		complain_error(complaints, places->checks,
			"checks belong to the pool (" PLACE "): write them there",
			PLACE_ARGS(places->pool));
	else if (!places->pool.line && !places->backends.line)
		complain_error(complaints, where, "pool or backends is required");
}

static void finish_inline_pool(struct draft *draft, const struct vip *vip,
	const struct vip_places *places, struct complaints *complaints)
{
	struct pool *pool = &draft->model->pools[vip->pool];

	draft->pools[vip->pool].name = places->name;
	pool->origin = places->name;
	if (vip->name) {
		pool->name = strdup(vip->name);
		complaints->no_memory |= !pool->name;
	}
	if (!places->checks.line)
		checks_default(draft, vip->pool, complaints);
}

void draft_read_vip(struct draft *draft, const struct node *node, struct complaints *complaints)
{
	struct reading r = {.complaints = complaints, .draft = draft};
	struct vip_places *places;
	struct vip *vip;
	size_t index;

	if (draft_add_vip(draft, &index)) {
		complaints->no_memory = true;
		return;
	}
	r.object = vip = &draft->model->vips[index];
	r.places = places = &draft->vips[index];
	schema_read(&r, &vip_schema, node);
	vip->origin = places->name;
	if (node->type == NODE_MAPPING)
		check_pool_keys(complaints, places, node->where);
	if (vip->pool != DRAFT_NO_POOL)
		finish_inline_pool(draft, vip, places, complaints);
}
