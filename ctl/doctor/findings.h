/* SPDX-License-Identifier: BSD-2-Clause */
/* What `muster doctor` finds. Every finding has an id that stays, and unless all is well a cure. */
#ifndef MUSTER_DOCTOR_FINDINGS_H
#define MUSTER_DOCTOR_FINDINGS_H

#include "core/util.h"

/*
 *	F(id, level, cure)	level: how bad it is when it is found. cure: what to type, or to do; %s: the subject
 */
#define DOCTOR_FINDINGS(F)                                                                         \
	F(kernel_old, FAILED, "boot Linux 5.15 or newer")                                          \
	F(kernel_no_frags, NOTE, "boot Linux 5.18 or newer if an MTU over 3498 is wanted")         \
	F(kernel_no_jit, WARNING, "sysctl -w net.core.bpf_jit_enable=1")                           \
	F(kernel_no_bpffs, FAILED, "mount -t bpf bpf %s")                                          \
	F(daemon_away, SKIPPED, "systemctl start musterd; what depends on it was not looked at")   \
	F(nic_missing, FAILED, "correct `interfaces` in musterd.yaml, or make %s")                 \
	F(nic_down, FAILED, "ip link set %s up")                                                   \
	F(nic_detached, FAILED, "muster status tells why")                                         \
	F(nic_generic, WARNING, "use a NIC whose driver has native XDP, or for tests leave it")    \
	F(nic_lro, WARNING, "ethtool -K %s lro off")                                               \
	F(nic_gro_generic, WARNING, "ethtool -K %s gro off")                                       \
	F(nic_vlan_offload, FAILED, "ethtool -K %s rxvlan off")                                    \
	F(nic_partial_checksums, WARNING,                                                          \
		"ethtool -K %s tx off, in every container behind a veth")                          \
	F(nic_rp_filter, NOTE, "sysctl -w net.ipv4.conf.%s.rp_filter=2")                           \
	F(backend_no_path, FAILED, "ping it from here: route, link and neighbour decide")          \
	F(backend_other_nic, WARNING, "add that interface to `interfaces` in musterd.yaml")        \
	F(backend_silent, FAILED,                                                                  \
		"on %s: the VIP on lo, and for ipip and gue `muster decap`; see muster-decap(8)")  \
	F(backend_mtu, FAILED, "raise the MTU on the way to %s, or `ip route ... mtu` to it here") \
	F(backend_no_source, SKIPPED, "give the interface to %s an address of the VIP's family")   \
	F(probe_not_permitted, SKIPPED, "run as root: probing takes CAP_NET_RAW")

enum doctor_level { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_SKIPPED, DOCTOR_WARNING, DOCTOR_FAILED };

enum doctor_id {
#define F(id, level, cure) DOCTOR_ID_##id,
	DOCTOR_FINDINGS(F)
#undef F
		DOCTOR_IDS
};

struct finding {
	const char *id; /* "nic_lro"; of what is well: what was looked at */
	enum doctor_level level;
	char *subject, *text; /* owned */
	char *cure;	      /* owned; NULL: all is well */
};

struct findings {
	struct finding *rows;
	size_t n;
	bool no_memory;
};

/* @id: "nic_lro"; "" if there is no such finding. */
const char *doctor_id_name(enum doctor_id id);
const char *doctor_level_name(enum doctor_level level);

/* Appends. @text: what was found. */
void findings_add(struct findings *findings, enum doctor_id id, const char *subject,
	const char *text, ...) PRINTF(4, 5);
/* Something that was looked at and is well. @what stays with the caller for ever. */
void findings_ok(struct findings *findings, const char *what, const char *subject, const char *text,
	...) PRINTF(4, 5);
enum doctor_level findings_worst(const struct findings *findings);
void findings_clear(struct findings *findings);

#endif
