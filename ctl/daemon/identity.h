/* SPDX-License-Identifier: BSD-2-Clause */
/* Who we are on this host: the hash key kept on disk, and the user of the prober. */
#ifndef MUSTER_DAEMON_IDENTITY_H
#define MUSTER_DAEMON_IDENTITY_H

#include "core/settings.h"
#include "daemon/supervisor.h"

/*
 * The hash key in @state_dir/hash_key, generated (and the directory made) on the first start. 0 or
 * -errno; -EINVAL: the file is damaged.
 */
int identity_hash_key(const char *state_dir, struct muster_hash_key *ret);

/*
 * User and path of the prober. A user that does not exist becomes nobody (65534); *ret_note says so,
 * else NULL. Static strings.
 */
int identity_prober(
	const struct settings *settings, struct supervisor_options *ret, const char **ret_note);

/* A group by name or number. 0, or -ENOENT. */
int identity_group(const char *text, gid_t *ret);

#endif
