/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the backend's program did with a packet that was encapsulated. One counter each, per CPU. */
#ifndef MUSTER_DECAP_H
#define MUSTER_DECAP_H

/* clang-format off */
#define MUSTER_DECAP_REASONS(R) \
	R(ipip,        "IP in IP, stripped") \
	R(gue,         "GUE or FOU, stripped") \
	R(ecn_dropped, "congestion on the way of a packet that cannot carry the mark: dropped (RFC 6040)") \
	R(not_told,    "for an inner destination that was not told: left alone") \
	R(malformed,   "lengths that contradict each other: left alone")
/* clang-format on */

enum muster_decap_reason {
#define R(name, text) MUSTER_DECAP_##name,
	MUSTER_DECAP_REASONS(R)
#undef R
		MUSTER_DECAP_REASONS_N
};

#endif
