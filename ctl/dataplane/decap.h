/* SPDX-License-Identifier: BSD-2-Clause */
/* The backend's side of modes ipip and gue: attaches the decapsulating program. */
#ifndef MUSTER_DATAPLANE_DECAP_H
#define MUSTER_DATAPLANE_DECAP_H

#include "core/addr.h"
#include "core/util.h"

#include <muster/decap.h>

#define DECAP_MAX 1024

struct decap;

struct decap_options {
	const struct muster_addr *addrs; /* inner destinations */
	size_t n;
	__be16 gue_port; /* UDP destination port that holds packets */
};

/*
 * Attaches to @name, native or, where the driver has none, generic; strips the outer headers of packets
 * whose inner destination is in @options. 0; -EBUSY: another XDP program is there; -EPERM; -ENODEV;
 * -errno. *ret_error: a sentence.
 */
int decap_attach(struct decap **ret, const char *name, const struct decap_options *options,
	char **ret_error);

/* Packets of that fate so far, on all CPUs. */
uint64_t decap_packets(const struct decap *decap, enum muster_decap_reason reason);

bool decap_is_native(const struct decap *decap);

/* Leaves it attached after the process ends: pinned as @dir/@name. */
int decap_pin(struct decap *decap, const char *dir, const char *name, char **ret_error);
/* Detaches what decap_pin() left. 0 or -ENOENT, -errno. */
int decap_unpin(const char *dir, const char *name);

/* Detaches, unless it is pinned. */
void decap_free(struct decap **decap);

#endif
