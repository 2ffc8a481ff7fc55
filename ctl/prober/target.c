/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/prober.h"
#include "prober/schedule.h"

/*
 * A dying process closes its listening socket after its connections, so a new one may still be taken
 * and cut off. For so long after the first cut that is no verdict.
 */
#define DOUBT_NS	  50000000ull
/*
 * So long of it without a pause between probes, then a millisecond: the dying process needs the CPU to
 * come to its end.
 */
#define DOUBT_RESTLESS_NS 500000ull

static const struct probe_type *const types[] = {
	[CHECK_TCP] = &probe_tcp,
	[CHECK_HTTP] = &probe_http,
};

static uint64_t now_ms(void)
{
	return prober_now_ns() / 1000000;
}

uint32_t target_timeout(const struct target *target)
{
	if (target->cause_ns || schedule_in_transition(&target->health, &target->spec))
		return target->spec.fast_timeout;
	return target->spec.timeout;
}

/* ---- when ---- */

static void start(struct target *target, bool fresh)
{
	target->running = true;
	target->paced = false;
	target->start_ns = prober_now_ns();
	uv_timer_stop(&target->timer);
	if (fresh && target->tether_fd >= 0)
		target->type->drop(target);
	target->type->start(target, fresh);
}

static void on_timer(uv_timer_t *timer)
{
	struct target *target = timer->data;
	bool opens = !target->type->reuses_tether || target->tether_fd < 0;

	if (target->cause_ns) {
		start(target, true);
		return;
	}
	if (opens && !target->paced) {
		uint64_t wait = schedule_pace(&target->prober->next_open_ns, prober_now_ns());

		target->paced = true;
		if (wait >= 1000000) {
			uv_timer_start(timer, on_timer, wait / 1000000, 0);
			return;
		}
	}
	start(target, false);
}

static uint32_t random_word(void)
{
	static uint64_t state;

	if (!state)
		state = prober_now_ns();
	state += 0x9e3779b97f4a7c15ull;
	return (uint32_t)muster_mix64(state);
}

/* ---- what came of it ---- */

static void count_result(struct target *target, enum probe_outcome outcome)
{
	struct health_params params = {target->spec.rise, target->spec.fall};
	struct health_input input = {
		.outcome = outcome,
		.refused_is_soft = !target->spec.hard_refused,
	};

	health_step(&target->health, &params, &input, now_ms());
}

static void report(struct target *target, enum probe_outcome outcome, int error, const char *detail)
{
	uint64_t now = prober_now_ns();
	struct probe_result result = {
		.header =
			{
				.version = PROBE_VERSION,
				.type = PROBE_FRAME_RESULT,
				.target_id = target->id,
				.config_seq = target->config_seq,
			},
		.probe_seq = ++target->probe_seq,
		.monotonic_ns = now,
		.cause_ns = target->cause_ns,
		.latency_us = (uint32_t)((now - target->start_ns) / 1000),
		.error = error,
		.outcome = (uint16_t)outcome,
		.tethered = target->tether_fd >= 0,
	};

	snprintf(result.detail, sizeof(result.detail), "%s", detail ? detail : "");
	wire_result(target, &result);
}

/*
 * Cut off: look again before anything is said. One more look always; more of them while a doubt is
 * fresh, but not at a server that cuts off every probe.
 */
static bool look_again(struct target *target, enum probe_outcome outcome)
{
	uint64_t now = prober_now_ns(), since;

	if (outcome != OUTCOME_reset && outcome != OUTCOME_closed)
		return false;
	if (!target->cause_ns) {
		target->cause_ns = now;
		start(target, true);
		return true;
	}
	since = now - target->cause_ns;
	if (since > DOUBT_NS || (target->health.fails && !target->tether_broke))
		return false;
	if (since < DOUBT_RESTLESS_NS)
		start(target, true);
	else
		uv_timer_start(&target->timer, on_timer, 1, 0);
	return true;
}

void target_done(struct target *target, enum probe_outcome outcome, int error, const char *detail)
{
	target->running = false;
	if (look_again(target, outcome))
		return;
	count_result(target, outcome);
	report(target, outcome, error, detail);
	if (target->tether_broke && tether_judge(target, outcome == OUTCOME_pass))
		report(target, OUTCOME_tether_off, 0, NULL);
	target->cause_ns = 0;
	target->tether_broke = false;
	if (target->again) {
		target->again = false;
		start(target, true);
		return;
	}
	uv_timer_start(&target->timer, on_timer,
		schedule_next(&target->health, &target->spec, now_ms(), random_word()), 0);
}

static void doubt(struct target *target)
{
	target->cause_ns = prober_now_ns();
	target->tether_broke = true;
}

void target_alarm(struct target *target)
{
	if (target->running)
		return; /* the probe on its way sees for itself */
	doubt(target);
	start(target, true);
}

void target_alarm_soon(struct target *target)
{
	doubt(target);
	uv_timer_start(&target->timer, on_timer, 0, 0);
}

/* ---- commands ---- */

static struct target *find(struct prober *prober, uint32_t id)
{
	struct target *target;

	HASH_FIND(hh, prober->targets, &id, sizeof(id), target);
	return target;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void target_delete(struct prober *prober, uint32_t id)
{
	struct target *target = find(prober, id);

	if (!target)
		return;
	HASH_DEL(prober->targets, target);
	outbox_remove(&prober->outbox, &target->slot);
	target->type->stop(target);
	uv_close((uv_handle_t *)&target->timer, on_closed);
}

void target_add(
	struct prober *prober, uint32_t id, uint32_t config_seq, const struct probe_spec *spec)
{
	struct target *target = prober_alloc(sizeof(*target));

	target_delete(prober, id);
	target->prober = prober;
	target->id = id;
	target->config_seq = config_seq;
	target->spec = *spec;
	target->type = types[spec->type];
	target->tether_fd = -1;
	uv_timer_init(prober->loop, &target->timer);
	target->timer.data = target;
	HASH_ADD(hh, prober->targets, id, sizeof(target->id), target);
	uv_timer_start(&target->timer, on_timer, 0, 0);
}

void target_recheck(struct prober *prober, uint32_t id)
{
	struct target *target = find(prober, id);

	if (!target)
		return;
	if (target->running)
		target->again = true; /* what runs began before whatever made musterd ask */
	else
		start(target, true);
}
