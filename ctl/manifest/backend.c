/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/draft.h"
#include "manifest/fields.h"

static const struct choice admin_states[] = {
	{"enabled", ADMIN_ENABLED},
	{"draining", ADMIN_DRAINING},
	{"disabled", ADMIN_DISABLED},
};

static const struct choice backups[] = {{"true", true}, {"false", false}};
static const struct choice other_words[] = {
	{"yes", true}, {"on", true}, {"no", false}, {"off", false}};

static void read_address(
	const struct reading *r, const struct field *field, const struct node *value)
{
	struct backend_places *places = r->places;
	struct backend *backend = r->object;

	if (field_parse_address(r, field, value, "a backend", &backend->addr))
		places->addr = value->where;
}

static const struct field fields[] = {
	{.key = "name",
		.read = field_name,
		FIELD_AT(struct backend, name),
		FIELD_PLACE(struct backend_places, name)},
	{.key = "address", .read = read_address, .required = true},
	{.key = "port",
		.read = field_port,
		FIELD_AT(struct backend, port),
		FIELD_PLACE(struct backend_places, port)},
	{.key = "weight",
		.read = field_number,
		FIELD_AT(struct backend, weight),
		FIELD_BOUNDS(0, MODEL_WEIGHT_MAX)},
	{.key = "zone", .read = field_name, FIELD_AT(struct backend, zone)},
	{.key = "state",
		.read = field_choice,
		FIELD_AT(struct backend, admin),
		FIELD_CHOICES(admin_states)},
	{.key = "backup",
		.read = field_choice,
		FIELD_AT(struct backend, backup),
		FIELD_CHOICES(backups),
		FIELD_ALIASES(other_words)},
};

const struct schema backend_schema = {
	.what = "a backend",
	.fields = fields,
	.n = ARRAY_SIZE(fields),
};

static bool add_backend(const struct reading *r, size_t pool_index, const struct node *node)
{
	struct pool_places *places = &r->draft->pools[pool_index];
	struct pool *pool = &r->draft->model->pools[pool_index];
	size_t n = pool->n_backends;

	if (util_grow(&pool->backends, n, sizeof(*pool->backends)) ||
		util_grow(&places->backends, n, sizeof(*places->backends))) {
		r->complaints->no_memory = true;
		return false;
	}
	pool->backends[n] = (struct backend){.weight = 100, .origin = node->where};
	places->backends[n] = (struct backend_places){.name = node->where};
	pool->n_backends++;
	return true;
}

static void name_backend(const struct reading *r, struct backend *backend, size_t number)
{
	if (asprintf(&backend->name, "b%zu", number) < 0) {
		backend->name = NULL;
		r->complaints->no_memory = true;
	}
}

void backends_read(const struct reading *r, const struct field *field, const struct node *list,
	size_t pool_index)
{
	struct reading each = *r;
	struct backend *backend;
	size_t number = 0;

	if (list->type == NODE_SEQUENCE && !list->n)
		return;
	if (!field_is_list(r, field, list))
		return;
	for (const struct node *node = list->child; node; node = node->next) {
		if (++number > MODEL_POOL_MEMBERS) {
			complain_error(r->complaints, node->where,
				"more than %d backends in a pool", MODEL_POOL_MEMBERS);
			return;
		}
		if (complaints_full(r->complaints) || !add_backend(r, pool_index, node))
			return;
		backend = &r->draft->model->pools[pool_index].backends[number - 1];
		each.object = backend;
		each.places = &r->draft->pools[pool_index].backends[number - 1];
		schema_read(&each, &backend_schema, node);
		if (!backend->name && !node_get(node, "name"))
			name_backend(r, backend, number);
	}
}
