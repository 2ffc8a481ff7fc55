/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The one end of every packet's way: its reason is counted and becomes an XDP action. */
#ifndef MUSTER_BPF_ACCOUNT_H
#define MUSTER_BPF_ACCOUNT_H

#include "walk.h"

/* One bit a reason: those whose action is PASS. */
#define R(number, name, action, text) \
	+((__u64)(MUSTER_ACTION_##action == MUSTER_ACTION_PASS) << (number))
#define PASS_REASONS (0ull MUSTER_REASONS(R))

MUSTER_INLINE void count(void *map, __u32 index, __u32 bytes, int new_flow)
{
	struct muster_counters *counters = bpf_map_lookup_elem(map, &index);

	if (!counters)
		return;
	counters->packets++;
	counters->bytes += bytes;
	if (new_flow)
		counters->new_flows++;
}

MUSTER_INLINE void count_reason(__u32 reason)
{
	struct muster_counters *counters = bpf_map_lookup_elem(&reason_counters, &reason);

	if (counters)
		counters->packets++;
}

/* Returns the XDP action of @reason. */
MUSTER_INLINE int account(const struct walk *walk, int reason)
{
	const struct packet *packet = &walk->packet;
	int new_flow;

	count_reason((__u32)reason);
	if (walk->service_index != NO_INDEX) {
		new_flow = packet->key.proto == IPPROTO_TCP &&
			   (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
		count(&service_counters, walk->service_index, walk->frame_bytes, new_flow);
		if (walk->member_index != NO_INDEX)
			count(&member_counters, walk->member_index, walk->frame_bytes, new_flow);
	}
	if (walk->action != XDP_ABORTED)
		return walk->action;
	return PASS_REASONS >> (reason & 63) & 1 ? XDP_PASS : XDP_DROP;
}

#endif
