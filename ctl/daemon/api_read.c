/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/api.h"
#include "daemon/snapshot.h"
#include "view/view.h"

#include <errno.h>

static void reply_page(struct api_request *request, enum view_page page, const char *name)
{
	const char *format = api_argument(request, "format"),
		   *color = api_argument(request, "color");
	bool text = format && !strcmp(format, "text");
	struct snapshot_store *store = NULL;
	char *body = NULL;
	int err;

	err = snapshot_take(&store, request->daemon);
	if (!err)
		err = view_render(snapshot_of(store), page, name, text ? VIEW_TEXT : VIEW_JSON,
			color && !strcmp(color, "1"), &body);
	snapshot_free(&store);
	if (err == -ENOENT)
		api_reply_error(request, 404, "there is no %s", name);
	else if (err)
		api_reply_error(request, 500, "%s", strerror(-err));
	else
		api_reply_text(request, 200,
			text ? "text/plain; charset=utf-8" : "application/json", body);
}

void api_get_status(struct api_request *request, char *const *args)
{
	(void)args;
	reply_page(request, VIEW_STATUS, NULL);
}

void api_get_vips(struct api_request *request, char *const *args)
{
	(void)args;
	reply_page(request, VIEW_VIPS, NULL);
}

void api_get_vip(struct api_request *request, char *const *args)
{
	reply_page(request, VIEW_VIP, args[0]);
}

void api_get_pools(struct api_request *request, char *const *args)
{
	(void)args;
	reply_page(request, VIEW_POOLS, NULL);
}

void api_get_pool(struct api_request *request, char *const *args)
{
	reply_page(request, VIEW_POOL, args[0]);
}

void api_get_backends(struct api_request *request, char *const *args)
{
	const char *pool = api_argument(request, "pool");

	(void)args;
	if (pool && !fleet_find_pool(request->daemon->fleet, pool))
		api_reply_error(request, 404, "there is no pool %s", pool);
	else
		reply_page(request, VIEW_BACKENDS, pool);
}

/* "web and api", "a, b and c" */
static void list_pools(const struct fleet *fleet, const char *backend, char *buf, size_t n)
{
	size_t at = 0, found = 0, total = 0;

	for (size_t p = 0; p < fleet->model->n_pools; p++)
		total += fleet_pool_find(&fleet->pools[p], backend) != NULL;
	*buf = '\0';
	for (size_t p = 0; p < fleet->model->n_pools && at < n; p++) {
		if (!fleet_pool_find(&fleet->pools[p], backend))
			continue;
		found++;
		at += (size_t)snprintf(buf + at, n - at, "%s%s",
			found == 1	 ? ""
			: found == total ? " and "
					 : ", ",
			fleet->pools[p].config->name);
	}
}

struct fleet_backend *api_find_backend(struct api_request *request, const char *pool,
	const char *name, struct fleet_pool **ret_pool)
{
	struct fleet *fleet = request->daemon->fleet;
	struct fleet_backend *be = NULL;
	char pools[256];
	size_t n = 0;

	for (size_t p = 0; p < fleet->model->n_pools; p++) {
		struct fleet_backend *candidate;

		if (strcmp(pool, "-") && strcmp(pool, fleet->pools[p].config->name))
			continue;
		candidate = fleet_pool_find(&fleet->pools[p], name);
		if (!candidate)
			continue;
		if (n++)
			continue;
		be = candidate;
		*ret_pool = &fleet->pools[p];
	}
	if (n == 1)
		return be;
	if (!n && !strcmp(pool, "-"))
		api_reply_error(request, 404, "there is no backend %s", name);
	else if (!n)
		api_reply_error(request, 404, "there is no backend %s/%s", pool, name);
	else {
		list_pools(fleet, name, pools, sizeof(pools));
		api_reply_error(request, 409, "%s is in pools %s; say %s/%s", name, pools,
			(*ret_pool)->config->name, name);
	}
	return NULL;
}

void api_get_backend(struct api_request *request, char *const *args)
{
	struct fleet_pool *pool;
	const struct fleet_backend *be = api_find_backend(request, args[0], args[1], &pool);

	if (be)
		reply_page(request, VIEW_BACKEND,
			event_text("%s/%s", pool->config->name, be->config->name));
}

void api_get_ready(struct api_request *request, char *const *args)
{
	const struct fleet *fleet = request->daemon->fleet;
	const struct vip *vip = model_find_vip(fleet->model, args[0]);
	const char *format = api_argument(request, "format");
	const struct fleet_pool *pool;
	unsigned usable;
	char *text;

	if (!vip) {
		api_reply_error(request, 404, "there is no VIP %s", args[0]);
		return;
	}
	pool = &fleet->pools[vip->pool];
	usable = fleet_vip_usable(pool, vip);
	if (!format || strcmp(format, "text")) {
		api_reply_json(request, 200,
			json_pack("{s:s, s:b, s:i, s:i}", "vip", vip->name, "ready", usable > 0,
				"usable", (int)usable, "members", (int)pool->config->n_backends));
		return;
	}
	if (asprintf(&text, "%s: %s (%u of %zu usable)\n", vip->name,
		    usable ? "ready" : "not ready", usable, pool->config->n_backends) < 0)
		api_reply_error(request, 500, "out of memory");
	else
		api_reply_text(request, 200, "text/plain", text);
}

void api_get_events(struct api_request *request, char *const *args)
{
	const char *since = api_argument(request, "since");
	uint64_t next = events_next(request->daemon->events), from;
	json_t *events;
	char *end;

	(void)args;
	if (!since) {
		api_reply_json(
			request, 200, json_pack("{s:I, s:[]}", "next", (json_int_t)next, "events"));
		return;
	}
	errno = 0;
	from = strtoull(since, &end, 10);
	if (errno || *end || end == since) {
		api_reply_error(request, 400, "since is a number");
		return;
	}
	if (from >= next) {
		api_poll_events(request, from);
		return;
	}
	events = events_since(request->daemon->events, from, &next);
	api_reply_json(
		request, 200, json_pack("{s:I, s:o}", "next", (json_int_t)next, "events", events));
}
