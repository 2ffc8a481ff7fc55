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

/*
 * The balancer is a hop like a router: without this, two of them that send to each other would keep a
 * packet for ever. The checksum as in RFC 1141.
 */
MUSTER_INLINE void take_hop(void *at, const struct packet *packet)
{
	struct ipv6hdr *ip6 = at;
	struct iphdr *ip4 = at;
	__u32 check;

	if (packet->is_v6) {
		ip6->hop_limit = packet->ttl - 1;
		return;
	}
	check = ip4->check + (__u32)bpf_htons(0x0100);
	ip4->check = (__u16)(check + (check >= 0xffff));
	ip4->ttl = packet->ttl - 1;
}

MUSTER_INLINE int send_l2dsr(struct walk *walk, const struct muster_nexthop *nexthop)
{
	struct ethhdr *eth = walk_data(walk);

	if ((void *)(eth + 1) + sizeof(struct iphdr) > walk_end(walk))
		return MUSTER_REASON_truncated;
	write_ethernet(eth, nexthop, eth->h_proto);
	take_hop(eth + 1, &walk->packet);
	return MUSTER_REASON_sent_l2dsr;
}

MUSTER_INLINE void fill_outer(struct outer *outer, const struct walk *walk,
	const struct muster_nexthop *nexthop, int udp_bytes)
{
	const struct packet *packet = &walk->packet;
	__be32 mask = nexthop->source_mask;

	outer->src = nexthop->source;
	outer->src.w[3] = (outer->src.w[3] & ~mask) | ((__u32)(walk->hash >> 32) & mask);
	outer->dst = walk->member->addr;
	outer->hash = walk->hash;
	outer->bytes = packet->ip_bytes + udp_bytes;
	outer->tos = packet->tos;
	if (udp_bytes)
		outer->proto = IPPROTO_UDP;
	else
		outer->proto = packet->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

/*
 * @v6 (of the outer header), @udp and @plain are constants. Not @plain: the checksum of an outer UDP header
 * over IPv6 is left to sum_outer_udp().
 */
MUSTER_INLINE int send_encapsulated(
	struct walk *walk, const struct muster_nexthop *nexthop, int v6, int udp, int plain)
{
	__u32 udp_bytes = udp ? sizeof(struct udphdr) : 0;
	__u32 grown = ip_header_bytes(v6) + udp_bytes;
	struct outer outer;
	struct ethhdr *eth;
	void *ip, *inner;

	if (bpf_xdp_adjust_head(walk->ctx, -(int)grown))
		return MUSTER_REASON_no_headroom;
	eth = walk_data(walk);
	ip = eth + 1;
	inner = ip + grown;
	if (inner + sizeof(struct iphdr) > walk_end(walk))
		return MUSTER_REASON_truncated;
	write_ethernet(eth, nexthop, v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	take_hop(inner, &walk->packet);
	fill_outer(&outer, walk, nexthop, udp_bytes);
	if (v6)
		encap_ipv6(ip, &outer);
	else
		encap_ipv4(ip, &outer);
	if (!udp)
		return MUSTER_REASON_sent_ipip;
	encap_udp(inner - udp_bytes, &outer, walk->service->gue_port);
	if (v6 && plain)
		encap_udp_checksum(inner - udp_bytes, &outer, csum_of_packet(inner, &walk->packet));
	return MUSTER_REASON_sent_gue;
}

MUSTER_INLINE int member_is_v6(const struct walk *walk)
{
	return !is_mapped(&walk->member->addr);
}

/* What the service's mode puts in front of the IP packet. */
MUSTER_INLINE __u32 outer_bytes(const struct walk *walk)
{
	switch (walk->service->mode) {
	case MUSTER_MODE_IPIP:
		return ip_header_bytes(member_is_v6(walk));
	case MUSTER_MODE_GUE:
		return ip_header_bytes(member_is_v6(walk)) + sizeof(struct udphdr);
	default:
		return 0;
	}
}

MUSTER_INLINE int send_by_mode(struct walk *walk, const struct muster_nexthop *nexthop, int plain)
{
	switch (walk->service->mode) {
	case MUSTER_MODE_IPIP:
		return member_is_v6(walk) ? send_encapsulated(walk, nexthop, 1, 0, plain)
					  : send_encapsulated(walk, nexthop, 0, 0, plain);
	case MUSTER_MODE_GUE:
		return member_is_v6(walk) ? send_encapsulated(walk, nexthop, 1, 1, plain)
					  : send_encapsulated(walk, nexthop, 0, 1, plain);
	default:
		return send_l2dsr(walk, nexthop);
	}
}

MUSTER_INLINE int is_sent(int reason)
{
	return reason == MUSTER_REASON_sent_l2dsr || reason == MUSTER_REASON_sent_ipip ||
	       reason == MUSTER_REASON_sent_gue;
}

MUSTER_INLINE int send(struct walk *walk, const struct muster_nexthop *nexthop, int plain)
{
	int reason = send_by_mode(walk, nexthop, plain);

	if (!is_sent(reason))
		return reason;
	if (nexthop->ifindex == walk->ctx->ingress_ifindex)
		walk->action = XDP_TX;
	else
		walk->action = bpf_redirect(nexthop->ifindex, 0);
	return reason;
}

MUSTER_INLINE const struct muster_nexthop *find_nexthop(const struct walk *walk)
{
	__u32 index = *(volatile __u32 *)&walk->member->nexthop;

	if (index == MUSTER_NO_NEXTHOP)
		return (void *)0;
	return bpf_map_lookup_elem(&nexthops, &index);
}

/* A datagram without checksum, or with bytes behind it: its sum is not known without reading it. */
MUSTER_INLINE int is_of_unknown_sum(const struct walk *walk)
{
	const struct packet *packet = &walk->packet;
	__u32 l4_at = ip_header_bytes(packet->is_v6);
	const struct udphdr *udp = walk_data(walk) + ETH_HLEN + l4_at;

	if (packet->key.proto != IPPROTO_UDP)
		return 0;
	return (void *)(udp + 1) > walk_end(walk) || !udp->check ||
	       bpf_ntohs(udp->len) != packet->ip_bytes - l4_at;
}

MUSTER_INLINE int forward(struct walk *walk)
{
	const struct muster_nexthop *nexthop = find_nexthop(walk);

	if (!nexthop)
		return MUSTER_REASON_no_nexthop;
	if (walk->packet.ip_bytes + outer_bytes(walk) > nexthop->mtu || walk->packet.ttl <= 1 ||
		nexthop->tag[0].tpid)
		return UNUSUAL;
	if (walk->service->mode == MUSTER_MODE_GUE && member_is_v6(walk) && is_of_unknown_sum(walk))
		return UNUSUAL;
	return send(walk, nexthop, 1);
}

#endif
