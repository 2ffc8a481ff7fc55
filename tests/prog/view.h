/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame by offsets, read by nothing that the program has. */
#ifndef MUSTER_TESTS_VIEW_H
#define MUSTER_TESTS_VIEW_H

#include "packet.h"

struct view {
	const uint8_t *b;
	size_t n, link, ip_bytes; /* frame; Ethernet and tags; the IP packet by its header */
	size_t header;		  /* IPv4 with options, IPv6 without extensions */
	const uint8_t *ip, *src, *dst;
	uint16_t type;
	uint8_t tos, ttl;
	bool v6;
};

static inline uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static inline bool view_ip(struct view *view, const uint8_t *ip, size_t n)
{
	view->ip = ip;
	if (n < 20)
		return false;
	view->v6 = ip[0] >> 4 == 6;
	if (view->v6 && n >= 40) {
		view->header = 40;
		view->ip_bytes = 40 + (size_t)be16(ip + 4);
		view->tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
		view->ttl = ip[7];
		view->src = ip + 8;
		view->dst = ip + 24;
	} else {
		view->header = (ip[0] & 15) * 4u;
		view->ip_bytes = be16(ip + 2);
		view->tos = ip[1];
		view->ttl = ip[8];
		view->src = ip + 12;
		view->dst = ip + 16;
		if (ip[0] >> 4 != 4 || view->header < 20)
			return false;
	}
	return view->header <= view->ip_bytes && view->ip_bytes <= n;
}

/* False if it is no IP packet that is whole. */
static inline bool view_frame(struct view *view, const uint8_t *b, size_t n, unsigned max_tags)
{
	*view = (struct view){.b = b, .n = n, .link = 14, .type = be16(b + 12)};
	for (unsigned i = 0; i < max_tags; i++) {
		if ((view->type != 0x8100 && view->type != 0x88a8) || n < view->link + 4)
			break;
		view->type = be16(b + view->link + 2);
		view->link += 4;
	}
	if (!view_ip(view, b + view->link, n - view->link))
		return false;
	return view->type == (view->v6 ? 0x86dd : 0x0800);
}

static inline bool right(const uint8_t *data, size_t n, uint32_t sum)
{
	return !finish_sum(sum_bytes(data, n, sum));
}

static inline uint32_t pseudo(const struct view *view, uint8_t proto, size_t n)
{
	return sum_bytes(view->src, view->v6 ? 32 : 8, (uint32_t)n + proto);
}

static inline bool is_odd_source(const struct view *view)
{
	static const uint8_t zero[15];

	if (!view->v6)
		return !view->src[0] || view->src[0] == 127 || view->src[0] >= 224;
	return view->src[0] == 255 || (!memcmp(view->src, zero, 15) && view->src[15] <= 1);
}

/* Behind options or extension headers. NULL: not there whole, or only a fragment of it. */
static inline const uint8_t *view_l4(const struct view *view, uint8_t *ret_proto)
{
	size_t at = view->header;
	uint8_t proto = view->ip[view->v6 ? 6 : 9];

	while (view->v6 &&
		(proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60)) {
		const uint8_t *header = view->ip + at;

		if (at + 8 > view->ip_bytes || (proto == 44 && be16(header + 2) & 0xfff9))
			return NULL;
		at += proto == 44 ? 8 : header[1] * (proto == 51 ? 4u : 8u) + 8;
		proto = header[0];
	}
	*ret_proto = proto;
	return at + 8 <= view->ip_bytes ? view->ip + at : NULL;
}

#endif
