/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* A packet's way through the stages: the packet, what was looked up for it, and its verdict. */
#ifndef MUSTER_BPF_WALK_H
#define MUSTER_BPF_WALK_H

#include "maps.h"
#include "packet.h"

struct walk {
	struct xdp_md *ctx;
	struct packet packet;
	__u32 frame_bytes; /* as received */
	const struct muster_control *control;
	const struct muster_service *service;
	struct muster_member *member;
	__u64 hash;	     /* of the flow */
	__u32 service_index; /* without the bank; NO_INDEX: none */
	__u32 member_index;  /* in the member table; NO_INDEX: none */
	int action;	     /* XDP_ABORTED: the action that the reason names */
	struct tags tags;    /* that the frame came with; the long way alone */
};

MUSTER_INLINE void *walk_data(const struct walk *walk)
{
	return (void *)(long)walk->ctx->data;
}

MUSTER_INLINE void *walk_end(const struct walk *walk)
{
	return (void *)(long)walk->ctx->data_end;
}

/* Bytes of the frame, of which data to data_end may be only the first part. */
MUSTER_INLINE __u32 frame_bytes(struct xdp_md *ctx)
{
	return has_frags ? bpf_xdp_get_buff_len(ctx) : ctx->data_end - ctx->data;
}

MUSTER_INLINE void walk_begin(struct walk *walk, struct xdp_md *ctx)
{
	walk->ctx = ctx;
	walk->frame_bytes = frame_bytes(ctx);
	walk->service_index = NO_INDEX;
	walk->member_index = NO_INDEX;
	walk->action = XDP_ABORTED;
}

#endif
