/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/util.h"

#include <errno.h>

int util_grow(void *array, size_t n, size_t element)
{
	void **p = array;
	void *grown;

	if (n && (n & (n - 1)))
		return 0;
	grown = reallocarray(*p, n ? 2 * n : 1, element);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	return 0;
}

int util_reserve(void *array, size_t n, size_t more, size_t element)
{
	void **p = array;
	void *grown;

	if (!more || (n && util_power_of_two(n) >= n + more))
		return 0;
	grown = reallocarray(*p, util_power_of_two(n + more), element);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	return 0;
}

size_t util_distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(b), m = strlen(a);

	if (n >= ARRAY_SIZE(row) || m >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(MIN(row[j], row[j - 1]) + 1, change);
		}
	}
	return row[n];
}

const char *util_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) > 4 ? 3 : 2;

	for (size_t i = 0; i < n; i++) {
		size_t distance = util_distance(word, names[i]);

		if (distance < best_distance) {
			best = names[i];
			best_distance = distance;
		}
	}
	return best;
}
