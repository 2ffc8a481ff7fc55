/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/draft.h"
#include "manifest/fields.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

static const struct choice types[] = {{"tcp", CHECK_TCP}, {"http", CHECK_HTTP}};
static const char *const later_types[] = {
	"https", "udp", "dns", "icmp", "grpc", "redis", "mysql", "postgresql"};
static const char *const later_keys[] = {
	"user", "password", "database", "service", "query", "tls", "method", "headers"};

static const struct choice tethers[] = {
	{"auto", TETHER_AUTO},
	{"on", TETHER_ON},
	{"off", TETHER_OFF},
};

/* What YAML 1.1 calls booleans. */
static const struct choice tether_aliases[] = {
	{"on", TETHER_ON},
	{"true", TETHER_ON},
	{"yes", TETHER_ON},
	{"off", TETHER_OFF},
	{"false", TETHER_OFF},
	{"no", TETHER_OFF},
};

struct check_places {
	struct origin type, fast, fast_timeout, path, host, status, body;
};

static bool parse_status(const char *text, struct status_range *ret)
{
	const char *dash = strchr(text, '-');
	uint64_t low, high;
	char first[4];

	if (strlen(text) < 3 || (dash && dash != text + 3))
		return false;
	memcpy(first, text, 3);
	first[3] = '\0';
	if (!field_parse_number(first, &low) || !field_parse_number(dash ? dash + 1 : text, &high))
		return false;
	*ret = (struct status_range){(uint16_t)low, (uint16_t)high};
	return low >= 100 && low <= high && high <= 599;
}

static void add_status(const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, "a status like 200 or 200-399");
	struct check *check = r->object;

	if (!text)
		return;
	if (check->n_status == MODEL_STATUS_RANGES)
		complain_error(r->complaints, value->where, "more than %d statuses in a check",
			MODEL_STATUS_RANGES);
	else if (parse_status(text, &check->status[check->n_status]))
		check->n_status++;
	else
		complain_error(r->complaints, value->where,
			"status " QUOTED " is neither a number from 100 to 599 nor a range like "
			"200-399",
			text);
}

static void read_status(
	const struct reading *r, const struct field *field, const struct node *value)
{
	if (value->type != NODE_SEQUENCE) {
		add_status(r, field, value);
		return;
	}
	if (!field_is_list(r, field, value))
		return;
	for (value = value->child; value && !complaints_full(r->complaints); value = value->next)
		add_status(r, field, value);
}

#define MEMBER(member) FIELD_AT(struct check, member)
#define PLACED(member) FIELD_PLACE(struct check_places, member)
#define DURATION(member, low, high) \
	.key = #member, .read = field_duration, MEMBER(member), FIELD_BOUNDS(low, high)

static const struct field fields[] = {
	{.key = "type",
		.read = field_choice,
		MEMBER(type),
		PLACED(type),
		.required = true,
		FIELD_CHOICES(types),
		FIELD_LATER(later_types)},
	{.key = "port", .read = field_port, MEMBER(port)},
	{DURATION(interval, 50, HOUR)},
	{DURATION(fast, 50, HOUR), PLACED(fast)},
	{DURATION(down, 50, HOUR)},
	{DURATION(timeout, 10, MINUTE)},
	{DURATION(fast_timeout, 10, MINUTE), PLACED(fast_timeout)},
	{.key = "rise", .read = field_number, MEMBER(rise), FIELD_BOUNDS(1, 100)},
	{.key = "fall", .read = field_number, MEMBER(fall), FIELD_BOUNDS(1, 100)},
	{.key = "tether",
		.read = field_choice,
		MEMBER(tether),
		FIELD_CHOICES(tethers),
		FIELD_ALIASES(tether_aliases)},
	{.key = "path",
		.read = field_path,
		MEMBER(path),
		PLACED(path),
		FIELD_BOUNDS(1, MODEL_CHECK_PATH_MAX)},
	{.key = "host",
		.read = field_word,
		MEMBER(host),
		PLACED(host),
		FIELD_BOUNDS(1, MODEL_CHECK_HOST_MAX)},
	{.key = "status", .read = read_status, PLACED(status)},
	{.key = "body",
		.read = field_text,
		MEMBER(body),
		PLACED(body),
		FIELD_BOUNDS(1, MODEL_CHECK_BODY_MAX)},
};

const struct schema check_schema = {
	.what = "a check",
	.fields = fields,
	.n = ARRAY_SIZE(fields),
	.later = later_keys,
	.n_later = ARRAY_SIZE(later_keys),
};

/* ---- what the keys of a check owe each other ---- */

/* @quick may not be above @slow: a default follows, a value that was given is an error. */
static void limit(struct complaints *complaints, const struct origin *given, const char *quick_name,
	uint32_t *quick, const char *slow_name, uint32_t slow)
{
	if (*quick <= slow)
		return;
	if (given->line)
		complain_error(complaints, *given, "%s (%ums) is longer than %s (%ums)", quick_name,
			*quick, slow_name, slow);
	else
		*quick = slow;
}

static void complain_http_keys(struct complaints *complaints, const struct check_places *places)
{
	const struct {
		const char *key;
		const struct origin *place;
	} rows[] = {
		{"path", &places->path},
		{"host", &places->host},
		{"status", &places->status},
		{"body", &places->body},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].place->line)
			complain_error(
				complaints, *rows[i].place, "%s needs type: http", rows[i].key);
}

static void finish(
	struct complaints *complaints, struct check *check, const struct check_places *places)
{
	limit(complaints, &places->fast, "fast", &check->fast, "interval", check->interval);
	limit(complaints, &places->fast_timeout, "fast_timeout", &check->fast_timeout, "timeout",
		check->timeout);
	if (check->type != CHECK_HTTP) {
		if (places->type.line)
			complain_http_keys(complaints, places);
		return;
	}
	if (!check->path && !places->path.line) {
		check->path = strdup("/");
		complaints->no_memory |= !check->path;
	}
	if (!check->n_status)
		check->status[check->n_status++] = (struct status_range){200, 399};
}

/* ---- the checks of a pool ---- */

static struct check *add_check(
	struct draft *draft, size_t pool_index, const char *name, struct origin where)
{
	struct pool *pool = &draft->model->pools[pool_index];
	char *copy = strdup(name);

	if (!copy || util_grow(&pool->checks, pool->n_checks, sizeof(*pool->checks))) {
		free(copy);
		return NULL;
	}
	pool->checks[pool->n_checks] = (struct check){
		.name = copy,
		.type = CHECK_TCP,
		.interval = 2 * SECOND,
		.fast = 200,
		.down = SECOND,
		.timeout = 1500,
		.fast_timeout = 500,
		.rise = 2,
		.fall = 3,
		.origin = where,
	};
	return &pool->checks[pool->n_checks++];
}

void checks_default(struct draft *draft, size_t pool, struct complaints *complaints)
{
	if (!add_check(draft, pool, "tcp", draft->pools[pool].name))
		complaints->no_memory = true;
}

/* May a check be called @key? */
static bool check_key(const struct reading *r, const struct node *key, const struct pool *pool)
{
	if (key->type != NODE_SCALAR) {
		complain_error(r->complaints, key->where, "the name of a check is a word, not %s",
			node_type_name(key));
		return false;
	}
	if (!field_check_name(r, "the name of a check", key))
		return false;
	for (size_t i = 0; i < pool->n_checks; i++)
		if (!strcmp(pool->checks[i].name, key->text)) {
			complain_error(r->complaints, key->where,
				"duplicate check '%s' (first at " PLACE ")", key->text,
				PLACE_ARGS(pool->checks[i].origin));
			return false;
		}
	return true;
}

void checks_read(const struct reading *r, const struct node *mapping, size_t pool_index)
{
	const struct pool *pool = &r->draft->model->pools[pool_index];
	struct reading each = *r;

	if (mapping->type != NODE_MAPPING) {
		complain_error(r->complaints, mapping->where,
			"checks is a mapping of names (web: {type: http}), not %s",
			node_type_name(mapping));
		return;
	}
	for (const struct node *key = mapping->child; key; key = key->next->next) {
		struct check_places places = {};
		struct check *check;

		if (complaints_full(r->complaints))
			return;
		if (!check_key(r, key, pool))
			continue;
		if (pool->n_checks == MODEL_CHECKS_MAX) {
			complain_error(r->complaints, key->where, "more than %d checks in a pool",
				MODEL_CHECKS_MAX);
			return;
		}
		check = add_check(r->draft, pool_index, key->text, key->where);
		if (!check) {
			r->complaints->no_memory = true;
			return;
		}
		each.object = check;
		each.places = &places;
		schema_read(&each, &check_schema, key->next);
		finish(r->complaints, check, &places);
	}
}
