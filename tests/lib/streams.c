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

#include "core/util.h"

#include <sys/resource.h>

/* Thousands of connections: as many descriptors as the hard limit lets us have. */
static void raise_files(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	raise_files();
	if (argc > 3 && !strcmp(argv[1], "serve"))
		return streams_serve(argc - 1, argv + 1);
	if (argc > 3 && !strcmp(argv[1], "load"))
		return streams_load(argc - 1, argv + 1);
	fprintf(stderr,
		"usage: streams serve ADDRESS PORT --id NAME [--health PORT]\n"
		"       streams load VIP[,VIP...] PORT [--connections N] [--rate N] "
		"[--ramp N] [--chunk BYTES]\n"
		"                    [--pause MIN-MAX] [--from ADDRESS,...] [--ports FIRST-LAST] "
		"[--seconds N]\n");
	return 2;
}
