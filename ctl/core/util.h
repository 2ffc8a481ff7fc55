/* SPDX-License-Identifier: BSD-2-Clause */
/* Cleanup attributes and the few helpers that every folder needs. */
#ifndef MUSTER_CORE_UTIL_H
#define MUSTER_CORE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void util_free(void *p)
{
	free(*(void **)p);
}

static inline void util_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void util_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Freed, closed when the variable goes out of scope. */
#define _free_	     __attribute__((cleanup(util_free)))
#define _close_	     __attribute__((cleanup(util_close)))
#define _fclose_     __attribute__((cleanup(util_fclose)))
#define _cleanup_(f) __attribute__((cleanup(f)))

/* Hands ownership of @p to the caller and keeps the cleanup from seeing it. */
#define take_ptr(p)                 \
	({                          \
		typeof(p) p_ = (p); \
		(p) = NULL;         \
		p_;                 \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/*
 * Makes room for one more element of @array (pointer), @n of which are used; the capacity is the next
 * power of two. 0 or -ENOMEM.
 */
int util_grow(void *array, size_t n, size_t element);

/* Makes room for @more elements at once; util_grow() can go on from there. 0 or -ENOMEM. */
int util_reserve(void *array, size_t n, size_t more, size_t element);

/* The smallest power of two that is >= @n; 0 gives 1. */
static inline size_t util_power_of_two(size_t n)
{
	size_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

/* Edit distance (Levenshtein); for "did you mean". */
size_t util_distance(const char *a, const char *b);

/* The row of @names nearest to @word, or NULL where none is near enough to be a typo. */
const char *util_nearest(const char *word, const char *const *names, size_t n);

#endif
