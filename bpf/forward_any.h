/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Stage 4 of the long way: what does not fit, what has run out, VLAN tags, checksums over all there is. */
#ifndef MUSTER_BPF_FORWARD_ANY_H
#define MUSTER_BPF_FORWARD_ANY_H

#include "answer.h"
#include "forward.h"
#include "sum.h"
#include "tags.h"

MUSTER_INLINE int sum_outer_udp(struct walk *walk)
{
	__u32 bytes = walk->packet.ip_bytes + sizeof(struct udphdr);
	struct ethhdr *eth = walk_data(walk);
	struct ipv6hdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	__s64 sum = sum_frame(walk->ctx, ETH_HLEN + sizeof(*ip), bytes);
	__u64 pseudo = (__u64)bpf_htonl(bytes) + ((__u64)IPPROTO_UDP << 24);
	__u16 check;

	if (sum < 0)
		return MUSTER_REASON_no_checksum;
	eth = walk_data(walk);
	ip = (void *)(eth + 1);
	udp = (void *)(ip + 1);
	if ((void *)(udp + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	check = csum_fold(csum_words(&ip->saddr, 8, (__u64)sum + pseudo));
	udp->check = check ? check : 0xffff;
	return GO_ON;
}

/* Behind send(): what is left to do to the frame. */
MUSTER_INLINE int finish(struct walk *walk, const struct muster_nexthop *nexthop)
{
	int reason = GO_ON;

	if (walk->service->mode == MUSTER_MODE_GUE && member_is_v6(walk))
		reason = sum_outer_udp(walk);
	if (reason == GO_ON)
		reason = push_tags(walk, nexthop->tag);
	if (reason != GO_ON)
		walk->action = XDP_ABORTED;
	return reason;
}

MUSTER_INLINE int forward_any(struct walk *walk)
{
	const struct muster_nexthop *nexthop = find_nexthop(walk);
	__u32 outer;
	int reason, failed;

	if (!nexthop)
		return MUSTER_REASON_no_nexthop;
	if (walk->packet.ttl <= 1)
		return answer_exceeded(walk);
	outer = outer_bytes(walk);
	if (walk->packet.ip_bytes + outer > nexthop->mtu)
		return answer_too_big(walk, nexthop->mtu - outer);
	reason = pop_tags(walk);
	if (reason != GO_ON)
		return reason;
	reason = send(walk, nexthop, 0);
	if (!is_sent(reason))
		return reason;
	failed = finish(walk, nexthop);
	return failed == GO_ON ? reason : failed;
}

#endif
