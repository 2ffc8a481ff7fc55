/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wrap: restores the frame from a template before each run, so that a repeated test run measures
 * the first packet again and again and not the program's own output; varies the flow; then calls the
 * program under test. The bare programs beside it are the floor.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "encap.h"
#include "wrap.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} under_test SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wrap_template);
} template SEC(".maps");

/* The two bytes at @offset, or 0. */
MUSTER_INLINE __u16 *field(struct xdp_md *ctx, __u32 offset)
{
	void *at = (void *)(long)ctx->data + (offset & 127);

	return at + 2 > (void *)(long)ctx->data_end ? (void *)0 : at;
}

/* Source port and address from the number of the flow; the last byte of the VIP from that of the pool. */
MUSTER_INLINE int vary(struct xdp_md *ctx, struct wrap_template *t)
{
	__u32 flow = t->turn++ & t->flow_mask;
	__u16 *port = field(ctx, t->port_at), *source = field(ctx, t->source_at);
	__u16 *vip = field(ctx, t->vip_at);

	if (!port || !source || !vip)
		return 0;
	*port = (__u16)flow;
	*source = (__u16)(flow >> 16);
	*(__u8 *)vip = flow & t->pool_mask;
	return 1;
}

SEC("xdp")
int wrap(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct wrap_template *t = bpf_map_lookup_elem(&template, &zero);
	__u64 *words, *from;
	int grown;

	if (!t)
		return XDP_ABORTED;
	grown = (int)(ctx->data_end - ctx->data) - (int)t->bytes;
	if (grown && bpf_xdp_adjust_head(ctx, grown))
		return XDP_ABORTED;
	words = (void *)(long)ctx->data;
	if ((void *)words + WRAP_BYTES > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	from = (__u64 *)t->frame;
#pragma clang loop unroll(full)
	for (int i = 0; i < WRAP_BYTES / 8; i++)
		words[i] = from[i];
	if (!vary(ctx, t))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int bare_tx(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_TX;
}

/* What any encapsulation costs: room at the head, an Ethernet and an outer header. */
MUSTER_INLINE int bare_encap(struct xdp_md *ctx, int bytes)
{
	struct outer outer = {.src = {.w = {1, 2, 3, 4}}, .dst = {.w = {5, 6, 7, 8}}, .bytes = 46};
	struct ethhdr *eth, saved;

	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	saved = *eth;
	if (bpf_xdp_adjust_head(ctx, -bytes))
		return XDP_ABORTED;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) + bytes > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*eth = saved;
	if (bytes == sizeof(struct iphdr))
		encap_ipv4((void *)(eth + 1), &outer);
	else
		encap_ipv6((void *)(eth + 1), &outer);
	return XDP_TX;
}

SEC("xdp")
int bare_encap20(struct xdp_md *ctx)
{
	return bare_encap(ctx, sizeof(struct iphdr));
}

SEC("xdp")
int bare_encap40(struct xdp_md *ctx)
{
	return bare_encap(ctx, sizeof(struct ipv6hdr));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
