/* SPDX-License-Identifier: BSD-2-Clause */
/* The backend's side of modes ipip and gue: attaches the decapsulating program. */
#ifndef MUSTER_DATAPLANE_DECAP_H
#define MUSTER_DATAPLANE_DECAP_H

#include "core/addr.h"
#include "core/util.h"

#include <muster/decap.h>

#define DECAP_MAX	  1024
#define DECAP_SOURCES_MAX 1024

struct decap;

struct decap_options {
	const struct muster_addr *addrs; /* inner destinations */
	size_t n;
	const struct muster_decap_source *sources; /* outer ones; none: any will do */
	size_t n_sources;
	__be16 gue_port; /* UDP destination port that holds packets */
};

/* What was done so far, on all CPUs; new_flows is not counted here. */
struct decap_stats {
	struct muster_counters reasons[MUSTER_DECAP_REASONS_N];
	struct decap_address {
		struct muster_addr addr;
		struct muster_counters counters;
	} * addrs; /* in order */
	size_t n, n_sources;
	bool native;
};

/*
 * Attaches to @name: native; where the MTU asks for it, for frames in pieces (Linux 5.18); where the driver
 * has neither, generic. Strips the outer headers of packets whose inner destination is in @options. 0;
 * -EBUSY: another XDP program is there; -EPERM; -ENODEV; -errno. *ret_error: a sentence.
 */
int decap_attach(struct decap **ret, const char *name, const struct decap_options *options,
	char **ret_error);

/* A sentence on why native mode was refused; NULL: it was not. */
const char *decap_why_generic(const struct decap *decap);

/* 0 or -errno. */
int decap_read(const struct decap *decap, struct decap_stats **ret);
/* Of the program that is attached to @name, by whomever. -ENODEV; -ENOENT: none is; -EPERM; -errno. */
int decap_read_attached(const char *name, struct decap_stats **ret, char **ret_error);
void decap_stats_free(struct decap_stats **stats);

/* Leaves it attached after the process ends: pinned as @dir/@name. */
int decap_pin(struct decap *decap, const char *dir, const char *name, char **ret_error);
/* Detaches what decap_pin() left. 0 or -ENOENT, -errno. */
int decap_unpin(const char *dir, const char *name);

/* Detaches, unless it is pinned. */
void decap_free(struct decap **decap);

#endif
