/* SPDX-License-Identifier: BSD-2-Clause */
/* What the client has seen. Names are of letters, digits and dashes: nothing has to be escaped. */
#include "streams_load.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static unsigned long long ull(uint64_t n)
{
	return n;
}

static void print_servers(const struct load *load)
{
	printf("\"servers\": {");
	for (int i = 0; i < load->n_servers; i++) {
		const struct load_server *server = &load->server[i];

		printf("%s\"%s\": {\"open\": %u, \"long\": %llu, \"short\": %llu}", i ? ", " : "",
			server->name, server->open, ull(server->opened_long),
			ull(server->opened_short));
	}
	printf("}");
}

static void print_broken(const struct load *load)
{
	printf("\"broken\": [");
	for (size_t i = 0; i < load->n_broken; i++) {
		const struct broken *row = &load->broken[i];
		const char *name =
			row->server == LOAD_NOBODY ? NULL : load->server[row->server].name;

		printf("%s{\"id\": %llu, \"kind\": \"%s\", \"server\": %s%s%s, \"how\": \"%s\", "
		       "\"opened_ns\": %llu, \"at_ns\": %llu}",
			i ? ", " : "", ull(row->id), row->is_long ? "long" : "short",
			name ? "\"" : "", name ? name : "null", name ? "\"" : "", row->how,
			ull(row->opened_ns), ull(row->at_ns));
	}
	printf("]");
}

static void print_totals(const struct load *load)
{
	const struct load_totals *totals = &load->totals;
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("\"totals\": {\"long\": %llu, \"short\": %llu, \"closed_long\": %llu, "
	       "\"closed_short\": %llu, \"exchanges\": %llu, \"bytes\": %llu, \"broken\": %zu, "
	       "\"cpu_ms\": %lld}",
		ull(totals->opened_long), ull(totals->opened_short), ull(totals->closed_long),
		ull(totals->closed_short), ull(totals->exchanges), ull(totals->bytes),
		load->n_broken,
		(long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
			(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000);
}

void report_status(const struct load *load)
{
	printf("{\"now_ns\": %llu, \"open_long\": %u, \"open_short\": %u, ", ull(streams_now_ns()),
		load->n_long, load->n_short);
	print_servers(load);
	printf(", ");
	print_totals(load);
	printf("}\n");
	fflush(stdout);
}

void report_opened(const struct load *load, const char *name, uint64_t since_ns)
{
	const char *separator = "";

	printf("[");
	for (size_t i = 0; i < load->n_opened; i++) {
		const struct opened *row = &load->opened[i];

		if (row->opened_ns <= since_ns || strcmp(load->server[row->server].name, name))
			continue;
		printf("%s{\"id\": %llu, \"kind\": \"%s\", \"family\": %d, \"port\": %u, "
		       "\"again\": %s, \"opened_ns\": %llu, \"named_ns\": %llu}",
			separator, ull(row->id), row->is_long ? "long" : "short",
			row->is_v6 ? 6 : 4, row->port, row->again ? "true" : "false",
			ull(row->opened_ns), ull(row->named_ns));
		separator = ", ";
	}
	printf("]\n");
	fflush(stdout);
}

void report_all(const struct load *load)
{
	printf("{");
	print_servers(load);
	printf(", ");
	print_broken(load);
	printf(", ");
	print_totals(load);
	printf("}\n");
	fflush(stdout);
}
