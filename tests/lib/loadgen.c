/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open-loop HTTP load: requests start at a fixed rate whatever happens to those before. Each is a
 * connection of its own from a known source port, so that a consistent-hashing balancer must send the
 * same (target, source port) to the same backend every time.
 *
 *	loadgen RATE FIRST_PORT N_PORTS TARGET...     TARGET: address:port or [v6]:port
 *
 * Runs until standard input closes. One line per finished request on standard output:
 *
 *	start_ns target source_port latency_us outcome backend
 *
 * start_ns: CLOCK_MONOTONIC. outcome: ok, refused, reset, timeout, short, bind. backend: the first
 * word of the body, or "-".
 */
#include "core/addr.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#define TIMEOUT_NS 2000000000ull
#define OPEN_MAX   4096

struct request {
	int fd;
	unsigned target, port;
	uint64_t start_ns;
	size_t n;
	bool sent;
	char answer[512];
	struct request *next, **prev; /* list in the order of start */
};

struct target {
	struct sockaddr_storage address;
	socklen_t n;
};

struct load {
	struct target targets[64];
	unsigned n_targets, first_port, n_ports;
	uint64_t period_ns, count;
	int epoll;
	struct request *head, **tail;
	unsigned n_open;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static const char *body_of(struct request *request)
{
	char *body;

	request->answer[MIN(request->n, sizeof(request->answer) - 1)] = '\0';
	body = strstr(request->answer, "\r\n\r\n");
	if (strncmp(request->answer, "HTTP/1.1 200", 12) || !body)
		return NULL;
	body += 4;
	body[strcspn(body, " \r\n")] = '\0';
	return *body ? body : NULL;
}

static void finish(struct load *load, struct request *request, const char *outcome)
{
	const char *backend = body_of(request);

	if (!outcome)
		outcome = backend ? "ok" : "short";
	printf("%llu %u %u %llu %s %s\n", (unsigned long long)request->start_ns, request->target,
		request->port, (unsigned long long)(now_ns() - request->start_ns) / 1000, outcome,
		backend ? backend : "-");
	if (request->fd >= 0)
		close(request->fd);
	*request->prev = request->next;
	if (request->next)
		request->next->prev = request->prev;
	else
		load->tail = request->prev;
	load->n_open--;
	free(request);
}

static const char *outcome_of(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
	case EPIPE:
		return "reset";
	case ETIMEDOUT:
		return "timeout";
	default:
		return "bind";
	}
}

static int bind_port(int fd, sa_family_t family, unsigned port)
{
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET)
		return bind(fd, (struct sockaddr *)&any4, sizeof(any4));
	return bind(fd, (struct sockaddr *)&any6, sizeof(any6));
}

static int start_connection(struct load *load, struct request *request)
{
	const struct target *target = &load->targets[request->target];
	struct linger reset = {.l_onoff = 1}; /* no TIME_WAIT: the port is used again soon */
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = request};

	request->fd =
		socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (request->fd < 0)
		return -errno;
	setsockopt(request->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (bind_port(request->fd, target->address.ss_family, request->port))
		return -errno;
	if (connect(request->fd, (const struct sockaddr *)&target->address, target->n) &&
		errno != EINPROGRESS)
		return -errno;
	return epoll_ctl(load->epoll, EPOLL_CTL_ADD, request->fd, &event) ? -errno : 0;
}

static void start(struct load *load)
{
	struct request *request = calloc(1, sizeof(*request));
	int err;

	if (!request)
		exit(1);
	request->start_ns = now_ns();
	request->target = (unsigned)(load->count % load->n_targets);
	request->port =
		load->first_port + (unsigned)(load->count / load->n_targets % load->n_ports);
	request->prev = load->tail;
	*load->tail = request;
	load->tail = &request->next;
	load->n_open++;
	load->count++;
	err = start_connection(load, request);
	if (err)
		finish(load, request, outcome_of(-err));
}

static void send_request(struct load *load, struct request *request)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: muster\r\nConnection: close\r\n\r\n";
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = request};
	socklen_t n = sizeof(int);
	int err = 0;

	getsockopt(request->fd, SOL_SOCKET, SO_ERROR, &err, &n);
	if (!err && send(request->fd, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
		err = errno;
	if (err) {
		finish(load, request, outcome_of(err));
		return;
	}
	request->sent = true;
	epoll_ctl(load->epoll, EPOLL_CTL_MOD, request->fd, &event);
}

static void read_answer(struct load *load, struct request *request)
{
	size_t room = sizeof(request->answer) - 1 - request->n;
	ssize_t n = recv(request->fd, request->answer + request->n, room, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		finish(load, request, outcome_of(errno));
	else if (n == 0 || (size_t)n == room)
		finish(load, request, NULL);
	else
		request->n += (size_t)n;
}

static void wait_and_serve(struct load *load, uint64_t until_ns)
{
	struct epoll_event events[64];
	uint64_t now = now_ns();
	struct timespec left = {
		.tv_nsec = until_ns > now ? (long)MIN(until_ns - now, 100000000ull) : 0};
	int n = epoll_pwait2(load->epoll, events, ARRAY_SIZE(events), &left, NULL);

	for (int i = 0; i < n; i++) {
		struct request *request = events[i].data.ptr;

		if (request->sent)
			read_answer(load, request);
		else
			send_request(load, request);
	}
	while (load->head && now_ns() - load->head->start_ns > TIMEOUT_NS)
		finish(load, load->head, "timeout");
}

static bool input_closed(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char byte;

	return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static int parse_target(const char *text, struct target *ret)
{
	const char *colon = strrchr(text, ':');
	struct muster_addr addr;
	char host[ADDR_TEXT];
	int port = colon ? atoi(colon + 1) : 0;

	if (port <= 0 || port > 65535)
		return -EINVAL;
	if (*text == '[')
		snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - 2, text + 1);
	else
		snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (addr_parse(host, &addr))
		return -EINVAL;
	ret->n = addr_to_sockaddr(&addr, htons((uint16_t)port), &ret->address);
	return 0;
}

int main(int argc, char **argv)
{
	struct load load = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
	double rate = argc > 4 ? atof(argv[1]) : 0;
	uint64_t next;

	if (rate <= 0 || argc - 4 > (int)ARRAY_SIZE(load.targets)) {
		fprintf(stderr, "usage: loadgen RATE FIRST_PORT N_PORTS TARGET...\n");
		return 2;
	}
	load.tail = &load.head;
	load.first_port = (unsigned)atoi(argv[2]);
	load.n_ports = (unsigned)MAX(atoi(argv[3]), 1);
	load.period_ns = (uint64_t)(1e9 / rate);
	for (int i = 4; i < argc; i++)
		if (parse_target(argv[i], &load.targets[load.n_targets++])) {
			fprintf(stderr, "loadgen: bad target %s\n", argv[i]);
			return 2;
		}
	setvbuf(stdout, NULL, _IOLBF, 0);
	next = now_ns();
	while (!input_closed()) {
		for (; now_ns() >= next; next += load.period_ns)
			if (load.n_open < OPEN_MAX)
				start(&load);
		wait_and_serve(&load, next);
	}
	while (load.head)
		wait_and_serve(&load, now_ns() + 10000000);
	return 0;
}
