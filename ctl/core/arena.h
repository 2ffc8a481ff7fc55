/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation of index ranges in tables of fixed size: first fit over a bitmap. Pure. */
#ifndef MUSTER_CORE_ARENA_H
#define MUSTER_CORE_ARENA_H

#include "core/util.h"

#define ARENA_FULL UINT32_MAX

struct arena;

/* Indexes 0 .. size-1, those below @reserved never handed out. 0 or -ENOMEM. */
int arena_new(struct arena **ret, uint32_t size, uint32_t reserved);
void arena_free(struct arena **arena);

/* First of @n consecutive free indexes, or ARENA_FULL. */
uint32_t arena_alloc(struct arena *arena, uint32_t n);

/* Marks a range as used (adoption). False if any of it was used already or lies outside. */
bool arena_claim(struct arena *arena, uint32_t first, uint32_t n);
void arena_release(struct arena *arena, uint32_t first, uint32_t n);
uint32_t arena_used(const struct arena *arena);
uint32_t arena_size(const struct arena *arena);

#endif
