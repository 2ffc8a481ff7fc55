/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* An echo request to a VIP, answered in place: options, extension headers, TOS and the rest are the client's. */
#ifndef MUSTER_BPF_REPLY_ECHO_H
#define MUSTER_BPF_REPLY_ECHO_H

#include "reply.h"

/* @check with one 16-bit word under it changed (RFC 1624). */
MUSTER_INLINE __u16 csum_replace(__u16 check, __be16 from, __be16 to)
{
	return csum_fold((__u64)(__u16)~check + (__u16)~from + to);
}

MUSTER_INLINE void turn_ipv4(struct iphdr *ip)
{
	__be16 *ttl_and_proto = (__be16 *)&ip->ttl, before = *ttl_and_proto;
	__be32 source = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = source;
	ip->ttl = REPLY_TTL;
	ip->check = csum_replace(ip->check, before, *ttl_and_proto);
}

MUSTER_INLINE void turn_ipv6(struct ipv6hdr *ip, const struct packet *packet)
{
	__builtin_memcpy(&ip->saddr, &packet->key.addr, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &packet->src, sizeof(ip->daddr));
	ip->hop_limit = REPLY_TTL;
}

MUSTER_INLINE int write_echo(struct walk *walk, int is_v6)
{
	__u32 l4_at = walk->packet.l4_at & 0x7ff;
	struct ethhdr *eth = walk_data(walk);
	struct icmp_header *icmp;
	__u8 from, to;

	if ((void *)(eth + 1) + ip_header_bytes(is_v6) > walk_end(walk))
		return MUSTER_REASON_truncated;
	swap_macs(eth);
	if (is_v6)
		turn_ipv6((void *)(eth + 1), &walk->packet);
	else
		turn_ipv4((void *)(eth + 1));
	icmp = (void *)(eth + 1) + l4_at;
	if ((void *)(icmp + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	from = is_v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST;
	to = is_v6 ? ICMPV6_REPLY : ICMP_ECHO_REPLY;
	icmp->type = to;
	icmp->checksum = csum_replace(
		icmp->checksum, bpf_htons((__u16)from << 8), bpf_htons((__u16)to << 8));
	return send_back(walk, MUSTER_REASON_echo_reply);
}

MUSTER_INLINE int reply_echo(struct walk *walk)
{
	int reason = pop_tags(walk);

	if (reason != GO_ON)
		return reason;
	return walk->packet.is_v6 ? write_echo(walk, 1) : write_echo(walk, 0);
}

#endif
