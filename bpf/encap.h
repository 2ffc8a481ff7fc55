/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Outer headers (RFC 2003, RFC 2473). Pure; compiles natively. */
#ifndef MUSTER_BPF_ENCAP_H
#define MUSTER_BPF_ENCAP_H

#include "checksum.h"
#include "packet.h"

#define OUTER_TTL 64

/*
 * @ip_bytes: of the inner packet. Don't fragment, so the identification may be 0 (RFC 6864). Written as
 * words: a checksum over bytes that were just stored one by one would wait for each of them.
 */
MUSTER_INLINE void encap_ipv4(struct iphdr *outer, const struct muster_addr *src,
	const struct muster_addr *dst, __u8 tos, __u16 ip_bytes)
{
	__be32 *words = (__be32 *)outer;
	__be32 first = bpf_htonl(0x45u << 24 | (__u32)tos << 16 | (ip_bytes + sizeof(*outer)));
	__be32 fragment = bpf_htonl(0x4000);
	__be32 third = bpf_htonl((__u32)OUTER_TTL << 24 | IPPROTO_IPIP << 16);
	__u64 sum = (__u64)first + fragment + third + src->w[3] + dst->w[3];

	words[0] = first;
	words[1] = fragment;
	words[2] = third | bpf_htonl(bpf_ntohs(csum_fold(sum)));
	words[3] = src->w[3];
	words[4] = dst->w[3];
}

/* The flow label comes from the flow's hash, so that routers on the way can spread by it (RFC 6438). */
MUSTER_INLINE void encap_ipv6(struct ipv6hdr *outer, const struct muster_addr *src,
	const struct muster_addr *dst, __u8 tos, __u16 ip_bytes, __u64 hash)
{
	__u32 label = (__u32)(hash >> 32) & 0xfffff;

	*(__be32 *)outer = bpf_htonl(6u << 28 | (__u32)tos << 20 | label);
	outer->payload_len = bpf_htons(ip_bytes);
	outer->nexthdr = IPPROTO_IPV6;
	outer->hop_limit = OUTER_TTL;
	__builtin_memcpy(&outer->saddr, src, sizeof(outer->saddr));
	__builtin_memcpy(&outer->daddr, dst, sizeof(outer->daddr));
}

#endif
