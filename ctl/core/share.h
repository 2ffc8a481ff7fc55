/* SPDX-License-Identifier: BSD-2-Clause */
/* What part of its slots a backend gets while its weight changes, or while it starts slowly. Pure. */
#ifndef MUSTER_CORE_SHARE_H
#define MUSTER_CORE_SHARE_H

#include "core/ring.h"

/* A weight on its way from one to another. */
struct share_ramp {
	uint16_t from, to;
	uint64_t started_ms;
	uint32_t over_ms; /* 0: at once */
};

/* Weights in 256ths. */
uint32_t share_weight(const struct share_ramp *ramp, uint64_t now_ms);
bool share_is_ramping(const struct share_ramp *ramp, uint64_t now_ms);

/*
 * The share (0 to RING_ALL) of a backend whose weight is @weight 256ths where the ring was made for @base, and
 * that came up @up_ms ago: it grows over @slow_start_ms (0: has it at once), from a twentieth on.
 */
uint16_t share_of(uint32_t weight, uint16_t base, uint64_t up_ms, uint32_t slow_start_ms);

#endif
