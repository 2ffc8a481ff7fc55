/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/schedule.h"

bool schedule_in_transition(const struct schedule *schedule, const struct probe_spec *spec)
{
	if (schedule->down)
		return schedule->passes > 0 && schedule->passes < spec->rise;
	return schedule->fails > 0 && schedule->fails < spec->fall;
}

static uint32_t interval(const struct schedule *schedule, const struct probe_spec *spec)
{
	if (schedule_in_transition(schedule, spec))
		return spec->fast;
	if (!schedule->down)
		return spec->interval;
	return schedule->down_for_ms < SCHEDULE_DOWN_FAST_MS ? MIN(spec->fast, spec->down)
							     : spec->down;
}

uint32_t schedule_next(
	const struct schedule *schedule, const struct probe_spec *spec, uint32_t random)
{
	uint32_t ms = interval(schedule, spec), jitter = ms * SCHEDULE_JITTER / 100;

	return MAX(ms - jitter + random % (2 * jitter + 1), 1u);
}
