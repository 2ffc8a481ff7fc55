/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/prober.h"
#include "prober/schedule.h"

#include <time.h>

static const struct probe_type *const types[] = {
	[CHECK_TCP] = &probe_tcp,
	[CHECK_HTTP] = &probe_http,
};

uint64_t prober_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static struct schedule schedule_of(const struct target *target)
{
	return (struct schedule){
		.fails = target->fails,
		.passes = target->passes,
		.down = target->down,
		.down_for_ms = (prober_now_ns() - target->down_since_ns) / 1000000,
	};
}

uint32_t target_timeout(const struct target *target)
{
	struct schedule schedule = schedule_of(target);

	if (target->attempt != ATTEMPT_SCHEDULED ||
		schedule_in_transition(&schedule, &target->spec))
		return target->spec.fast_timeout;
	return target->spec.timeout;
}

static void start(struct target *target, enum attempt attempt)
{
	bool fresh = attempt != ATTEMPT_SCHEDULED;

	target->attempt = attempt;
	target->start_ns = prober_now_ns();
	uv_timer_stop(&target->timer);
	target->type->start(target, fresh);
}

/* ---- when ---- */

static void on_timer(uv_timer_t *timer)
{
	struct target *target = timer->data;
	struct prober *prober = target->prober;
	uint64_t now = prober_now_ns();

	if (target->attempt != ATTEMPT_NONE)
		return;
	if (target->cause_ns) { /* still in doubt */
		start(target, ATTEMPT_TETHER);
		return;
	}
	if (prober->next_open_ns > now + 1000000) {
		uv_timer_start(timer, on_timer, (prober->next_open_ns - now) / 1000000, 0);
		return;
	}
	prober->next_open_ns = MAX(prober->next_open_ns, now) + 1000000000ull / OPENS_PER_S;
	start(target, ATTEMPT_SCHEDULED);
}

static uint32_t random_word(void)
{
	static uint64_t state;

	if (!state)
		state = prober_now_ns();
	state += 0x9e3779b97f4a7c15ull;
	return (uint32_t)muster_mix64(state);
}

static void schedule_again(struct target *target)
{
	struct schedule schedule = schedule_of(target);

	uv_timer_start(&target->timer, on_timer,
		schedule_next(&schedule, &target->spec, random_word()), 0);
}

/* ---- what came of it ---- */

static void count_result(struct target *target, enum probe_strength strength)
{
	bool down;

	if (strength == PROBE_LOCAL)
		return;
	target->fails = strength == PROBE_PASS ? 0 : (uint16_t)MIN(target->fails + 1, UINT16_MAX);
	target->passes = strength == PROBE_PASS ? (uint16_t)MIN(target->passes + 1, UINT16_MAX) : 0;
	down = target->down ? target->passes < target->spec.rise
			    : target->fails >= target->spec.fall ||
				      (strength == PROBE_HARD && target->spec.hard_refused);
	if (down && !target->down)
		target->down_since_ns = prober_now_ns();
	target->down = down;
}

static void report(struct target *target, enum probe_outcome outcome, int error, const char *detail)
{
	uint64_t now = prober_now_ns();

	target->result = (struct probe_result){
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
	snprintf(target->result.detail, sizeof(target->result.detail), "%s", detail ? detail : "");
	wire_result(target);
}

/*
 * A dying process closes its listening socket after its connections, so a re-check may still connect
 * and be cut off. That is no verdict: in doubt, look again until there is one.
 */
static bool look_again(struct target *target, enum probe_outcome outcome)
{
	uint64_t now = prober_now_ns();
	bool cut_off = outcome == OUTCOME_reset || outcome == OUTCOME_closed;

	if (!cut_off)
		return false;
	if (target->attempt == ATTEMPT_SCHEDULED) {
		target->cause_ns = now;
		target->tries = 0;
		start(target, ATTEMPT_RECHECK);
		return true;
	}
	if (now - target->cause_ns > DOUBT_NS)
		return false;
	if (++target->tries < DOUBT_BURST) {
		start(target, target->attempt);
	} else {
		target->attempt = ATTEMPT_NONE;
		uv_timer_start(&target->timer, on_timer, 1, 0);
	}
	return true;
}

void target_done(struct target *target, enum probe_outcome outcome, int error, const char *detail)
{
	bool after_break = target->attempt == ATTEMPT_TETHER;

	if (look_again(target, outcome))
		return;
	target->attempt = ATTEMPT_NONE;
	count_result(target, probe_outcome_strength(outcome));
	report(target, outcome, error, detail);
	if (after_break && outcome == OUTCOME_pass) {
		tether_survived(target);
		if (target->tether_off)
			report(target, OUTCOME_tether_off, 0, "closes idle connections");
	}
	target->cause_ns = 0;
	schedule_again(target);
}

void target_alarm(struct target *target)
{
	if (target->attempt != ATTEMPT_NONE)
		return; /* a probe is on its way and will see for itself */
	target->cause_ns = prober_now_ns();
	target->tries = 0;
	start(target, ATTEMPT_TETHER);
}

/* ---- add, delete ---- */

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
	wire_forget(target);
	tether_release(target);
	target->type->stop(target);
	uv_close((uv_handle_t *)&target->timer, on_closed);
}

void target_add(
	struct prober *prober, uint32_t id, uint32_t config_seq, const struct probe_spec *spec)
{
	struct target *target;

	target_delete(prober, id);
	target = calloc(1, sizeof(*target));
	if (!target)
		exit(1); /* musterd starts a new one and tells it everything */
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

	if (target && target->attempt == ATTEMPT_NONE)
		start(target, ATTEMPT_SCHEDULED);
}
