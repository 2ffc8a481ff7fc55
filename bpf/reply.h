/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What the balancer answers itself: echo, and for a VIP without a usable member RST or port
 * unreachable. An answer goes back the way the packet came: addresses swapped, XDP_TX.
 */
#ifndef MUSTER_BPF_REPLY_H
#define MUSTER_BPF_REPLY_H

#include "checksum.h"
#include "walk.h"

#define REPLY_TTL     64
#define QUOTED_L4     8 /* bytes of the UDP header quoted: all of it */
#define NS_PER_SECOND 1000000000ull

/*
 * A token bucket per CPU: control.reply_rate tokens a second, a tenth of that (at least one) at once.
 * Answers cost an attacker one packet each; this bounds what a CPU spends on them.
 */
MUSTER_INLINE int reply_allowed(const struct muster_control *control)
{
	__u64 rate = control->reply_rate, burst = rate / 10 + 1, now = bpf_ktime_get_coarse_ns(),
	      earned;
	struct muster_reply_budget *budget;
	__u32 zero = 0;

	budget = bpf_map_lookup_elem(&reply_budget, &zero);
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

MUSTER_INLINE void swap_macs(struct ethhdr *eth)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
}

/* From the VIP to the client. @l4_bytes: behind the IP header. */
MUSTER_INLINE void reply_ipv4(
	struct iphdr *ip, const struct packet *packet, __u8 proto, __u32 l4_bytes)
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
	ip->saddr = packet->key.addr.w[3];
	ip->daddr = packet->src.w[3];
	ip->check = csum_fold(csum_words(ip, 5, 0));
}

MUSTER_INLINE void reply_ipv6(
	struct ipv6hdr *ip, const struct packet *packet, __u8 proto, __u32 l4_bytes)
{
	*(__be32 *)ip = bpf_htonl(6u << 28);
	ip->payload_len = bpf_htons(l4_bytes);
	ip->nexthdr = proto;
	ip->hop_limit = REPLY_TTL;
	__builtin_memcpy(&ip->saddr, &packet->key.addr, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &packet->src, sizeof(ip->daddr));
}

/* @is_v6 is a constant, here and below: the verifier follows two straight paths. */
MUSTER_INLINE void reply_ip(
	void *ip, const struct packet *packet, int is_v6, __u8 proto, __u32 l4_bytes)
{
	if (is_v6)
		reply_ipv6(ip, packet, proto, l4_bytes);
	else
		reply_ipv4(ip, packet, proto, l4_bytes);
}

MUSTER_INLINE __u32 header_bytes(int is_v6)
{
	return is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

/* Cuts the frame to @bytes and sends it back. */
MUSTER_INLINE int send_back(struct walk *walk, __u32 bytes, int reason)
{
	__u32 now = walk->ctx->data_end - walk->ctx->data;

	if (bpf_xdp_adjust_tail(walk->ctx, (int)bytes - (int)now))
		return MUSTER_REASON_no_headroom;
	walk->action = XDP_TX;
	return reason;
}

/* ---- echo ---- */

/* Type 8 -> 0 or 128 -> 129 in place; the rest of the message is the client's. */
MUSTER_INLINE int write_echo(struct walk *walk, int is_v6)
{
	struct packet *packet = &walk->packet;
	struct ethhdr *eth = walk_data(walk);
	struct icmp_header *icmp = (void *)(eth + 1) + header_bytes(is_v6);
	__u64 sum;

	if ((void *)(icmp + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	swap_macs(eth);
	/* RFC 1624: new = ~(~old + ~m + m'), with m the word of type and code. */
	sum = (__u16)~icmp->checksum;
	if (is_v6) {
		sum += (__u16)~bpf_htons(ICMPV6_ECHO_REQUEST << 8) +
		       (__u32)bpf_htons(ICMPV6_REPLY << 8);
		icmp->type = ICMPV6_REPLY;
	} else {
		sum += (__u16)~bpf_htons(ICMP_ECHO_REQUEST << 8);
		icmp->type = ICMP_ECHO_REPLY;
	}
	icmp->checksum = csum_fold(sum);
	reply_ip(eth + 1, packet, is_v6, is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
		packet->ip_bytes - header_bytes(is_v6));
	walk->action = XDP_TX;
	return MUSTER_REASON_echo_reply;
}

MUSTER_INLINE int reply_echo(struct walk *walk)
{
	if (source_is_odd(&walk->packet))
		return MUSTER_REASON_empty_silent;
	return walk->packet.is_v6 ? write_echo(walk, 1) : write_echo(walk, 0);
}

/* ---- RST ---- */

/* RFC 9293, section 3.10.7.1: the answer to a segment for a connection that does not exist. */
MUSTER_INLINE void write_rst(struct tcphdr *tcp, const struct packet *packet, int is_v6)
{
	__u32 segment = packet->ip_bytes - header_bytes(is_v6);
	__be32 seq = tcp->seq, ack_seq = tcp->ack_seq;
	__u8 doff = tcp->doff, flags = packet->tcp_flags;
	__be32 *words = (__be32 *)tcp;

	segment += !!(flags & TCP_SYN) + !!(flags & TCP_FIN) - doff * 4;
	tcp->source = packet->key.port;
	tcp->dest = packet->sport;
	tcp->seq = flags & TCP_ACK ? ack_seq : 0;
	tcp->ack_seq = flags & TCP_ACK ? 0 : bpf_htonl(bpf_ntohl(seq) + segment);
	/* data offset 5, flags, window 0; then checksum, urgent pointer */
	words[3] = bpf_htonl(5u << 28 | (TCP_RST | (flags & TCP_ACK ? 0 : TCP_ACK)) << 16);
	words[4] = 0;
	tcp->check = csum_fold(csum_words(tcp, 5,
		csum_pseudo(&packet->key.addr, &packet->src, is_v6, IPPROTO_TCP,
			bpf_htonl(sizeof(*tcp)))));
}

MUSTER_INLINE int reply_rst(struct walk *walk, int is_v6)
{
	struct packet *packet = &walk->packet;
	struct ethhdr *eth = walk_data(walk);
	struct tcphdr *tcp = (void *)(eth + 1) + header_bytes(is_v6);

	if ((void *)(tcp + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	swap_macs(eth);
	write_rst(tcp, packet, is_v6);
	reply_ip(eth + 1, packet, is_v6, IPPROTO_TCP, sizeof(*tcp));
	return send_back(walk, sizeof(*eth) + header_bytes(is_v6) + sizeof(*tcp),
		MUSTER_REASON_empty_reject);
}

/* ---- port unreachable: RFC 792 type 3 code 3, RFC 4443 type 1 code 4 ---- */

/* Behind the Ethernet header. */
struct unreachable4 {
	struct iphdr ip;
	struct icmp_header icmp;
	__u8 quoted[sizeof(struct iphdr) + QUOTED_L4];
};

struct unreachable6 {
	struct ipv6hdr ip;
	struct icmp_header icmp;
	__u8 quoted[sizeof(struct ipv6hdr) + QUOTED_L4];
};

#define UNREACHABLE_L4(frame) (sizeof((frame)->icmp) + sizeof((frame)->quoted))

/*
 * The frame grown at its head: what was the IP packet is now the quotation. Returns what is behind the
 * Ethernet header.
 */
MUSTER_INLINE void *grow_head(struct walk *walk, __u32 bytes)
{
	struct ethhdr *eth = walk_data(walk), saved;

	if ((void *)(eth + 1) > walk_end(walk))
		return (void *)0;
	saved = *eth;
	if (bpf_xdp_adjust_head(walk->ctx, -(int)bytes))
		return (void *)0;
	eth = walk_data(walk);
	if ((void *)(eth + 1) > walk_end(walk))
		return (void *)0;
	*eth = saved;
	swap_macs(eth);
	return eth + 1;
}

MUSTER_INLINE int reply_unreachable4(struct walk *walk)
{
	struct unreachable4 *frame = grow_head(walk, sizeof(frame->ip) + sizeof(frame->icmp));

	if (!frame)
		return MUSTER_REASON_no_headroom;
	if ((void *)(frame + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	frame->icmp = (struct icmp_header){.type = ICMP_UNREACHABLE, .code = ICMP_CODE_PORT};
	frame->icmp.checksum = csum_fold(csum_words(&frame->icmp, UNREACHABLE_L4(frame) / 4, 0));
	reply_ipv4(&frame->ip, &walk->packet, IPPROTO_ICMP, UNREACHABLE_L4(frame));
	return send_back(walk, ETH_HLEN + sizeof(*frame), MUSTER_REASON_empty_reject);
}

MUSTER_INLINE int reply_unreachable6(struct walk *walk)
{
	struct unreachable6 *frame = grow_head(walk, sizeof(frame->ip) + sizeof(frame->icmp));
	const struct packet *packet = &walk->packet;
	__u64 sum;

	if (!frame)
		return MUSTER_REASON_no_headroom;
	if ((void *)(frame + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	frame->icmp = (struct icmp_header){.type = ICMPV6_UNREACHABLE, .code = ICMPV6_CODE_PORT};
	sum = csum_pseudo(&packet->key.addr, &packet->src, 1, IPPROTO_ICMPV6,
		bpf_htonl(UNREACHABLE_L4(frame)));
	frame->icmp.checksum = csum_fold(csum_words(&frame->icmp, UNREACHABLE_L4(frame) / 4, sum));
	reply_ipv6(&frame->ip, packet, IPPROTO_ICMPV6, UNREACHABLE_L4(frame));
	return send_back(walk, ETH_HLEN + sizeof(*frame), MUSTER_REASON_empty_reject);
}

/* The service has no member that may take this packet. */
MUSTER_INLINE int reply_empty(struct walk *walk)
{
	const struct packet *packet = &walk->packet;

	if (walk->service->on_empty == MUSTER_ON_EMPTY_DROP)
		return MUSTER_REASON_empty_drop;
	if (packet->tcp_flags & TCP_RST || source_is_odd(packet))
		return MUSTER_REASON_empty_silent;
	if (!reply_allowed(walk->control))
		return MUSTER_REASON_reply_limited;
	if (packet->key.proto == IPPROTO_TCP)
		return packet->is_v6 ? reply_rst(walk, 1) : reply_rst(walk, 0);
	return packet->is_v6 ? reply_unreachable6(walk) : reply_unreachable4(walk);
}

#endif
