/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/draft.h"
#include "manifest/fields.h"

static const struct choice on_down[] = {{"keep", false}, {"reset", true}};
static const char *const later_keys[] = {"leader", "zones", "discover", "failover"};

/* ring_size_is_valid() */
static const struct choice ring_sizes[] = {
	{"256", 256},
	{"1024", 1024},
	{"4096", 4096},
	{"16384", 16384},
	{"65536", 65536},
};

static size_t pool_index(const struct reading *r)
{
	return (size_t)((struct pool *)r->object - r->draft->model->pools);
}

static void read_backends(
	const struct reading *r, const struct field *field, const struct node *value)
{
	backends_read(r, field, value, pool_index(r));
}

static void read_checks(
	const struct reading *r, const struct field *field, const struct node *value)
{
	(void)field;
	checks_read(r, value, pool_index(r));
}

/* "50%", 50 or off, which no failure reaches: more than 100 % cannot be down. */
static void read_panic(const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, "a percentage like 50%");
	struct pool *pool = r->object;
	uint64_t percent;
	char digits[4];
	size_t n;

	if (!text)
		return;
	if (!strcasecmp(text, "off")) {
		pool->panic = 100;
		return;
	}
	n = strspn(text, "0123456789");
	if (n && n < sizeof(digits) && (!text[n] || !strcmp(text + n, "%"))) {
		memcpy(digits, text, n);
		digits[n] = '\0';
		if (field_parse_number(digits, &percent) && percent <= 100) {
			pool->panic = (uint8_t)percent;
			return;
		}
	}
	complain_error(r->complaints, value->where,
		"panic " QUOTED " is neither a percentage from 0%% to 100%% nor off", text);
}

static const struct field fields[] = {
	DRAFT_HEAD_FIELDS,
	{.key = "name",
		.read = field_name,
		FIELD_AT(struct pool, name),
		FIELD_PLACE(struct pool_places, name),
		.required = true},
	{.key = "backends", .read = read_backends, .required = true, .schema = &backend_schema},
	{.key = "checks",
		.read = read_checks,
		FIELD_PLACE(struct pool_places, checks),
		.schema = &check_schema},
	{.key = "panic", .read = read_panic},
	{.key = "ring_size",
		.read = field_choice,
		FIELD_AT(struct pool, ring_size),
		FIELD_CHOICES(ring_sizes)},
	{.key = "on_down",
		.read = field_choice,
		FIELD_AT(struct pool, on_down_reset),
		FIELD_CHOICES(on_down)},
	{.key = "slow_start",
		.read = field_duration,
		FIELD_AT(struct pool, slow_start),
		FIELD_BOUNDS(1000, 3600 * 1000)},
};

const struct schema pool_schema = {
	.what = "a Pool",
	.fields = fields,
	.n = ARRAY_SIZE(fields),
	.later = later_keys,
	.n_later = ARRAY_SIZE(later_keys),
	.other = &vip_schema,
};

void draft_read_pool(struct draft *draft, const struct node *node, struct complaints *complaints)
{
	struct reading r = {.complaints = complaints, .draft = draft};
	struct pool *pool;
	size_t index;

	if (draft_add_pool(draft, &index)) {
		complaints->no_memory = true;
		return;
	}
	pool = r.object = &draft->model->pools[index];
	r.places = &draft->pools[index];
	schema_read(&r, &pool_schema, node);
	pool->origin = draft->pools[index].name;
	if (!draft->pools[index].checks.line)
		checks_default(draft, index, complaints);
}
