/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the struct snapshot that view/ renders. */
#ifndef MUSTER_DAEMON_SNAPSHOT_H
#define MUSTER_DAEMON_SNAPSHOT_H

#include "core/snapshot.h"
#include "daemon/daemon.h"

struct snapshot_store;

int snapshot_take(struct snapshot_store **ret, const struct daemon *daemon);
const struct snapshot *snapshot_of(const struct snapshot_store *store);
void snapshot_free(struct snapshot_store **store);

#endif
