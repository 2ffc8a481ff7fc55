/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What all answers of the balancer share. An answer goes back the way the packet came: MAC addresses
 * swapped, the tags it came with, XDP_TX. @is_v6 is a constant throughout: the verifier follows two straight
 * paths.
 */
#ifndef MUSTER_BPF_REPLY_H
#define MUSTER_BPF_REPLY_H

#include "checksum.h"
#include "tags.h"
#include "walk.h"

#define REPLY_TTL     64
#define NS_PER_SECOND 1000000000ull

/*
 * A token bucket per CPU and kind: control.reply_rate tokens a second, a tenth of that (at least one) at once.
 * Answers cost an attacker one packet each; this bounds what a CPU spends on them.
 */
MUSTER_INLINE int reply_allowed(const struct muster_control *control, __u32 kind)
{
	__u64 rate = control->reply_rate, burst = rate / 10 + 1, now = bpf_ktime_get_coarse_ns(),
	      earned;
	struct muster_reply_budget *budget;

	budget = bpf_map_lookup_elem(&reply_budget, &kind);
	if (!budget || !rate)
		return 0;
	if (now - budget->refilled_ns >= NS_PER_SECOND) {
		budget->tokens = burst;
		budget->refilled_ns = now;
	} else {
		earned = (now - budget->refilled_ns) * rate / NS_PER_SECOND;
		if (earned) {
			budget->tokens += earned;
			budget->refilled_ns = now;
		}
	}
	if (budget->tokens > burst) /* also when the rate was lowered */
		budget->tokens = burst;
	if (!budget->tokens)
		return 0;
	budget->tokens--;
	return 1;
}

/* Unspecified, loopback, multicast, broadcast: nobody to answer. */
MUSTER_INLINE int source_is_odd(const struct packet *packet)
{
	const struct muster_addr *src = &packet->src;

	if (packet->is_v6)
		return src->b[0] == 0xff || (!src->d[0] && !src->w[2] && bpf_ntohl(src->w[3]) <= 1);
	return src->b[12] == 0 || src->b[12] == 127 || src->b[12] >= 224;
}

/* RFC 1122, 3.2.2; RFC 4443, 2.4; RFC 9293, 3.10.7.1: never on an error, an RST, a later fragment. */
MUSTER_INLINE int may_answer(const struct packet *packet)
{
	return !packet->icmp_error && !(packet->tcp_flags & TCP_RST) &&
	       packet->fragment != FRAGMENT_LATER && !source_is_odd(packet);
}

MUSTER_INLINE void swap_macs(struct ethhdr *eth)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
}

/* From @source to the client. @l4_bytes: behind the IP header. */
MUSTER_INLINE void reply_ipv4(struct iphdr *ip, const struct packet *packet,
	const struct muster_addr *source, __u8 proto, __u32 l4_bytes)
{
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + l4_bytes);
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = REPLY_TTL;
	ip->protocol = proto;
	ip->check = 0;
	ip->saddr = source->w[3];
	ip->daddr = packet->src.w[3];
	ip->check = csum_fold(csum_words(ip, 5, 0));
}

MUSTER_INLINE void reply_ipv6(struct ipv6hdr *ip, const struct packet *packet,
	const struct muster_addr *source, __u8 proto, __u32 l4_bytes)
{
	*(__be32 *)ip = bpf_htonl(6u << 28);
	ip->payload_len = bpf_htons(l4_bytes);
	ip->nexthdr = proto;
	ip->hop_limit = REPLY_TTL;
	__builtin_memcpy(&ip->saddr, source, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &packet->src, sizeof(ip->daddr));
}

MUSTER_INLINE void reply_ip(void *ip, const struct packet *packet, const struct muster_addr *source,
	int is_v6, __u8 proto, __u32 l4_bytes)
{
	if (is_v6)
		reply_ipv6(ip, packet, source, proto, l4_bytes);
	else
		reply_ipv4(ip, packet, source, proto, l4_bytes);
}

/* Cuts the frame to @bytes. */
MUSTER_INLINE int cut_frame(struct walk *walk, __u32 bytes)
{
	return bpf_xdp_adjust_tail(walk->ctx, (int)bytes - (int)frame_bytes(walk->ctx));
}

/* The frame as it is, behind the tags it came with. */
MUSTER_INLINE int send_back(struct walk *walk, int reason)
{
	int failed = push_tags(walk, walk->tags.tag);

	if (failed != GO_ON)
		return failed;
	walk->action = XDP_TX;
	return reason;
}

#endif
