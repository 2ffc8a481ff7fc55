/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends probes and hears answers: packet sockets, and nothing else. Blocks for a few seconds. */
#ifndef MUSTER_DOCTOR_PROBE_H
#define MUSTER_DOCTOR_PROBE_H

#include "doctor/frame.h"

struct probe {
	struct probe_shape shape;
	unsigned ifindex;
	unsigned wanted;  /* in: bytes of the largest inner packet to try */
	unsigned reached; /* out: the largest that was answered; 0: none */
};

/*
 * All of @n probes side by side: a small one, then halving between what was answered and @wanted. 0, or
 * -EPERM without CAP_NET_RAW, -errno.
 */
int probe_run(struct probe *probes, size_t n);

#endif
