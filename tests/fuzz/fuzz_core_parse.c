/* SPDX-License-Identifier: BSD-2-Clause */
/* The parse stage over any bytes, in a buffer of exactly their size. */
#include "parse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n + 2); /* IP headers are aligned, as in a driver */
	struct packet packet;
	int reason;

	memcpy(copy + 2, data, n);
	reason = parse(copy + 2, copy + 2 + n, &packet);
	free(copy);

	if (reason != GO_ON && (reason < 0 || reason >= 64))
		abort();
	if (reason == GO_ON && packet.ip_bytes + 14u > n)
		abort(); /* a packet that is longer than its frame */
	return 0;
}
