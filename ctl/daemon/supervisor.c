/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define RESTART_MIN_MS 100
#define RESTART_MAX_MS 5000

struct outgoing {
	struct outgoing *next;
	size_t n;
	union probe_frame frame;
};

struct supervisor {
	uv_loop_t *loop;
	struct supervisor_options options;
	struct supervisor_events events;
	uv_process_t process;
	uv_poll_t poll;
	uv_timer_t timer; /* heartbeat while it runs, restart while it does not */
	int fd;		  /* our end; -1: no prober */
	pid_t pid;
	bool heard; /* a heartbeat has come from this prober */
	bool polling;
	bool silent; /* killed because it was */
	unsigned restarts;
	uint64_t backoff_ms;
	uint64_t last_heard_ms;
	struct outgoing *head, **tail;
	int working_fd; /* memfd: the target the prober is working on */
	volatile uint32_t *working;
};

static void supervisor_start(struct supervisor *sup);

static void drop_queue(struct supervisor *sup)
{
	struct outgoing *next;

	for (struct outgoing *out = sup->head; out; out = next) {
		next = out->next;
		free(out);
	}
	sup->head = NULL;
	sup->tail = &sup->head;
}

static void close_socket(struct supervisor *sup)
{
	if (sup->polling) {
		uv_poll_stop(&sup->poll);
		uv_close((uv_handle_t *)&sup->poll, NULL);
		sup->polling = false;
	}
	if (sup->fd >= 0)
		close(sup->fd);
	sup->fd = -1;
	drop_queue(sup);
}

static void on_frame(struct supervisor *sup, union probe_frame *frame, size_t n)
{
	if (probe_frame_check(frame, n)) {
		/* A prober that talks nonsense is as good as one that does not talk. */
		sup->silent = true;
		kill(sup->pid, SIGKILL);
		return;
	}
	sup->last_heard_ms = uv_now(sup->loop);
	if (frame->header.type == PROBE_FRAME_RESULT)
		sup->events.result(sup->events.data, &frame->result);
	if (frame->header.type == PROBE_FRAME_HEARTBEAT && !sup->heard) {
		sup->heard = true;
		sup->backoff_ms = RESTART_MIN_MS;
	}
}

static void flush(struct supervisor *sup)
{
	while (sup->head) {
		struct outgoing *out = sup->head;

		if (send(sup->fd, &out->frame, out->n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		sup->head = out->next;
		if (!sup->head)
			sup->tail = &sup->head;
		free(out);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct supervisor *sup = poll->data;
	union probe_frame frame;
	ssize_t n;

	(void)status;
	(void)events;
	/* Bounded, so that a flood of results cannot starve the rest of the loop. */
	for (int i = 0; i < 64 && sup->fd >= 0; i++) {
		n = recv(sup->fd, &frame, sizeof(frame), MSG_DONTWAIT);
		if (n <= 0)
			break;
		on_frame(sup, &frame, (size_t)n);
	}
	if (sup->fd < 0 || !sup->polling)
		return;
	flush(sup);
	uv_poll_start(&sup->poll, UV_READABLE | (sup->head ? UV_WRITABLE : 0), on_poll);
}

static void on_restart_timer(uv_timer_t *timer)
{
	supervisor_start(timer->data);
}

static void on_heartbeat_timer(uv_timer_t *timer)
{
	struct supervisor *sup = timer->data;

	on_poll(&sup->poll, 0, UV_READABLE); /* a stall of our own loop is not its silence */
	if (uv_now(sup->loop) - sup->last_heard_ms < PROBE_DEAD_MS)
		return;
	sup->silent = true;
	kill(sup->pid, SIGKILL);
}

static void schedule_restart(struct supervisor *sup)
{
	uv_timer_start(&sup->timer, on_restart_timer, sup->backoff_ms, 0);
	sup->backoff_ms = MIN(2 * sup->backoff_ms, (uint64_t)RESTART_MAX_MS);
}

/* The handle is used again for the next prober: not before libuv has let go of it. */
static void on_process_closed(uv_handle_t *handle)
{
	schedule_restart(handle->data);
}

static void on_prober_exit(uv_process_t *process, int64_t code, int sig)
{
	struct supervisor *sup = process->data;
	char why[96];

	if (sup->silent)
		snprintf(why, sizeof(why), "no valid heartbeat for %d ms; killed", PROBE_DEAD_MS);
	else if (sig)
		snprintf(why, sizeof(why), "killed by signal %d", sig);
	else
		snprintf(why, sizeof(why), "exited with status %d", (int)code);
	sup->pid = 0;
	sup->restarts++;
	close_socket(sup);
	uv_timer_stop(&sup->timer);
	uv_close((uv_handle_t *)process, on_process_closed);
	sup->events.gone(sup->events.data, sup->working ? *sup->working : 0, why);
}

/*
 * Executed through a descriptor that we open: the prober's user need not be able to reach the directory
 * (a build tree under /root), and what is replaced by an upgrade is found anew each time.
 */
static int spawn(struct supervisor *sup, int child_fd)
{
	_close_ int binary = open(sup->options.path, O_RDONLY | O_CLOEXEC);
	char file[32];
	uv_stdio_container_t stdio[PROBE_WORKING_FD + 1] = {
		{.flags = UV_IGNORE},
		{.flags = UV_IGNORE},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
		[PROBE_SOCKET_FD] = {.flags = UV_INHERIT_FD, .data.fd = child_fd},
		[PROBE_WORKING_FD] = {.flags = UV_INHERIT_FD, .data.fd = sup->working_fd},
	};
	char *args[] = {(char *)"muster-prober", NULL};
	char *env[] = {(char *)"PATH=/usr/bin:/bin", NULL};
	uv_process_options_t options = {
		.exit_cb = on_prober_exit,
		.file = file,
		.args = args,
		.env = env,
		.cwd = "/",
		.stdio = stdio,
		.stdio_count = ARRAY_SIZE(stdio),
	};

	sup->process = (uv_process_t){.data = sup};
	if (binary < 0)
		return uv_translate_sys_error(errno);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", binary);
	if (sup->options.change_user) {
		options.flags = UV_PROCESS_SETUID | UV_PROCESS_SETGID;
		options.uid = sup->options.uid;
		options.gid = sup->options.gid;
	}
	return uv_spawn(sup->loop, &sup->process, &options);
}

static void supervisor_start(struct supervisor *sup)
{
	_close_ int child = -1;
	int fds[2], size = 1 << 20, err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds)) {
		sup->events.gone(sup->events.data, 0, strerror(errno));
		schedule_restart(sup);
		return;
	}
	child = fds[1];
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(child, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*sup->working = 0;
	err = spawn(sup, child);
	if (err) {
		close(fds[0]);
		sup->events.gone(sup->events.data, 0, uv_strerror(err));
		if (sup->process.loop) /* uv_spawn() has got that far */
			uv_close((uv_handle_t *)&sup->process, on_process_closed);
		else
			schedule_restart(sup);
		return;
	}
	sup->fd = fds[0];
	sup->pid = sup->process.pid;
	sup->heard = sup->silent = false;
	sup->last_heard_ms = uv_now(sup->loop);
	uv_poll_init(sup->loop, &sup->poll, sup->fd);
	sup->poll.data = sup;
	sup->polling = true;
	uv_poll_start(&sup->poll, UV_READABLE, on_poll);
	uv_timer_start(&sup->timer, on_heartbeat_timer, PROBE_HEARTBEAT_MS, PROBE_HEARTBEAT_MS / 2);
	sup->events.started(sup->events.data, sup->pid);
}

/* One page shared with the prober: what it was doing when it crashed. */
static int share_working(struct supervisor *sup)
{
	void *page;

	sup->working_fd = memfd_create("muster-prober-working", MFD_CLOEXEC);
	if (sup->working_fd < 0 || ftruncate(sup->working_fd, sizeof(uint32_t)))
		return -errno;
	page = mmap(NULL, sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED, sup->working_fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	sup->working = page;
	return 0;
}

int supervisor_new(struct supervisor **ret, uv_loop_t *loop,
	const struct supervisor_options *options, const struct supervisor_events *events)
{
	struct supervisor *sup = calloc(1, sizeof(*sup));
	int err;

	if (!sup)
		return -ENOMEM;
	sup->loop = loop;
	sup->options = *options;
	sup->events = *events;
	sup->fd = -1;
	sup->tail = &sup->head;
	sup->backoff_ms = RESTART_MIN_MS;
	err = share_working(sup);
	if (err) {
		free(sup);
		return err;
	}
	uv_timer_init(loop, &sup->timer);
	sup->timer.data = sup;
	*ret = sup;
	supervisor_start(sup);
	return 0;
}

void supervisor_free(struct supervisor **supervisor)
{
	struct supervisor *sup = *supervisor;

	if (!sup)
		return;
	if (sup->pid) {
		kill(sup->pid, SIGKILL);
		waitpid(sup->pid, NULL, 0);
	}
	if (sup->fd >= 0)
		close(sup->fd);
	drop_queue(sup);
	munmap((void *)sup->working, sizeof(uint32_t));
	close(sup->working_fd);
	free(sup);
	*supervisor = NULL;
}

void supervisor_send(struct supervisor *sup, const union probe_frame *frame, size_t n)
{
	struct outgoing *out;

	if (sup->fd < 0)
		return; /* `started` will ask for everything */
	if (!sup->head && send(sup->fd, frame, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return;
	out = calloc(1, sizeof(*out));
	if (!out)
		return;
	memcpy(&out->frame, frame, n);
	out->n = n;
	*sup->tail = out;
	sup->tail = &out->next;
	uv_poll_start(&sup->poll, UV_READABLE | UV_WRITABLE, on_poll);
}

enum supervisor_state supervisor_state(const struct supervisor *sup)
{
	if (!sup->pid)
		return SUPERVISOR_DEAD;
	return sup->heard ? SUPERVISOR_RUNNING : SUPERVISOR_STARTING;
}

pid_t supervisor_pid(const struct supervisor *sup)
{
	return sup->pid;
}

unsigned supervisor_restarts(const struct supervisor *sup)
{
	return sup->restarts;
}
