/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames for tests, layer by layer: eth(), ip4() or ip6(), then tcp(), udp(), icmp(), bytes(); seal()
 * fills lengths and checksums from the outside in. The checksum here is written independently of the
 * one under test.
 */
#ifndef MUSTER_TESTS_PACKET_H
#define MUSTER_TESTS_PACKET_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct frame {
	uint8_t b[2048];
	size_t n;
	size_t ip, l4; /* offsets */
	bool v6;
	uint8_t proto;
};

#define MAC_CLIENT   "\x02\x00\x00\x00\x00\x01"
#define MAC_BALANCER "\x02\x00\x00\x00\x00\x02"
#define MAC_BACKEND  "\x02\x00\x00\x00\x00\x03"

static inline void put(struct frame *f, const void *data, size_t n)
{
	memcpy(f->b + f->n, data, n);
	f->n += n;
}

static inline void put8(struct frame *f, uint8_t value)
{
	f->b[f->n++] = value;
}

static inline void put16(struct frame *f, uint16_t value)
{
	put8(f, (uint8_t)(value >> 8));
	put8(f, (uint8_t)value);
}

static inline void put32(struct frame *f, uint32_t value)
{
	put16(f, (uint16_t)(value >> 16));
	put16(f, (uint16_t)value);
}

static inline void set16(struct frame *f, size_t at, uint16_t value)
{
	f->b[at] = (uint8_t)(value >> 8);
	f->b[at + 1] = (uint8_t)value;
}

static inline uint16_t get16(const struct frame *f, size_t at)
{
	return (uint16_t)(f->b[at] << 8 | f->b[at + 1]);
}

static inline uint32_t get32(const struct frame *f, size_t at)
{
	return (uint32_t)get16(f, at) << 16 | get16(f, at + 2);
}

static inline void eth(struct frame *f, const char *dst, const char *src, uint16_t type)
{
	memset(f, 0, sizeof(*f));
	put(f, dst, 6);
	put(f, src, 6);
	put16(f, type);
}

static inline void ip4(struct frame *f, const char *src, const char *dst, uint8_t proto)
{
	f->ip = f->n;
	f->proto = proto;
	put8(f, 0x45);
	put8(f, 0); /* tos */
	put16(f, 0);
	put16(f, 0x1234); /* id */
	put16(f, 0);
	put8(f, 63);
	put8(f, proto);
	put16(f, 0);
	inet_pton(AF_INET, src, f->b + f->n);
	inet_pton(AF_INET, dst, f->b + f->n + 4);
	f->n += 8;
	f->l4 = f->n;
}

static inline void ip6(struct frame *f, const char *src, const char *dst, uint8_t next)
{
	f->ip = f->n;
	f->v6 = true;
	f->proto = next;
	put32(f, 0x60000000);
	put16(f, 0);
	put8(f, next);
	put8(f, 63);
	inet_pton(AF_INET6, src, f->b + f->n);
	inet_pton(AF_INET6, dst, f->b + f->n + 16);
	f->n += 32;
	f->l4 = f->n;
}

static inline void tcp(
	struct frame *f, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack, uint8_t flags)
{
	put16(f, sport);
	put16(f, dport);
	put32(f, seq);
	put32(f, ack);
	put8(f, 0x50);
	put8(f, flags);
	put16(f, 1000);
	put32(f, 0);
}

static inline void udp(struct frame *f, uint16_t sport, uint16_t dport)
{
	put16(f, sport);
	put16(f, dport);
	put32(f, 0);
}

static inline void icmp(struct frame *f, uint8_t type, uint8_t code, uint32_t rest)
{
	put8(f, type);
	put8(f, code);
	put16(f, 0);
	put32(f, rest);
}

static inline void bytes(struct frame *f, uint8_t value, size_t n)
{
	memset(f->b + f->n, value, n);
	f->n += n;
}

/* Sum of big-endian words, byte by byte (RFC 1071 taken literally). */
static inline uint32_t sum_bytes(const uint8_t *data, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	return sum;
}

static inline uint16_t finish_sum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Checksum of the upper layer as it stands: 0 if it is right. */
static inline uint16_t l4_sum(const struct frame *f)
{
	size_t n = f->v6 ? get16(f, f->ip + 4) : (size_t)get16(f, f->ip + 2) - (f->l4 - f->ip);
	uint32_t sum = 0;

	if (f->proto != 1) /* ICMPv4 has no pseudo-header */
		sum = sum_bytes(
			f->b + f->ip + (f->v6 ? 8 : 12), f->v6 ? 32 : 8, (uint32_t)n + f->proto);
	return finish_sum(sum_bytes(f->b + f->l4, n, sum));
}

static inline uint16_t ip4_sum(const struct frame *f, size_t at)
{
	return finish_sum(sum_bytes(f->b + at, 20, 0));
}

static inline void seal(struct frame *f)
{
	size_t check = f->proto == 6			 ? 16
		       : f->proto == 17			 ? 6
		       : f->proto == 1 || f->proto == 58 ? 2
							 : 0;

	if (f->v6)
		set16(f, f->ip + 4, (uint16_t)(f->n - f->ip - 40));
	else
		set16(f, f->ip + 2, (uint16_t)(f->n - f->ip));
	if (f->proto == 17)
		set16(f, f->l4 + 4, (uint16_t)(f->n - f->l4));
	if (!f->v6)
		set16(f, f->ip + 10, ip4_sum(f, f->ip));
	if (check)
		set16(f, f->l4 + check, l4_sum(f));
}

/* One hop on: as the packet leaves. */
static inline void hop(struct frame *f)
{
	f->b[f->ip + (f->v6 ? 7 : 8)]--;
	if (f->v6)
		return;
	set16(f, f->ip + 10, 0);
	set16(f, f->ip + 10, ip4_sum(f, f->ip));
}

/* The same frame, seen by offsets: for output. */
static inline void look(struct frame *f, size_t n)
{
	f->n = n;
	f->ip = 14;
	f->v6 = f->b[14] >> 4 == 6;
	f->proto = f->v6 ? f->b[20] : f->b[23];
	f->l4 = f->v6 ? 54 : 34;
}

#endif
