/* SPDX-License-Identifier: BSD-2-Clause */
/* What befalls the balancer: packets, health, operators, reloads, passes of the sweep, its own end. */
#ifndef MUSTER_TESTS_SEQUENCE_EVENTS_H
#define MUSTER_TESTS_SEQUENCE_EVENTS_H

#include "sequence_flows.h"

/* A pass over the slots, in the steps of ctl/daemon/settling.c, between which other things happen. */
struct pass {
	bool running, swept;
	uint32_t started;
	struct flows_sweep sweep;
	struct flows_ring *rings;
	size_t n_rings;
};

static inline void pass_end(struct pass *pass)
{
	for (size_t r = 0; r < pass->n_rings; r++)
		free(pass->rings[r].held);
	free(pass->rings);
	free(pass->sweep.members);
	*pass = (struct pass){};
}

static inline void pass_start(struct sequence *sequence, struct pass *pass)
{
	struct world *world = &sequence->world;

	*pass = (struct pass){.running = true, .started = world->now_ds};
	pass->n_rings = world->live->n_rings;
	pass->rings = calloc(pass->n_rings + 1, sizeof(*pass->rings));
	pass->sweep = (struct flows_sweep){
		.buckets = world->buckets,
		.n_buckets = world->n_buckets,
		.tcp_s = SETTLE_TCP_DS / 10,
		.udp_s = SETTLE_UDP_DS / 10,
	};
	assert_int_equal(flows_members(&pass->sweep, world->live, pass->rings), 0);
	for (size_t r = 0; r < pass->n_rings; r++) {
		const struct slots *slots = &world->live->rings[r].ring->slots;

		pass->rings[r].slots = world->slots + slots->base;
		pass->rings[r].held = calloc(slots->n, 1);
	}
}

static inline void pass_sweep(struct sequence *sequence, struct pass *pass)
{
	pass->sweep.clock = world_clock(&sequence->world);
	flows_sweep(&pass->sweep);
	pass->swept = true;
}

/* Inserts into the ring's flows failed within the settle time. */
static inline bool ring_is_failing(
	const struct world *world, const struct ring *ring, uint32_t settle_ds)
{
	for (size_t i = 0; i < world->live->n_services; i++) {
		const struct image_service *service = &world->live->services[i];
		const struct muster_tracking *tracking = &world->tracking[service->index];

		if (service->ring == ring && tracking->failed &&
			world_clock(world) - tracking->clock <= settle_ds / 10)
			return true;
	}
	return false;
}

static inline void pass_settle(struct sequence *sequence, struct pass *pass)
{
	struct world *world = &sequence->world;

	for (size_t r = 0; r < pass->n_rings; r++) {
		const struct image_ring *row = &world->live->rings[r];
		uint32_t settle = row->ring->proto == IPPROTO_UDP ? SETTLE_UDP_DS : SETTLE_TCP_DS;
		bool waits[MODEL_POOL_MEMBERS] = {};
		struct slots *slots = &row->ring->slots;
		struct patch patch = {.slots = calloc(slots->n, sizeof(*patch.slots))};
		struct slots_settling how = {
			.started = pass->started,
			.settle = settle,
			.failing = ring_is_failing(world, row->ring, settle),
			.held = pass->rings[r].held,
			.waits = waits,
		};

		for (uint16_t m = 0; m < row->block->n; m++)
			for (int b = 0; b < BACKENDS; b++)
				waits[m] |= world->backends[b].waits &&
					    ntohl(row->block->members[m].addr.w[3]) >> 8 ==
						    (0x0a000000u >> 8) + (uint32_t)b;
		patch.n_slots = slots_settle(slots, &how, world->now_ds, patch.slots);
		world_store(world, &patch);
		patch_clear(&patch);
	}
	pass_end(pass);
}

static inline void pass_go_on(struct sequence *sequence, struct pass *pass)
{
	if (!pass->running)
		pass_start(sequence, pass);
	else if (!pass->swept)
		pass_sweep(sequence, pass);
	else
		pass_settle(sequence, pass);
}

/* ---- patches ---- */

/* Whatever the checks or the operator say: down with or without its flows, soft, up, drained, a part. */
static inline void event_state(struct sequence *sequence)
{
	int b = (int)sequence_random(sequence, BACKENDS);
	struct world_backend *be = &sequence->world.backends[b];

	switch (sequence_random(sequence, 8)) {
	case 0:
		sequence_lose(sequence, b);
		be->bits = (struct bits){false, false};
		break;
	case 1:
		be->bits = (struct bits){false, false};
		break;
	case 2:
		be->bits = (struct bits){false, true};
		be->waits = sequence_random(sequence, 4) == 0;
		break;
	case 3:
		be->share = (uint16_t)(1 + sequence_random(sequence, RING_ALL));
		break;
	default:
		be->bits = (struct bits){true, true};
		be->waits = false;
		be->share = sequence_random(sequence, 3) ? RING_ALL : be->share;
	}
	world_patch(&sequence->world);
}

/* ---- reloads ---- */

static inline void draft_change(struct sequence *sequence)
{
	struct world *world = &sequence->world;
	struct world_backend *be = &world->backends[sequence_random(sequence, BACKENDS)];

	switch (sequence_random(sequence, 10)) {
	case 0:
	case 1:
	case 2:
		be->there = !be->there;
		be->incarnation++;
		break;
	case 3:
		be->weight = (uint16_t)(sequence_random(sequence, 4) * 60);
		break;
	case 4:
		be->incarnation++; /* another address */
		break;
	case 5:
		be->backup = !be->backup;
		break;
	case 6:
		world->on_down_reset = !world->on_down_reset;
		break;
	case 7: /* from many to few, and back */
		for (int b = 2; b < BACKENDS; b++) {
			bool there = sequence_random(sequence, 5) > 1;

			world->backends[b].incarnation += there != world->backends[b].there;
			world->backends[b].there = there;
		}
		break;
	case 8:
		if (!sequence_random(sequence, 10)) /* the last weight */
			for (int b = 0; b < BACKENDS; b++)
				world->backends[b].weight = 0;
		break;
	default:
		be->weight = 100;
	}
}

static inline void event_reload(struct sequence *sequence)
{
	struct world *world = &sequence->world;

	for (uint32_t n = sequence_random(sequence, 3); n > 0; n--)
		draft_change(sequence);
	world->backends[0].there = true; /* a pool without any is a VIP without flows */
	world_use_model(world, world_model(world));
	world_plan(world);
}

static inline void change_go_on(struct sequence *sequence)
{
	struct world *world = &sequence->world;

	if (world->next) {
		world_flip(world);
		sequence_lose(sequence, -1);
	} else if (world->previous) {
		world_retire(world);
	} else {
		event_reload(sequence);
	}
}

/* A new controller has published its image before anything else happens to it. */
static inline void event_restart(struct sequence *sequence, struct pass *pass)
{
	struct world *world = &sequence->world;

	pass_end(pass);
	world_restart(world);
	if (sequence_random(sequence, 2))
		world_use_model(world, world_model(world));
	world_update_states(world);
	world_plan(world);
	for (uint32_t n = sequence_random(sequence, 20); n > 0; n--) {
		struct flow *flow = &sequence->flows[sequence_random(sequence, FLOWS)];

		if (flow->open)
			flow_data(sequence, flow, false);
	}
	world_flip(world);
	sequence_lose(sequence, -1);
}

/* ---- packets ---- */

static inline void event_packet(struct sequence *sequence)
{
	struct flow *flow = &sequence->flows[sequence_random(sequence, FLOWS)];
	uint32_t what = sequence_random(sequence, 100);

	if (what < 4)
		flow_forge(sequence, flow);
	else if (!flow->open || (flow->fresh && what < 10))
		flow_syn(sequence, flow);
	else if (what < 12)
		flow_close(flow);
	else
		flow_data(sequence, flow, what < 16);
}

static inline void event(struct sequence *sequence, struct pass *pass)
{
	struct world *world = &sequence->world;
	uint32_t what = sequence_random(sequence, 10000);

	sequence->n++;
	if (what < 8600)
		event_packet(sequence);
	else if (what < 9300)
		sequence_advance(sequence, 1 + sequence_random(sequence, 12));
	else if (what < 9650)
		event_state(sequence);
	else if (what < 9950 && !world->next && !world->previous)
		pass_go_on(sequence, pass);
	else if (what < 9998 && !pass->running)
		change_go_on(sequence);
	else if (what >= 9998)
		event_restart(sequence, pass);
}

#endif
