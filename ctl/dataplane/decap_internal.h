/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DATAPLANE_DECAP_INTERNAL_H
#define MUSTER_DATAPLANE_DECAP_INTERNAL_H

#include "dataplane/decap.h"

struct decap_bpf; /* the skeleton, build/gen/decap.skel.h */

struct decap {
	struct decap_bpf *skeleton;
	int link_fd;
	char *why_generic; /* NULL: native */
};

#endif
