/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The backend's side of modes ipip and gue: strips the outer headers of packets whose inner destination is
 * one of the addresses it was told, and touches nothing else. VLAN tags stay where they are: behind this
 * program the kernel hands the frame to the VLAN's device.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "checksum.h"
#include "decap_shell.h"

#define DECAP_ADDRESSES_MAX 1024
#define DECAP_SOURCES_MAX   1024

const volatile __be16 gue_port = NET16(GUE_PORT);
const volatile __u8 has_frags = 0;    /* loaded with BPF_F_XDP_HAS_FRAGS */
const volatile __u8 only_sources = 0; /* those of decap_sources */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, DECAP_ADDRESSES_MAX);
	__type(key, struct muster_addr);
	__type(value, struct muster_counters);
} decap_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DECAP_SOURCES_MAX);
	__type(key, struct muster_decap_source);
	__type(value, __u8);
} decap_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MUSTER_DECAP_REASONS_N);
	__type(key, __u32);
	__type(value, struct muster_counters);
} decap_reasons SEC(".maps");

MUSTER_INLINE void count_reason(__u32 reason, __u32 bytes)
{
	struct muster_counters *counters = bpf_map_lookup_elem(&decap_reasons, &reason);

	if (!counters)
		return;
	counters->packets++;
	counters->bytes += bytes;
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
	void *inner =
		view_data(ctx) + (shell->ip_at & SHELL_IP_AT_MASK) + (shell->at & SHELL_AT_MASK);
	__be16 proto = shell->proto == IPPROTO_IPIP ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);

	if ((shell->tos & ECN) == ECN_CONGESTION) {
		if (inner + sizeof(struct iphdr) > view_end(ctx))
			return XDP_PASS;
		mark_congestion(inner, shell->proto);
	}
	switch (tags) {
	case 0:
		return strip(ctx, shell->at & SHELL_AT_MASK, 0, proto);
	case 1:
		return strip(ctx, shell->at & SHELL_AT_MASK, 1, proto);
	default:
		return strip(ctx, shell->at & SHELL_AT_MASK, 2, proto);
	}
}

/* Down to the packet inside: where it goes and whether it may be marked. */
MUSTER_INLINE int look_inside(struct xdp_md *ctx, struct shell *shell, __be16 proto, __u32 frame,
	struct muster_addr *destination, __u8 *ecn)
{
	const void *ip = view_data(ctx) + shell->ip_at;
	int found = read_outer(ip, view_end(ctx), proto, frame - shell->ip_at, shell);

	if (found == GO_ON && shell->proto == IPPROTO_UDP)
		found = read_gue(ip, view_end(ctx), gue_port, shell);
	if (found != GO_ON)
		return found;
	if (shell->proto != IPPROTO_IPIP && shell->proto != IPPROTO_IPV6)
		return NOT_OURS;
	return read_inner(ip + shell->at, view_end(ctx), shell, destination, ecn);
}

/* The reason for a packet with a packet inside, told of and marked as it is. */
MUSTER_INLINE int decide(const struct shell *shell, const struct muster_counters *told, __u8 ecn)
{
	if (!told)
		return MUSTER_DECAP_not_told;
	if (only_sources && !bpf_map_lookup_elem(&decap_sources, &shell->source))
		return MUSTER_DECAP_source_refused;
	if ((shell->tos & ECN) == ECN_CONGESTION && !ecn)
		return MUSTER_DECAP_ecn_dropped;
	return shell->gue ? MUSTER_DECAP_gue : MUSTER_DECAP_ipip;
}

MUSTER_INLINE int decapsulate(
	struct xdp_md *ctx, struct shell *shell, __be16 proto, __u32 tags, __u32 frame)
{
	struct muster_counters *told = (void *)0;
	struct muster_addr destination;
	__u8 ecn = 0;
	int reason = look_inside(ctx, shell, proto, frame, &destination, &ecn);

	if (reason == NOT_OURS)
		return XDP_PASS;
	if (reason == GO_ON) {
		told = bpf_map_lookup_elem(&decap_addresses, &destination);
		reason = decide(shell, told, ecn);
	}
	count_reason(reason, frame);
	if (reason == MUSTER_DECAP_ecn_dropped)
		return XDP_DROP;
	if (!told || (reason != MUSTER_DECAP_gue && reason != MUSTER_DECAP_ipip))
		return XDP_PASS;
	told->packets++;
	told->bytes += frame;
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
