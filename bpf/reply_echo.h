/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* An echo request to a VIP: the message goes back as it is, but for its type, behind a header of our own. */
#ifndef MUSTER_BPF_REPLY_ECHO_H
#define MUSTER_BPF_REPLY_ECHO_H

#include "extensions.h"
#include "reply.h"

/*
 * Whatever stood between the IP header and the message goes: the frame begins so much further on, and new
 * headers stand right before the message.
 */
MUSTER_INLINE int drop_options(struct walk *walk, int is_v6)
{
	__u32 bytes = (walk->packet.l4_at - ip_header_bytes(is_v6)) & L4_AT_MASK;
	struct ethhdr *eth = walk_data(walk), saved;

	if ((void *)(eth + 1) > walk_end(walk))
		return 0;
	saved = *eth;
	if (bpf_xdp_adjust_head(walk->ctx, (int)bytes))
		return 0;
	eth = walk_data(walk);
	if ((void *)(eth + 1) > walk_end(walk))
		return 0;
	*eth = saved;
	return 1;
}

MUSTER_INLINE int write_echo(struct walk *walk, int is_v6)
{
	const struct packet *packet = &walk->packet;
	__u8 from = is_v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST;
	__u8 to = is_v6 ? ICMPV6_REPLY : ICMP_ECHO_REPLY;
	struct icmp_header *icmp;
	struct ethhdr *eth;

	if (packet->l4_at != ip_header_bytes(is_v6) && !drop_options(walk, is_v6))
		return MUSTER_REASON_truncated;
	eth = walk_data(walk);
	icmp = (void *)(eth + 1) + ip_header_bytes(is_v6);
	if ((void *)(icmp + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	swap_macs(eth);
	icmp->type = to;
	icmp->checksum = csum_replace(
		icmp->checksum, bpf_htons((__u16)from << 8), bpf_htons((__u16)to << 8));
	reply_ip(eth + 1, packet, &packet->key.addr, is_v6, is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
		packet->ip_bytes - packet->l4_at);
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
