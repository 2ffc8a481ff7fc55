/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DAEMON_SNAPSHOT_INTERNAL_H
#define MUSTER_DAEMON_SNAPSHOT_INTERNAL_H

#include "daemon/snapshot.h"

struct chunk {
	struct chunk *next;
	max_align_t bytes[];
};

/* Everything a snapshot points to is a chunk, freed together. */
struct snapshot_store {
	struct snapshot snapshot;
	struct chunk *chunks;
	const struct daemon *daemon;
	bool failed;
};

/* Zeroed memory of the snapshot; NULL: none, and the snapshot fails. */
void *snapshot_alloc(struct snapshot_store *store, size_t n, size_t size);
/* Formatted text of the snapshot; "" if there is no memory. */
const char *snapshot_text(struct snapshot_store *store, const char *format, ...) PRINTF(2, 3);
void snapshot_add(struct muster_counters *sum, const struct muster_counters *more);

/* ---- snapshot_backends.c ---- */
void snapshot_backends(struct snapshot_store *store);

/* ---- snapshot_pools.c ---- */
void snapshot_pools(struct snapshot_store *store);

#endif
