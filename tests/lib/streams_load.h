/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's side of streams, between its files. */
#ifndef MUSTER_TESTS_STREAMS_LOAD_H
#define MUSTER_TESTS_STREAMS_LOAD_H

#include "streams.h"

#include <netinet/in.h>
#include <stdbool.h>

#define LOAD_CHUNK_MAX	 1024
#define LOAD_STALLED_NS	 10000000000ull
#define LOAD_WHEEL	 4096 /* ticks; more than LOAD_STALLED_NS */
#define LOAD_TICK_SHIFT	 22   /* of 4.2 ms */
#define LOAD_SERVERS_MAX 64
#define LOAD_NOBODY	 (-1) /* no server has said its name yet */

enum connection_state {
	CONNECTION_OPENING,
	CONNECTION_IDLE,    /* until its deadline */
	CONNECTION_WAITING, /* for the rest of an answer */
	CONNECTION_CLOSING, /* for the server's FIN */
};

struct connection {
	uint64_t id, key, opened_ns, deadline_ns;
	uint64_t sent, verified; /* bytes */
	int fd, server;		 /* LOAD_NOBODY */
	enum connection_state state;
	bool is_long, again; /* again: its port was used before */
	bool leaving;	     /* closes after its next exchange */
	char line[STREAMS_NAME];
	size_t line_n;
	struct connection *next, **prev; /* in its tick of the wheel */
};

struct load_server {
	char name[STREAMS_NAME];
	uint64_t key, opened_long, opened_short;
	unsigned open;
};

struct broken {
	uint64_t id, opened_ns, at_ns;
	int server;
	bool is_long;
	const char *how;
};

/* A connection that has heard its server's name. */
struct opened {
	uint64_t id, opened_ns, named_ns;
	int server;
	in_port_t port; /* of the client */
	bool is_v6, is_long, again;
};

struct load_source {
	struct sockaddr_storage address;
	socklen_t n;
	unsigned next_port;
};

struct load_totals {
	uint64_t opened_long, opened_short, closed_long, closed_short, exchanges, bytes;
};

struct load {
	struct sockaddr_storage target[8];
	socklen_t target_n[8];
	size_t n_targets;
	struct load_source from[16];
	size_t n_from;
	unsigned first_port, n_ports, n_wanted, n_long, n_short, pause_min_ms, pause_max_ms;
	size_t chunk;
	uint64_t short_period_ns, ramp_period_ns, end_ns;
	int epoll;
	bool ending;
	uint64_t last_id, seed, random, tick;
	struct connection *wheel[LOAD_WHEEL];
	struct load_server server[LOAD_SERVERS_MAX];
	int n_servers;
	struct opened *opened;
	size_t n_opened;
	struct broken *broken;
	size_t n_broken;
	struct load_totals totals;
};

/* streams_connection.c */
void connection_open(struct load *load, bool is_long);
void connection_schedule(struct load *load, struct connection *connection, uint64_t after_ns);
void connection_end_well(struct load *load, struct connection *connection);
void connection_end_broken(struct load *load, struct connection *connection, const char *how);
const char *connection_how(int err);

/* streams_exchange.c */
void connection_event(struct load *load, struct connection *connection, uint32_t events);
void connection_alarm(struct load *load, struct connection *connection);
/* No more exchanges, if it waits for none: closes. Else after the one it waits for. */
void connection_leave(struct load *load, struct connection *connection);

/* streams_report.c: one JSON object a line, on standard output. */
void report_status(const struct load *load);
/* The connections to a server that began later than @since_ns. */
void report_opened(const struct load *load, const char *name, uint64_t since_ns);
void report_all(const struct load *load);

#endif
