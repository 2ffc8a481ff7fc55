/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/nexthops.h"

#include <errno.h>

struct row {
	struct muster_nexthop nexthop;
	uint32_t next; /* in the chain of its hash; 0: the last */
	bool used;
	bool unnamed; /* found by nexthops_mark() and not given out since */
};

struct nexthops {
	struct arena *arena;
	struct row *rows;
	uint32_t *chains; /* heads, by hash; 0: empty */
	uint32_t size;
	uint32_t mask;
};

int nexthops_new(struct nexthops **ret, uint32_t size)
{
	_cleanup_(nexthops_free) struct nexthops *n = calloc(1, sizeof(*n));
	size_t chains = util_power_of_two(size);

	if (!n)
		return -ENOMEM;
	n->size = size;
	n->mask = (uint32_t)(chains - 1);
	n->rows = calloc(MAX(size, 1), sizeof(*n->rows));
	n->chains = calloc(chains, sizeof(*n->chains));
	if (!n->rows || !n->chains || arena_new(&n->arena, size, MUSTER_NO_NEXTHOP + 1))
		return -ENOMEM;
	*ret = take_ptr(n);
	return 0;
}

void nexthops_free(struct nexthops **nexthops)
{
	struct nexthops *n = *nexthops;

	if (!n)
		return;
	arena_free(&n->arena);
	free(n->rows);
	free(n->chains);
	free(n);
	*nexthops = NULL;
}

static uint32_t *chain_of(struct nexthops *n, const struct muster_nexthop *nexthop)
{
	static const struct muster_hash_key unkeyed = {};
	__u64 words[sizeof(*nexthop) / sizeof(__u64)];

	memcpy(words, nexthop, sizeof(words));
	return &n->chains[muster_hash_words(&unkeyed, words, ARRAY_SIZE(words)) & n->mask];
}

static void put(struct nexthops *n, uint32_t index, const struct muster_nexthop *nexthop)
{
	uint32_t *chain = chain_of(n, nexthop);

	n->rows[index] = (struct row){.nexthop = *nexthop, .next = *chain, .used = true};
	*chain = index;
}

static void drop(struct nexthops *n, uint32_t index)
{
	uint32_t *link = chain_of(n, &n->rows[index].nexthop);

	while (*link != index)
		link = &n->rows[*link].next;
	*link = n->rows[index].next;
	n->rows[index] = (struct row){};
	arena_release(n->arena, index, 1);
}

static bool is_used(const struct nexthops *n, uint32_t index)
{
	return index < n->size && n->rows[index].used;
}

int nexthops_claim(struct nexthops *nexthops, uint32_t index, const struct muster_nexthop *nexthop)
{
	if (is_used(nexthops, index))
		return memcmp(&nexthops->rows[index].nexthop, nexthop, sizeof(*nexthop)) ? -EEXIST
											 : 0;
	if (!arena_claim(nexthops->arena, index, 1))
		return -EINVAL;
	put(nexthops, index, nexthop);
	return 0;
}

uint32_t nexthops_get(
	struct nexthops *nexthops, const struct muster_nexthop *nexthop, bool *ret_new)
{
	uint32_t index = *chain_of(nexthops, nexthop);

	*ret_new = false;
	for (; index; index = nexthops->rows[index].next)
		if (!memcmp(&nexthops->rows[index].nexthop, nexthop, sizeof(*nexthop))) {
			nexthops->rows[index].unnamed = false;
			return index;
		}
	index = arena_alloc(nexthops->arena, 1);
	if (index == ARENA_FULL)
		return MUSTER_NO_NEXTHOP;
	put(nexthops, index, nexthop);
	*ret_new = true;
	return index;
}

const struct muster_nexthop *nexthops_at(const struct nexthops *nexthops, uint32_t index)
{
	return is_used(nexthops, index) ? &nexthops->rows[index].nexthop : NULL;
}

static void name(struct nexthops *nexthops, uint32_t index)
{
	if (is_used(nexthops, index))
		nexthops->rows[index].unnamed = false;
}

static void name_members(struct nexthops *nexthops, const struct image *image)
{
	for (size_t b = 0; b < image->n_blocks; b++)
		for (uint16_t i = 0; i < image->blocks[b]->n; i++)
			name(nexthops, image->blocks[b]->members[i].nexthop);
}

void nexthops_mark(struct nexthops *nexthops, const struct image *image, const struct image *next,
	const uint32_t *held, size_t n)
{
	for (uint32_t i = 0; i < nexthops->size; i++)
		nexthops->rows[i].unnamed = nexthops->rows[i].used;
	name_members(nexthops, image);
	if (next)
		name_members(nexthops, next);
	for (size_t i = 0; i < n; i++)
		name(nexthops, held[i]);
}

void nexthops_sweep(struct nexthops *nexthops)
{
	for (uint32_t i = 0; i < nexthops->size; i++)
		if (nexthops->rows[i].unnamed)
			drop(nexthops, i);
}

uint32_t nexthops_used(const struct nexthops *nexthops)
{
	return arena_used(nexthops->arena);
}
