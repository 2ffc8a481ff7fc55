/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* RST: the answer to a segment for a connection that does not exist (RFC 9293, section 3.10.7.1). */
#ifndef MUSTER_BPF_REPLY_RST_H
#define MUSTER_BPF_REPLY_RST_H

#include "reply.h"

/* What the answer takes from the segment. */
struct segment {
	__be32 seq, ack_seq;
	__u32 bytes; /* of the sequence space it takes */
};

/* Written over the segment's beginning; a constant place, whatever stood before the TCP header. */
MUSTER_INLINE void write_rst(
	struct tcphdr *tcp, const struct segment *segment, const struct packet *packet, int is_v6)
{
	__u8 flags = packet->tcp_flags;
	__be32 *words = (__be32 *)tcp;

	tcp->source = packet->key.port;
	tcp->dest = packet->sport;
	tcp->seq = flags & TCP_ACK ? segment->ack_seq : 0;
	tcp->ack_seq = flags & TCP_ACK ? 0 : bpf_htonl(bpf_ntohl(segment->seq) + segment->bytes);
	/* data offset 5, flags, window 0; then checksum, urgent pointer */
	words[3] = bpf_htonl(5u << 28 | (TCP_RST | (flags & TCP_ACK ? 0 : TCP_ACK)) << 16);
	words[4] = 0;
	tcp->check = csum_fold(csum_words(tcp, 5,
		csum_pseudo(&packet->key.addr, &packet->src, is_v6, IPPROTO_TCP,
			bpf_htonl(sizeof(*tcp)))));
}

MUSTER_INLINE int read_segment(const struct walk *walk, struct segment *segment)
{
	__u32 l4_at = walk->packet.l4_at & 0x7ff;
	const struct tcphdr *tcp = walk_data(walk) + ETH_HLEN + l4_at;
	__u8 flags = walk->packet.tcp_flags;

	if ((void *)(tcp + 1) > walk_end(walk))
		return 0;
	segment->seq = tcp->seq;
	segment->ack_seq = tcp->ack_seq;
	segment->bytes = walk->packet.ip_bytes - l4_at - tcp->doff * 4 + !!(flags & TCP_SYN) +
			 !!(flags & TCP_FIN);
	return 1;
}

MUSTER_INLINE int reply_rst_to(struct walk *walk, int is_v6, int reason)
{
	struct packet *packet = &walk->packet;
	struct segment segment;
	struct tcphdr *tcp;
	struct ethhdr *eth;

	if (!read_segment(walk, &segment))
		return MUSTER_REASON_truncated;
	if (cut_frame(walk, ETH_HLEN + ip_header_bytes(is_v6) + sizeof(*tcp)))
		return MUSTER_REASON_no_headroom;
	eth = walk_data(walk);
	tcp = (void *)(eth + 1) + ip_header_bytes(is_v6);
	if ((void *)(tcp + 1) > walk_end(walk))
		return MUSTER_REASON_truncated;
	swap_macs(eth);
	write_rst(tcp, &segment, packet, is_v6);
	reply_ip(eth + 1, packet, &packet->key.addr, is_v6, IPPROTO_TCP, sizeof(*tcp));
	return send_back(walk, reason);
}

MUSTER_INLINE int reply_rst(struct walk *walk, int reason)
{
	return walk->packet.is_v6 ? reply_rst_to(walk, 1, reason) : reply_rst_to(walk, 0, reason);
}

#endif
