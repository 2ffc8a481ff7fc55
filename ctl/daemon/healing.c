/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a frame of the prober to a patch of the tables. The order matters: decide, store, and only
 * then speak, because standard error may be slow.
 */
#include "daemon/daemon.h"

struct backend_change {
	struct fleet_pool *pool;
	struct fleet_backend *be;
	enum health_state from;
	uint64_t lasted_ms;
};

static const char *check_name(
	const struct fleet_backend *be, const struct fleet_pool *pool, const struct target *target)
{
	for (size_t t = 0; t < be->n_targets && t < pool->config->n_checks; t++)
		if (be->targets[t] == target)
			return pool->config->checks[t].name;
	return "?";
}

static bool refers_to(const struct fleet_backend *be, const struct target *target)
{
	for (size_t t = 0; t < be->n_targets; t++)
		if (be->targets[t] == target)
			return true;
	return false;
}

static void report_backend(struct daemon *daemon, const struct backend_change *change,
	const struct target *target, const struct probe_result *result, uint64_t commit_ns)
{
	const struct fleet_backend *be = change->be;
	uint64_t cause_ns = result->cause_ns ? result->cause_ns : result->monotonic_ns;

	events_emit(daemon->events, be->health == HEALTH_UP ? EVENT_NOTICE : EVENT_WARNING,
		"health", "backend",
		event_text("%s/%s", change->pool->config->name, be->config->name), "from",
		health_state_name(change->from), "to", health_state_name(be->health), "check",
		check_name(be, change->pool, target), "why",
		probe_outcome_text(target->health.last), "detail",
		target->detail[0] ? target->detail : NULL, "after",
		event_duration(change->lasted_ms), "usable",
		event_text("%u/%zu", fleet_pool_usable(change->pool),
			change->pool->config->n_backends),
		"commit_us",
		commit_ns > cause_ns
			? event_text("%llu", (unsigned long long)(commit_ns - cause_ns) / 1000)
			: NULL,
		"commit_ns", commit_ns ? event_text("%llu", (unsigned long long)commit_ns) : NULL,
		NULL);
}

/* Patches @pool after @target changed, and reports each of its backends that changed with it. */
static void heal_pool(struct daemon *daemon, struct fleet_pool *pool, const struct target *target,
	const struct probe_result *result)
{
	size_t n = pool->config->n_backends, n_changes = 0;
	_free_ struct backend_change *changes = calloc(MAX(n, 1), sizeof(*changes));
	unsigned usable_before = fleet_pool_usable(pool);
	bool panic_before = pool->panic;
	uint64_t commit_ns, now_ms = daemon_now_ms();

	for (size_t i = 0; changes && i < n; i++) {
		struct fleet_backend *be = &pool->backends[i];

		if (refers_to(be, target))
			changes[n_changes++] = (struct backend_change){
				pool, be, be->health, now_ms - be->since_ms};
	}
	commit_pool(daemon, pool, &commit_ns);
	if (commit_ns)
		daemon->last_commit_us =
			(commit_ns - MIN(commit_ns, result->cause_ns ? result->cause_ns
								     : result->monotonic_ns)) /
			1000;
	for (size_t i = 0; i < n_changes; i++)
		if (changes[i].be->health != changes[i].from)
			report_backend(daemon, &changes[i], target, result, commit_ns);
	commit_report(daemon, pool, usable_before, panic_before);
}

static void set_blind(struct daemon *daemon, bool blind)
{
	if (daemon->blind == blind)
		return;
	daemon->blind = blind;
	events_emit(daemon->events, EVENT_WARNING, blind ? "checker_blind" : "checker_sees", "why",
		blind ? "nearly all backends began to fail at once: I suspect my own view and hold "
			"their state"
		      : "backends pass again",
		NULL);
}

/* The test is over all backends, so it is asked only where it matters: before a soft transition. */
static bool hold_soft(struct daemon *daemon, struct target *target, uint64_t now_ms)
{
	struct health probe = target->health;

	if (probe.state != HEALTH_UP || probe.fails + 1u < target->spec.fall)
		return false;
	if (!target->health.first_fail_ms)
		target->health.first_fail_ms = now_ms; /* this very failure counts as doubt */
	set_blind(daemon, fleet_blind(daemon->fleet, daemon->blind, now_ms));
	return daemon->blind;
}

static bool accept_result(struct target *target, const struct probe_result *result)
{
	if (result->header.config_seq != 1 || result->probe_seq <= target->probe_seq)
		return false;
	target->probe_seq = result->probe_seq;
	target->latency_us = result->latency_us;
	target->tethered = result->tethered;
	target->outcome = result->outcome;
	memcpy(target->detail, result->detail, sizeof(target->detail));
	return true;
}

void healing_result(void *data, const struct probe_result *result)
{
	struct daemon *daemon = data;
	struct target *target = targets_find(daemon->targets, result->header.target_id);
	enum probe_strength strength = probe_outcome_strength(result->outcome);
	uint64_t now_ms = daemon_now_ms();
	struct health_params params;
	struct health_input input;
	char text[ADDR_TEXT];

	if (!target || !accept_result(target, result))
		return;
	params = (struct health_params){.rise = target->spec.rise, .fall = target->spec.fall};
	input = (struct health_input){
		.outcome = result->outcome,
		.refused_is_soft = !target->spec.hard_refused,
	};
	if (strength == PROBE_SOFT || (strength == PROBE_HARD && input.refused_is_soft))
		input.hold = hold_soft(daemon, target, now_ms);
	if (result->outcome == OUTCOME_tether_off)
		events_emit(daemon->events, EVENT_NOTICE, "tether_off", "target",
			addr_format_port(&target->spec.addr, target->spec.port, text), "why",
			probe_outcome_text(OUTCOME_tether_off), NULL);
	if (health_step(&target->health, &params, &input, now_ms))
		for (size_t i = 0; i < target->n_pools; i++)
			heal_pool(daemon, target->pools[i], target, result);
	if (strength == PROBE_PASS && daemon->blind)
		set_blind(daemon, fleet_blind(daemon->fleet, true, now_ms));
}

void healing_started(void *data, pid_t pid)
{
	struct daemon *daemon = data;

	events_emit(daemon->events, EVENT_INFO, "prober_started", "pid", event_text("%d", (int)pid),
		NULL);
	targets_send_all(daemon->targets);
}

void healing_gone(void *data, uint32_t culprit, const char *why)
{
	struct daemon *daemon = data;

	events_emit(
		daemon->events, EVENT_WARNING, "prober_gone", "why", why, "health", "kept", NULL);
	if (culprit && targets_crashed(daemon->targets, culprit)) {
		const struct target *target = targets_find(daemon->targets, culprit);
		char text[ADDR_TEXT];

		events_emit(daemon->events, EVENT_ERROR, "target_quarantined", "target",
			addr_format_port(&target->spec.addr, target->spec.port, text), "why",
			"the prober crashed on it three times; it is not probed any more", NULL);
	}
}
