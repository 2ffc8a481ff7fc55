/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Stage 1: bytes to struct packet. Pure: reads between @data and @data_end and nowhere else, and
 * compiles natively. IPv4 and IPv6 meet here; no later stage looks at the version again but to write a
 * header.
 */
#ifndef MUSTER_BPF_PARSE_H
#define MUSTER_BPF_PARSE_H

#include "packet.h"

#define IP_FRAGMENT   0x3fff /* more fragments, or an offset */
#define ETH_P_VLAN_Q  0x8100
#define ETH_P_VLAN_AD 0x88a8

MUSTER_INLINE int defer(struct packet *packet, int reason)
{
	packet->deferred = reason;
	return GO_ON;
}

MUSTER_INLINE int parse_tcp(const void *l4, __u32 l4_bytes, const void *end, struct packet *packet)
{
	const struct tcphdr *tcp = l4;

	if ((const void *)(tcp + 1) > end)
		return defer(packet, MUSTER_REASON_truncated);
	if (l4_bytes < sizeof(*tcp) || tcp->doff < 5 || tcp->doff * 4u > l4_bytes)
		return defer(packet, MUSTER_REASON_bad_header);
	packet->sport = tcp->source;
	packet->key.port = tcp->dest;
	packet->tcp_flags = ((const __u8 *)l4)[13];
	return GO_ON;
}

MUSTER_INLINE int parse_udp(const void *l4, __u32 l4_bytes, const void *end, struct packet *packet)
{
	const struct udphdr *udp = l4;

	if ((const void *)(udp + 1) > end)
		return defer(packet, MUSTER_REASON_truncated);
	if (l4_bytes < sizeof(*udp) || bpf_ntohs(udp->len) < sizeof(*udp) ||
		bpf_ntohs(udp->len) > l4_bytes)
		return defer(packet, MUSTER_REASON_bad_header);
	packet->sport = udp->source;
	packet->key.port = udp->dest;
	return GO_ON;
}

MUSTER_INLINE int icmp4_reason(__u8 type)
{
	switch (type) {
	case ICMP_UNREACHABLE:
	case ICMP_QUENCH:
	case ICMP_REDIRECTED:
	case ICMP_TTL_EXCEEDED:
	case ICMP_PARAMETER:
		return MUSTER_REASON_icmp_error;
	default:
		return MUSTER_REASON_icmp_other;
	}
}

MUSTER_INLINE int icmp6_reason(__u8 type)
{
	if (type < ICMPV6_ECHO_REQUEST)
		return MUSTER_REASON_icmp_error;
	if (type >= ICMPV6_ND_FIRST && type <= ICMPV6_ND_LAST)
		return MUSTER_REASON_neighbour_discovery;
	return MUSTER_REASON_icmp_other;
}

/* ICMP and ICMPv6 share the layout of their first eight bytes. */
MUSTER_INLINE int parse_icmp(const void *l4, __u32 l4_bytes, const void *end, struct packet *packet)
{
	const struct icmp_header *icmp = l4;

	if ((const void *)(icmp + 1) > end)
		return defer(packet, MUSTER_REASON_truncated);
	if (l4_bytes < sizeof(*icmp))
		return defer(packet, MUSTER_REASON_bad_header);
	if (icmp->type == (packet->is_v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST) &&
		!icmp->code) {
		packet->echo = 1;
		return defer(packet, MUSTER_REASON_echo_reply);
	}
	return defer(packet, packet->is_v6 ? icmp6_reason(icmp->type) : icmp4_reason(icmp->type));
}

MUSTER_INLINE int parse_l4(
	const void *l4, __u32 l4_bytes, __u8 proto, const void *end, struct packet *packet)
{
	packet->key.proto = proto;
	switch (proto) {
	case IPPROTO_TCP:
		return parse_tcp(l4, l4_bytes, end, packet);
	case IPPROTO_UDP:
		return parse_udp(l4, l4_bytes, end, packet);
	default:
		return defer(packet, MUSTER_REASON_unknown_protocol);
	}
}

MUSTER_INLINE int parse_ipv4(const void *at, const void *end, struct packet *packet)
{
	const struct iphdr *ip = at;
	__u32 total;

	if ((const void *)(ip + 1) > end)
		return MUSTER_REASON_truncated;
	total = bpf_ntohs(ip->tot_len);
	if (ip->version != 4 || ip->ihl < 5 || total < ip->ihl * 4u || at + total > end)
		return MUSTER_REASON_bad_header;
	packet->is_v6 = 0;
	packet->ip_bytes = total;
	packet->tos = ip->tos;
	packet->src.d[0] = packet->key.addr.d[0] = 0;
	packet->src.w[2] = packet->key.addr.w[2] = bpf_htonl(0xffff);
	packet->src.w[3] = ip->saddr;
	packet->key.addr.w[3] = ip->daddr;
	if (ip->frag_off & bpf_htons(IP_FRAGMENT))
		return defer(packet, MUSTER_REASON_fragment);
	if (ip->ihl > 5)
		return defer(packet, MUSTER_REASON_ip_options);
	if (ip->protocol == IPPROTO_ICMP)
		return parse_icmp(ip + 1, total - sizeof(*ip), end, packet);
	return parse_l4(ip + 1, total - sizeof(*ip), ip->protocol, end, packet);
}

MUSTER_INLINE int is_extension(__u8 next)
{
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_ESP:
	case IPPROTO_AH:
	case IPPROTO_NONE:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
		return 1;
	default:
		return 0;
	}
}

MUSTER_INLINE int parse_ipv6(const void *at, const void *end, struct packet *packet)
{
	const struct ipv6hdr *ip = at;
	__u32 payload;

	if ((const void *)(ip + 1) > end)
		return MUSTER_REASON_truncated;
	payload = bpf_ntohs(ip->payload_len);
	if (ip->version != 6 || at + sizeof(*ip) + payload > end ||
		payload > 0xffff - sizeof(*ip)) /* ip_bytes has 16 bits */
		return MUSTER_REASON_bad_header;
	packet->is_v6 = 1;
	packet->ip_bytes = sizeof(*ip) + payload;
	packet->tos = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	__builtin_memcpy(&packet->src, &ip->saddr, sizeof(packet->src));
	__builtin_memcpy(&packet->key.addr, &ip->daddr, sizeof(packet->key.addr));
	if (ip->nexthdr == IPPROTO_FRAGMENT)
		return defer(packet, MUSTER_REASON_fragment);
	if (is_extension(ip->nexthdr))
		return defer(packet, MUSTER_REASON_extension_header);
	if (ip->nexthdr == IPPROTO_ICMPV6)
		return parse_icmp(ip + 1, payload, end, packet);
	return parse_l4(ip + 1, payload, ip->nexthdr, end, packet);
}

/* A reason if the packet is none of our business, else GO_ON with @packet filled. */
MUSTER_INLINE int parse(const void *data, const void *end, struct packet *packet)
{
	const struct ethhdr *eth = data;

	if ((const void *)(eth + 1) > end)
		return MUSTER_REASON_truncated;
	if (eth->h_dest[0] & 1) /* broadcast, multicast */
		return MUSTER_REASON_not_ip;
	packet->deferred = GO_ON;
	packet->echo = 0;
	packet->tcp_flags = 0;
	packet->sport = 0;
	packet->key.port = 0;
	packet->key.proto = 0;
	__builtin_memset(packet->key.pad, 0, sizeof(packet->key.pad));
	switch (eth->h_proto) {
	case NET16(ETH_P_IP):
		return parse_ipv4(eth + 1, end, packet);
	case NET16(ETH_P_IPV6):
		return parse_ipv6(eth + 1, end, packet);
	case NET16(ETH_P_VLAN_Q):
	case NET16(ETH_P_VLAN_AD):
		return MUSTER_REASON_vlan_tag;
	default:
		return MUSTER_REASON_not_ip;
	}
}

#endif
