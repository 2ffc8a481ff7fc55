/* SPDX-License-Identifier: BSD-2-Clause */
/* Runtime fields of a backend: admin state and weight. Each is a patch, unless a weight needs another ring. */
#include "daemon/api.h"
#include "daemon/change.h"

#define DURATION_MAX_MS (7ull * 24 * 3600 * 1000)

/* Would @be be the last one that takes new flows? */
static bool is_last(const struct fleet_pool *pool, const struct fleet_backend *be)
{
	const struct member_state *state = &pool->states[be - pool->backends];

	return state->bits.new_ok && fleet_pool_usable(pool) <= 1;
}

static bool refuse_last(struct api_request *request, const json_t *body,
	const struct fleet_pool *pool, const struct fleet_backend *be, const char *verb)
{
	if (api_body_flag(body, "force") || !is_last(pool, be))
		return false;
	api_reply_error(request, 409,
		"%s/%s is the last usable backend of its pool, to %s it empties the pool; say "
		"--force if "
		"that is meant",
		pool->config->name, be->config->name, verb);
	return true;
}

static bool refuse_held(struct api_request *request, const json_t *body)
{
	const struct fleet *fleet = request->daemon->fleet;
	uint64_t now_ms = daemon_now_ms();

	if (api_body_flag(body, "force") || !fleet_is_held(fleet, now_ms))
		return false;
	api_reply_error(request, 409,
		"changes are held for another %s: `muster hold off`, or --force",
		event_duration(fleet->held_until_ms - now_ms));
	return true;
}

/* A whole number of @body from 0 to @max; absent: 0. Answers the request if it is something else. */
static bool take_number(struct api_request *request, const json_t *body, const char *name,
	uint64_t max, uint64_t *ret)
{
	const json_t *value = json_object_get(body, name);

	*ret = 0;
	if (!value)
		return true;
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
		(uint64_t)json_integer_value(value) <= max) {
		*ret = (uint64_t)json_integer_value(value);
		return true;
	}
	api_reply_error(
		request, 400, "%s is a number from 0 to %llu", name, (unsigned long long)max);
	return false;
}

/* ---- admin state ---- */

struct admin_change {
	struct fleet_pool *pool;
	struct fleet_backend *be;
	enum admin_state to;
	uint64_t deadline_ms; /* from now; 0: none */
};

/* 0 or -ENOMEM. */
static int apply_admin(struct daemon *daemon, const struct admin_change *change, uint64_t *ret_ns)
{
	struct override *override = override_get(daemon, change->be->identity);
	struct fleet_backend *be = change->be;

	if (!override)
		return -1;
	override->has_admin = true;
	override->admin = be->admin = change->to;
	be->drain_deadline_ms = change->deadline_ms ? daemon_now_ms() + change->deadline_ms : 0;
	override->drain_deadline_ms = be->drain_deadline_ms;
	commit_pool(daemon, change->pool, ret_ns);
	return 0;
}

static void report_admin(
	struct api_request *request, const struct admin_change *change, uint64_t commit_ns)
{
	const struct fleet_pool *pool = change->pool;
	unsigned usable = fleet_pool_usable(pool);
	const char *name = event_text("%s/%s", pool->config->name, change->be->config->name);

	events_emit(request->daemon->events, EVENT_NOTICE, "admin", "backend", name, "to",
		admin_state_name(change->to), "deadline",
		change->deadline_ms ? event_duration(change->deadline_ms) : NULL, "uid",
		event_text("%u", request->uid), "usable",
		event_text("%u/%zu", usable, pool->config->n_backends), "commit_ns",
		commit_ns ? event_text("%llu", (unsigned long long)commit_ns) : NULL, NULL);
	api_reply_done(request, true,
		event_text("%s/%s is %s%s%s; %u of %zu backends usable", pool->config->name,
			change->be->config->name, admin_state_name(change->to),
			change->deadline_ms ? ", deadline in " : "",
			change->deadline_ms ? event_duration(change->deadline_ms) : "", usable,
			pool->config->n_backends));
}

static void set_admin(struct api_request *request, const struct admin_change *change)
{
	struct daemon *daemon = request->daemon;
	struct fleet_backend *be = change->be;
	unsigned usable_before = fleet_pool_usable(change->pool);
	bool panic_before = change->pool->panic;
	uint64_t ns;

	if (be->admin == change->to && !be->drain_deadline_ms && !change->deadline_ms) {
		api_reply_done(request, false,
			event_text("%s/%s is already %s", change->pool->config->name,
				be->config->name, admin_state_name(change->to)));
		return;
	}
	if (apply_admin(daemon, change, &ns)) {
		api_reply_error(request, 500, "out of memory");
		return;
	}
	report_admin(request, change, ns);
	commit_report(daemon, change->pool, usable_before, panic_before);
}

static void post_admin(
	struct api_request *request, char *const *args, enum admin_state to, const char *verb)
{
	struct admin_change change = {.to = to};
	json_t *body;

	change.be = api_find_backend(request, args[0], args[1], &change.pool);
	if (!change.be)
		return;
	body = api_body_object(request);
	if (!body)
		return;
	if (take_number(request, body, "deadline_ms", DURATION_MAX_MS, &change.deadline_ms) &&
		!refuse_held(request, body) &&
		(to == ADMIN_ENABLED || !refuse_last(request, body, change.pool, change.be, verb)))
		set_admin(request, &change);
	json_decref(body);
}

void api_post_drain(struct api_request *request, char *const *args)
{
	post_admin(request, args, ADMIN_DRAINING, "drain");
}

void api_post_disable(struct api_request *request, char *const *args)
{
	post_admin(request, args, ADMIN_DISABLED, "disable");
}

void api_post_enable(struct api_request *request, char *const *args)
{
	post_admin(request, args, ADMIN_ENABLED, "enable");
}

/* ---- hold ---- */

void api_post_hold(struct api_request *request, char *const *args)
{
	struct daemon *daemon = request->daemon;
	json_t *body = api_body_object(request);
	uint64_t for_ms;

	(void)args;
	if (!body)
		return;
	if (take_number(request, body, "for_ms", DURATION_MAX_MS, &for_ms)) {
		daemon->fleet->held_until_ms = for_ms ? daemon_now_ms() + for_ms : 0;
		commit_all(daemon);
		events_emit(daemon->events, EVENT_NOTICE, for_ms ? "hold" : "hold_off", "for",
			for_ms ? event_duration(for_ms) : NULL, "uid",
			event_text("%u", request->uid), NULL);
		api_reply_done(request, true,
			for_ms ? event_text("changes are held for %s: only losses move slots",
					 event_duration(for_ms))
			       : "changes are not held");
	}
	json_decref(body);
}

/* ---- weight ---- */

static void report_weight(struct api_request *request, const struct fleet_pool *pool,
	const struct fleet_backend *be, const struct share_ramp *weight)
{
	events_emit(request->daemon->events, EVENT_NOTICE, "weight", "backend",
		event_text("%s/%s", pool->config->name, be->config->name), "from",
		event_text("%u", weight->from), "to", event_text("%u", weight->to), "over",
		weight->over_ms ? event_duration(weight->over_ms) : NULL, "uid",
		event_text("%u", request->uid), NULL);
}

/* The ring was made for as much: a share of its slots will do. */
static void patch_weight(struct api_request *request, struct fleet_pool *pool,
	struct fleet_backend *be, const struct share_ramp *weight)
{
	struct override *override = override_get(request->daemon, be->identity);
	unsigned usable_before = fleet_pool_usable(pool);
	bool panic_before = pool->panic;
	uint64_t ns;

	if (!override) {
		api_reply_error(request, 500, "out of memory");
		return;
	}
	override->has_weight = true;
	override->weight = be->weight = *weight;
	commit_pool(request->daemon, pool, &ns);
	commit_report(request->daemon, pool, usable_before, panic_before);
	api_reply_done(request, weight->from != weight->to,
		event_text("%s/%s has weight %u%s%s", pool->config->name, be->config->name,
			weight->to, weight->over_ms ? " in " : "",
			weight->over_ms ? event_duration(weight->over_ms) : ""));
}

/* One above what the ring was made for: the same documents once more, with the weight on top. */
static void flip_weight(struct api_request *request, const struct fleet_backend *be,
	const struct share_ramp *weight)
{
	struct change_request change = {
		.allow_removal = true,
		.weight_identity = be->identity,
		.weight = *weight,
	};

	api_submit(request, &change);
}

static bool take_weight(struct api_request *request, const json_t *body, struct share_ramp *weight)
{
	uint64_t to, over_ms;

	if (!json_object_get(body, "weight")) {
		api_reply_error(request, 400, "weight is missing");
		return false;
	}
	if (!take_number(request, body, "weight", MODEL_WEIGHT_MAX, &to) ||
		!take_number(request, body, "over_ms", DURATION_MAX_MS, &over_ms))
		return false;
	weight->to = (uint16_t)to;
	weight->over_ms = (uint32_t)over_ms;
	return true;
}

void api_post_weight(struct api_request *request, char *const *args)
{
	struct share_ramp weight = {.started_ms = daemon_now_ms()};
	struct fleet_backend *be;
	struct fleet_pool *pool;
	json_t *body;

	be = api_find_backend(request, args[0], args[1], &pool);
	if (!be)
		return;
	body = api_body_object(request);
	if (!body)
		return;
	weight.from = (uint16_t)(share_weight(&be->weight, weight.started_ms) / 256);
	if (take_weight(request, body, &weight) && !refuse_held(request, body) &&
		(weight.to || !refuse_last(request, body, pool, be, "give weight 0 to"))) {
		report_weight(request, pool, be, &weight);
		if (weight.to <= be->config->weight)
			patch_weight(request, pool, be, &weight);
		else
			flip_weight(request, be, &weight);
	}
	json_decref(body);
}
