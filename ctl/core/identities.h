/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where an identity stands in some array: filled once, then asked. Identities are hashes already, so
 * their low bits choose the place.
 */
#ifndef MUSTER_CORE_IDENTITIES_H
#define MUSTER_CORE_IDENTITIES_H

#include "core/util.h"

#define IDENTITIES_NONE UINT32_MAX

struct identities {
	struct identities_entry {
		uint64_t identity; /* 0: empty */
		uint32_t position;
	} * entries;
	size_t mask;
};

/* Room for @n identities. 0 or -ENOMEM. */
int identities_init(struct identities *ret, size_t n);
void identities_clear(struct identities *identities);

/* Of equal identities the first added is found. @identity is not 0. */
void identities_add(struct identities *identities, uint64_t identity, uint32_t position);

/* Its position, or IDENTITIES_NONE; also where nothing was ever added or initialised. */
uint32_t identities_find(const struct identities *identities, uint64_t identity);

#endif
