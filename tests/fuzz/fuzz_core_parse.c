/* SPDX-License-Identifier: BSD-2-Clause */
/* Both parse stages over any bytes, in a buffer of exactly their size. */
#include "parse.h"
#include "parse_any.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool true_enough)
{
	if (!true_enough)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n + 2); /* IP headers are aligned, as in a driver */
	frame_view view = {copy + 2, copy + 2 + n};
	struct packet packet = {}, any = {};
	struct tags tags;
	int reason, other;

	memcpy(copy + 2, data, n);
	reason = parse(&view, (uint32_t)n, &packet);
	other = parse_any(&view, (uint32_t)n, &any, &tags);
	free(copy);

	check(other == GO_ON || (other >= 0 && other < 64));
	if (other == GO_ON) {
		check(any.ip_bytes + 14u + 4 * tags.n <= n); /* no longer than its frame */
		check(any.deferred != GO_ON || any.l4_at <= any.ip_bytes);
	}
	if (reason == UNUSUAL)
		return 0;
	/* What the straight way takes, the long one sees the same way. */
	check(reason == other);
	if (reason == GO_ON) {
		check(any.deferred == GO_ON);
		check(!memcmp(&packet, &any, offsetof(struct packet, deferred)));
	}
	return 0;
}
