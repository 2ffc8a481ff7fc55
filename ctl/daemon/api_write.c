/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/api.h"
#include "daemon/change.h"

#include <errno.h>

/* The body as a JSON object; an empty body is {}. Answers the request and returns NULL if it is not. */
static json_t *body_object(struct api_request *request)
{
	json_error_t error;
	json_t *json;

	if (!request->n_body)
		return json_object();
	json = json_loadb(request->body, request->n_body, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(json))
		return json;
	if (json)
		api_reply_error(request, 400, "the body is not a JSON object");
	else
		api_reply_error(
			request, 400, "body:%d:%d: %s", error.line, error.column, error.text);
	json_decref(json);
	return NULL;
}

static bool body_flag(const json_t *body, const char *name)
{
	return json_is_true(json_object_get(body, name));
}

/* ---- reload, apply ---- */

static json_t *diags_json(const struct diags *diags)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < diags->n; i++)
		json_array_append_new(rows, json_string(diags->rows[i].text));
	return rows;
}

static void change_done(void *data, const struct change_result *result)
{
	static const unsigned status[] = {
		[CHANGE_OK] = 200,
		[CHANGE_INVALID] = 400,
		[CHANGE_REFUSED] = 409,
		[CHANGE_FULL] = 409,
		[CHANGE_FAILED] = 500,
	};
	struct api_request *request = data;
	const char *text;

	if (result->status != CHANGE_OK) {
		api_reply_json(request, status[result->status],
			json_pack("{s:s, s:o}", "error", result->text, "errors",
				diags_json(result->diags)));
		return;
	}
	text = result->changed ? event_text("applied: generation %llu",
					 (unsigned long long)result->generation)
			       : "unchanged";
	api_reply_json(request, 200,
		json_pack("{s:s, s:b, s:I, s:o}", "text", text, "changed", result->changed,
			"generation", (json_int_t)result->generation, "warnings",
			diags_json(result->diags)));
}

static void submit(struct api_request *request, struct change_request *change)
{
	int err;

	change->done = change_done;
	change->data = request;
	api_hold(request);
	err = change_submit(request->daemon, change);
	if (err)
		api_reply_error(request, err == -EBUSY ? 503 : 500,
			err == -EBUSY ? "too many changes are waiting" : "out of memory");
	manifest_files_clear(&change->sources.applied);
}

void api_post_reload(struct api_request *request, char *const *args)
{
	json_t *body = body_object(request);
	struct change_request change = {.sources.reread = true};

	(void)args;
	if (!body)
		return;
	change.allow_removal = body_flag(body, "allow_removal");
	json_decref(body);
	submit(request, &change);
}

static int add_file(struct manifest_files *files, const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "name"));
	const json_t *value = json_object_get(row, "text");
	const char *text = json_string_value(value);
	char *name_copy, *text_copy;

	if (!name || !text)
		return -EINVAL;
	if (util_grow(&files->sources, files->n, sizeof(*files->sources)))
		return -ENOMEM;
	name_copy = strdup(name);
	text_copy = strdup(text);
	if (!name_copy || !text_copy) {
		free(name_copy);
		free(text_copy);
		return -ENOMEM;
	}
	files->sources[files->n++] = (struct manifest_source){
		.name = name_copy,
		.text = text_copy,
		.n = strlen(text),
		.first_line = 1,
	};
	return 0;
}

void api_post_apply(struct api_request *request, char *const *args)
{
	struct change_request change = {};
	json_t *body = body_object(request), *rows, *row;
	size_t i;
	int err = 0;

	(void)args;
	if (!body)
		return;
	change.allow_removal = body_flag(body, "allow_removal");
	change.sources.prune = body_flag(body, "prune");
	rows = json_object_get(body, "files");
	json_array_foreach(rows, i, row)
	{
		err = add_file(&change.sources.applied, row);
		if (err)
			break;
	}
	json_decref(body);
	if (err || !change.sources.applied.n) {
		manifest_files_clear(&change.sources.applied);
		api_reply_error(request, err == -ENOMEM ? 500 : 400,
			"files: a list of {\"name\", \"text\"} is needed");
		return;
	}
	submit(request, &change);
}

/* ---- runtime fields of a backend ---- */

/* Would @be be the last one that takes new flows? */
static bool is_last(const struct fleet_pool *pool, const struct fleet_backend *be)
{
	const struct member_state *state = &pool->states[be - pool->backends];

	return state->bits.new_ok && fleet_pool_usable(pool) <= 1;
}

static bool refuse_last(struct api_request *request, const json_t *body,
	const struct fleet_pool *pool, const struct fleet_backend *be, const char *verb)
{
	if (body_flag(body, "force") || !is_last(pool, be))
		return false;
	api_reply_error(request, 409,
		"%s/%s is the last usable backend of its pool, to %s it empties the pool; say "
		"--force if "
		"that is meant",
		pool->config->name, be->config->name, verb);
	return true;
}

static void reply_done(struct api_request *request, bool changed, const char *text)
{
	api_reply_json(request, 200,
		json_pack("{s:s, s:b, s:I}", "text", text, "changed", changed, "generation",
			(json_int_t)request->daemon->live->generation));
}

static void set_admin(
	struct api_request *request, char *const *args, enum admin_state admin, const char *verb)
{
	struct daemon *daemon = request->daemon;
	struct override *override;
	struct fleet_backend *be;
	struct fleet_pool *pool;
	unsigned usable_before;
	bool panic_before;
	json_t *body;
	uint64_t ns;

	be = api_find_backend(request, args[0], args[1], &pool);
	if (!be)
		return;
	body = body_object(request);
	if (!body)
		return;
	if (admin != ADMIN_ENABLED && refuse_last(request, body, pool, be, verb)) {
		json_decref(body);
		return;
	}
	json_decref(body);
	if (be->admin == admin) {
		reply_done(request, false,
			event_text("%s/%s is already %s", pool->config->name, be->config->name,
				admin_state_name(admin)));
		return;
	}
	override = override_get(daemon, be->identity);
	if (!override) {
		api_reply_error(request, 500, "out of memory");
		return;
	}
	usable_before = fleet_pool_usable(pool);
	panic_before = pool->panic;
	override->has_admin = true;
	override->admin = be->admin = admin;
	commit_pool(daemon, pool, &ns);
	events_emit(daemon->events, EVENT_NOTICE, "admin", "backend",
		event_text("%s/%s", pool->config->name, be->config->name), "to",
		admin_state_name(admin), "uid", event_text("%u", request->uid), "usable",
		event_text("%u/%zu", fleet_pool_usable(pool), pool->config->n_backends),
		"commit_ns", ns ? event_text("%llu", (unsigned long long)ns) : NULL, NULL);
	commit_report(daemon, pool, usable_before, panic_before);
	reply_done(request, true,
		event_text("%s/%s is %s; %u of %zu backends usable", pool->config->name,
			be->config->name, admin_state_name(admin), fleet_pool_usable(pool),
			pool->config->n_backends));
}

void api_post_drain(struct api_request *request, char *const *args)
{
	set_admin(request, args, ADMIN_DRAINING, "drain");
}

void api_post_disable(struct api_request *request, char *const *args)
{
	set_admin(request, args, ADMIN_DISABLED, "disable");
}

void api_post_enable(struct api_request *request, char *const *args)
{
	set_admin(request, args, ADMIN_ENABLED, "enable");
}

/* A weight changes the ring: the same documents once more, with the override on top. */
void api_post_weight(struct api_request *request, char *const *args)
{
	struct change_request change = {.allow_removal = true};
	struct fleet_backend *be;
	struct fleet_pool *pool;
	json_t *body, *weight;

	be = api_find_backend(request, args[0], args[1], &pool);
	if (!be)
		return;
	body = body_object(request);
	if (!body)
		return;
	weight = json_object_get(body, "weight");
	if (!json_is_integer(weight) || json_integer_value(weight) < 0 ||
		json_integer_value(weight) > MODEL_WEIGHT_MAX) {
		api_reply_error(request, 400, "weight is a number from 0 to %d", MODEL_WEIGHT_MAX);
		json_decref(body);
		return;
	}
	change.weight_identity = be->identity;
	change.weight = (uint16_t)json_integer_value(weight);
	if (change.weight || !refuse_last(request, body, pool, be, "give weight 0 to")) {
		events_emit(request->daemon->events, EVENT_NOTICE, "weight", "backend",
			event_text("%s/%s", pool->config->name, be->config->name), "from",
			event_text("%u", be->config->weight), "to", event_text("%u", change.weight),
			"uid", event_text("%u", request->uid), NULL);
		submit(request, &change);
	}
	json_decref(body);
}

void api_post_teardown(struct api_request *request, char *const *args)
{
	struct daemon *daemon = request->daemon;

	(void)args;
	announce_withdraw_all(daemon);
	dataplane_teardown(daemon->dp);
	events_emit(daemon->events, EVENT_WARNING, "teardown", "uid",
		event_text("%u", request->uid), NULL);
	reply_done(request, true,
		"forwarding has ended; pins and addresses are removed, musterd exits");
	daemon_stop(daemon);
}
