/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * An encapsulated packet, read from the outside in. Each stage returns GO_ON, a reason of muster/decap.h, or
 * NOT_OURS for what holds no packet that could be stripped.
 */
#ifndef MUSTER_BPF_DECAP_SHELL_H
#define MUSTER_BPF_DECAP_SHELL_H

#include <muster/decap.h>

#include "parse_any.h"

#define NOT_OURS       (-2)
#define GUE_PORT       6080
#define GUE_VERSION    0xc0 /* of its first byte; 0x40: a packet stands right behind the UDP header */
#define GUE_CONTROL    0x20
#define GUE_LENGTH     0x1f /* of optional fields, in 4 bytes */
#define ECN	       3
#define ECN_CONGESTION 3

struct gue_header {
	__u8 first, proto;
	__be16 flags;
};

/* More than they can be; the verifier loses sight of what was spilled. */
#define SHELL_IP_AT_MASK 0x1f
#define SHELL_AT_MASK	 0xff

/* What stands before the packet inside. */
struct shell {
	__u32 ip_at; /* of the outer IP header, in the frame */
	__u32 at;    /* bytes from there to what is looked at now, at last the inner packet */
	__u32 bytes; /* of the outer packet, from there on */
	struct muster_decap_source source;
	__u8 tos;   /* of the outer header */
	__u8 proto; /* of what is at @at */
	__u8 gue;
};

/* @room: bytes of the frame from the header on. Fragments, options and extension headers are not ours. */
MUSTER_INLINE int read_outer(
	const void *ip, const void *end, __be16 proto, __u32 room, struct shell *shell)
{
	const struct ipv6hdr *ip6 = ip;
	const struct iphdr *ip4 = ip;

	shell->source.prefix_bits = MUSTER_DECAP_SOURCE_BITS;
	if (proto == bpf_htons(ETH_P_IP)) {
		if ((const void *)(ip4 + 1) > end || *(const __u8 *)ip != 0x45 ||
			ip4->frag_off & bpf_htons(IP_FRAGMENT))
			return NOT_OURS;
		shell->at = sizeof(*ip4);
		shell->bytes = bpf_ntohs(ip4->tot_len);
		shell->tos = ip4->tos;
		shell->proto = ip4->protocol;
		shell->source.family = MUSTER_DECAP_IPV4;
		map_ipv4(&shell->source.addr, ip4->saddr);
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		if ((const void *)(ip6 + 1) > end || ip6->version != 6)
			return NOT_OURS;
		shell->at = sizeof(*ip6);
		shell->bytes = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
		shell->tos = traffic_class(ip6);
		shell->proto = ip6->nexthdr;
		shell->source.family = MUSTER_DECAP_IPV6;
		__builtin_memcpy(&shell->source.addr, &ip6->saddr, sizeof(shell->source.addr));
	} else {
		return NOT_OURS;
	}
	return shell->bytes >= shell->at && shell->bytes <= room ? GO_ON : NOT_OURS;
}

/* Variant 0. Flags may say that the packet inside was changed (a checksum that is to be finished, ciphers). */
MUSTER_INLINE int read_gue_header(const struct gue_header *gue, struct shell *shell)
{
	if (gue->first & GUE_CONTROL)
		return NOT_OURS;
	shell->proto = gue->proto;
	shell->at += sizeof(*gue) + (gue->first & GUE_LENGTH) * 4;
	return gue->flags ? MUSTER_DECAP_gue_flags : GO_ON;
}

/*
 * GUE (draft-ietf-intarea-gue), data packets of variants 0 and 1; the latter is FOU on the wire. The UDP
 * checksum is not looked at: the packet inside has its own. @port: of the destination.
 */
MUSTER_INLINE int read_gue(const void *ip, const void *end, __be16 port, struct shell *shell)
{
	const struct udphdr *udp = ip + shell->at;
	const struct gue_header *gue = (const void *)(udp + 1);

	if ((const void *)(gue + 1) > end || udp->dest != port ||
		bpf_ntohs(udp->len) != shell->bytes - shell->at)
		return NOT_OURS;
	shell->gue = 1;
	shell->at += sizeof(*udp);
	switch (gue->first & GUE_VERSION) {
	case 0x40:
		shell->proto = gue->first >> 4 == 4   ? IPPROTO_IPIP
			       : gue->first >> 4 == 6 ? IPPROTO_IPV6
						      : 0;
		return GO_ON;
	case 0:
		return read_gue_header(gue, shell);
	default:
		return NOT_OURS;
	}
}

/* Destination and ECN bits of the packet inside, which has to lie in the outer one, whatever the frame's size. */
MUSTER_INLINE int read_inner(const void *inner, const void *end, const struct shell *shell,
	struct muster_addr *destination, __u8 *ecn)
{
	__u32 room = shell->bytes - shell->at;
	const struct ipv6hdr *ip6 = inner;
	const struct iphdr *ip4 = inner;

	if (shell->at > shell->bytes)
		return MUSTER_DECAP_malformed;
	if (shell->proto == IPPROTO_IPIP) {
		if ((const void *)(ip4 + 1) > end || ip4->version != 4 || ip4->ihl < 5 ||
			bpf_ntohs(ip4->tot_len) < ip4->ihl * 4 || bpf_ntohs(ip4->tot_len) > room)
			return MUSTER_DECAP_malformed;
		map_ipv4(destination, ip4->daddr);
		*ecn = ip4->tos & ECN;
		return GO_ON;
	}
	if ((const void *)(ip6 + 1) > end || ip6->version != 6 ||
		sizeof(*ip6) + bpf_ntohs(ip6->payload_len) > room)
		return MUSTER_DECAP_malformed;
	__builtin_memcpy(destination, &ip6->daddr, sizeof(*destination));
	*ecn = traffic_class(ip6) & ECN;
	return is_mapped(destination) ? MUSTER_DECAP_malformed : GO_ON;
}

#endif
