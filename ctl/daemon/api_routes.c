/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/api.h"

struct route {
	const char *method, *pattern; /* `*` stands for one path element */
	api_handler handler;
};

static const struct route routes[] = {
	{"GET", "/v1/status", api_get_status},
	{"GET", "/v1/vips", api_get_vips},
	{"GET", "/v1/vips/*", api_get_vip},
	{"GET", "/v1/pools", api_get_pools},
	{"GET", "/v1/pools/*", api_get_pool},
	{"GET", "/v1/backends", api_get_backends},
	{"GET", "/v1/backends/*/*", api_get_backend},
	{"GET", "/v1/ready/*", api_get_ready},
	{"GET", "/v1/events", api_get_events},
	{"POST", "/v1/apply", api_post_apply},
	{"POST", "/v1/reload", api_post_reload},
	{"POST", "/v1/backends/*/*/drain", api_post_drain},
	{"POST", "/v1/backends/*/*/disable", api_post_disable},
	{"POST", "/v1/backends/*/*/enable", api_post_enable},
	{"POST", "/v1/backends/*/*/weight", api_post_weight},
	{"POST", "/v1/hold", api_post_hold},
	{"POST", "/v1/teardown", api_post_teardown},
};

/* Fills @args with copies of what the stars stood for. */
static bool match(const char *pattern, const char *path, char **args)
{
	size_t n = 0;

	while (*pattern && *path) {
		size_t element = strcspn(path, "/");

		if (*pattern != '*') {
			if (*pattern++ != *path++)
				break;
			continue;
		}
		if (!element || n == API_ARGS_MAX)
			break;
		args[n++] = strndup(path, element);
		path += element;
		pattern++;
	}
	if (!*pattern && !*path)
		return true;
	for (size_t i = 0; i < n; i++) {
		free(args[i]);
		args[i] = NULL;
	}
	return false;
}

void api_route(struct api_request *request)
{
	bool known_path = false;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		char *args[API_ARGS_MAX] = {};

		if (!match(routes[i].pattern, request->path, args))
			continue;
		known_path = true;
		if (!strcmp(routes[i].method, request->method)) {
			if (!request->control && strcmp(request->method, "GET"))
				api_reply_error(
					request, 403, "this socket only reads; use control.sock");
			else
				routes[i].handler(request, args);
			free(args[0]);
			free(args[1]);
			return;
		}
		free(args[0]);
		free(args[1]);
	}
	if (known_path)
		api_reply_error(
			request, 405, "%s does not take %s", request->path, request->method);
	else
		api_reply_error(request, 404, "there is no %s", request->path);
}
