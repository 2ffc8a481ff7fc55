/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/prober.h"

#include <time.h>

uint64_t prober_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

void prober_fail(const char *event, const char *why)
{
	fprintf(stderr, "level=error event=%s why=\"%s\"\n", event, why);
	exit(EXIT_FAILURE);
}

void *prober_alloc(size_t n)
{
	void *p = calloc(1, n);

	if (!p)
		prober_fail("prober_failed", "out of memory");
	return p;
}
