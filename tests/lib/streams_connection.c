/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection of the client: its deadlines, how it opens, how it ends. */
#include "streams_load.h"

#include "core/util.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>

/* ---- deadlines ---- */

static void unschedule(struct connection *connection)
{
	if (connection->prev)
		*connection->prev = connection->next;
	if (connection->next)
		connection->next->prev = connection->prev;
	connection->prev = NULL;
	connection->next = NULL;
}

void connection_schedule(struct load *load, struct connection *connection, uint64_t after_ns)
{
	struct connection **head;

	unschedule(connection);
	connection->deadline_ns = streams_now_ns() + after_ns;
	/* The next tick at the earliest: this one may have been run. */
	head = &load->wheel[((connection->deadline_ns >> LOAD_TICK_SHIFT) + 1) % LOAD_WHEEL];
	connection->next = *head;
	connection->prev = head;
	if (*head)
		(*head)->prev = &connection->next;
	*head = connection;
}

/* ---- ends ---- */

/* Nothing stays behind of a connection that did not close in good order: its port will be used again. */
static void end(struct load *load, struct connection *connection)
{
	const struct linger reset = {.l_onoff = 1};

	if (connection->fd >= 0) {
		setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(connection->fd);
	}
	unschedule(connection);
	if (connection->server != LOAD_NOBODY)
		load->server[connection->server].open--;
	if (connection->is_long)
		load->n_long--;
	else
		load->n_short--;
	free(connection);
}

void connection_end_broken(struct load *load, struct connection *connection, const char *how)
{
	struct broken *row;

	if (util_grow(&load->broken, load->n_broken, sizeof(*load->broken)))
		exit(1);
	row = &load->broken[load->n_broken++];
	row->id = connection->id;
	row->opened_ns = connection->opened_ns;
	row->at_ns = streams_now_ns();
	row->server = connection->server;
	row->is_long = connection->is_long;
	row->how = how;
	end(load, connection);
}

void connection_end_well(struct load *load, struct connection *connection)
{
	if (connection->is_long)
		load->totals.closed_long++;
	else
		load->totals.closed_short++;
	end(load, connection);
}

const char *connection_how(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
	case EPIPE:
		return "reset";
	case ETIMEDOUT:
		return "stalled";
	default:
		return strerrorname_np(err);
	}
}

/* ---- opening ---- */

/* The source whose turn it is among those of this family, or NULL. */
static struct load_source *source_of(struct load *load, uint64_t turn, sa_family_t family)
{
	for (size_t i = 0; i < load->n_from; i++) {
		struct load_source *source = &load->from[(turn + i) % load->n_from];

		if (source->address.ss_family == family)
			return source;
	}
	return NULL;
}

/* A port that is used again is not used again at once: see IDLE_S of the server. */
static int bind_source(struct load *load, struct connection *connection, sa_family_t family)
{
	struct load_source *source = source_of(load, connection->id / load->n_targets, family);
	struct sockaddr_storage address;

	if (!source)
		return 0;
	address = source->address;
	for (unsigned i = 0; i < load->n_ports; i++) {
		unsigned n = source->next_port++;
		in_port_t port = htons((uint16_t)(load->first_port + n % load->n_ports));

		connection->again = n >= load->n_ports;
		if (family == AF_INET)
			((struct sockaddr_in *)&address)->sin_port = port;
		else
			((struct sockaddr_in6 *)&address)->sin6_port = port;
		if (!bind(connection->fd, (struct sockaddr *)&address, source->n))
			return 0;
		if (errno != EADDRINUSE) /* by a connection, or in TIME_WAIT */
			break;
	}
	return -errno;
}

static int begin_connect(struct load *load, struct connection *connection)
{
	size_t i = connection->id % load->n_targets;
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
	sa_family_t family = load->target[i].ss_family;

	connection->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0 || bind_source(load, connection, family))
		return -errno;
	if (connect(connection->fd, (struct sockaddr *)&load->target[i], load->target_n[i]) &&
		errno != EINPROGRESS)
		return -errno;
	return epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) ? -errno : 0;
}

void connection_open(struct load *load, bool is_long)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int err;

	if (!connection)
		exit(1);
	connection->id = ++load->last_id;
	connection->key = streams_mix(load->seed ^ connection->id);
	connection->opened_ns = streams_now_ns();
	connection->server = LOAD_NOBODY;
	connection->is_long = is_long;
	connection->leaving = !is_long;
	if (is_long) {
		load->n_long++;
		load->totals.opened_long++;
	} else {
		load->n_short++;
		load->totals.opened_short++;
	}
	connection_schedule(load, connection, LOAD_STALLED_NS);
	err = begin_connect(load, connection);
	if (err)
		connection_end_broken(load, connection, connection_how(-err));
}
