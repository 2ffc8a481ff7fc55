/* SPDX-License-Identifier: BSD-2-Clause */
/* What a connection of the client says and hears: chunks, and answers verified byte for byte. */
#include "streams_load.h"

#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <sys/epoll.h>

static uint64_t jittered_pause(struct load *load)
{
	unsigned span_ms = load->pause_max_ms - load->pause_min_ms;

	load->random = streams_mix(load->random + 0x9e3779b97f4a7c15ull);
	return load->pause_min_ms * 1000000ull + load->random % (span_ms * 1000000ull + 1);
}

static void send_chunk(struct load *load, struct connection *connection)
{
	uint8_t chunk[LOAD_CHUNK_MAX] = {0};

	streams_xor(connection->key, connection->sent, chunk, load->chunk);
	connection->state = CONNECTION_WAITING;
	if (send(connection->fd, chunk, load->chunk, MSG_NOSIGNAL) != (ssize_t)load->chunk) {
		connection_end_broken(load, connection, connection_how(errno));
		return;
	}
	connection->sent += load->chunk;
	connection_schedule(load, connection, LOAD_STALLED_NS);
}

static void begin_close(struct load *load, struct connection *connection)
{
	connection->state = CONNECTION_CLOSING;
	connection_schedule(load, connection, LOAD_STALLED_NS);
	shutdown(connection->fd, SHUT_WR); /* fails if it was reset: the next read says so */
}

void connection_leave(struct load *load, struct connection *connection)
{
	connection->leaving = true;
	if (connection->state == CONNECTION_IDLE)
		begin_close(load, connection);
}

static void finish_exchange(struct load *load, struct connection *connection)
{
	load->totals.exchanges++;
	if (connection->leaving) {
		begin_close(load, connection);
		return;
	}
	if (load->ending) {
		connection_end_well(load, connection);
		return;
	}
	connection->state = CONNECTION_IDLE;
	connection_schedule(load, connection, jittered_pause(load));
}

static int server_of(struct load *load, const char *name)
{
	int i = 0;

	while (i < load->n_servers && strcmp(load->server[i].name, name))
		i++;
	if (i == LOAD_SERVERS_MAX)
		return LOAD_NOBODY;
	if (i == load->n_servers) {
		snprintf(load->server[i].name, STREAMS_NAME, "%s", name);
		load->server[i].key = streams_name_key(name);
		load->n_servers++;
	}
	return i;
}

static void note_opened(struct load *load, const struct connection *connection)
{
	struct sockaddr_in6 local = {
		.sin6_port = 0}; /* the port is at the same place in an IPv4 one */
	socklen_t n = sizeof(local);
	struct opened *row;

	if (util_grow(&load->opened, load->n_opened, sizeof(*load->opened)))
		exit(1);
	getsockname(connection->fd, (struct sockaddr *)&local, &n);
	row = &load->opened[load->n_opened++];
	row->id = connection->id;
	row->opened_ns = connection->opened_ns;
	row->named_ns = streams_now_ns();
	row->server = connection->server;
	row->port = ntohs(local.sin6_port);
	row->is_v6 = local.sin6_family == AF_INET6;
	row->is_long = connection->is_long;
	row->again = connection->again;
}

static bool take_name(struct load *load, struct connection *connection)
{
	struct load_server *server;

	connection->line[connection->line_n] = '\0';
	connection->server = server_of(load, connection->line);
	if (connection->server == LOAD_NOBODY)
		return false;
	note_opened(load, connection);
	server = &load->server[connection->server];
	server->open++;
	if (connection->is_long)
		server->opened_long++;
	else
		server->opened_short++;
	return true;
}

/* Bytes of the first line. Returns how many, or -1: that is no name. */
static ssize_t read_line(
	struct load *load, struct connection *connection, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n')
			return take_name(load, connection) ? (ssize_t)i + 1 : -1;
		if (connection->line_n == STREAMS_NAME - 1 ||
			!(isalnum(bytes[i]) || bytes[i] == '-'))
			return -1;
		connection->line[connection->line_n++] = (char)bytes[i];
	}
	return (ssize_t)n;
}

static bool verify(struct load *load, struct connection *connection, uint8_t *bytes, size_t n)
{
	if (connection->server == LOAD_NOBODY) {
		ssize_t used = read_line(load, connection, bytes, n);

		if (used < 0)
			return false;
		bytes += used;
		n -= (size_t)used;
	}
	if (!n)
		return true;
	if (connection->verified + n > connection->sent)
		return false;
	/* What is left of a right answer is nothing but zeros. */
	streams_xor(connection->key, connection->verified, bytes, n);
	streams_xor(load->server[connection->server].key, connection->verified, bytes, n);
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	connection->verified += n;
	load->totals.bytes += n;
	return true;
}

static void read_answer(struct load *load, struct connection *connection)
{
	uint8_t bytes[LOAD_CHUNK_MAX + STREAMS_NAME + 2];
	ssize_t n = recv(connection->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		connection_end_broken(load, connection, connection_how(errno));
	else if (n == 0 && connection->state == CONNECTION_CLOSING)
		connection_end_well(load, connection);
	else if (n == 0)
		connection_end_broken(load, connection, "eof");
	else if (!verify(load, connection, bytes, (size_t)n))
		connection_end_broken(load, connection, "wrong");
	else if (connection->state == CONNECTION_WAITING && connection->server != LOAD_NOBODY &&
		 connection->verified == connection->sent)
		finish_exchange(load, connection);
}

static void finish_connect(struct load *load, struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
	socklen_t n = sizeof(int);
	int err = 0;

	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &err, &n);
	if (err) {
		connection_end_broken(load, connection, connection_how(err));
		return;
	}
	epoll_ctl(load->epoll, EPOLL_CTL_MOD, connection->fd, &event);
	send_chunk(load, connection);
}

void connection_event(struct load *load, struct connection *connection, uint32_t events)
{
	if (connection->state == CONNECTION_OPENING && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		finish_connect(load, connection);
	else if (connection->state != CONNECTION_OPENING)
		read_answer(load, connection);
}

/* Its deadline has come. */
void connection_alarm(struct load *load, struct connection *connection)
{
	if (connection->state == CONNECTION_IDLE)
		send_chunk(load, connection);
	else
		connection_end_broken(load, connection, "stalled");
}
