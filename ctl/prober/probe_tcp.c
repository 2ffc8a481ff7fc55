/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * type tcp: a connection can be made. Sees a process that is gone, not one that hangs: the kernel
 * completes the handshake for it. A mute connection is kept as a tether only with `tether: on`.
 */
#include "prober/prober.h"

#include <errno.h>
#include <sys/socket.h>

struct tcp {
	int fd;	  /* being connected; -1 */
	int kept; /* the tether; -1 */
	uv_poll_t *poll;
	uv_timer_t *timeout;
};

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle);
}

static void drop_attempt(struct tcp *tcp)
{
	poll_free(&tcp->poll);
	if (tcp->timeout) {
		uv_timer_stop(tcp->timeout);
		uv_close((uv_handle_t *)tcp->timeout, on_timer_closed);
		tcp->timeout = NULL;
	}
	if (tcp->fd >= 0)
		close(tcp->fd);
	tcp->fd = -1;
}

static void drop_kept(struct target *target, struct tcp *tcp)
{
	tether_release(target);
	if (tcp->kept >= 0)
		close(tcp->kept);
	tcp->kept = -1;
}

static void finish(struct target *target, enum probe_outcome outcome, int error)
{
	struct tcp *tcp = target->state;

	if (outcome == OUTCOME_pass && target->spec.tether == TETHER_ON && tether_wanted(target)) {
		int fd = take_fd(&tcp->fd);

		poll_free(&tcp->poll);
		drop_kept(target, tcp);
		tcp->kept = fd;
		tether_hold(target, fd);
	}
	drop_attempt(tcp);
	target_done(target, outcome, error, error ? strerror(error) : NULL);
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
	finish(target, err ? probe_errno_outcome(err) : OUTCOME_pass, err);
}

static void on_timeout(uv_timer_t *timer)
{
	finish(timer->data, OUTCOME_connect_timeout, 0);
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
	tcp->timeout = calloc(1, sizeof(*tcp->timeout));
	if (!tcp->poll || !tcp->timeout)
		return -ENOMEM;
	uv_timer_init(target->prober->loop, tcp->timeout);
	tcp->timeout->data = target;
	return uv_timer_start(tcp->timeout, on_timeout, target_timeout(target), 0);
}

static void tcp_start(struct target *target, bool fresh)
{
	struct tcp *tcp = target->state;
	int err;

	(void)fresh; /* a connection that is open proves nothing: each probe makes its own */
	if (!tcp) {
		tcp = target->state = calloc(1, sizeof(*tcp));
		if (!tcp) {
			target_done(target, OUTCOME_local_error, ENOMEM, strerror(ENOMEM));
			return;
		}
		tcp->fd = tcp->kept = -1;
	}
	err = open_connection(target, tcp);
	if (err)
		finish(target, err == -ENOMEM ? OUTCOME_local_error : probe_errno_outcome(-err),
			-err);
}

static void tcp_stop(struct target *target)
{
	struct tcp *tcp = target->state;

	if (!tcp)
		return;
	drop_attempt(tcp);
	drop_kept(target, tcp);
	free(tcp);
	target->state = NULL;
}

const struct probe_type probe_tcp = {.start = tcp_start, .stop = tcp_stop};
