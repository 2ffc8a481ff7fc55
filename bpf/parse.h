/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Stage 1 of the straight way: bytes to struct packet, for TCP and UDP in plain IPv4 and IPv6. Everything
 * else that could be for a VIP is UNUSUAL, and parse_any.h looks at it. Pure: reads in the frame
 * and nowhere else, and compiles natively. IPv4 and IPv6 meet here; no later stage looks at the version
 * again but to write a header.
 */
#ifndef MUSTER_BPF_PARSE_H
#define MUSTER_BPF_PARSE_H

#include "packet.h"

#define IP_DONT_FRAGMENT 0x4000
#define IP_FRAGMENT	 0x3fff /* more fragments, or an offset */
#define IP_OFFSET	 0x1fff
#define ETH_P_VLAN_Q	 0x8100
#define ETH_P_VLAN_AD	 0x88a8

/* @l4_bytes: of the packet, from here on. GO_ON, truncated or bad_header. */
MUSTER_INLINE int parse_tcp(const void *l4, __u32 l4_bytes, const void *end, struct packet *packet)
{
	const struct tcphdr *tcp = l4;

	if ((const void *)(tcp + 1) > end)
		return MUSTER_REASON_truncated;
	if (l4_bytes < sizeof(*tcp) || tcp->doff < 5 || tcp->doff * 4u > l4_bytes)
		return MUSTER_REASON_bad_header;
	packet->sport = tcp->source;
	packet->key.port = tcp->dest;
	packet->seq = tcp->seq;
	packet->tcp_flags = ((const __u8 *)l4)[13];
	return GO_ON;
}

MUSTER_INLINE int parse_udp(const void *l4, __u32 l4_bytes, const void *end, struct packet *packet)
{
	const struct udphdr *udp = l4;

	if ((const void *)(udp + 1) > end)
		return MUSTER_REASON_truncated;
	if (l4_bytes < sizeof(*udp) || bpf_ntohs(udp->len) < sizeof(*udp) ||
		bpf_ntohs(udp->len) > l4_bytes)
		return MUSTER_REASON_bad_header;
	packet->sport = udp->source;
	packet->key.port = udp->dest;
	return GO_ON;
}

MUSTER_INLINE int parse_ports(
	const void *l4, __u32 l4_bytes, __u8 proto, const void *end, struct packet *packet)
{
	packet->key.proto = proto;
	if (proto == IPPROTO_TCP)
		return parse_tcp(l4, l4_bytes, end, packet) == GO_ON ? GO_ON : UNUSUAL;
	if (proto == IPPROTO_UDP)
		return parse_udp(l4, l4_bytes, end, packet) == GO_ON ? GO_ON : UNUSUAL;
	return UNUSUAL;
}

/* @room: bytes of the frame from the IP header on. */
MUSTER_INLINE int parse_ipv4(const void *at, const void *end, __u32 room, struct packet *packet)
{
	const struct iphdr *ip = at;
	__u32 total;

	if ((const void *)(ip + 1) > end)
		return UNUSUAL;
	total = bpf_ntohs(ip->tot_len);
	if (*(const __u8 *)at != 0x45 || total < sizeof(*ip) || total > room ||
		ip->frag_off & bpf_htons(IP_FRAGMENT))
		return UNUSUAL;
	packet->is_v6 = 0;
	packet->ip_bytes = total;
	packet->tos = ip->tos;
	packet->ttl = ip->ttl;
	map_ipv4(&packet->src, ip->saddr);
	map_ipv4(&packet->key.addr, ip->daddr);
	return parse_ports(ip + 1, total - sizeof(*ip), ip->protocol, end, packet);
}

MUSTER_INLINE __u8 traffic_class(const struct ipv6hdr *ip)
{
	return ip->priority << 4 | ip->flow_lbl[0] >> 4;
}

MUSTER_INLINE int parse_ipv6(const void *at, const void *end, __u32 room, struct packet *packet)
{
	const struct ipv6hdr *ip = at;
	__u32 payload;

	if ((const void *)(ip + 1) > end)
		return UNUSUAL;
	payload = bpf_ntohs(ip->payload_len);
	if (ip->version != 6 || sizeof(*ip) + payload > room ||
		payload > 0xffff - sizeof(*ip)) /* ip_bytes has 16 bits */
		return UNUSUAL;
	packet->is_v6 = 1;
	packet->ip_bytes = sizeof(*ip) + payload;
	packet->tos = traffic_class(ip);
	packet->ttl = ip->hop_limit;
	__builtin_memcpy(&packet->src, &ip->saddr, sizeof(packet->src));
	__builtin_memcpy(&packet->key.addr, &ip->daddr, sizeof(packet->key.addr));
	if (!packet->key.addr.d[0]) /* perhaps an IPv4 address in disguise */
		return UNUSUAL;
	return parse_ports(ip + 1, payload, ip->nexthdr, end, packet);
}

MUSTER_INLINE void parse_begin(struct packet *packet)
{
	packet->tcp_flags = 0;
	packet->seq = 0;
	packet->sport = 0;
	packet->key.port = 0;
	packet->key.proto = 0;
	__builtin_memset(packet->key.pad, 0, sizeof(packet->key.pad));
}

/* @bytes: of the whole frame, of which @view may be only the first part. */
MUSTER_INLINE int parse(frame_view *view, __u32 bytes, struct packet *packet)
{
	const void *data = view_data(view), *end = view_end(view);
	const struct ethhdr *eth = data;
	__u32 room = bytes - sizeof(*eth);

	if ((const void *)(eth + 1) > end)
		return UNUSUAL;
	if (eth->h_dest[0] & 1) /* broadcast, multicast */
		return MUSTER_REASON_not_ip;
	parse_begin(packet);
	switch (eth->h_proto) {
	case NET16(ETH_P_IP):
		return parse_ipv4(eth + 1, end, room, packet);
	case NET16(ETH_P_IPV6):
		return parse_ipv6(eth + 1, end, room, packet);
	case NET16(ETH_P_VLAN_Q):
	case NET16(ETH_P_VLAN_AD):
		return UNUSUAL;
	default:
		return MUSTER_REASON_not_ip;
	}
}

#endif
