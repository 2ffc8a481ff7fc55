/* SPDX-License-Identifier: BSD-2-Clause */
/* When to probe next. Pure. */
#ifndef MUSTER_PROBER_SCHEDULE_H
#define MUSTER_PROBER_SCHEDULE_H

#include "core/health.h"

#define SCHEDULE_DOWN_FAST_MS 5000 /* for so long after it went down a target is probed fast */
#define SCHEDULE_JITTER	      10   /* percent, both ways */
#define SCHEDULE_OPENS_PER_S \
	1000 /* scheduled probes that open a connection, all targets together */

/* Between two states: a soft failure but not `fall` yet, a pass but not `rise` yet. */
bool schedule_in_transition(const struct health *health, const struct probe_spec *spec);

/* Milliseconds to the next probe; @random: any 32 bits. @now_ms: the clock of health_step(). */
uint32_t schedule_next(const struct health *health, const struct probe_spec *spec, uint64_t now_ms,
	uint32_t random);

/* Takes the next turn to open a connection; nanoseconds until it comes. Turns not used are lost. */
uint64_t schedule_pace(uint64_t *next_open_ns, uint64_t now_ns);

#endif
