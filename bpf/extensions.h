/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What may stand between an IP header and the transport header (RFC 791, RFC 8200, RFC 4302). Pure. */
#ifndef MUSTER_BPF_EXTENSIONS_H
#define MUSTER_BPF_EXTENSIONS_H

#include "packet.h"

#define EXTENSIONS_MAX	     8
#define EXTENSIONS_BYTES_MAX 1024
#define OPTIONS_BYTES_MAX    40

#define OPTION_END	    0
#define OPTION_NOP	    1
#define OPTION_LOOSE_ROUTE  131
#define OPTION_STRICT_ROUTE 137

#define L4_AT_MASK   0x7ff /* holds any place where an extension chain may end */
#define WALK_AT_MASK 0xfff /* holds any place in a frame where a walk may begin */

/* Where the extension headers end, as one number: GO_ON is 0 here, reasons count from 1. */
struct chain {
	__u8 status;	   /* 0, or the reason + 1 */
	__u8 proto;	   /* of what is behind */
	__u16 at;	   /* bytes from the IP header */
	__u16 fragment_at; /* likewise, of the first fragment header that is not atomic; 0: none */
	__u16 pad;
};

union chain_number {
	struct chain chain;
	__u64 number;
};

struct extension {
	__u8 next, length;
	__u8 type, segments_left; /* of a routing header */
	__be32 rest;
};

struct fragment_header {
	__u8 next, reserved;
	__be16 offset; /* in units of 8 bytes, << 3; bit 0: more */
	__be32 id;
};

/* Bytes of the extension header, 0 if @proto is none that we step over. */
MUSTER_INLINE __u32 extension_bytes(__u8 proto, __u8 length)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
	case IPPROTO_ROUTING:
		return (length + 1u) * 8;
	case IPPROTO_FRAGMENT:
		return sizeof(struct fragment_header);
	case IPPROTO_AH:
		return (length + 2u) * 4;
	default:
		return 0;
	}
}

MUSTER_INLINE __u64 chain_number(int reason, __u32 at, __u8 proto, __u32 fragment_at)
{
	union chain_number result = {.chain = {.status = (__u8)(reason == GO_ON ? 0 : reason + 1),
					     .proto = proto,
					     .at = (__u16)at,
					     .fragment_at = (__u16)fragment_at}};

	return result.number;
}

/* A fragment that is the whole: RFC 6946. */
MUSTER_INLINE int is_atomic(const struct fragment_header *header)
{
	return !(header->offset & bpf_htons(0xfff9));
}

MUSTER_INLINE int is_later_fragment(const struct fragment_header *header)
{
	return !!(header->offset & bpf_htons(0xfff8));
}

/*
 * Walks the extension headers of the IPv6 packet of @bytes that begins at @ip_at in the frame. A union
 * chain_number; its status may be truncated, bad_header, or extension_header where the chain is too long or
 * routes. What is behind a later fragment's header is payload, and not walked.
 */
__u64 walk_extensions(frame_view *view, __u32 ip_at, __u32 bytes);
MUSTER_SEPARATE __u64 walk_extensions(frame_view *view, __u32 ip_at, __u32 bytes)
{
	const void *ip = view_data(view) + (ip_at & WALK_AT_MASK), *end = view_end(view);
	__u32 at = sizeof(struct ipv6hdr), fragment_at = 0;
	__u8 proto;

	if (ip_at > WALK_AT_MASK || ip + sizeof(struct ipv6hdr) > end)
		return chain_number(MUSTER_REASON_truncated, 0, 0, 0);
	proto = ((const struct ipv6hdr *)ip)->nexthdr;
	for (int i = 0; i < EXTENSIONS_MAX && extension_bytes(proto, 0); i++) {
		const struct extension *extension = ip + at;
		__u8 here = proto;

		if ((const void *)(extension + 1) > end)
			return chain_number(MUSTER_REASON_truncated, 0, 0, 0);
		if (here == IPPROTO_ROUTING && extension->segments_left)
			return chain_number(MUSTER_REASON_extension_header, 0, 0, 0);
		if (here == IPPROTO_FRAGMENT && !fragment_at && !is_atomic((const void *)extension))
			fragment_at = at;
		proto = extension->next;
		at += extension_bytes(here, extension->length);
		if (at > bytes)
			return chain_number(MUSTER_REASON_bad_header, 0, 0, 0);
		if (at > sizeof(struct ipv6hdr) + EXTENSIONS_BYTES_MAX)
			return chain_number(MUSTER_REASON_extension_header, 0, 0, 0);
		if (here == IPPROTO_FRAGMENT && is_later_fragment((const void *)extension))
			return chain_number(GO_ON, at, proto, fragment_at);
	}
	if (extension_bytes(proto, 0))
		return chain_number(MUSTER_REASON_extension_header, 0, 0, 0);
	return chain_number(GO_ON, at, proto, fragment_at);
}

/*
 * The options of the IPv4 header of @bytes in all that begins at @ip_at in the frame. 0, or 1 if they route
 * by source or are malformed.
 */
int walk_options(frame_view *view, __u32 ip_at, __u32 bytes);
MUSTER_SEPARATE int walk_options(frame_view *view, __u32 ip_at, __u32 bytes)
{
	const void *ip = view_data(view) + (ip_at & WALK_AT_MASK), *end = view_end(view);
	__u32 next = sizeof(struct iphdr);

	/* Byte by byte, though most are skipped: so the verifier has one state for each. */
	for (__u32 at = next; at < sizeof(struct iphdr) + OPTIONS_BYTES_MAX; at++) {
		const __u8 *option = ip + at;

		if (at < next)
			continue;
		if (at >= bytes)
			return 0;
		if ((const void *)(option + 1) > end)
			return 1;
		if (option[0] == OPTION_END)
			return 0;
		next = at + 1;
		if (option[0] == OPTION_NOP)
			continue;
		if (option[0] == OPTION_LOOSE_ROUTE || option[0] == OPTION_STRICT_ROUTE)
			return 1;
		if ((const void *)(option + 2) > end || option[1] < 2 || at + option[1] > bytes)
			return 1;
		next = at + option[1];
	}
	return 0;
}

#endif
