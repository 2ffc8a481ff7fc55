/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/api.h"
#include "daemon/change.h"

#include <errno.h>

json_t *api_body_object(struct api_request *request)
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

bool api_body_flag(const json_t *body, const char *name)
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

void api_submit(struct api_request *request, struct change_request *change)
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
	json_t *body = api_body_object(request);
	struct change_request change = {.sources.reread = true};

	(void)args;
	if (!body)
		return;
	change.allow_removal = api_body_flag(body, "allow_removal");
	json_decref(body);
	api_submit(request, &change);
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
	json_t *body = api_body_object(request), *rows, *row;
	size_t i;
	int err = 0;

	(void)args;
	if (!body)
		return;
	change.allow_removal = api_body_flag(body, "allow_removal");
	change.sources.prune = api_body_flag(body, "prune");
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
	api_submit(request, &change);
}

void api_reply_done(struct api_request *request, bool changed, const char *text)
{
	api_reply_json(request, 200,
		json_pack("{s:s, s:b, s:I}", "text", text, "changed", changed, "generation",
			(json_int_t)request->daemon->live->generation));
}

void api_post_teardown(struct api_request *request, char *const *args)
{
	struct daemon *daemon = request->daemon;

	(void)args;
	announce_withdraw_all(daemon);
	dataplane_teardown(daemon->dp);
	events_emit(daemon->events, EVENT_WARNING, "teardown", "uid",
		event_text("%u", request->uid), NULL);
	api_reply_done(request, true,
		"forwarding has ended; pins and addresses are removed, musterd exits");
	daemon_stop(daemon);
}
