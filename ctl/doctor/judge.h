/* SPDX-License-Identifier: BSD-2-Clause */
/* From facts to findings. Pure. */
#ifndef MUSTER_DOCTOR_JUDGE_H
#define MUSTER_DOCTOR_JUDGE_H

#include "core/addr.h"
#include "doctor/findings.h"

struct kernel_facts {
	char release[65];
	unsigned major, minor;
	int jit; /* net.core.bpf_jit_enable; -1: not readable */
	bool bpffs;
	const char *pin_dir;
};

struct nic_facts {
	const char *name;
	bool there, up;
	char driver[32];  /* "": not known */
	const char *mode; /* "native", "generic", "detached"; NULL: no musterd to ask */
	const char *note; /* why it is detached; or NULL */
	int lro, gro, rx_vlan, tx_checksum; /* offloads: 1 on, 0 off, -1 not known */
	int rp_filter;			    /* the stricter of all and this; -1 not known */
	int mtu;
};

/* What the probes of one {VIP, backend} found. */
struct reach_facts {
	const char *backend, *vip, *mode;
	const char *path; /* "ok", "no_neighbour", ... */
	const char *dev;  /* goes out there; "" without a path */
	bool dev_attached;
	bool probed; /* else nothing below counts */
	bool has_source;
	unsigned wanted;  /* bytes of the inner packet that the path's MTU allows */
	unsigned reached; /* that were answered; 0: none, of any size */
};

void judge_kernel(const struct kernel_facts *facts, struct findings *findings);
void judge_nic(const struct nic_facts *facts, struct findings *findings);
void judge_reach(const struct reach_facts *facts, struct findings *findings);

#endif
