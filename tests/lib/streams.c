/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections that live long and verify every byte, to show which of them a change breaks.
 *
 *	streams serve ADDRESS PORT --id NAME [--health PORT]
 *	streams load VIP[,VIP...] PORT [--connections N] [--rate N] ...
 *
 * The roles are described where they begin: streams_serve.c, streams_load.c.
 */
#include "streams.h"

#include "core/addr.h"
#include "core/util.h"

#include <sys/resource.h>
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

void streams_raise_files(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
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

int main(int argc, char **argv)
{
	streams_raise_files();
	if (argc > 3 && !strcmp(argv[1], "serve"))
		return streams_serve(argc - 1, argv + 1);
	if (argc > 3 && !strcmp(argv[1], "load"))
		return streams_load(argc - 1, argv + 1);
	fprintf(stderr, "usage: streams serve ADDRESS PORT --id NAME [--health PORT]\n"
			"       streams load VIP[,VIP...] PORT [--connections N] [--rate N] "
			"[--ramp N] [--chunk BYTES]\n"
			"                    [--pause MIN-MAX] [--from ADDRESS,...] [--ports N] "
			"[--seconds N]\n");
	return 2;
}
