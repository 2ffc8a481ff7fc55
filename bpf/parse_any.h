/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Stage 1 of the long way: any frame to struct packet. VLAN tags, IPv4 options, IPv6 extension headers,
 * fragments, ICMP. Pure; compiles natively.
 */
#ifndef MUSTER_BPF_PARSE_ANY_H
#define MUSTER_BPF_PARSE_ANY_H

#include "extensions.h"
#include "parse.h"
#include "quote.h"

MUSTER_INLINE int defer(struct packet *packet, int reason)
{
	packet->deferred = reason;
	return GO_ON;
}

MUSTER_INLINE int icmp_is_error(__u8 type, int is_v6)
{
	if (is_v6)
		return type < ICMPV6_ECHO_REQUEST;
	switch (type) {
	case ICMP_UNREACHABLE:
	case ICMP_QUENCH:
	case ICMP_REDIRECTED:
	case ICMP_TTL_EXCEEDED:
	case ICMP_PARAMETER:
		return 1;
	default:
		return 0;
	}
}

/* Errors that a flow's end has to hear of. Source quench and redirects are obsolete or none of its business. */
MUSTER_INLINE int icmp_is_relayed(__u8 type, int is_v6)
{
	if (is_v6)
		return type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER;
	return type == ICMP_UNREACHABLE || type == ICMP_TTL_EXCEEDED || type == ICMP_PARAMETER;
}

/* What parse_any() knows of a frame while it reads it. */
struct reading {
	frame_view *view;
	__u32 ip_at; /* bytes into the frame */
	__u32 room;  /* bytes of the frame from there on */
};

/* ICMP and ICMPv6 share the layout of their first eight bytes. */
MUSTER_INLINE int parse_icmp(
	const struct reading *reading, const void *l4, __u32 l4_bytes, struct packet *packet)
{
	__u32 quote_at = reading->ip_at + packet->l4_at + sizeof(struct icmp_header);
	const struct icmp_header *icmp = l4;
	int is_v6 = packet->is_v6;

	if ((const void *)(icmp + 1) > view_end(reading->view))
		return defer(packet, MUSTER_REASON_truncated);
	if (l4_bytes < sizeof(*icmp))
		return defer(packet, MUSTER_REASON_bad_header);
	if (icmp->type == (is_v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST) && !icmp->code)
		return defer(packet, MUSTER_REASON_echo_reply);
	if (is_v6 && icmp->type >= ICMPV6_ND_FIRST && icmp->type <= ICMPV6_ND_LAST)
		return defer(packet, MUSTER_REASON_neighbour_discovery);
	if (!icmp_is_error(icmp->type, is_v6))
		return defer(packet, MUSTER_REASON_icmp_other);
	packet->icmp_error = 1;
	if (!icmp_is_relayed(icmp->type, is_v6) ||
		!take_quoted_flow(
			reading->view, quote_at & WALK_AT_MASK, l4_bytes - sizeof(*icmp), packet))
		return defer(packet, MUSTER_REASON_icmp_error);
	return GO_ON;
}

/* The UDP length of a first fragment is that of the whole datagram. */
MUSTER_INLINE int parse_first(
	const void *l4, __u32 l4_bytes, __u8 proto, const void *end, struct packet *packet)
{
	const struct udphdr *udp = l4;

	if (proto == IPPROTO_TCP && parse_tcp(l4, l4_bytes, end, packet) == GO_ON)
		return GO_ON;
	if (proto != IPPROTO_UDP || l4_bytes < sizeof(*udp) || (const void *)(udp + 1) > end)
		return defer(packet, MUSTER_REASON_fragment);
	packet->sport = udp->source;
	packet->key.port = udp->dest;
	return GO_ON;
}

MUSTER_INLINE int parse_l4(const struct reading *reading, __u8 proto, struct packet *packet)
{
	const void *l4 = view_data(reading->view) + reading->ip_at + (packet->l4_at & L4_AT_MASK);
	const void *end = view_end(reading->view);
	__u32 l4_bytes = packet->ip_bytes - packet->l4_at;
	int reason;

	packet->key.proto = proto;
	if (packet->fragment == FRAGMENT_LATER)
		return packet->overlaps ? defer(packet, MUSTER_REASON_fragment) : GO_ON;
	if (packet->fragment == FRAGMENT_FIRST)
		return parse_first(l4, l4_bytes, proto, end, packet);
	if (proto == (packet->is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return parse_icmp(reading, l4, l4_bytes, packet);
	if (proto == IPPROTO_TCP)
		reason = parse_tcp(l4, l4_bytes, end, packet);
	else if (proto == IPPROTO_UDP)
		reason = parse_udp(l4, l4_bytes, end, packet);
	else
		reason = MUSTER_REASON_unknown_protocol;
	return reason == GO_ON ? GO_ON : defer(packet, reason);
}

MUSTER_INLINE int parse_any4(const struct reading *reading, struct packet *packet)
{
	const struct iphdr *ip = view_data(reading->view) + reading->ip_at;
	__u32 total, header;
	__u16 offset;
	__u8 proto;

	if ((const void *)(ip + 1) > view_end(reading->view))
		return MUSTER_REASON_truncated;
	total = bpf_ntohs(ip->tot_len);
	header = ip->ihl * 4;
	if (ip->version != 4 || header < sizeof(*ip) || total < header || total > reading->room)
		return MUSTER_REASON_bad_header;
	offset = bpf_ntohs(ip->frag_off);
	proto = ip->protocol;
	packet->is_v6 = 0;
	packet->ip_bytes = total;
	packet->tos = ip->tos;
	packet->ttl = ip->ttl;
	packet->l4_at = header;
	packet->dont_fragment = !!(offset & IP_DONT_FRAGMENT);
	map_ipv4(&packet->src, ip->saddr);
	map_ipv4(&packet->key.addr, ip->daddr);
	if (offset & IP_FRAGMENT) {
		packet->fragment = offset & IP_OFFSET ? FRAGMENT_LATER : FRAGMENT_FIRST;
		packet->overlaps = proto == IPPROTO_TCP && (offset & IP_OFFSET) == 1;
		packet->fragment_proto = proto;
		packet->fragment_id = ip->id;
	}
	if (header > sizeof(*ip) && walk_options(reading->view, reading->ip_at, header))
		return defer(packet, MUSTER_REASON_ip_options);
	return parse_l4(reading, proto, packet);
}

/* @at: from the IP header. */
MUSTER_INLINE int parse_fragment6(const struct reading *reading, __u32 at, struct packet *packet)
{
	const struct fragment_header *header =
		view_data(reading->view) + reading->ip_at + (at & L4_AT_MASK);
	__u16 offset;

	if ((const void *)(header + 1) > view_end(reading->view))
		return 0;
	offset = bpf_ntohs(header->offset);
	packet->fragment = offset & 0xfff8 ? FRAGMENT_LATER : FRAGMENT_FIRST;
	packet->overlaps = header->next == IPPROTO_TCP && offset >> 3 == 1;
	packet->fragment_proto = header->next;
	packet->fragment_id = header->id;
	return 1;
}

MUSTER_INLINE int parse_any6(const struct reading *reading, struct packet *packet)
{
	const struct ipv6hdr *ip = view_data(reading->view) + reading->ip_at;
	union chain_number walked;
	__u32 payload;

	if ((const void *)(ip + 1) > view_end(reading->view))
		return MUSTER_REASON_truncated;
	payload = bpf_ntohs(ip->payload_len);
	if (ip->version != 6 || sizeof(*ip) + payload > reading->room ||
		payload > 0xffff - sizeof(*ip))
		return MUSTER_REASON_bad_header;
	packet->is_v6 = 1;
	packet->ip_bytes = sizeof(*ip) + payload;
	packet->tos = traffic_class(ip);
	packet->ttl = ip->hop_limit;
	packet->dont_fragment = 1;
	__builtin_memcpy(&packet->src, &ip->saddr, sizeof(packet->src));
	__builtin_memcpy(&packet->key.addr, &ip->daddr, sizeof(packet->key.addr));
	if (is_mapped(&packet->key.addr)) /* on no wire is that an IPv4 VIP */
		return MUSTER_REASON_not_vip;
	walked.number = walk_extensions(reading->view, reading->ip_at, packet->ip_bytes);
	if (walked.chain.status)
		return defer(packet, walked.chain.status - 1);
	packet->l4_at = walked.chain.at;
	if (walked.chain.fragment_at && !parse_fragment6(reading, walked.chain.fragment_at, packet))
		return MUSTER_REASON_truncated;
	return parse_l4(reading, walked.chain.proto, packet);
}

/* Takes the tag behind *proto. False if there is none. */
MUSTER_INLINE int take_tag(const void **at, const void *end, __be16 *proto, struct muster_tag *tag)
{
	const struct muster_tag *behind = *at; /* {tci, type of what is behind} in the frame */

	if (*proto != bpf_htons(ETH_P_VLAN_Q) && *proto != bpf_htons(ETH_P_VLAN_AD))
		return 0;
	if ((const void *)(behind + 1) > end)
		return 0;
	tag->tpid = *proto;
	tag->tci = behind->tpid;
	*proto = behind->tci;
	*at = behind + 1;
	return 1;
}

MUSTER_INLINE __be16 take_tags(const struct ethhdr *eth, const void *end, struct tags *tags)
{
	__be16 proto = eth->h_proto;
	const void *at = eth + 1;

	__builtin_memset(tags, 0, sizeof(*tags));
	if (take_tag(&at, end, &proto, &tags->tag[0]))
		tags->n = 1 + take_tag(&at, end, &proto, &tags->tag[1]);
	return proto;
}

/* @tags: how many were taken. */
MUSTER_INLINE int parse_ip(
	const struct reading *reading, __be16 proto, __u32 tags, struct packet *packet)
{
	switch (proto) {
	case NET16(ETH_P_IP):
		return parse_any4(reading, packet);
	case NET16(ETH_P_IPV6):
		return parse_any6(reading, packet);
	case NET16(ETH_P_VLAN_Q):
	case NET16(ETH_P_VLAN_AD):
		return tags < MUSTER_TAGS_MAX ? MUSTER_REASON_truncated : MUSTER_REASON_vlan_tag;
	default:
		return MUSTER_REASON_not_ip;
	}
}

/*
 * A reason if the packet is none of our business, else GO_ON with @packet and @tags filled. @bytes: of the
 * whole frame.
 */
MUSTER_INLINE int parse_any(frame_view *view, __u32 bytes, struct packet *packet, struct tags *tags)
{
	struct reading reading = {.view = view};
	const struct ethhdr *eth = view_data(view);
	__be16 proto;

	if ((const void *)(eth + 1) > view_end(view))
		return MUSTER_REASON_truncated;
	if (eth->h_dest[0] & 1)
		return MUSTER_REASON_not_ip;
	proto = take_tags(eth, view_end(view), tags);
	parse_begin(packet);
	packet->deferred = GO_ON;
	packet->fragment = FRAGMENT_NONE;
	packet->icmp_error = 0;
	/* Constants for the verifier, which loses count of a sum. */
	switch (tags->n) {
	case 0:
		reading.ip_at = sizeof(*eth);
		break;
	case 1:
		reading.ip_at = sizeof(*eth) + sizeof(struct muster_tag);
		break;
	default:
		reading.ip_at = sizeof(*eth) + 2 * sizeof(struct muster_tag);
	}
	reading.room = bytes - reading.ip_at;
	return parse_ip(&reading, proto, tags->n, packet);
}

#endif
