/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests, replies, long polls. */
#include "daemon/api_internal.h"

#include <stdarg.h>

/* ---- requests ---- */

static void request_free(struct api_request *request)
{
	if (request->response)
		MHD_destroy_response(request->response);
	free(request->path);
	free(request->body);
	free(request);
}

void api_completed(void *data, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct api_connection *c = api_connection_of(connection);

	(void)data;
	(void)code;
	if (c) {
		c->since_ms = daemon_now_ms();
		c->held = false;
	}
	if (*context)
		request_free(*context);
	*context = NULL;
}

static struct api_request *request_new(struct listener *listener, struct MHD_Connection *connection,
	const char *path, const char *method)
{
	struct api_request *request = calloc(1, sizeof(*request));
	struct api_connection *c = api_connection_of(connection);

	if (!request)
		return NULL;
	request->daemon = listener->api->daemon;
	request->api = listener->api;
	request->connection = connection;
	request->control = listener->control;
	request->uid = c ? c->uid : (uid_t)-1;
	request->method = method;
	request->path = strdup(path);
	if (!request->path) {
		free(request);
		return NULL;
	}
	return request;
}

static void append_body(struct api_request *request, const char *data, size_t n)
{
	char *grown;

	if (request->too_big || request->n_body + n > API_BODY_MAX) {
		request->too_big = true;
		return;
	}
	grown = realloc(request->body, request->n_body + n + 1);
	if (!grown) {
		request->too_big = true;
		return;
	}
	memcpy(grown + request->n_body, data, n);
	request->body = grown;
	request->n_body += n;
	grown[request->n_body] = '\0';
}

enum MHD_Result api_incoming(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *n_upload,
	void **context)
{
	struct api_request *request = *context;

	(void)version;
	if (!request) {
		*context = request_new(data, connection, url, method);
		return *context ? MHD_YES : MHD_NO;
	}
	if (*n_upload) {
		append_body(request, upload, *n_upload);
		*n_upload = 0;
		return MHD_YES;
	}
	if (!request->routed) {
		request->routed = true;
		if (request->too_big)
			api_reply_error(
				request, 413, "the request is larger than %u bytes", API_BODY_MAX);
		else
			api_route(request);
		if (request->held)
			return MHD_YES;
	}
	if (!request->response)
		return MHD_NO;
	return MHD_queue_response(connection, request->status, request->response);
}

const char *api_argument(const struct api_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

static void set_response(struct api_request *request, unsigned status, const char *type, char *text)
{
	if (request->response)
		MHD_destroy_response(request->response);
	request->status = status;
	request->response =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(request->response, "Content-Type", type);
	if (!request->held)
		return;
	request->held = false;
	MHD_resume_connection(request->connection);
	api_wake(request->api);
}

void api_reply_text(struct api_request *request, unsigned status, const char *type, char *text)
{
	set_response(request, status, type, text);
}

void api_reply_json(struct api_request *request, unsigned status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);

	json_decref(json);
	set_response(request, status, "application/json", text ? text : strdup("{}"));
}

void api_reply_error(struct api_request *request, unsigned status, const char *format, ...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	api_reply_json(request, status, json_pack("{s:s}", "error", sentence));
}

void api_hold(struct api_request *request)
{
	struct api_connection *c = api_connection_of(request->connection);

	request->held = true;
	if (c)
		c->held = true;
	MHD_suspend_connection(request->connection);
}

/* ---- long polls ---- */

void api_poll_events(struct api_request *request, uint64_t since)
{
	request->since = since;
	request->poll_until_ms = daemon_now_ms() + API_POLL_MS;
	request->next_poll = request->api->polls;
	request->api->polls = request;
	api_hold(request);
}

void api_answer_polls(struct api *api, bool all)
{
	struct api_request **at = &api->polls, *request;
	uint64_t next, now = daemon_now_ms();
	json_t *events;

	while ((request = *at)) {
		if (!all && request->since >= events_next(api->daemon->events) &&
			now < request->poll_until_ms) {
			at = &request->next_poll;
			continue;
		}
		*at = request->next_poll;
		events = events_since(api->daemon->events, request->since, &next);
		api_reply_json(request, 200,
			json_pack("{s:I, s:o}", "next", (json_int_t)next, "events", events));
	}
}

/* Events come in bursts and from deep inside: answer them from the loop, once. */
static void on_wake(uv_idle_t *idle)
{
	struct api *api = idle->data;

	uv_idle_stop(idle);
	api_answer_polls(api, false);
	for (size_t i = 0; i < ARRAY_SIZE(api->listeners); i++)
		api_listener_turn(&api->listeners[i]);
}

void api_wake(struct api *api)
{
	if (api)
		uv_idle_start(&api->wake, on_wake);
}
