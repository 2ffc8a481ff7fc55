/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BENCH_WRAP_H
#define MUSTER_BENCH_WRAP_H

#include <linux/types.h>

#define WRAP_BYTES 80 /* restored in each run; a frame is at least as long */

struct wrap_template {
	__u8 frame[WRAP_BYTES];
	__u32 bytes;			  /* of the whole frame */
	__u32 port_at, source_at, vip_at; /* offsets */
	__u32 flow_mask, pool_mask;
	__u32 turn, pad;
};

#endif
