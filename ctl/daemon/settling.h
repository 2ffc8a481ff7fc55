/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settling: from slots that move back to stable ones. A pass waits for the CPUs, sweeps the flow table in a
 * worker, and then, on the loop and one ring a turn, pins what moved long enough and settles what no entry
 * holds back. Passes and changes of the model exclude each other; patches go on meanwhile.
 */
#ifndef MUSTER_DAEMON_SETTLING_H
#define MUSTER_DAEMON_SETTLING_H

#include "daemon/daemon.h"

struct settling;

int settling_new(struct settling **ret, struct daemon *daemon);
void settling_free(struct settling **settling);

/* Each second: the clock of the flows, and a pass when one is due. */
void settling_tick(struct settling *settling);
bool settling_is_busy(const struct settling *settling);

/*
 * Removes the flow entries of members that are not in the live image, whose indexes and epochs may be used again
 * afterwards. May run in a worker. 0 or -ENOMEM.
 */
int settling_forget(const struct daemon *daemon);

struct settling_stats {
	uint32_t entries;  /* in the flow table at the last pass */
	uint64_t sweep_us; /* how long it took to look at all of it */
};

struct settling_stats settling_stats(const struct settling *settling);

/* Entries of the member with that token, at the last pass. */
uint32_t settling_flows(const struct settling *settling, uint32_t token);

#endif
