/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What is known of a packet on its way through the stages. */
#ifndef MUSTER_BPF_PACKET_H
#define MUSTER_BPF_PACKET_H

#ifdef __BPF__
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#else /* natively; libc's headers have to come first */
#include <arpa/inet.h>
#include <netinet/in.h>
#define bpf_htons(x) htons(x)
#define bpf_ntohs(x) ntohs(x)
#define bpf_htonl(x) htonl(x)
#define bpf_ntohl(x) ntohl(x)
#endif
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <muster/abi.h>

/* A frame, or its first part. */
#ifdef __BPF__
struct xdp_md;
typedef struct xdp_md frame_view;
#define view_data(view) ((void *)(long)(view)->data)
#define view_end(view)	((void *)(long)(view)->data_end)
#else
typedef struct {
	void *data, *data_end;
} frame_view;
#define view_data(view) ((view)->data)
#define view_end(view)	((view)->data_end)
#endif

/*
 * Not inlined and not static: the verifier looks at it once, by itself, and its callers go on from an unknown
 * result, whatever way led there. Takes the frame and numbers, returns a number.
 */
#define MUSTER_SEPARATE __attribute__((noinline))

/* Network byte order as a constant expression: for case labels. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NET16(x) __builtin_bswap16(x)
#else
#define NET16(x) (x)
#endif

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL
#endif

/*
 * A stage returns a reason, which ends the packet's way, or one of these. UNUSUAL: the straight way ends
 * here, and the packet takes the long one from the start; on the long way pick() says so when there is no
 * member. MEMBER_DOWN: there was one.
 */
#define GO_ON	    (-1)
#define UNUSUAL	    (-2)
#define MEMBER_DOWN (-3)

/* The part that ICMP and ICMPv6 share. (linux/icmp.h drags libc headers in.) */
struct icmp_header {
	__u8 type, code;
	__u16 checksum;
	__be32 rest; /* identifier and sequence of an echo; MTU of "too big" */
};

#define ICMP_ECHO_REPLY	    0
#define ICMP_UNREACHABLE    3
#define ICMP_QUENCH	    4
#define ICMP_REDIRECTED	    5
#define ICMP_ECHO_REQUEST   8
#define ICMP_TTL_EXCEEDED   11
#define ICMP_PARAMETER	    12
#define ICMP_CODE_PORT	    3
#define ICMP_CODE_TOO_BIG   4
#define ICMPV6_UNREACHABLE  1
#define ICMPV6_TOO_BIG	    2
#define ICMPV6_EXCEEDED	    3
#define ICMPV6_PARAMETER    4
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_REPLY	    129
#define ICMPV6_ND_FIRST	    133
#define ICMPV6_ND_LAST	    137
#define ICMPV6_CODE_PORT    4

#define NO_INDEX 0xffffffffu

/* TCP flags as they stand in byte 13 of the header. */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

enum fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

struct packet {
	struct muster_key key;	/* of the flow: the VIP's address, protocol and port */
	struct muster_addr src; /* of the flow: the client */
	__be32 seq;		/* of a TCP segment */
	__be16 sport;
	__u16 ip_bytes; /* of the IP packet, by its header */
	__u8 is_v6;
	__u8 tcp_flags;
	__u8 tos; /* IPv4 TOS or IPv6 traffic class */
	__u8 ttl;

	/* What follows is for the long way alone (parse_any.h). */
	/*
	 * GO_ON, or the reason that holds if the destination turns out to be a VIP: what cannot be
	 * placed by ports is looked up by its address alone.
	 */
	int deferred;
	__be32 fragment_id;
	__u16 l4_at;	     /* bytes from the IP header to what is behind options and extensions */
	__u8 fragment;	     /* enum fragment */
	__u8 fragment_proto; /* of the first header in the fragmented part */
	__u8 overlaps;	     /* a later fragment that would change a TCP header: RFC 3128 */
	__u8 icmp_error;     /* the flow is the quoted one */
	__u8 dont_fragment;
};

/* The VLAN tags that a frame came with. */
struct tags {
	struct muster_tag tag[MUSTER_TAGS_MAX];
	__u32 n;
};

MUSTER_INLINE __u32 ip_header_bytes(int is_v6)
{
	return is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

MUSTER_INLINE int is_mapped(const struct muster_addr *addr)
{
	return !addr->d[0] && addr->w[2] == bpf_htonl(0xffff);
}

/*
 * Written as it is read by the key's hash and comparison: a load of eight bytes right behind two stores of four
 * has to wait for both.
 */
MUSTER_INLINE void map_ipv4(struct muster_addr *addr, __be32 ipv4)
{
	addr->d[0] = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	addr->d[1] = (__u64)ipv4 << 32 | bpf_htonl(0xffff);
#else
	addr->d[1] = (__u64)bpf_htonl(0xffff) << 32 | ipv4;
#endif
}

#endif
