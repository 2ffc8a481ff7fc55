/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The packet that an ICMP error quotes (RFC 792, RFC 4443): one that a member sent, from the VIP to the
 * client. Its flow, turned round, is the one whose member has to hear of the error. The minimum quote will
 * do: the IP header and eight bytes. Pure.
 */
#ifndef MUSTER_BPF_QUOTE_H
#define MUSTER_BPF_QUOTE_H

#include "extensions.h"
#include "parse.h"

#define QUOTED_L4_BYTES 8

struct ports {
	__be16 source, dest;
	__be32 rest;
};

/* @at: the quoted transport header. */
MUSTER_INLINE int take_ports(
	const void *at, const void *end, __u32 bytes, __u8 proto, struct packet *packet)
{
	const struct ports *ports = at;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 0;
	if (bytes < QUOTED_L4_BYTES || (const void *)(ports + 1) > end)
		return 0;
	packet->key.proto = proto;
	packet->key.port = ports->source;
	packet->sport = ports->dest;
	return 1;
}

MUSTER_INLINE int take_quoted4(frame_view *view, __u32 at, __u32 bytes, struct packet *packet)
{
	const void *end = view_end(view);
	const struct iphdr *ip = view_data(view) + at;
	__u32 header;

	if ((const void *)(ip + 1) > end)
		return 0;
	header = ip->ihl * 4;
	if (ip->version != 4 || header < sizeof(*ip) || header > bytes ||
		ip->frag_off & bpf_htons(IP_OFFSET) || ip->saddr != packet->key.addr.w[3])
		return 0;
	packet->src.w[3] = ip->daddr;
	return take_ports((const void *)ip + header, end, bytes - header, ip->protocol, packet);
}

MUSTER_INLINE int quotes_later(const void *ip, const void *end, __u32 at)
{
	const struct fragment_header *header = ip + (at & L4_AT_MASK);

	return (const void *)(header + 1) > end || is_later_fragment(header);
}

MUSTER_INLINE int take_quoted6(frame_view *view, __u32 at, __u32 bytes, struct packet *packet)
{
	const void *end = view_end(view);
	const struct ipv6hdr *ip = view_data(view) + at;
	const struct muster_addr *source;
	union chain_number walked;
	__u32 l4_at;

	if ((const void *)(ip + 1) > end || bytes < sizeof(*ip) || ip->version != 6)
		return 0;
	source = (const void *)&ip->saddr;
	if (source->w[0] != packet->key.addr.w[0] || source->w[1] != packet->key.addr.w[1] ||
		source->w[2] != packet->key.addr.w[2] || source->w[3] != packet->key.addr.w[3])
		return 0;
	__builtin_memcpy(&packet->src, &ip->daddr, sizeof(packet->src));
	walked.number = walk_extensions(view, at, bytes);
	if (walked.chain.status)
		return 0;
	l4_at = walked.chain.at & L4_AT_MASK;
	ip = view_data(view) + at;
	end = view_end(view);
	if (walked.chain.fragment_at && quotes_later(ip, end, walked.chain.fragment_at))
		return 0;
	return take_ports((const void *)ip + l4_at, end, bytes - l4_at, walked.chain.proto, packet);
}

/*
 * Makes the flow of the packet quoted at @at in the frame that of @packet, whose destination is known. False:
 * it quotes none of its flows.
 */
MUSTER_INLINE int take_quoted_flow(frame_view *view, __u32 at, __u32 bytes, struct packet *packet)
{
	return packet->is_v6 ? take_quoted6(view, at, bytes, packet)
			     : take_quoted4(view, at, bytes, packet);
}

#endif
