/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Stage 4: the packet on its way to the member, by the service's mode. */
#ifndef MUSTER_BPF_FORWARD_H
#define MUSTER_BPF_FORWARD_H

#include "encap.h"
#include "walk.h"

/* The two addresses stand in a next hop as they stand in a frame. */
MUSTER_STATIC_ASSERT(__builtin_offsetof(struct muster_nexthop, src_mac) ==
			     __builtin_offsetof(struct muster_nexthop, dst_mac) + ETH_ALEN,
	"MAC pair");

MUSTER_INLINE void write_ethernet(
	struct ethhdr *eth, const struct muster_nexthop *nexthop, __be16 proto)
{
	__builtin_memcpy(eth, nexthop->dst_mac, 2 * ETH_ALEN);
	eth->h_proto = proto;
}

MUSTER_INLINE int forward_l2dsr(struct walk *walk, const struct muster_nexthop *nexthop)
{
	struct ethhdr *eth = walk_data(walk);

	if ((void *)(eth + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	write_ethernet(eth, nexthop, eth->h_proto);
	return MUSTER_REASON_sent_l2dsr;
}

MUSTER_INLINE int forward_ipip4(struct walk *walk, const struct muster_nexthop *nexthop)
{
	struct ethhdr *eth;
	struct iphdr *outer;

	if (bpf_xdp_adjust_head(walk->ctx, -(int)sizeof(*outer)))
		return MUSTER_REASON_no_headroom;
	eth = walk_data(walk);
	outer = (struct iphdr *)(eth + 1);
	if ((void *)(outer + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	write_ethernet(eth, nexthop, bpf_htons(ETH_P_IP));
	encap_ipv4(outer, &nexthop->source, &walk->member->addr, walk->packet.tos,
		walk->packet.ip_bytes);
	return MUSTER_REASON_sent_ipip;
}

MUSTER_INLINE int forward_ipip6(struct walk *walk, const struct muster_nexthop *nexthop)
{
	struct ethhdr *eth;
	struct ipv6hdr *outer;

	if (bpf_xdp_adjust_head(walk->ctx, -(int)sizeof(*outer)))
		return MUSTER_REASON_no_headroom;
	eth = walk_data(walk);
	outer = (struct ipv6hdr *)(eth + 1);
	if ((void *)(outer + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	write_ethernet(eth, nexthop, bpf_htons(ETH_P_IPV6));
	encap_ipv6(outer, &nexthop->source, &walk->member->addr, walk->packet.tos,
		walk->packet.ip_bytes, walk->hash);
	return MUSTER_REASON_sent_ipip;
}

MUSTER_INLINE int member_is_v6(const struct muster_member *member)
{
	return member->addr.d[0] || member->addr.w[2] != bpf_htonl(0xffff);
}

MUSTER_INLINE int forward(struct walk *walk)
{
	__u32 index = *(volatile __u32 *)&walk->member->nexthop, outer_bytes = 0;
	const struct packet *packet = &walk->packet;
	const struct muster_nexthop *nexthop;
	int reason;

	if (index == MUSTER_NO_NEXTHOP)
		return MUSTER_REASON_no_nexthop;
	nexthop = bpf_map_lookup_elem(&nexthops, &index);
	if (!nexthop)
		return MUSTER_REASON_no_nexthop;
	if (walk->service->mode == MUSTER_MODE_IPIP) {
		if (member_is_v6(walk->member) != packet->is_v6)
			return MUSTER_REASON_wrong_family;
		outer_bytes = ip_header_bytes(packet);
	}
	if (packet->ip_bytes + outer_bytes > nexthop->mtu)
		return MUSTER_REASON_too_big;
	if (!outer_bytes)
		reason = forward_l2dsr(walk, nexthop);
	else if (packet->is_v6)
		reason = forward_ipip6(walk, nexthop);
	else
		reason = forward_ipip4(walk, nexthop);
	if (reason != MUSTER_REASON_sent_l2dsr && reason != MUSTER_REASON_sent_ipip)
		return reason;
	if (nexthop->ifindex == walk->ctx->ingress_ifindex)
		walk->action = XDP_TX;
	else
		walk->action = bpf_redirect(nexthop->ifindex, 0);
	return reason;
}

#endif
