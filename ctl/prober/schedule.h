/* SPDX-License-Identifier: BSD-2-Clause */
/* When to probe next. Pure. */
#ifndef MUSTER_PROBER_SCHEDULE_H
#define MUSTER_PROBER_SCHEDULE_H

#include "core/probe.h"

#define SCHEDULE_DOWN_FAST_MS 5000 /* for so long after it went down a target is probed fast */
#define SCHEDULE_JITTER	      10   /* percent, both ways */

struct schedule {
	uint16_t fails, passes; /* consecutive */
	bool down;
	uint64_t down_for_ms;
};

/* Does the next probe belong to a transition (fast interval, fast timeout)? */
bool schedule_in_transition(const struct schedule *schedule, const struct probe_spec *spec);

/* Milliseconds to the next probe; @random: any 32 bits. */
uint32_t schedule_next(
	const struct schedule *schedule, const struct probe_spec *spec, uint32_t random);

#endif
