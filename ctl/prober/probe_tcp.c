/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * type tcp: a connection can be made. Sees a process that is gone, not one that hangs: the kernel
 * completes the handshake for it. A mute connection is kept as a tether only with `tether: on`, for it
 * blocks servers that serve one client at a time. Every connection ends with an ordinary close: a reset
 * makes servers complain in their logs.
 */
#include "prober/prober.h"

#include <errno.h>
#include <sys/socket.h>

struct tcp {
	int fd;	  /* being connected; -1 */
	int kept; /* the tether; -1 */
	uv_poll_t *poll;
	uv_timer_t timeout;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(take_fd(fd));
}

static void end_attempt(struct tcp *tcp)
{
	uv_timer_stop(&tcp->timeout);
	poll_free(&tcp->poll);
	close_fd(&tcp->fd);
}

static void keep(struct target *target, struct tcp *tcp)
{
	int old = tcp->kept;

	poll_free(&tcp->poll);
	if (!tether_hold(target, tcp->fd))
		return;
	tcp->kept = take_fd(&tcp->fd);
	close_fd(&old);
}

static void finish(struct target *target, enum probe_outcome outcome, int error, const char *detail)
{
	struct tcp *tcp = target->state;

	if (outcome == OUTCOME_pass && target->spec.tether == TETHER_ON)
		keep(target, tcp);
	end_attempt(tcp);
	target_done(target, outcome, error, detail);
}

static void fail(struct target *target, int err, bool on_wire)
{
	finish(target, errno_outcome(err, on_wire), err, strerror(err));
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
	struct target *target = poll->data;
	struct tcp *tcp = target->state;
	socklen_t n = sizeof(int);
	int err = 0;

	(void)status;
	(void)events;
	if (getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &err, &n))
		err = errno;
	if (err)
		fail(target, err, true);
	else
		finish(target, OUTCOME_pass, 0, NULL);
}

static void on_timeout(uv_timer_t *timer)
{
	struct target *target = timer->data;
	char detail[32];

	snprintf(detail, sizeof(detail), "within %u ms", target_timeout(target));
	finish(target, OUTCOME_connect_timeout, 0, detail);
}

static int open_connection(struct target *target, struct tcp *tcp)
{
	struct sockaddr_storage address;
	socklen_t n = addr_to_sockaddr(&target->spec.addr, target->spec.port, &address);

	tcp->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tcp->fd < 0)
		return -errno;
	if (connect(tcp->fd, (struct sockaddr *)&address, n) && errno != EINPROGRESS)
		return -errno;
	tcp->poll = poll_new(target->prober->loop, tcp->fd, UV_WRITABLE, on_connected, target);
	if (!tcp->poll)
		return -ENOMEM;
	return uv_timer_start(&tcp->timeout, on_timeout, target_timeout(target), 0);
}

static void tcp_start(struct target *target, bool fresh)
{
	struct tcp *tcp = target->state;
	int err;

	(void)fresh; /* a connection that is open proves nothing: each probe makes its own */
	if (!tcp) {
		tcp = target->state = prober_alloc(sizeof(*tcp));
		tcp->fd = tcp->kept = -1;
		uv_timer_init(target->prober->loop, &tcp->timeout);
		tcp->timeout.data = target;
	}
	err = open_connection(target, tcp);
	if (err)
		fail(target, -err, false);
}

static void tcp_drop(struct target *target)
{
	struct tcp *tcp = target->state;

	tether_forget(target);
	close_fd(&tcp->kept);
}

static void on_closed(uv_handle_t *timeout)
{
	free(container_of((uv_timer_t *)timeout, struct tcp, timeout));
}

static void tcp_stop(struct target *target)
{
	struct tcp *tcp = target->state;

	if (!tcp)
		return;
	end_attempt(tcp);
	tcp_drop(target);
	uv_close((uv_handle_t *)&tcp->timeout, on_closed);
	target->state = NULL;
}

const struct probe_type probe_tcp = {.start = tcp_start, .drop = tcp_drop, .stop = tcp_stop};
