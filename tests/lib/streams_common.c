/* SPDX-License-Identifier: BSD-2-Clause */
/* What servers, clients and floods share. */
#include "streams.h"

#include "core/addr.h"
#include "core/util.h"

#include <time.h>

#define STREAM_STEP 0x9e3779b97f4a7c15ull

uint64_t streams_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
uint64_t streams_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

uint64_t streams_name_key(const char *name)
{
	uint64_t key = STREAM_STEP;

	for (; *name; name++)
		key = streams_mix(key ^ (uint8_t)*name);
	return key;
}

void streams_xor(uint64_t key, uint64_t offset, uint8_t *bytes, size_t n)
{
	uint64_t word = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t at = offset + i;

		if (!i || at % 8 == 0)
			word = streams_mix(key + at / 8 * STREAM_STEP);
		bytes[i] ^= (uint8_t)(word >> at % 8 * 8);
	}
}

socklen_t streams_address(const char *text, const char *port, struct sockaddr_storage *ret)
{
	struct muster_addr addr;
	int number = atoi(port);

	if (addr_parse(text, &addr) || number < 0 || number > 65535) {
		fprintf(stderr, "streams: no address and port: %s %s\n", text, port);
		exit(2);
	}
	return addr_to_sockaddr(&addr, htons((uint16_t)number), ret);
}
