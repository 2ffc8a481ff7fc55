/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The keyed hashes that the data plane and the controller must agree on. Everything here is a pure
 * function of its arguments and compiles both for BPF and natively.
 *
 * SipHash-1-3 (Aumasson, Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012) makes what has
 * to be unpredictable and is not hot: permutations of the ring, keys derived from the key. Packets are
 * hashed with what abi.h has for them: cheaper, and keyed all the same, since a client chooses its
 * source port.
 */
#ifndef MUSTER_HASH_H
#define MUSTER_HASH_H

#include <linux/types.h>

#define MUSTER_INLINE static inline __attribute__((always_inline, unused))

struct muster_hash_key {
	__u64 k[2];
};

struct muster_sip {
	__u64 v0, v1, v2, v3;
};

MUSTER_INLINE __u64 muster_rotl64(__u64 x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

MUSTER_INLINE void muster_sip_round(struct muster_sip *s)
{
	s->v0 += s->v1;
	s->v1 = muster_rotl64(s->v1, 13) ^ s->v0;
	s->v0 = muster_rotl64(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = muster_rotl64(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = muster_rotl64(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = muster_rotl64(s->v1, 17) ^ s->v2;
	s->v2 = muster_rotl64(s->v2, 32);
}

MUSTER_INLINE void muster_sip_init(struct muster_sip *s, const struct muster_hash_key *key)
{
	s->v0 = key->k[0] ^ 0x736f6d6570736575ull;
	s->v1 = key->k[1] ^ 0x646f72616e646f6dull;
	s->v2 = key->k[0] ^ 0x6c7967656e657261ull;
	s->v3 = key->k[1] ^ 0x7465646279746573ull;
}

MUSTER_INLINE void muster_sip_word(struct muster_sip *s, __u64 word)
{
	s->v3 ^= word;
	muster_sip_round(s);
	s->v0 ^= word;
}

/* @last: the remaining 0 .. 7 bytes, and the length of the whole message in its top byte. */
MUSTER_INLINE __u64 muster_sip_end(struct muster_sip *s, __u64 last)
{
	muster_sip_word(s, last);
	s->v2 ^= 0xff;
	muster_sip_round(s);
	muster_sip_round(s);
	muster_sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* SipHash-1-3 of @n whole words. */
MUSTER_INLINE __u64 muster_hash_words(const struct muster_hash_key *key, const __u64 *words, int n)
{
	struct muster_sip s;

	muster_sip_init(&s, key);
	for (int i = 0; i < n; i++)
		muster_sip_word(&s, words[i]);
	return muster_sip_end(&s, (8ull * n) << 56);
}

/* A bijective mixer of 64 bits (the finalizer of MurmurHash3); for integers that no client chooses. */
MUSTER_INLINE __u64 muster_mix64(__u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	x ^= x >> 33;
	return x;
}

/* Maps 32 uniform bits onto 0 .. n-1 without a division (Lemire, 2016). */
MUSTER_INLINE __u32 muster_reduce(__u32 hash, __u32 n)
{
	return (__u32)(((__u64)hash * n) >> 32);
}

#endif
