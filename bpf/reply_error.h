/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* ICMP and ICMPv6 errors (RFC 792, RFC 1191, RFC 4443): the packet is quoted behind new headers. */
#ifndef MUSTER_BPF_REPLY_ERROR_H
#define MUSTER_BPF_REPLY_ERROR_H

#include "reply.h"
#include "sum.h"

#define ERROR4_MAX 576	/* bytes of an error in all: RFC 1812, 4.3.2.3 */
#define ERROR6_MAX 1280 /* RFC 4443, 2.4 (c) */

struct error_kind {
	__u8 type, code;
	__be32 rest; /* MTU, in the place it has in the header */
};

MUSTER_INLINE __u32 error_head_bytes(int is_v6)
{
	return ip_header_bytes(is_v6) + sizeof(struct icmp_header);
}

MUSTER_INLINE __u32 quoted_bytes(const struct packet *packet, int is_v6)
{
	__u32 most = (is_v6 ? ERROR6_MAX : ERROR4_MAX) - error_head_bytes(is_v6);

	return packet->ip_bytes < most ? packet->ip_bytes : most;
}

/* The VIP, unless musterd.yaml names an address. */
MUSTER_INLINE const struct muster_addr *error_source(const struct packet *packet, int is_v6)
{
	__u32 index = !!is_v6;
	const struct muster_addr *source = bpf_map_lookup_elem(&reply_sources, &index);

	return source && (source->d[0] || source->d[1]) ? source : &packet->key.addr;
}

/* The frame grown at its head: what was the IP packet is now the quotation. */
MUSTER_INLINE int grow_head(struct walk *walk, __u32 bytes)
{
	struct ethhdr *eth = walk_data(walk), saved;

	if ((void *)(eth + 1) > walk_end(walk))
		return 0;
	saved = *eth;
	if (bpf_xdp_adjust_head(walk->ctx, -(int)bytes))
		return 0;
	eth = walk_data(walk);
	if ((void *)(eth + 1) > walk_end(walk))
		return 0;
	*eth = saved;
	swap_macs(eth);
	return 1;
}

/* @l4_bytes: of the ICMP message. */
MUSTER_INLINE int write_error(
	struct walk *walk, int is_v6, const struct error_kind *kind, __u32 l4_bytes)
{
	const struct muster_addr *source = error_source(&walk->packet, is_v6);
	__u32 at = ETH_HLEN + ip_header_bytes(is_v6);
	void *ip = walk_data(walk) + ETH_HLEN;
	struct icmp_header *icmp = walk_data(walk) + at;
	__u64 pseudo = 0;
	__s64 sum;

	if ((void *)(icmp + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	*icmp = (struct icmp_header){.type = kind->type, .code = kind->code, .rest = kind->rest};
	reply_ip(ip, &walk->packet, source, is_v6, is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, l4_bytes);
	if (is_v6)
		pseudo = csum_pseudo(
			source, &walk->packet.src, 1, IPPROTO_ICMPV6, bpf_htonl(l4_bytes));
	sum = sum_frame(walk->ctx, at, l4_bytes);
	icmp = walk_data(walk) + at;
	if (sum < 0 || (void *)(icmp + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	icmp->checksum = csum_fold((__u64)sum + pseudo);
	return GO_ON;
}

MUSTER_INLINE int reply_error_to(
	struct walk *walk, int is_v6, const struct error_kind *kind, int reason)
{
	__u32 quoted = quoted_bytes(&walk->packet, is_v6), head = error_head_bytes(is_v6);
	int failed;

	if (!grow_head(walk, head) || cut_frame(walk, ETH_HLEN + head + quoted))
		return MUSTER_REASON_no_headroom;
	failed = write_error(walk, is_v6, kind, sizeof(struct icmp_header) + quoted);
	return failed == GO_ON ? send_back(walk, reason) : failed;
}

MUSTER_INLINE int reply_error(struct walk *walk, const struct error_kind *kind, int reason)
{
	return walk->packet.is_v6 ? reply_error_to(walk, 1, kind, reason)
				  : reply_error_to(walk, 0, kind, reason);
}

#endif
