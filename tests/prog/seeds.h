/* SPDX-License-Identifier: BSD-2-Clause */
/* Valid packets of every kind to every VIP of scene.h: where test_mutations.c starts from. */
#ifndef MUSTER_TESTS_SEEDS_H
#define MUSTER_TESTS_SEEDS_H

#include "scene.h"

/* Makes room for @n bytes at @at. */
static inline void insert(struct frame *f, size_t at, const void *data, size_t n)
{
	if (at > f->n || f->n + n > 1900)
		return;
	memmove(f->b + at + n, f->b + at, f->n - at);
	memcpy(f->b + at, data, n);
	f->n += n;
}

static inline void add16(struct frame *f, size_t at, int change)
{
	set16(f, at, (uint16_t)(get16(f, at) + change));
}

static inline void sum_header(struct frame *f)
{
	set16(f, f->ip + 10, 0);
	set16(f, f->ip + 10,
		finish_sum(sum_bytes(f->b + f->ip, (size_t)(f->b[f->ip] & 15) * 4, 0)));
}

static inline void add_options(struct frame *f, const char *options, size_t n)
{
	insert(f, f->ip + 20, options, n);
	f->b[f->ip] = (uint8_t)(f->b[f->ip] + n / 4);
	add16(f, f->ip + 2, (int)n);
	sum_header(f);
}

/* Right behind the IPv6 header; @data's first byte is filled in. */
static inline void add_extension(struct frame *f, uint8_t number, const char *data, size_t n)
{
	insert(f, f->ip + 40, data, n);
	f->b[f->ip + 40] = f->b[f->ip + 6];
	f->b[f->ip + 6] = number;
	add16(f, f->ip + 4, (int)n);
}

/* @offset in units of 8 bytes. */
static inline void make_fragment(struct frame *f, uint16_t offset, bool more)
{
	char header[8] = {0, 0, (char)(offset >> 5), (char)(offset << 3 | more), 0, 0, 0, 7};

	if (f->v6) {
		add_extension(f, 44, header, sizeof(header));
		return;
	}
	set16(f, f->ip + 6, (uint16_t)(offset | more << 13));
	sum_header(f);
}

/* A packet that the client sent as the VIP's member answered it: what errors quote. */
static inline void quote_of(struct frame *f, const char *vip, uint8_t proto)
{
	if (strchr(vip, ':'))
		ip6(f, vip, CLIENT6, proto);
	else
		ip4(f, vip, CLIENT4, proto);
	if (proto == IPPROTO_TCP)
		tcp(f, 80, 40000, 2000, 1010, 0x10);
	else
		udp(f, 80, 40000);
	bytes(f, 'y', 20);
	seal(f);
}

static inline void error_to(struct frame *f, const char *vip, uint8_t proto, uint8_t type)
{
	struct frame inner = {};

	quote_of(&inner, vip, proto);
	from_client(f, vip, strchr(vip, ':') ? 58 : 1);
	icmp(f, type, 0, 1400);
	put(f, inner.b, inner.n);
	seal(f);
}

enum seed_kind {
	SEED_SYN,
	SEED_DATA,
	SEED_RST,
	SEED_UDP,
	SEED_BIG,
	SEED_LAST_TTL,
	SEED_ECHO,
	SEED_ERROR_TCP,
	SEED_ERROR_UDP,
	SEED_HEADERS, /* options or extension headers */
	SEED_FIRST,
	SEED_LATER,
	SEED_OTHER_PROTO,
	SEED_KINDS,
};

static inline void seed_datagram(struct frame *f, const char *vip, uint8_t proto, size_t payload)
{
	from_client(f, vip, proto);
	if (proto == IPPROTO_TCP)
		tcp(f, 40000, 80, 1000, 2000, 0x18);
	else if (proto == IPPROTO_UDP)
		udp(f, 40000, 80);
	bytes(f, 'x', payload);
	seal(f);
}

static inline void seed_headers(struct frame *f, const char *vip)
{
	seed_datagram(f, vip, IPPROTO_TCP, 20);
	if (!f->v6) {
		add_options(f, "\x44\x08\x05\0\0\0\0\0\x01\x01\x01\0", 12);
		return;
	}
	add_extension(f, 51, "\0\4\0\0\0\0\0\7\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 24);
	add_extension(f, 43, "\0\2\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
	add_extension(f, 60, "\0\0\1\4\0\0\0\0", 8);
	add_extension(f, 0, "\0\0\1\4\0\0\0\0", 8);
}

static inline void seed(struct frame *f, const char *vip, enum seed_kind kind)
{
	bool v6 = strchr(vip, ':');

	if (kind == SEED_SYN || kind == SEED_RST)
		tcp_to(f, vip, kind == SEED_SYN ? 0x02 : 0x04);
	else if (kind == SEED_ECHO || kind == SEED_ERROR_TCP || kind == SEED_ERROR_UDP)
		error_to(f, vip, kind == SEED_ERROR_UDP ? IPPROTO_UDP : IPPROTO_TCP,
			kind == SEED_ECHO ? (v6 ? 128 : 8)
			: v6		  ? 2
					  : 3);
	else if (kind == SEED_HEADERS)
		seed_headers(f, vip);
	else
		seed_datagram(f, vip,
			kind == SEED_OTHER_PROTO		     ? 132
			: kind == SEED_DATA || kind == SEED_LAST_TTL ? IPPROTO_TCP
								     : IPPROTO_UDP,
			kind == SEED_BIG ? 1440 : 64);
	if (kind == SEED_FIRST || kind == SEED_LATER)
		make_fragment(f, kind == SEED_LATER ? 9 : 0, kind == SEED_FIRST);
	if (kind == SEED_LAST_TTL || (kind == SEED_BIG && !v6)) {
		f->b[f->ip + (v6 ? 7 : 8)] = kind == SEED_BIG ? 63 : 1;
		if (!v6) {
			set16(f, f->ip + 6, 0x4000);
			sum_header(f);
		}
	}
}

#endif
