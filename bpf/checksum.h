/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The Internet checksum (RFC 1071). Pure; compiles natively. */
#ifndef MUSTER_BPF_CHECKSUM_H
#define MUSTER_BPF_CHECKSUM_H

#include "packet.h"

/* Adds @n 32-bit words; @n is a constant, the loop is unrolled. */
MUSTER_INLINE __u64 csum_words(const void *data, int n, __u64 sum)
{
	const __u32 *words = data;

	UNROLL
	for (int i = 0; i < n; i++)
		sum += words[i];
	return sum;
}

MUSTER_INLINE __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/*
 * @check with one 16-bit word under it changed (RFC 1624). Never 0, which would be wrong over zeros alone;
 * 0xffff stands for it everywhere.
 */
MUSTER_INLINE __u16 csum_replace(__u16 check, __be16 from, __be16 to)
{
	__u16 replaced = csum_fold((__u64)(__u16)~check + (__u16)~from + to);

	return replaced ? replaced : 0xffff;
}

/* Sum of the pseudo-header of @src, @dst (both IPv4 mapped: their last word counts). @length: bytes. */
MUSTER_INLINE __u64 csum_pseudo(const struct muster_addr *src, const struct muster_addr *dst,
	int is_v6, __u8 proto, __be32 length)
{
	__u64 sum = (__u64)length + ((__u64)proto << 24);

	if (!is_v6)
		return sum + src->w[3] + dst->w[3];
	return csum_words(dst, 4, csum_words(src, 4, sum));
}

#endif
