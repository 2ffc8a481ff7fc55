/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Health of one backend as one check sees it: a pure state machine, and how several checks combine.
 *
 *	unknown      no evidence yet. One pass suffices to be up (not `rise`)
 *	up
 *	failing      `fall` soft failures in a row
 *	unreachable  hard evidence; needs no `fall`
 *
 * Counters are of consecutive outcomes: a pass clears failures and the other way round. Local errors
 * change nothing.
 */
#ifndef MUSTER_CORE_HEALTH_H
#define MUSTER_CORE_HEALTH_H

#include "core/probe.h"

enum health_state { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_FAILING, HEALTH_UNREACHABLE };

const char *health_state_name(enum health_state state);

struct health_params {
	uint16_t rise, fall;
};

struct health {
	enum health_state state;
	bool restored; /* unknown after a restart: last bits count until evidence arrives */
	uint16_t passes, fails;	 /* consecutive */
	uint64_t since_ms;	 /* when the state was entered */
	uint64_t first_fail_ms;	 /* first of the current run of soft failures; 0: none */
	enum probe_outcome last; /* last outcome that counted */
};

struct health_input {
	enum probe_outcome outcome;
	bool refused_is_soft; /* another port than the backend's own */
	bool hold;	      /* blind checker: soft failures may not change the state */
};

/* Steps @health; true if its state changed. @now_ms: any monotonic clock. */
bool health_step(struct health *health, const struct health_params *params,
	const struct health_input *input, uint64_t now_ms);

/* Checks are ANDed: unreachable before failing before unknown before up. n = 0: up. */
enum health_state health_combine(const struct health *checks, size_t n);

#endif
