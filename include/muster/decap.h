/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What muster-decap and the backend's program share. */
#ifndef MUSTER_DECAP_H
#define MUSTER_DECAP_H

#include <muster/abi.h>

/*
 * What was done with a packet that was encapsulated. One counter each, per CPU. New ones go to the end: the
 * program that is attached may be older than what reads its counters.
 */
/* clang-format off */
#define MUSTER_DECAP_REASONS(R) \
	R(ipip,           "IP in IP, stripped") \
	R(gue,            "GUE or FOU, stripped") \
	R(ecn_dropped,    "congestion on the way of a packet that cannot carry the mark: dropped (RFC 6040)") \
	R(not_told,       "for an inner destination that was not told: left alone") \
	R(malformed,      "lengths that contradict each other: left alone") \
	R(gue_flags,      "GUE with flags, which may change the packet inside: left alone") \
	R(source_refused, "from an outer source that was not told: left alone")
/* clang-format on */

enum muster_decap_reason {
#define R(name, text) MUSTER_DECAP_##name,
	MUSTER_DECAP_REASONS(R)
#undef R
		MUSTER_DECAP_REASONS_N
};

#define MUSTER_DECAP_IPV4	 4
#define MUSTER_DECAP_IPV6	 6
#define MUSTER_DECAP_SOURCE_BITS 160

/*
 * A prefix of outer sources, as the kernel's longest prefix match has it. The family is part of it: ::/0 is
 * every IPv6 address and no IPv4 one. It has 32 bits, the address (IPv4: mapped) 128.
 */
struct muster_decap_source {
	__u32 prefix_bits;
	__u8 family;
	__u8 pad[3];
	struct muster_addr addr;
};
MUSTER_STATIC_ASSERT(sizeof(struct muster_decap_source) == 24, "decap source");

#endif
