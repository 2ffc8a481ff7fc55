/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP and JSON on two unix sockets: control.sock changes things, view.sock only reads. The routes
 * are in api_routes.c; docs/api.md describes them.
 *
 * Slow clients: a request must be complete within API_DEADLINE_MS, however steadily it drips.
 */
#ifndef MUSTER_DAEMON_API_H
#define MUSTER_DAEMON_API_H

#include "daemon/daemon.h"

#include <jansson.h>
#include <microhttpd.h>

#define API_DEADLINE_MS 10000
#define API_BODY_MAX	(8u << 20)
#define API_CONNECTIONS 256
#define API_CONNECTIONS_UID \
	96 /* of one user other than root; the rest is kept for others and root */
#define API_POLL_MS 25000

struct api_request {
	struct daemon *daemon;
	struct api *api;
	struct MHD_Connection *connection;
	bool control; /* came through control.sock */
	uid_t uid;
	const char *method;
	char *path;
	char *body;
	size_t n_body;
	bool too_big;
	bool routed, held;
	struct MHD_Response *response;
	unsigned status;
	/* long poll for events */
	uint64_t since, poll_until_ms;
	struct api_request *next_poll;
};

int api_new(struct api **ret, struct daemon *daemon);
void api_free(struct api **api);

/* Answers long polls after an event; closes what missed its deadline. */
void api_wake(struct api *api);

/* The query argument, or NULL. */
const char *api_argument(const struct api_request *request, const char *name);

/* Answers; @json is consumed. May be called later if api_hold() was called first. */
void api_reply_json(struct api_request *request, unsigned status, json_t *json);
/* @text is consumed. */
void api_reply_text(struct api_request *request, unsigned status, const char *type, char *text);
/* {"error": sentence} */
void api_reply_error(struct api_request *request, unsigned status, const char *format, ...)
	PRINTF(3, 4);

/* {"text": sentence, "changed", "generation"} */
void api_reply_done(struct api_request *request, bool changed, const char *text);

/* The body as a JSON object; an empty body is {}. Answers the request and returns NULL if it is not. */
json_t *api_body_object(struct api_request *request);
bool api_body_flag(const json_t *body, const char *name);

struct change_request;
/* Hands @change over; its result is the answer. */
void api_submit(struct api_request *request, struct change_request *change);

/* The answer comes later, by one of the replies. */
void api_hold(struct api_request *request);

/* Holds until there is an event from @since on, or the poll time is over. */
void api_poll_events(struct api_request *request, uint64_t since);

/* ---- api_routes.c ---- */
void api_route(struct api_request *request);

/* ---- api_read.c, api_write.c, api_backend.c: handlers; @args: what the `*` of the pattern stood for ---- */
#define API_ARGS_MAX 2
typedef void (*api_handler)(struct api_request *request, char *const *args);

void api_get_status(struct api_request *request, char *const *args);
void api_get_vips(struct api_request *request, char *const *args);
void api_get_vip(struct api_request *request, char *const *args);
void api_get_pools(struct api_request *request, char *const *args);
void api_get_pool(struct api_request *request, char *const *args);
void api_get_backends(struct api_request *request, char *const *args);
void api_get_backend(struct api_request *request, char *const *args);
void api_get_ready(struct api_request *request, char *const *args);
void api_get_events(struct api_request *request, char *const *args);
void api_post_apply(struct api_request *request, char *const *args);
void api_post_reload(struct api_request *request, char *const *args);
void api_post_drain(struct api_request *request, char *const *args);
void api_post_disable(struct api_request *request, char *const *args);
void api_post_enable(struct api_request *request, char *const *args);
void api_post_weight(struct api_request *request, char *const *args);
void api_post_hold(struct api_request *request, char *const *args);
void api_post_teardown(struct api_request *request, char *const *args);

/*
 * The backend that POOL and NAME mean; POOL "-": any pool that has it. Answers the request and
 * returns NULL if there is none (404) or there are several (409).
 */
struct fleet_backend *api_find_backend(struct api_request *request, const char *pool,
	const char *name, struct fleet_pool **ret_pool);

#endif
