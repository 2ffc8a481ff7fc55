/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/schedule.h"

static bool is_down(const struct health *health)
{
	return health->state == HEALTH_FAILING || health->state == HEALTH_UNREACHABLE;
}

bool schedule_in_transition(const struct health *health, const struct probe_spec *spec)
{
	if (is_down(health))
		return health->passes > 0 && health->passes < spec->rise;
	return health->fails > 0 && health->fails < spec->fall;
}

static uint32_t interval(
	const struct health *health, const struct probe_spec *spec, uint64_t now_ms)
{
	if (schedule_in_transition(health, spec))
		return spec->fast;
	if (!is_down(health))
		return spec->interval;
	if (now_ms - health->since_ms < SCHEDULE_DOWN_FAST_MS)
		return MIN(spec->fast, spec->down);
	return spec->down;
}

uint32_t schedule_next(const struct health *health, const struct probe_spec *spec, uint64_t now_ms,
	uint32_t random)
{
	uint64_t ms = interval(health, spec, now_ms), jitter = ms * SCHEDULE_JITTER / 100;

	return (uint32_t)MIN(ms - jitter + random % (2 * jitter + 1), (uint64_t)UINT32_MAX);
}

uint64_t schedule_pace(uint64_t *next_open_ns, uint64_t now_ns)
{
	uint64_t turn = MAX(*next_open_ns, now_ns);

	*next_open_ns = turn + 1000000000u / SCHEDULE_OPENS_PER_S;
	return turn - now_ns;
}
