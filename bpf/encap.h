/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Outer headers: IP in IP (RFC 2003, RFC 2473, RFC 4213) and UDP (GUE variant 1: the packet stands right
 * behind the UDP header, as in FOU). TOS and traffic class are copied whole, which is the normal mode of
 * RFC 6040 for ECN and the uniform model of RFC 2983 for DSCP. Pure; compiles natively.
 */
#ifndef MUSTER_BPF_ENCAP_H
#define MUSTER_BPF_ENCAP_H

#include "checksum.h"
#include "packet.h"

#define OUTER_TTL	64
#define GUE_SOURCE_PORT 0xc000 /* to 0xffff: the ephemeral ports (RFC 7510) */

struct outer {
	struct muster_addr src, dst;
	__u64 hash; /* of the flow: routers on the way, and queues, can spread by what comes from it */
	__u16 bytes; /* of the packet inside, and of the UDP header if there is one */
	__u8 proto;
	__u8 tos;
};

/*
 * Don't fragment, so the identification may be 0 (RFC 6864). Written as words: a checksum over bytes that
 * were just stored one by one would wait for each of them.
 */
MUSTER_INLINE void encap_ipv4(struct iphdr *ip, const struct outer *outer)
{
	__be32 *words = (__be32 *)ip;
	__be32 first =
		bpf_htonl(0x45u << 24 | (__u32)outer->tos << 16 | (outer->bytes + sizeof(*ip)));
	__be32 fragment = bpf_htonl(0x4000);
	__be32 third = bpf_htonl((__u32)OUTER_TTL << 24 | (__u32)outer->proto << 16);
	__u64 sum = (__u64)first + fragment + third + outer->src.w[3] + outer->dst.w[3];

	words[0] = first;
	words[1] = fragment;
	words[2] = third | bpf_htonl(bpf_ntohs(csum_fold(sum)));
	words[3] = outer->src.w[3];
	words[4] = outer->dst.w[3];
}

/* The flow label comes from the flow's hash (RFC 6438). */
MUSTER_INLINE void encap_ipv6(struct ipv6hdr *ip, const struct outer *outer)
{
	__u32 label = (__u32)(outer->hash >> 32) & 0xfffff;

	*(__be32 *)ip = bpf_htonl(6u << 28 | (__u32)outer->tos << 20 | label);
	ip->payload_len = bpf_htons(outer->bytes);
	ip->nexthdr = outer->proto;
	ip->hop_limit = OUTER_TTL;
	__builtin_memcpy(&ip->saddr, &outer->src, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &outer->dst, sizeof(ip->daddr));
}

/* Without a checksum, which IPv4 allows. */
MUSTER_INLINE void encap_udp(struct udphdr *udp, const struct outer *outer, __be16 port)
{
	udp->source = bpf_htons(GUE_SOURCE_PORT | ((__u16)(outer->hash >> 32) & 0x3fff));
	udp->dest = port;
	udp->len = bpf_htons(outer->bytes);
	udp->check = 0;
}

/* The checksum that IPv6 wants (RFC 8200, 8.1). @payload: sum of the bytes behind the UDP header. */
MUSTER_INLINE void encap_udp_checksum(struct udphdr *udp, const struct outer *outer, __u64 payload)
{
	__u64 sum = csum_pseudo(&outer->src, &outer->dst, 1, IPPROTO_UDP, bpf_htonl(outer->bytes));
	__u16 check = csum_fold(sum + payload + csum_words(udp, 2, 0));

	udp->check = check ? check : 0xffff;
}

/*
 * Sum of a plain packet with TCP or UDP, without reading its payload: its own checksum makes the sum of
 * what that covers known. The transport sums to minus its pseudo-header; an IPv4 header to 0, and of an IPv6
 * header the addresses cancel. A packet whose checksum is wrong gets an outer one that is wrong, too.
 */
MUSTER_INLINE __u64 csum_of_packet(const void *ip, const struct packet *packet)
{
	__be32 l4_bytes = bpf_htonl(packet->ip_bytes - ip_header_bytes(packet->is_v6));
	__u8 proto = packet->key.proto;

	if (packet->is_v6)
		return csum_words(ip, 2, csum_fold((__u64)l4_bytes + ((__u64)proto << 24)));
	return csum_fold(csum_pseudo(&packet->src, &packet->key.addr, 0, proto, l4_bytes));
}

#endif
