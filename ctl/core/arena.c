/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/arena.h"

#include <errno.h>

#define WORD_BITS 64u

struct arena {
	uint32_t size;
	uint32_t used;	 /* without the reserved ones */
	uint32_t lowest; /* no index below is free */
	uint64_t words[];
};

int arena_new(struct arena **ret, uint32_t size, uint32_t reserved)
{
	size_t n = ((size_t)size + WORD_BITS - 1) / WORD_BITS;
	struct arena *arena = calloc(1, sizeof(*arena) + n * sizeof(arena->words[0]));

	if (!arena)
		return -ENOMEM;
	arena->size = size;
	if (reserved)
		arena_claim(arena, 0, MIN(reserved, size));
	arena->used = 0;
	*ret = arena;
	return 0;
}

void arena_free(struct arena **arena)
{
	free(*arena);
	*arena = NULL;
}

/* The bits of @word that lie in [@first, @end). */
static uint64_t range_bits(uint32_t word, uint32_t first, uint32_t end)
{
	uint64_t bits = ~0ull;

	if (word == first / WORD_BITS)
		bits &= ~0ull << first % WORD_BITS;
	if (word == (end - 1) / WORD_BITS)
		bits &= ~0ull >> (WORD_BITS - 1 - (end - 1) % WORD_BITS);
	return bits;
}

/* The first used (or free) index in [@from, @end), or @end. */
static uint32_t find(const struct arena *arena, uint32_t from, uint32_t end, bool used)
{
	if (from >= end)
		return end;
	for (uint32_t w = from / WORD_BITS; w <= (end - 1) / WORD_BITS; w++) {
		uint64_t bits = used ? arena->words[w] : ~arena->words[w];

		bits &= range_bits(w, from, end);
		if (bits)
			return w * WORD_BITS + (uint32_t)__builtin_ctzll(bits);
	}
	return end;
}

static void mark(struct arena *arena, uint32_t first, uint32_t n)
{
	for (uint32_t w = first / WORD_BITS; w <= (first + n - 1) / WORD_BITS; w++)
		arena->words[w] |= range_bits(w, first, first + n);
	arena->used += n;
}

uint32_t arena_alloc(struct arena *arena, uint32_t n)
{
	uint32_t first, end;

	if (!n)
		return ARENA_FULL;
	arena->lowest = find(arena, arena->lowest, arena->size, false);
	for (first = arena->lowest; n <= arena->size - first;
		first = find(arena, end, arena->size, false)) {
		end = find(arena, first, first + n, true);
		if (end == first + n) {
			mark(arena, first, n);
			return first;
		}
	}
	return ARENA_FULL;
}

bool arena_claim(struct arena *arena, uint32_t first, uint32_t n)
{
	if (!n || first > arena->size || n > arena->size - first)
		return false;
	if (find(arena, first, first + n, true) != first + n)
		return false;
	mark(arena, first, n);
	return true;
}

void arena_release(struct arena *arena, uint32_t first, uint32_t n)
{
	if (!n)
		return;
	for (uint32_t w = first / WORD_BITS; w <= (first + n - 1) / WORD_BITS; w++) {
		uint64_t bits = range_bits(w, first, first + n) & arena->words[w];

		arena->words[w] &= ~bits;
		arena->used -= (uint32_t)__builtin_popcountll(bits);
	}
	arena->lowest = MIN(arena->lowest, first);
}

uint32_t arena_used(const struct arena *arena)
{
	return arena->used;
}

uint32_t arena_size(const struct arena *arena)
{
	return arena->size;
}
