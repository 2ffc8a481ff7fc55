/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The backend's side of mode ipip: strips the outer IP header of packets whose inner destination is
 * one of the addresses it was told, and touches nothing else.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "packet.h"

#define DECAP_ADDRESSES_MAX 1024

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DECAP_ADDRESSES_MAX);
	__type(key, struct muster_addr);
	__type(value, struct muster_counters);
} decap_addresses SEC(".maps");

/* Protocol of the packet inside, and how many bytes are before it; 0: not encapsulated, or odd. */
MUSTER_INLINE __u32 outer_bytes(const void *at, const void *end, __be16 proto, __u8 *inner)
{
	const struct ipv6hdr *ip6 = at;
	const struct iphdr *ip4 = at;

	if (proto == bpf_htons(ETH_P_IP)) {
		if ((const void *)(ip4 + 1) > end || ip4->version != 4 || ip4->ihl != 5 ||
			ip4->frag_off & bpf_htons(0x3fff))
			return 0;
		*inner = ip4->protocol;
		return sizeof(*ip4);
	}
	if (proto == bpf_htons(ETH_P_IPV6)) {
		if ((const void *)(ip6 + 1) > end || ip6->version != 6)
			return 0;
		*inner = ip6->nexthdr;
		return sizeof(*ip6);
	}
	return 0;
}

/* Destination of the inner packet; 0 if there is none. */
MUSTER_INLINE int inner_destination(
	const void *at, const void *end, __u8 proto, struct muster_addr *ret)
{
	const struct ipv6hdr *ip6 = at;
	const struct iphdr *ip4 = at;

	if (proto == IPPROTO_IPIP) {
		if ((const void *)(ip4 + 1) > end || ip4->version != 4)
			return 0;
		ret->d[0] = 0;
		ret->w[2] = bpf_htonl(0xffff);
		ret->w[3] = ip4->daddr;
		return 1;
	}
	if (proto == IPPROTO_IPV6) {
		if ((const void *)(ip6 + 1) > end || ip6->version != 6)
			return 0;
		__builtin_memcpy(ret, &ip6->daddr, sizeof(*ret));
		return 1;
	}
	return 0;
}

MUSTER_INLINE int strip(struct xdp_md *ctx, __u32 bytes, __be16 proto)
{
	struct ethhdr *eth = (void *)(long)ctx->data, saved;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	saved = *eth;
	saved.h_proto = proto;
	if (bpf_xdp_adjust_head(ctx, (int)bytes))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	*eth = saved;
	return XDP_PASS;
}

SEC("xdp")
int muster_decap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct muster_counters *counters;
	struct muster_addr destination;
	struct ethhdr *eth = data;
	__u8 inner = 0;
	__u32 bytes;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	bytes = outer_bytes(eth + 1, end, eth->h_proto, &inner);
	if (!bytes || !inner_destination((void *)(eth + 1) + bytes, end, inner, &destination))
		return XDP_PASS;
	counters = bpf_map_lookup_elem(&decap_addresses, &destination);
	if (!counters)
		return XDP_PASS;
	__sync_fetch_and_add(&counters->packets, 1);
	__sync_fetch_and_add(&counters->bytes, ctx->data_end - ctx->data);
	return strip(
		ctx, bytes, inner == IPPROTO_IPIP ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
