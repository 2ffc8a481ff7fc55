/* SPDX-License-Identifier: BSD-2-Clause */
/* Fills live frames of BPF_PROG_RUN with a template and sends them out of their interface. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "generate.h"

__u8 template[GENERATE_BYTES];
__u64 sent; /* one CPU runs this */

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	__u8 *frame = (void *)(long)ctx->data;
	__u8 *end = (void *)(long)ctx->data_end;

	if (frame + GENERATE_BYTES > end)
		return XDP_DROP;
	/* All of it: pages are used again, with what the forwarder has made of them. */
	__builtin_memcpy(frame, template, GENERATE_BYTES);
	*(__be16 *)(frame + GENERATE_SPORT) =
		bpf_htons(GENERATE_FIRST_PORT + (sent & (GENERATE_FLOWS - 1)));
	sent++;
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
