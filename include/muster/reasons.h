/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Why a packet left the pipeline. One list gives the enum, the metric label, the text of the command
 * line and the table in docs/reasons.md. A number is never reused: the counter array outlives the
 * program that filled it. (22 was wrong_family, when mode ipip did not cross families.)
 *
 *	R(number, name, action, text)
 *
 * action: what became of the packet: PASS (left to the kernel), DROP, SENT (to a member) or REPLY
 * (answered by the balancer itself).
 */
#ifndef MUSTER_REASONS_H
#define MUSTER_REASONS_H

/* clang-format off */
#define MUSTER_REASONS(R) \
	R(0,  sent_l2dsr,        SENT,  "sent to a member, MAC addresses rewritten") \
	R(1,  sent_ipip,         SENT,  "sent to a member in an outer IP header") \
	R(2,  not_ip,            PASS,  "neither IPv4 nor IPv6, or a broadcast or multicast frame") \
	R(3,  not_vip,           PASS,  "no VIP has this destination") \
	R(4,  vlan_tag,          PASS,  "more than two VLAN tags") \
	R(5,  truncated,         PASS,  "the frame ends before its headers do") \
	R(6,  bad_header,        PASS,  "a header length or total length contradicts the frame") \
	R(7,  fragment,          DROP,  "a fragment to a VIP whose ports are not known") \
	R(8,  ip_options,        DROP,  "IPv4 options to a VIP that route by source or are malformed") \
	R(9,  extension_header,  DROP,  "IPv6 extension headers to a VIP that route, or are more than 8 or 1 KiB") \
	R(10, icmp_error,        DROP,  "an ICMP error to a VIP that quotes no flow of it") \
	R(11, icmp_other,        DROP,  "ICMP to a VIP that is neither echo request nor error") \
	R(12, unknown_protocol,  DROP,  "a protocol other than TCP, UDP and ICMP to a VIP") \
	R(13, echo_reply,        REPLY, "an echo request to a VIP, answered") \
	R(14, empty_drop,        DROP,  "no usable member and on_empty is drop") \
	R(15, empty_reject,      REPLY, "no usable member; answered with RST or port unreachable") \
	R(16, empty_silent,      DROP,  "no usable member; an answer would be wrong (RST, multicast source)") \
	R(17, reply_limited,     DROP,  "an answer suppressed by the per-CPU rate limit") \
	R(18, no_member,         DROP,  "the slot names a member that does not exist: a controller bug") \
	R(19, no_nexthop,        DROP,  "the member has no resolved next hop") \
	R(20, too_big,           DROP,  "larger than the path to the member, and an answer would be wrong") \
	R(21, no_headroom,       DROP,  "the driver left no room for the outer header") \
	R(23, abi_mismatch,      PASS,  "the control map has another ABI version") \
	R(24, neighbour_discovery, PASS, "IPv6 neighbour discovery to a VIP, for the kernel") \
	R(25, sent_gue,          SENT,  "sent to a member in an outer IP and UDP header") \
	R(26, ttl_exceeded,      REPLY, "TTL or hop limit ran out here; answered") \
	R(27, ttl_silent,        DROP,  "TTL or hop limit ran out here, and an answer would be wrong") \
	R(28, too_big_reply,     REPLY, "larger than the path to the member; the sender was told what fits") \
	R(29, too_big_no_df,     DROP,  "larger than the path to the member, IPv4 without DF: not fragmented here") \
	R(30, no_checksum,       DROP,  "too large to compute the outer UDP checksum that IPv6 wants") \
	R(31, no_program,        PASS,  "the program for unusual packets is missing: a controller bug") \
	R(32, flows_full,        DROP,  "a new flow where the flow table is full and the old member is down") \
	R(33, member_reset,      REPLY, "a TCP flow whose member is down, and on_down is reset; answered with RST")
/* clang-format on */

enum muster_action {
	MUSTER_ACTION_PASS,
	MUSTER_ACTION_DROP,
	MUSTER_ACTION_SENT,
	MUSTER_ACTION_REPLY,
};

enum muster_reason {
#define R(number, name, action, text) MUSTER_REASON_##name = number,
	MUSTER_REASONS(R)
#undef R
};

/* The counter array has room for reasons to come, so that adding one is no ABI break. */
#define MUSTER_REASONS_MAX 256

#endif
