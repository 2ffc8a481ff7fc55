/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/identities.h"

#include <errno.h>

int identities_init(struct identities *ret, size_t n)
{
	size_t size = util_power_of_two(2 * n + 1);
	struct identities_entry *entries = calloc(size, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	*ret = (struct identities){.entries = entries, .mask = size - 1};
	return 0;
}

void identities_clear(struct identities *identities)
{
	free(identities->entries);
	*identities = (struct identities){};
}

void identities_add(struct identities *identities, uint64_t identity, uint32_t position)
{
	size_t at = identity & identities->mask;

	while (identities->entries[at].identity)
		at = (at + 1) & identities->mask;
	identities->entries[at] = (struct identities_entry){identity, position};
}

uint32_t identities_find(const struct identities *identities, uint64_t identity)
{
	size_t at = identity & identities->mask;

	if (!identities->entries)
		return IDENTITIES_NONE;
	for (; identities->entries[at].identity; at = (at + 1) & identities->mask)
		if (identities->entries[at].identity == identity)
			return identities->entries[at].position;
	return IDENTITIES_NONE;
}
