/* SPDX-License-Identifier: BSD-2-Clause */
/* The probe: an echo request to the VIP, in the outer headers of the VIP's mode. Pure. */
#ifndef MUSTER_DOCTOR_FRAME_H
#define MUSTER_DOCTOR_FRAME_H

#include "core/addr.h"

#define FRAME_BYTES_MAX 9216

struct probe_shape {
	uint8_t dst_mac[6], src_mac[6];
	uint8_t mode; /* enum muster_mode */
	__be16 gue_port;
	struct muster_addr outer_src, outer_dst;
	struct muster_addr src, vip; /* of the echo request */
};

/* Bytes that the mode puts in front of a packet. */
unsigned probe_overhead(const struct probe_shape *shape);

/*
 * Writes the frame with an inner packet of @bytes (at least 64). Returns its length, 0 if it does not fit into
 * FRAME_BYTES_MAX.
 */
size_t probe_frame(uint8_t *frame, const struct probe_shape *shape, unsigned bytes, uint16_t id,
	uint16_t sequence);

/* Is the @n bytes IP packet at @ip an answer to such a request from @vip? Fills identifier and sequence. */
bool probe_answer(const uint8_t *ip, size_t n, struct muster_addr *vip, uint16_t *ret_id,
	uint16_t *ret_sequence);

#endif
