/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/settling.h"

#include "daemon/change.h"

#include <errno.h>

#define PASS_MAX_S 10 /* between passes while something is unsettled */
#define PASSES	   8  /* in the shorter settle time */

struct settling {
	struct daemon *daemon;
	uv_work_t work;
	uv_idle_t idle;
	bool busy, grace;
	uint64_t last_s;  /* pass */
	uint32_t started; /* this pass, tenths of a second */
	uint32_t floor;	  /* musterd did not run before */
	struct flows_sweep sweep;
	struct flows_ring *rings; /* [n_rings], as in the live image */
	size_t n_rings, next;	  /* ring to be settled */
	struct settling_stats stats;
	struct flows_member *members; /* of the last pass, by epoch */
	size_t n_members;
};

static uint32_t now_s(void)
{
	return (uint32_t)(daemon_now_ms() / 1000);
}

int settling_new(struct settling **ret, struct daemon *daemon)
{
	struct settling *settling = calloc(1, sizeof(*settling));

	if (!settling)
		return -ENOMEM;
	settling->daemon = daemon;
	settling->work.data = settling->idle.data = settling;
	settling->floor = now_s();
	uv_idle_init(daemon->loop, &settling->idle);
	dataplane_tick(daemon->dp, settling->floor);
	*ret = settling;
	return 0;
}

static void clear_pass(struct settling *settling)
{
	for (size_t r = 0; settling->rings && r < settling->n_rings; r++)
		free(settling->rings[r].held);
	free(settling->rings);
	settling->rings = NULL;
	settling->n_rings = 0;
}

void settling_free(struct settling **settling)
{
	struct settling *s = *settling;

	if (!s)
		return;
	clear_pass(s);
	free(s->sweep.members);
	free(s->members);
	free(s);
	*settling = NULL;
}

bool settling_is_busy(const struct settling *settling)
{
	return settling && settling->busy;
}

struct settling_stats settling_stats(const struct settling *settling)
{
	return settling->stats;
}

uint32_t settling_flows(const struct settling *settling, uint32_t token)
{
	uint32_t epoch = MUSTER_TOKEN_EPOCH(token);

	if (epoch >= settling->n_members || settling->members[epoch].token != token)
		return 0;
	return settling->members[epoch].flows;
}

int settling_forget(const struct daemon *daemon)
{
	struct flows_sweep sweep = {};
	int err = flows_members(&sweep, daemon->live, NULL);

	if (err)
		return err;
	dataplane_forget(daemon->dp, &sweep);
	free(sweep.members);
	return 0;
}

/* ---- 3: the slots, on the loop ---- */

static void end_pass(struct settling *settling)
{
	uv_idle_stop(&settling->idle);
	clear_pass(settling);
	settling->busy = false;
	change_resume(settling->daemon);
}

static uint32_t settle_ds(const struct settling *settling, const struct ring *ring)
{
	const struct settings *settings = &settling->daemon->settings;

	return (ring->proto == IPPROTO_UDP ? settings->settle_udp : settings->settle_tcp) / 100;
}

/* Members whose drain has a deadline: until then all of their flows are at risk. */
static void find_waiting(const struct settling *settling, const struct block *block, bool *ret)
{
	struct fleet_pool *pool = fleet_find_pool(settling->daemon->fleet, block->pool);

	for (size_t i = 0; pool && i < pool->config->n_backends; i++) {
		const struct fleet_backend *be = &pool->backends[i];

		if (!be->drain_deadline_ms || fleet_drain_is_over(be, daemon_now_ms()))
			continue;
		for (uint16_t m = 0; m < block->n; m++)
			ret[m] |= block->members[m].identity == be->identity;
	}
}

/*
 * Did inserts for the ring fail within its settle time? Asked now, not before the sweep: a flow that could not be
 * recorded meanwhile is still in its slot.
 */
static bool is_failing(const struct settling *settling, const struct ring *ring)
{
	const struct daemon *daemon = settling->daemon;

	for (size_t i = 0; i < daemon->live->n_services; i++) {
		const struct image_service *service = &daemon->live->services[i];
		struct muster_tracking tracking;

		if (service->ring != ring)
			continue;
		tracking = dataplane_tracking(daemon->dp, service->index);
		if (tracking.failed && now_s() - tracking.clock <= settle_ds(settling, ring) / 10)
			return true;
	}
	return false;
}

static void settle_ring(struct settling *settling, size_t r)
{
	const struct image_ring *row = &settling->daemon->live->rings[r];
	struct slots *slots = &row->ring->slots;
	bool waits[MODEL_POOL_MEMBERS] = {};
	struct slots_settling how = {
		.started = settling->started,
		.settle = settle_ds(settling, row->ring),
		.failing = is_failing(settling, row->ring),
		.held = settling->rings[r].held,
		.waits = waits,
	};
	struct patch patch = {};

	if (!slots->moving && !slots->pinned)
		return;
	find_waiting(settling, row->block, waits);
	patch.slots = calloc((size_t)slots->moving + slots->pinned, sizeof(*patch.slots));
	if (patch.slots) {
		patch.n_slots = slots_settle(slots, &how, daemon_now_ds(), patch.slots);
		dataplane_patch(settling->daemon->dp, &patch);
	}
	patch_clear(&patch);
}

static void on_idle(uv_idle_t *idle)
{
	struct settling *settling = idle->data;

	if (settling->next < settling->n_rings)
		settle_ring(settling, settling->next++);
	else
		end_pass(settling);
}

/* ---- 2: the sweep, in a worker ---- */

static void sweep_work(uv_work_t *work)
{
	struct settling *settling = work->data;
	struct daemon *daemon = settling->daemon;
	uint64_t started;

	/* CPUs that saw a slot before it was pinned may still record flows. */
	if (settling->grace && dataplane_grace(daemon->dp))
		settling->started = 0; /* nothing has been unchanged for so long */
	started = daemon_now_ns();
	dataplane_sweep(daemon->dp, &settling->sweep);
	settling->stats.sweep_us = (daemon_now_ns() - started) / 1000;
}

static void sweep_done(uv_work_t *work, int status)
{
	struct settling *settling = work->data;

	(void)status;
	settling->stats.entries = (uint32_t)settling->sweep.entries;
	free(settling->members);
	settling->members = settling->sweep.members;
	settling->n_members = settling->sweep.n_members;
	settling->sweep.members = NULL;
	settling->next = 0;
	uv_idle_start(&settling->idle, on_idle);
}

/* ---- 1: what there is to sweep ---- */

static int prepare(struct settling *settling)
{
	const struct daemon *daemon = settling->daemon;
	const struct image *live = daemon->live;

	settling->sweep = (struct flows_sweep){
		.floor = settling->floor,
		.tcp_s = daemon->settings.settle_tcp / 1000,
		.udp_s = daemon->settings.settle_udp / 1000,
	};
	settling->n_rings = live->n_rings;
	settling->rings = calloc(MAX(live->n_rings, 1), sizeof(*settling->rings));
	if (!settling->rings || flows_members(&settling->sweep, live, settling->rings))
		return -ENOMEM;
	settling->grace = false;
	for (size_t r = 0; r < live->n_rings; r++) {
		const struct slots *slots = &live->rings[r].ring->slots;

		settling->rings[r].slots = dataplane_slots(daemon->dp, slots);
		settling->rings[r].held = calloc(slots->n, 1);
		if (!settling->rings[r].held)
			return -ENOMEM;
		settling->grace |= slots->pinned > 0;
	}
	return 0;
}

static void start_pass(struct settling *settling)
{
	settling->last_s = now_s();
	settling->started = daemon_now_ds();
	if (prepare(settling) ||
		uv_queue_work(settling->daemon->loop, &settling->work, sweep_work, sweep_done)) {
		clear_pass(settling);
		free(settling->sweep.members);
		settling->sweep.members = NULL;
		return; /* the next second tries again */
	}
	settling->busy = true;
}

/* ---- when ---- */

static bool is_unsettled(const struct image *live)
{
	for (size_t r = 0; r < live->n_rings; r++)
		if (live->rings[r].ring->slots.moving || live->rings[r].ring->slots.pinned)
			return true;
	return false;
}

static uint32_t interval_s(const struct settling *settling)
{
	const struct settings *settings = &settling->daemon->settings;
	uint32_t s = MIN(settings->settle_tcp, settings->settle_udp) / 1000 / PASSES;

	if (fleet_is_draining(settling->daemon->fleet))
		return 1;
	return MIN(MAX(s, 1u), (uint32_t)PASS_MAX_S);
}

void settling_tick(struct settling *settling)
{
	const struct daemon *daemon = settling->daemon;

	dataplane_tick(daemon->dp, now_s());
	if (settling->busy || daemon->change || !daemon->published)
		return;
	if (!settling->stats.entries && settling->last_s && !is_unsettled(daemon->live))
		return;
	if (now_s() - settling->last_s >= interval_s(settling))
		start_pass(settling);
}
