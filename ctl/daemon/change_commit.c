/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of a change from the plan to the retired image. */
#include "daemon/change_internal.h"
#include "daemon/settling.h"

#include <errno.h>

/* ---- 5, 6: grace and retire ---- */

static void grace_work(uv_work_t *work)
{
	struct change *change = work->data;

	change->err = dataplane_grace(change->daemon->dp);
	if (!change->err && change->previous)
		change->err = settling_forget(change->daemon);
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
	change_finish(change);
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

void change_grace(struct change *change)
{
	mark_nexthops(change);
	if (uv_queue_work(change->daemon->loop, &change->work, grace_work, grace_done))
		change_finish(change);
}

/* ---- 4: flip ---- */

/* What health and paths did while the image was being made. */
static int catch_up(struct change *change)
{
	struct daemon *daemon = change->daemon;
	uint32_t now = daemon_now_ds();
	struct patch patch = {};
	int err = image_inherit(change->image, daemon->live, now, &patch);

	for (size_t p = 0; !err && p < daemon->fleet->model->n_pools; p++) {
		struct fleet_pool *pool = &daemon->fleet->pools[p];

		patch.young = fleet_pool_is_young(pool, daemon_now_ms());
		err = image_patch(change->image, pool->config->name, pool->states,
			pool->config->n_backends, now, &patch);
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
	/* What an earlier configuration had and this one does not. */
	dataplane_detach_others(
		daemon->dp, daemon->settings.interfaces, daemon->settings.n_interfaces);
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
	change_answer(change, CHANGE_OK, change->changed ? "applied" : "unchanged");
}

void change_revert(struct change *change, enum change_status status, const char *text)
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
	change_fail(change, status, text);
}

static void plan_done(uv_work_t *work, int status)
{
	struct change *change = work->data;
	struct daemon *daemon = change->daemon;
	uint64_t flip_ns = 0;

	(void)status;
	if (change->err == -ENOSPC) {
		change_revert(change, CHANGE_FULL,
			change->error	  ? change->error
			: change->diags.n ? change->diags.rows[0].text
					  : "a table is full");
		return;
	}
	if (change->err || catch_up(change)) {
		change_revert(
			change, CHANGE_FAILED, change->error ? change->error : "out of memory");
		return;
	}
	if (change->changed) {
		flip_ns = dataplane_flip(daemon->dp, change->image);
		dataplane_leave(daemon->dp, daemon->live, change->image);
	}
	change->previous = daemon->live;
	daemon->live = take_ptr(change->image);
	committed(change, flip_ns);
	if (change->changed) {
		change_grace(change);
		return;
	}
	/* An adopted image is replaced by the real one with the same content: nothing to retire. */
	image_free(&change->previous);
	change_finish(change);
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
		.now = daemon_now_ds(),
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

void change_plan(struct change *change)
{
	if (uv_queue_work(change->daemon->loop, &change->work, plan_work, plan_done))
		change_revert(change, CHANGE_FAILED, "no worker");
}
