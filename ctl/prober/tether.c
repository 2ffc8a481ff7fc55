/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tether: a connection whose exchange is complete, left open. The kernel tells us the moment the
 * process behind it dies. That it is open proves nothing; that it breaks is only a reason to look.
 */
#include "prober/prober.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#define EARLY_BREAK_NS	 5000000000ull /* after its last exchange */
#define EARLY_BREAKS_MAX 3

static void on_close(uv_handle_t *handle)
{
	free(handle);
}

void poll_free(uv_poll_t **poll)
{
	if (!*poll)
		return;
	uv_poll_stop(*poll);
	uv_close((uv_handle_t *)*poll, on_close);
	*poll = NULL;
}

uv_poll_t *poll_new(uv_loop_t *loop, int fd, int events, uv_poll_cb f, void *data)
{
	uv_poll_t *poll = prober_alloc(sizeof(*poll));

	if (uv_poll_init(loop, poll, fd)) {
		free(poll);
		return NULL;
	}
	poll->data = data;
	if (uv_poll_start(poll, events, f))
		poll_free(&poll);
	return poll;
}

static void on_tether(uv_poll_t *poll, int status, int events)
{
	struct target *target = poll->data;

	/* End, error, or bytes nobody asked for: whatever it is, it is time to look. */
	(void)status;
	(void)events;
	target->type->drop(target);
	target_alarm(target);
}

/* A cut cable breaks nothing: ask the other side. Found after 1 + 3 s at the latest. */
static void keep_alive(int fd)
{
	int on = 1, idle = 1, interval = 1, count = 3;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

bool tether_wanted(const struct target *target)
{
	return !target->tether_off && target->spec.tether != TETHER_OFF;
}

bool tether_hold(struct target *target, int fd)
{
	if (!tether_wanted(target))
		return false;
	if (target->tether_fd >= 0)
		target->early_breaks = 0; /* the last one lived until this probe */
	if (fd != target->tether_fd)
		keep_alive(fd);
	poll_free(&target->tether);
	target->tether =
		poll_new(target->prober->loop, fd, UV_READABLE | UV_DISCONNECT, on_tether, target);
	target->tether_fd = target->tether ? fd : -1;
	target->tether_ns = prober_now_ns();
	return target->tether;
}

void tether_pause(struct target *target)
{
	poll_free(&target->tether);
}

void tether_forget(struct target *target)
{
	poll_free(&target->tether);
	target->tether_fd = -1;
	target->broke_early = prober_now_ns() - target->tether_ns < EARLY_BREAK_NS;
}

bool tether_judge(struct target *target, bool passed)
{
	target->early_breaks = passed && target->broke_early ? target->early_breaks + 1 : 0;
	if (target->early_breaks < EARLY_BREAKS_MAX || target->tether_off)
		return false;
	target->tether_off = true;
	if (target->tether_fd >= 0)
		target->type->drop(target);
	return true;
}
