/* SPDX-License-Identifier: BSD-2-Clause */
/*
 *	streams serve ADDRESS PORT --id NAME [--health PORT]
 *
 * Says NAME in a first line, then answers as streams.h describes. Its health is asked for at another port,
 * with HTTP: 200, and 503 between SIGUSR1 and SIGUSR2. Prints "ready" when both ports listen. SIGHUP aborts all
 * streams; dies of SIGTERM.
 *
 * A stream that is silent for IDLE_S is aborted: its client was told by another backend that it is over. It
 * would not only take a descriptor. When the client's port is used again and that connection, too, goes
 * astray, its packets would be answered here, by challenge ACKs instead of a reset, and it would hang.
 */
#include "streams.h"

#include "core/util.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define FILES_MAX  65536
#define IDLE_S	   13 /* longer than a pause of the client and what it waits for an answer */
#define HEADER_END 0x0d0a0d0au /* CR LF CR LF */

enum peer_kind { PEER_LISTENER, PEER_HEALTH_LISTENER, PEER_CLOCK, PEER_STREAM, PEER_HEALTH };

struct peer {
	int fd;
	enum peer_kind kind;
	uint64_t offset; /* of a stream */
	uint64_t seen_s; /* likewise */
	uint32_t tail;	 /* the last four bytes of a request */
};

struct server {
	int epoll;
	char line[STREAMS_NAME + 1]; /* the name and a newline */
	size_t line_n;
	uint64_t key, now_s;	       /* now_s: counted by the clock */
	struct peer *peers[FILES_MAX]; /* by descriptor */
};

static volatile sig_atomic_t failing, aborting;

static void on_signal(int signal)
{
	if (signal == SIGHUP)
		aborting = 1;
	else
		failing = signal == SIGUSR1;
}

static int watch(struct server *server, int fd, enum peer_kind kind)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

	if (!peer || fd >= FILES_MAX || epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event)) {
		free(peer);
		return -ENOMEM;
	}
	peer->fd = fd;
	peer->kind = kind;
	peer->seen_s = server->now_s;
	server->peers[fd] = peer;
	return 0;
}

static void close_peer(struct server *server, struct peer *peer)
{
	server->peers[peer->fd] = NULL;
	close(peer->fd);
	free(peer);
}

static void watch_clock(struct server *server)
{
	const struct itimerspec every = {{.tv_sec = 1}, {.tv_sec = 1}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) || watch(server, fd, PEER_CLOCK)) {
		perror("streams");
		exit(1);
	}
}

/* Those that were silent for longer than @idle_s; -1: all. */
static void abort_streams(struct server *server, int idle_s)
{
	const struct linger reset = {.l_onoff = 1};

	for (size_t i = 0; i < FILES_MAX; i++) {
		struct peer *peer = server->peers[i];

		if (!peer || peer->kind != PEER_STREAM ||
			(int64_t)(server->now_s - peer->seen_s) <= idle_s)
			continue;
		setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close_peer(server, peer);
	}
}

static void tick(struct server *server, int clock)
{
	uint64_t ticks = 0;

	if (read(clock, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	server->now_s += ticks;
	abort_streams(server, IDLE_S);
}

static void listen_on(
	struct server *server, const char *address, const char *port, enum peer_kind kind)
{
	struct sockaddr_storage ss;
	socklen_t n = streams_address(address, port, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	/* A server that was killed leaves connections that end by themselves. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, n) || listen(fd, 4096) || watch(server, fd, kind)) {
		fprintf(stderr, "streams: %s %s: %s\n", address, port, strerror(errno));
		exit(1);
	}
}

static void accept_some(struct server *server, struct peer *listener)
{
	bool health = listener->kind == PEER_HEALTH_LISTENER;
	int on = 1;

	for (int i = 0; i < 64; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (!health)
			send(fd, server->line, server->line_n, MSG_NOSIGNAL);
		if (watch(server, fd, health ? PEER_HEALTH : PEER_STREAM))
			close(fd);
	}
}

static bool answer_stream(const struct server *server, struct peer *peer, char *bytes, size_t n)
{
	streams_xor(server->key, peer->offset, (uint8_t *)bytes, n);
	peer->offset += n;
	peer->seen_s = server->now_s;
	/* A client waits for each answer, so that the send buffer is never full. */
	return send(peer->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool answer_health(struct peer *peer, const char *bytes, size_t n)
{
	static const char well[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
	static const char ill[] = "HTTP/1.1 503 Not Now\r\nContent-Length: 3\r\n\r\nno\n";

	for (size_t i = 0; i < n; i++) {
		peer->tail = peer->tail << 8 | (uint8_t)bytes[i];
		if (peer->tail == HEADER_END &&
			send(peer->fd, failing ? ill : well, strlen(failing ? ill : well),
				MSG_NOSIGNAL) < 0)
			return false;
	}
	return true;
}

static void answer(struct server *server, struct peer *peer)
{
	char bytes[4096];
	ssize_t n = recv(peer->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || !(peer->kind == PEER_HEALTH ? answer_health(peer, bytes, (size_t)n)
						  : answer_stream(server, peer, bytes, (size_t)n)))
		close_peer(server, peer);
}

static void set_name(struct server *server, const char *name)
{
	if (strlen(name) >= STREAMS_NAME) {
		fprintf(stderr, "streams: the name %s is too long\n", name);
		exit(2);
	}
	server->key = streams_name_key(name);
	server->line_n = (size_t)snprintf(server->line, sizeof(server->line), "%s\n", name);
}

static const char *parse(struct server *server, int argc, char **argv)
{
	static const struct option options[] = {{"id", required_argument, NULL, 'i'},
		{"health", required_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	const char *health = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (option == 'i')
			set_name(server, optarg);
		else if (option == 'h')
			health = optarg;
		else
			exit(2);
	if (argc - optind != 2 || !server->line_n) {
		fprintf(stderr, "streams: serve needs an address, a port and --id\n");
		exit(2);
	}
	return health;
}

/* True if it may have closed other peers. */
static bool serve(struct server *server, struct peer *peer)
{
	if (peer->kind == PEER_CLOCK) {
		tick(server, peer->fd);
		return true;
	}
	if (peer->kind == PEER_LISTENER || peer->kind == PEER_HEALTH_LISTENER)
		accept_some(server, peer);
	else
		answer(server, peer);
	return false;
}

static void serve_events(struct server *server)
{
	struct epoll_event events[256];
	int n = epoll_wait(server->epoll, events, ARRAY_SIZE(events), -1);

	if (aborting) {
		aborting = 0;
		abort_streams(server, -1);
		return;
	}
	/* What is left behind a tick of the clock may be of a peer that is gone: it is reported again. */
	for (int i = 0; i < n; i++)
		if (serve(server, events[i].data.ptr))
			return;
}

int streams_serve(int argc, char **argv)
{
	static struct server server;
	struct sigaction action = {.sa_handler = on_signal};
	const char *health = parse(&server, argc, argv);

	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	watch_clock(&server);
	listen_on(&server, argv[optind], argv[optind + 1], PEER_LISTENER);
	if (health)
		listen_on(&server, argv[optind], health, PEER_HEALTH_LISTENER);
	puts("ready");
	fflush(stdout);
	for (;;)
		serve_events(&server);
}
