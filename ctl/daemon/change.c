/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/change.h"

#include <errno.h>

struct change {
	struct change *next; /* in the queue */
	struct daemon *daemon;
	struct change_request request;
	uv_work_t work;
	uint64_t started_ns;
	struct diags diags;
	char *error; /* a sentence of the data plane */
	int err;
	struct sources *sources;
	struct model *model;
	struct fleet *fleet_before;   /* kept until the flip */
	struct member_state **states; /* copies for the planner: [pool][backend] */
	size_t n_states;
	struct image *image;	/* the next one */
	struct image *previous; /* after the flip: what has to be retired */
	bool changed;
};

static void change_free(struct change *change)
{
	for (size_t p = 0; p < change->n_states; p++)
		free(change->states[p]);
	free(change->states);
	manifest_files_clear(&change->request.sources.applied);
	diags_clear(&change->diags);
	free(change->error);
	sources_free(&change->sources);
	model_free(&change->model);
	image_free(&change->image);
	free(change);
}

static void next_change(struct daemon *daemon);

static void answer(struct change *change, enum change_status status, const char *text)
{
	struct change_result result = {
		.status = status,
		.changed = change->changed && status == CHANGE_OK,
		.generation = change->daemon->live->generation,
		.text = text,
		.diags = &change->diags,
	};

	if (change->request.done)
		change->request.done(change->request.data, &result);
	change->request.done = NULL;
}

static void finish(struct change *change)
{
	struct daemon *daemon = change->daemon;

	daemon->change = NULL;
	change_free(change);
	next_change(daemon);
}

static void fail(struct change *change, enum change_status status, const char *text)
{
	struct daemon *daemon = change->daemon;

	for (size_t i = 0; i < change->diags.n; i++)
		events_emit(daemon->events, EVENT_ERROR, "invalid", "where",
			change->diags.rows[i].text, NULL);
	events_emit(daemon->events, EVENT_ERROR, "change_refused", "why", text, "state",
		"the old one goes on", NULL);
	free(daemon->refused);
	daemon->refused = strdup(text);
	answer(change, status, text);
	finish(change);
}

/* ---- 5, 6: grace and retire ---- */

static void grace_work(uv_work_t *work)
{
	struct change *change = work->data;

	change->err = dataplane_grace(change->daemon->dp);
}

static void grace_done(uv_work_t *work, int status)
{
	struct change *change = work->data;
	struct daemon *daemon = change->daemon;

	(void)status;
	if (change->err) {
		/* Without a grace period nothing may be reused; leaking space is the safe side. */
		events_emit(daemon->events, EVENT_ERROR, "grace_failed", "why",
			strerror(-change->err), NULL);
	} else {
		if (change->previous) {
			dataplane_retire(daemon->dp, change->previous, daemon->live);
			plan_retire(daemon->space, change->previous, daemon->live);
		}
		nexthops_sweep(daemon->nexthops);
	}
	image_free(&change->previous);
	finish(change);
}

/* Next hops that members have or may get with the next path: those of the fleet's states. */
static void mark_nexthops(struct change *change)
{
	struct daemon *daemon = change->daemon;
	size_t n = 0;
	uint32_t *held = NULL;

	for (size_t p = 0; p < daemon->fleet->model->n_pools; p++)
		for (size_t i = 0; i < daemon->fleet->pools[p].config->n_backends; i++) {
			if (util_grow(&held, n, sizeof(*held))) {
				free(held);
				return; /* nothing marked, nothing freed */
			}
			held[n++] = daemon->fleet->pools[p].states[i].nexthop;
		}
	nexthops_mark(daemon->nexthops, daemon->live, change->previous, held, n);
	free(held);
}

static void start_grace(struct change *change)
{
	mark_nexthops(change);
	if (uv_queue_work(change->daemon->loop, &change->work, grace_work, grace_done))
		finish(change);
}

/* ---- 4: flip ---- */

/* What health and paths did while the image was being made. */
static int catch_up(struct change *change)
{
	struct daemon *daemon = change->daemon;
	struct patch patch = {};
	int err = 0;

	for (size_t p = 0; !err && p < daemon->fleet->model->n_pools; p++) {
		struct fleet_pool *pool = &daemon->fleet->pools[p];

		err = image_patch(change->image, pool->config->name, pool->states,
			pool->config->n_backends, &patch);
	}
	dataplane_patch(daemon->dp, &patch);
	patch_clear(&patch);
	return err;
}

/* The first image is in place: now, not earlier, the program may run on the interfaces. */
static void publish(struct daemon *daemon)
{
	_free_ char *error = NULL;

	if (dataplane_publish(daemon->dp, &error))
		events_emit(daemon->events, EVENT_ERROR, "publish_failed", "why",
			error ? error : "unknown", NULL);
	daemon->published = true;
	interfaces_check(daemon);
}

static void committed(struct change *change, uint64_t flip_ns)
{
	struct daemon *daemon = change->daemon;
	const struct model *model = daemon->fleet->model;

	if (change->fleet_before) {
		paths_unwatch(daemon, change->fleet_before);
		fleet_free(&change->fleet_before, daemon->targets);
	}
	if (change->request.weight_identity) {
		struct override *override = override_get(daemon, change->request.weight_identity);

		if (override) {
			override->has_weight = true;
			override->weight = change->request.weight;
		}
	}
	sources_free(&daemon->sources);
	daemon->sources = take_ptr(change->sources);
	free(daemon->refused);
	daemon->refused = NULL;
	if (change->changed) {
		daemon->commits_flip++;
		daemon->last_commit_us = (flip_ns - MIN(flip_ns, change->started_ns)) / 1000;
		events_emit(daemon->events, EVENT_NOTICE, "commit", "generation",
			event_text("%llu", (unsigned long long)daemon->live->generation), "vips",
			event_text("%zu", model->n_vips), "pools",
			event_text("%zu", model->n_pools), "took_us",
			event_text("%llu", (unsigned long long)daemon->last_commit_us), "commit_ns",
			event_text("%llu", (unsigned long long)flip_ns), NULL);
	}
	if (!daemon->published)
		publish(daemon);
	announce_update(daemon);
	answer(change, CHANGE_OK, change->changed ? "applied" : "unchanged");
}

static void revert(struct change *change, enum change_status status, const char *text)
{
	struct daemon *daemon = change->daemon;
	struct fleet *refused = daemon->fleet;
	uint64_t ns;

	daemon->fleet = take_ptr(change->fleet_before);
	fleet_activate(daemon->fleet, daemon->targets);
	paths_unwatch(daemon, refused);
	fleet_free(&refused, daemon->targets);
	for (size_t p = 0; p < daemon->fleet->model->n_pools; p++)
		commit_pool(daemon, &daemon->fleet->pools[p], &ns);
	fail(change, status, text);
}

static void plan_done(uv_work_t *work, int status)
{
	struct change *change = work->data;
	struct daemon *daemon = change->daemon;
	uint64_t flip_ns = 0;

	(void)status;
	if (change->err == -ENOSPC) {
		revert(change, CHANGE_FULL,
			change->error	  ? change->error
			: change->diags.n ? change->diags.rows[0].text
					  : "a table is full");
		return;
	}
	if (change->err || catch_up(change)) {
		revert(change, CHANGE_FAILED, change->error ? change->error : "out of memory");
		return;
	}
	if (change->changed)
		flip_ns = dataplane_flip(daemon->dp, change->image);
	change->previous = daemon->live;
	daemon->live = take_ptr(change->image);
	committed(change, flip_ns);
	if (change->changed) {
		start_grace(change);
		return;
	}
	/* An adopted image is replaced by the real one with the same content: nothing to retire. */
	image_free(&change->previous);
	finish(change);
}

/* ---- 3: plan and stage ---- */

static void plan_work(uv_work_t *work)
{
	struct change *change = work->data;
	struct daemon *daemon = change->daemon;
	struct plan_input input = {
		.model = daemon->fleet->model,
		.states = (const struct member_state *const *)change->states,
		.key = dataplane_hash_key(daemon->dp),
	};

	change->err = plan_image(&input, daemon->space, daemon->live, &change->image,
		&change->changed, &change->diags);
	if (change->err)
		return;
	change->image->generation = daemon->live->generation + change->changed;
	if (!change->changed)
		return;
	change->err = dataplane_stage(daemon->dp, daemon->live, change->image, &change->error);
	if (change->err) {
		plan_retire(daemon->space, change->image, daemon->live);
		image_free(&change->image);
	}
}

static int copy_states(struct change *change, const struct fleet *fleet)
{
	size_t n = fleet->model->n_pools;

	change->states = calloc(MAX(n, 1), sizeof(*change->states));
	if (!change->states)
		return -ENOMEM;
	for (change->n_states = 0; change->n_states < n; change->n_states++) {
		const struct fleet_pool *pool = &fleet->pools[change->n_states];
		size_t bytes = pool->config->n_backends * sizeof(*pool->states);

		change->states[change->n_states] = malloc(MAX(bytes, 1));
		if (!change->states[change->n_states])
			return -ENOMEM;
		memcpy(change->states[change->n_states], pool->states, bytes);
	}
	return 0;
}

/* ---- 2: accept ---- */

static void apply_weights(const struct change *change, struct model *model)
{
	const struct change_request *request = &change->request;

	for (size_t p = 0; p < model->n_pools; p++)
		for (size_t i = 0; i < model->pools[p].n_backends; i++) {
			struct backend *be = &model->pools[p].backends[i];
			uint64_t identity = model_identity(model->pools[p].name, be->name);
			struct override *override;

			HASH_FIND(hh, change->daemon->overrides, &identity, sizeof(identity),
				override);
			if (override && override->has_weight)
				be->weight = override->weight;
			if (identity == request->weight_identity)
				be->weight = request->weight;
		}
}

static int accept_model(struct change *change)
{
	struct daemon *daemon = change->daemon;
	struct fleet_context context = {daemon->targets, daemon->overrides, daemon_now_ms()};
	struct fleet *next = NULL;
	int err;

	apply_weights(change, change->model);
	err = fleet_new(&next, take_ptr(change->model), daemon->fleet, &context);
	if (err)
		return err;
	if (!daemon->published)
		fleet_restore(next, daemon->live);
	change->fleet_before = daemon->fleet;
	daemon->fleet = next;
	err = fleet_activate(next, daemon->targets);
	paths_watch(daemon, next);
	for (size_t p = 0; p < next->model->n_pools; p++)
		fleet_pool_update(&next->pools[p], daemon_now_ms());
	return err ? err : copy_states(change, next);
}

static void report_warnings(struct change *change)
{
	for (size_t i = 0; i < change->diags.n; i++)
		events_emit(change->daemon->events, EVENT_WARNING, "manifest", "where",
			change->diags.rows[i].text, NULL);
}

static void build_done(uv_work_t *work, int status)
{
	struct change *change = work->data;
	struct daemon *daemon = change->daemon;

	(void)status;
	if (change->err == -EEXIST) {
		fail(change, CHANGE_REFUSED, "an object belongs to a file");
		return;
	}
	if (change->err) {
		fail(change, change->err == -ENOMEM ? CHANGE_FAILED : CHANGE_INVALID,
			change->err == -ENOMEM ? "out of memory" : "the manifests have errors");
		return;
	}
	if (!change->request.allow_removal && daemon->published &&
		!model_removal_is_small(daemon->fleet->model, change->model)) {
		fail(change, CHANGE_REFUSED,
			event_text("more than half of the VIPs would go (%zu now, %zu then); say "
				   "--allow-removal if that is meant",
				daemon->fleet->model->n_vips, change->model->n_vips));
		return;
	}
	report_warnings(change);
	if (accept_model(change)) {
		revert(change, CHANGE_FAILED, "out of memory");
		return;
	}
	if (uv_queue_work(daemon->loop, &change->work, plan_work, plan_done))
		revert(change, CHANGE_FAILED, "no worker");
}

/* ---- 1: build ---- */

static void build_work(uv_work_t *work)
{
	struct change *change = work->data;

	change->err = sources_build(&change->sources, &change->model, change->daemon->sources,
		&change->request.sources, &change->diags);
}

static void next_change(struct daemon *daemon)
{
	struct change *change = daemon->queue;

	if (daemon->change || !change || daemon->stopping)
		return;
	daemon->queue = change->next;
	daemon->n_queue--;
	daemon->change = change;
	change->started_ns = daemon_now_ns();
	if (change->request.grace_only)
		start_grace(change);
	else if (uv_queue_work(daemon->loop, &change->work, build_work, build_done))
		fail(change, CHANGE_FAILED, "no worker");
}

int change_submit(struct daemon *daemon, struct change_request *request)
{
	struct change **last = &daemon->queue;
	struct change *change;

	if (daemon->n_queue >= CHANGE_QUEUE_MAX)
		return -EBUSY;
	change = calloc(1, sizeof(*change));
	if (!change)
		return -ENOMEM;
	change->daemon = daemon;
	change->request = *request;
	change->request.sources.vips_dir = daemon->settings.vips_dir;
	change->work.data = change;
	*request = (struct change_request){};
	while (*last)
		last = &(*last)->next;
	*last = change;
	daemon->n_queue++;
	next_change(daemon);
	return 0;
}

void change_clear(struct daemon *daemon)
{
	struct change *next;

	for (struct change *change = daemon->queue; change; change = next) {
		next = change->next;
		change_free(change);
	}
	daemon->queue = NULL;
	if (!daemon->change)
		return;
	image_free(&daemon->change->previous);
	fleet_free(&daemon->change->fleet_before, daemon->targets);
	change_free(daemon->change);
	daemon->change = NULL;
}

void change_tick(struct daemon *daemon)
{
	struct change_request request = {.grace_only = true};

	if (daemon->change || daemon->queue || !daemon->fleet)
		return;
	if (nexthops_used(daemon->nexthops) > daemon->settings.nexthops / 2)
		change_submit(daemon, &request);
}
