/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The backend's side of modes ipip and gue: strips the outer headers of packets whose inner destination is
 * one of the addresses it was told, and touches nothing else. VLAN tags stay where they are: behind this
 * program the kernel hands the frame to the VLAN's device.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <muster/decap.h>

#include "checksum.h"
#include "parse_any.h"

#define DECAP_ADDRESSES_MAX 1024
#define GUE_PORT	    6080
#define GUE_VERSION	    0xc0 /* of its first byte; 0x40: a packet stands right behind the UDP header */
#define GUE_CONTROL	    0x20
#define GUE_LENGTH	    0x1f /* of optional fields, in 4 bytes */
#define ECN		    3
#define ECN_CONGESTION	    3

const volatile __be16 gue_port = NET16(GUE_PORT);
const volatile __u8 has_frags = 0; /* loaded with BPF_F_XDP_HAS_FRAGS */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, DECAP_ADDRESSES_MAX);
	__type(key, struct muster_addr);
	__type(value, struct muster_counters);
} decap_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MUSTER_DECAP_REASONS_N);
	__type(key, __u32);
	__type(value, struct muster_counters);
} decap_reasons SEC(".maps");

/* What stands before the packet inside. */
struct shell {
	__u32 ip_at; /* of the outer IP header, in the frame */
	__u32 at;    /* bytes from there to what is looked at now, at last the inner packet */
	__u32 bytes; /* of the outer packet, from there on */
	__u8 tos;    /* of the outer header */
	__u8 proto;  /* of what is at @at */
	__u8 gue;
};

MUSTER_INLINE void count_reason(__u32 reason, __u32 bytes)
{
	struct muster_counters *counters = bpf_map_lookup_elem(&decap_reasons, &reason);

	if (!counters)
		return;
	counters->packets++;
	counters->bytes += bytes;
}

/* False: nothing that could hold a packet of ours: fragments, options and extension headers among it. */
MUSTER_INLINE int read_outer(
	const void *ip, const void *end, __be16 proto, __u32 room, struct shell *shell)
{
	const struct ipv6hdr *ip6 = ip;
	const struct iphdr *ip4 = ip;

	if (proto == bpf_htons(ETH_P_IP)) {
		if ((const void *)(ip4 + 1) > end || *(const __u8 *)ip != 0x45 ||
			ip4->frag_off & bpf_htons(IP_FRAGMENT))
			return 0;
		shell->at = sizeof(*ip4);
		shell->bytes = bpf_ntohs(ip4->tot_len);
		shell->tos = ip4->tos;
		shell->proto = ip4->protocol;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		if ((const void *)(ip6 + 1) > end || ip6->version != 6)
			return 0;
		shell->at = sizeof(*ip6);
		shell->bytes = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
		shell->tos = traffic_class(ip6);
		shell->proto = ip6->nexthdr;
	} else {
		return 0;
	}
	return shell->bytes >= shell->at && shell->bytes <= room;
}

/*
 * GUE (draft-ietf-intarea-gue), data packets of variants 0 and 1; the latter is FOU on the wire. The UDP
 * checksum is not looked at: the packet inside has its own.
 */
MUSTER_INLINE int read_gue(const void *ip, const void *end, struct shell *shell)
{
	const struct udphdr *udp = ip + shell->at;
	const __u8 *gue = (const void *)(udp + 1);

	if ((const void *)(gue + 4) > end || udp->dest != gue_port ||
		bpf_ntohs(udp->len) != shell->bytes - shell->at)
		return 0;
	shell->gue = 1;
	shell->at += sizeof(*udp);
	switch (gue[0] & GUE_VERSION) {
	case 0x40:
		shell->proto = gue[0] >> 4 == 4	  ? IPPROTO_IPIP
			       : gue[0] >> 4 == 6 ? IPPROTO_IPV6
						  : 0;
		return 1;
	case 0:
		if (gue[0] & GUE_CONTROL)
			return 0;
		shell->proto = gue[1];
		shell->at += 4 + (gue[0] & GUE_LENGTH) * 4;
		return 1;
	default:
		return 0;
	}
}

/* Destination and ECN bits of the packet inside. False: it is none, or longer than what it is in. */
MUSTER_INLINE int read_inner(const void *inner, const void *end, const struct shell *shell,
	struct muster_addr *destination, __u8 *ecn)
{
	__u32 room = shell->bytes - shell->at;
	const struct ipv6hdr *ip6 = inner;
	const struct iphdr *ip4 = inner;

	if (shell->at > shell->bytes)
		return 0;
	if (shell->proto == IPPROTO_IPIP) {
		if ((const void *)(ip4 + 1) > end || ip4->version != 4 || ip4->ihl < 5 ||
			bpf_ntohs(ip4->tot_len) < ip4->ihl * 4 || bpf_ntohs(ip4->tot_len) > room)
			return 0;
		map_ipv4(destination, ip4->daddr);
		*ecn = ip4->tos & ECN;
		return 1;
	}
	if ((const void *)(ip6 + 1) > end || ip6->version != 6 ||
		sizeof(*ip6) + bpf_ntohs(ip6->payload_len) > room)
		return 0;
	__builtin_memcpy(destination, &ip6->daddr, sizeof(*destination));
	*ecn = traffic_class(ip6) & ECN;
	return !is_mapped(destination);
}

MUSTER_INLINE void mark_congestion(void *inner, __u8 proto)
{
	struct iphdr *ip4 = inner;
	__be16 *first = inner, before = *first;

	if (proto == IPPROTO_IPV6) {
		*first |= bpf_htons(ECN_CONGESTION << 4);
		return;
	}
	*first |= bpf_htons(ECN_CONGESTION);
	ip4->check = csum_replace(ip4->check, before, *first);
}

struct head {
	__be16 words[(2 * ETH_ALEN + MUSTER_TAGS_MAX * sizeof(struct muster_tag)) / 2];
};

/* Takes @bytes out behind the addresses and @tags tags (a constant). */
MUSTER_INLINE int strip(struct xdp_md *ctx, __u32 bytes, int tags, __be16 proto)
{
	int words = ETH_ALEN + tags * (int)sizeof(struct muster_tag) / 2;
	__be16 *at = view_data(ctx);
	struct head head;

	if ((void *)(at + words + 1) > view_end(ctx))
		return XDP_PASS;
	UNROLL
	for (int i = 0; i < words; i++)
		head.words[i] = at[i];
	if (bpf_xdp_adjust_head(ctx, (int)bytes))
		return XDP_DROP;
	at = view_data(ctx);
	if ((void *)(at + words + 1) > view_end(ctx))
		return XDP_DROP;
	UNROLL
	for (int i = 0; i < words; i++)
		at[i] = head.words[i];
	at[words] = proto;
	return XDP_PASS;
}

/* An inner packet was found, and is for one of ours. */
MUSTER_INLINE int unwrap(struct xdp_md *ctx, const struct shell *shell, __u32 tags)
{
	void *inner = view_data(ctx) + shell->ip_at + shell->at;
	__be16 proto = shell->proto == IPPROTO_IPIP ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);

	if ((shell->tos & ECN) == ECN_CONGESTION) {
		if (inner + sizeof(struct iphdr) > view_end(ctx))
			return XDP_PASS;
		mark_congestion(inner, shell->proto);
	}
	switch (tags) {
	case 0:
		return strip(ctx, shell->at, 0, proto);
	case 1:
		return strip(ctx, shell->at, 1, proto);
	default:
		return strip(ctx, shell->at, 2, proto);
	}
}

MUSTER_INLINE int decapsulate(
	struct xdp_md *ctx, struct shell *shell, __be16 proto, __u32 tags, __u32 frame)
{
	struct muster_counters *counters;
	struct muster_addr destination;
	const void *ip = view_data(ctx) + shell->ip_at;
	__u8 ecn = 0;

	if (!read_outer(ip, view_end(ctx), proto, frame - shell->ip_at, shell))
		return XDP_PASS;
	if (shell->proto == IPPROTO_UDP && !read_gue(ip, view_end(ctx), shell))
		return XDP_PASS;
	if (shell->proto != IPPROTO_IPIP && shell->proto != IPPROTO_IPV6)
		return XDP_PASS;
	if (!read_inner(ip + shell->at, view_end(ctx), shell, &destination, &ecn)) {
		count_reason(MUSTER_DECAP_malformed, frame);
		return XDP_PASS;
	}
	counters = bpf_map_lookup_elem(&decap_addresses, &destination);
	if (!counters) {
		count_reason(MUSTER_DECAP_not_told, frame);
		return XDP_PASS;
	}
	if ((shell->tos & ECN) == ECN_CONGESTION && !ecn) {
		count_reason(MUSTER_DECAP_ecn_dropped, frame);
		return XDP_DROP;
	}
	counters->packets++;
	counters->bytes += frame;
	count_reason(shell->gue ? MUSTER_DECAP_gue : MUSTER_DECAP_ipip, frame);
	return unwrap(ctx, shell, tags);
}

SEC("xdp")
int muster_decap(struct xdp_md *ctx)
{
	__u32 frame = has_frags ? bpf_xdp_get_buff_len(ctx) : ctx->data_end - ctx->data;
	const struct ethhdr *eth = view_data(ctx);
	struct shell shell = {};
	struct tags tags;
	__be16 proto;

	if ((const void *)(eth + 1) > view_end(ctx))
		return XDP_PASS;
	proto = take_tags(eth, view_end(ctx), &tags);
	switch (tags.n) { /* constants for the verifier */
	case 0:
		shell.ip_at = sizeof(*eth);
		break;
	case 1:
		shell.ip_at = sizeof(*eth) + sizeof(struct muster_tag);
		break;
	default:
		shell.ip_at = sizeof(*eth) + 2 * sizeof(struct muster_tag);
	}
	return decapsulate(ctx, &shell, proto, tags.n, frame);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
