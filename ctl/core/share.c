/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/share.h"

#define SLOW_START_PARTS 20 /* the first of them is there at once */

bool share_is_ramping(const struct share_ramp *ramp, uint64_t now_ms)
{
	return now_ms - ramp->started_ms < ramp->over_ms;
}

uint32_t share_weight(const struct share_ramp *ramp, uint64_t now_ms)
{
	uint64_t passed = now_ms - ramp->started_ms, from = ramp->from * 256ull,
		 to = ramp->to * 256ull;

	if (!share_is_ramping(ramp, now_ms))
		return (uint32_t)to;
	if (to >= from)
		return (uint32_t)(from + (to - from) * passed / ramp->over_ms);
	return (uint32_t)(from - (from - to) * passed / ramp->over_ms);
}

uint16_t share_of(uint32_t weight, uint16_t base, uint64_t up_ms, uint32_t slow_start_ms)
{
	uint64_t share = RING_ALL;

	if (!weight || !base)
		return 0;
	if (weight < base * 256u)
		share = share * weight / (base * 256u);
	if (up_ms < slow_start_ms)
		share = share * MAX(up_ms, slow_start_ms / SLOW_START_PARTS) / slow_start_ms;
	return (uint16_t)MAX(share, 1u);
}
