/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The sum over a whole payload. Only the long way needs it. */
#ifndef MUSTER_BPF_SUM_H
#define MUSTER_BPF_SUM_H

#include "walk.h"

#define SUM_CHUNK 64
#define SUM_MAX	  16384 /* bytes; what the verifier follows in a moment */

struct chunk {
	__be32 words[SUM_CHUNK / 4];
};

/* @sum and the whole chunk at @offset; negative: beyond the frame. */
MUSTER_INLINE __s64 sum_chunk(struct xdp_md *ctx, __u32 offset, __s64 sum)
{
	const struct chunk *at = (const void *)(long)ctx->data + offset;
	struct chunk chunk;

	if (has_frags) {
		if (bpf_xdp_load_bytes(ctx, offset, &chunk, sizeof(chunk)))
			return -1;
		return bpf_csum_diff((void *)0, 0, chunk.words, sizeof(chunk), (__u32)sum);
	}
	if ((const void *)(at + 1) > (const void *)(long)ctx->data_end)
		return -1;
	return bpf_csum_diff((void *)0, 0, (__be32 *)at, sizeof(*at), (__u32)sum);
}

/* @sum and the last @bytes, fewer than a chunk. */
MUSTER_INLINE __s64 sum_rest(struct xdp_md *ctx, __u32 offset, __u32 bytes, __s64 sum)
{
	const __u8 *at = (const void *)(long)ctx->data + offset;
	struct chunk chunk = {};
	__u8 *to = (void *)&chunk;

	if (has_frags) {
		if (bytes >= SUM_CHUNK || bpf_xdp_load_bytes(ctx, offset, &chunk, bytes))
			return -1;
	} else {
		for (__u32 i = 0; i < SUM_CHUNK - 1 && i < bytes; i++) {
			if ((const void *)(at + i + 1) > (const void *)(long)ctx->data_end)
				return -1;
			to[i] = at[i];
		}
	}
	return bpf_csum_diff((void *)0, 0, chunk.words, sizeof(chunk), (__u32)sum);
}

/*
 * Sum of @bytes of the frame from @offset on, as csum_fold() wants it; negative: more than SUM_MAX, or
 * beyond the frame.
 */
__s64 sum_frame(struct xdp_md *ctx, __u32 offset, __u32 bytes);
MUSTER_SEPARATE __s64 sum_frame(struct xdp_md *ctx, __u32 offset, __u32 bytes)
{
	__u32 chunks = bytes / SUM_CHUNK, rest = bytes % SUM_CHUNK;
	__s64 sum = 0;

	if (bytes > SUM_MAX || offset > 256)
		return -1;
	for (__u32 i = 0; i < SUM_MAX / SUM_CHUNK && i < chunks && sum >= 0; i++)
		sum = sum_chunk(ctx, offset + i * SUM_CHUNK, sum);
	if (rest && sum >= 0)
		sum = sum_rest(ctx, offset + chunks * SUM_CHUNK, rest, sum);
	return sum < 0 ? -1 : (__u32)sum;
}

#endif
