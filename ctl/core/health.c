/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/health.h"

const char *health_state_name(enum health_state state)
{
	static const char *const names[] = {
		[HEALTH_UNKNOWN] = "unknown",
		[HEALTH_UP] = "up",
		[HEALTH_FAILING] = "failing",
		[HEALTH_UNREACHABLE] = "unreachable",
	};

	return names[state];
}

static bool enter(struct health *health, enum health_state state, uint64_t now_ms)
{
	if (health->state == state)
		return false;
	health->state = state;
	health->since_ms = now_ms;
	return true;
}

static uint16_t count(uint16_t n)
{
	return n == UINT16_MAX ? n : (uint16_t)(n + 1);
}

static bool on_pass(struct health *health, const struct health_params *params, uint64_t now_ms)
{
	health->passes = count(health->passes);
	health->fails = 0;
	health->first_fail_ms = 0;
	if (health->state == HEALTH_UNKNOWN || health->passes >= params->rise)
		return enter(health, HEALTH_UP, now_ms);
	return false;
}

static bool on_soft(
	struct health *health, const struct health_params *params, bool hold, uint64_t now_ms)
{
	health->fails = count(health->fails);
	health->passes = 0;
	if (!health->first_fail_ms)
		health->first_fail_ms = now_ms;
	if (hold || health->state == HEALTH_UNREACHABLE || health->fails < params->fall)
		return false;
	return enter(health, HEALTH_FAILING, now_ms);
}

static bool on_hard(struct health *health, uint64_t now_ms)
{
	health->fails = count(health->fails);
	health->passes = 0;
	return enter(health, HEALTH_UNREACHABLE, now_ms);
}

bool health_step(struct health *health, const struct health_params *params,
	const struct health_input *input, uint64_t now_ms)
{
	enum probe_strength strength = probe_outcome_strength(input->outcome);

	if (strength == PROBE_LOCAL)
		return false;
	if (strength == PROBE_HARD && input->refused_is_soft)
		strength = PROBE_SOFT;
	health->last = input->outcome;
	health->restored = false;
	switch (strength) {
	case PROBE_PASS:
		return on_pass(health, params, now_ms);
	case PROBE_HARD:
		return on_hard(health, now_ms);
	default:
		return on_soft(health, params, input->hold, now_ms);
	}
}

enum health_state health_combine(const struct health *checks, size_t n)
{
	/* From best to worst. */
	static const int rank[] = {
		[HEALTH_UP] = 0,
		[HEALTH_UNKNOWN] = 1,
		[HEALTH_FAILING] = 2,
		[HEALTH_UNREACHABLE] = 3,
	};
	enum health_state worst = HEALTH_UP;

	for (size_t i = 0; i < n; i++)
		if (rank[checks[i].state] > rank[worst])
			worst = checks[i].state;
	return worst;
}
