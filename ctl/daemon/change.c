/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of changes, and their first steps: build and accept. */
#include "daemon/change_internal.h"
#include "daemon/settling.h"

#include <errno.h>

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

void change_answer(struct change *change, enum change_status status, const char *text)
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

void change_finish(struct change *change)
{
	struct daemon *daemon = change->daemon;

	daemon->change = NULL;
	change_free(change);
	next_change(daemon);
}

void change_fail(struct change *change, enum change_status status, const char *text)
{
	struct daemon *daemon = change->daemon;

	for (size_t i = 0; i < change->diags.n; i++)
		events_emit(daemon->events, EVENT_ERROR, "invalid", "where",
			change->diags.rows[i].text, NULL);
	events_emit(daemon->events, EVENT_ERROR, "change_refused", "why", text, "state",
		"the old one goes on", NULL);
	free(daemon->refused);
	daemon->refused = strdup(text);
	change_answer(change, status, text);
	change_finish(change);
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
			/* The ring is made for the larger one; below it a share will do. */
			if (override && override->has_weight)
				be->weight = MAX(be->weight, override->weight.to);
			if (identity == request->weight_identity)
				be->weight = MAX(be->weight, request->weight.to);
		}
}

static int accept_model(struct change *change)
{
	struct daemon *daemon = change->daemon;
	struct fleet_context context = {
		.targets = daemon->targets,
		.overrides = daemon->overrides,
		.weight_identity = change->request.weight_identity,
		.weight = change->request.weight,
		.now_ms = daemon_now_ms(),
	};
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
		change_fail(change, CHANGE_REFUSED, "an object belongs to a file");
		return;
	}
	if (change->err) {
		change_fail(change, change->err == -ENOMEM ? CHANGE_FAILED : CHANGE_INVALID,
			change->err == -ENOMEM ? "out of memory" : "the manifests have errors");
		return;
	}
	if (daemon->published && fleet_is_held(daemon->fleet, daemon_now_ms())) {
		change_fail(
			change, CHANGE_REFUSED, "changes are held; `muster hold off` ends that");
		return;
	}
	if (!change->request.allow_removal && daemon->published &&
		!model_removal_is_small(daemon->fleet->model, change->model)) {
		change_fail(change, CHANGE_REFUSED,
			event_text("more than half of the VIPs would go (%zu now, %zu then); say "
				   "--allow-removal if that is meant",
				daemon->fleet->model->n_vips, change->model->n_vips));
		return;
	}
	report_warnings(change);
	if (accept_model(change)) {
		change_revert(change, CHANGE_FAILED, "out of memory");
		return;
	}
	change_plan(change);
}

/* ---- 1: build ---- */

static void build_work(uv_work_t *work)
{
	struct change *change = work->data;

	change->err = sources_build(&change->sources, &change->model, change->daemon->sources,
		&change->request.sources, &change->diags);
	if (!change->err)
		change->err = settings_check_model(
			&change->daemon->settings, change->model, &change->diags);
}

static void next_change(struct daemon *daemon)
{
	struct change *change = daemon->queue;

	if (daemon->change || !change || daemon->stopping || settling_is_busy(daemon->settling))
		return;
	daemon->queue = change->next;
	daemon->n_queue--;
	daemon->change = change;
	change->started_ns = daemon_now_ns();
	if (change->request.grace_only)
		change_grace(change);
	else if (uv_queue_work(daemon->loop, &change->work, build_work, build_done))
		change_fail(change, CHANGE_FAILED, "no worker");
}

void change_resume(struct daemon *daemon)
{
	next_change(daemon);
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
