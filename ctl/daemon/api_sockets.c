/* SPDX-License-Identifier: BSD-2-Clause */
/* The two sockets, who is connected to them, and microhttpd inside the loop. */
#include "daemon/api_internal.h"
#include "daemon/identity.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* ---- microhttpd inside the loop: its epoll descriptor, and a timer for its timeouts ---- */

static void on_listener_timer(uv_timer_t *timer)
{
	api_listener_turn(timer->data);
}

void api_listener_turn(struct listener *listener)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(listener->mhd);
	if (MHD_get_timeout(listener->mhd, &ms) == MHD_YES)
		uv_timer_start(&listener->timer, on_listener_timer, ms, 0);
	else
		uv_timer_stop(&listener->timer);
}

static void on_listener_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	api_listener_turn(poll->data);
}

/* ---- connections: who, since when ---- */

static unsigned connections_of(const struct api *api, uid_t uid)
{
	unsigned n = 0;

	for (const struct api_connection *c = api->connections; c; c = c->next)
		n += c->uid == uid;
	return n;
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct listener *listener = data;
	struct api *api = listener->api;
	struct api_connection **at, *c = *context;
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t n = sizeof(peer);

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = calloc(1, sizeof(*c));
		*context = c;
		if (!c)
			return;
		getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &n);
		*c = (struct api_connection){
			info->connect_fd, peer.uid, daemon_now_ms(), false, api->connections};
		if (peer.uid && connections_of(api, peer.uid) >= API_CONNECTIONS_UID)
			shutdown(c->fd, SHUT_RDWR);
		api->connections = c;
		return;
	}
	for (at = &api->connections; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	free(c);
}

struct api_connection *api_connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void on_deadline(uv_timer_t *timer)
{
	struct api *api = timer->data;
	uint64_t now = daemon_now_ms();

	for (struct api_connection *c = api->connections; c; c = c->next)
		if (!c->held && now - c->since_ms > API_DEADLINE_MS)
			shutdown(c->fd, SHUT_RDWR);
	api_wake(api);
}

/* ---- sockets ---- */

static void report(struct daemon *daemon, const char *path, const char *why)
{
	events_emit(daemon->events, EVENT_ERROR, "socket_failed", "path", path, "why", why, NULL);
}

/* A socket file that nobody listens on is left over; one that answers belongs to another musterd. */
static int remove_stale(const struct sockaddr_un *address)
{
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return -EADDRINUSE;
	if (errno == ECONNREFUSED)
		unlink(address->sun_path);
	return 0;
}

static int listen_on(struct daemon *daemon, const char *path, const char *group)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_close_ int fd = -1;
	gid_t gid;
	mode_t mask;
	int err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	err = remove_stale(&address);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177); /* nobody may connect before the group is set */
	err = bind(fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	if (err)
		return err;
	err = identity_group(group, &gid);
	if (err)
		events_emit(daemon->events, EVENT_WARNING, "socket_group", "path", path, "why",
			event_text("there is no group %s: only root may use it", group), NULL);
	else if (chown(path, (uid_t)-1, gid))
		events_emit(daemon->events, EVENT_WARNING, "socket_group", "path", path, "why",
			strerror(errno), NULL);
	if (chmod(path, 0660) || listen(fd, 128))
		return -errno;
	return take_fd(&fd);
}

static int listener_start(
	struct api *api, struct listener *listener, const char *name, const char *group)
{
	struct daemon *daemon = api->daemon;
	int fd;

	listener->api = api;
	if (asprintf(&listener->path, "%s/%s", daemon->settings.run_dir, name) < 0)
		return -ENOMEM;
	fd = listen_on(daemon, listener->path, group);
	if (fd < 0) {
		report(daemon, listener->path,
			fd == -EADDRINUSE ? "another musterd listens there" : strerror(-fd));
		return fd;
	}
	listener->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0,
		NULL, NULL, api_incoming, listener, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, API_CONNECTIONS, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, listener, MHD_OPTION_NOTIFY_COMPLETED, api_completed, listener,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_END);
	if (!listener->mhd) {
		close(fd);
		report(daemon, listener->path, "cannot start the HTTP server");
		return -EIO;
	}
	uv_timer_init(daemon->loop, &listener->timer);
	listener->timer.data = listener->poll.data = listener;
	uv_poll_init(daemon->loop, &listener->poll,
		MHD_get_daemon_info(listener->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
	listener->poll.data = listener;
	return uv_poll_start(&listener->poll, UV_READABLE, on_listener_poll);
}

int api_new(struct api **ret, struct daemon *daemon)
{
	struct api *api = calloc(1, sizeof(*api));
	int err;

	if (!api)
		return -ENOMEM;
	*ret = api; /* freed by api_free() also when half built */
	api->daemon = daemon;
	uv_timer_init(daemon->loop, &api->deadline);
	uv_idle_init(daemon->loop, &api->wake);
	api->deadline.data = api->wake.data = api;
	api->listeners[0].control = true;
	err = listener_start(
		api, &api->listeners[0], "control.sock", daemon->settings.control_group);
	if (!err)
		err = listener_start(
			api, &api->listeners[1], "view.sock", daemon->settings.view_group);
	if (!err)
		err = uv_timer_start(&api->deadline, on_deadline, 1000, 1000);
	return err;
}

void api_free(struct api **api)
{
	struct api *a = *api;

	if (!a)
		return;
	api_answer_polls(a, true);
	for (size_t i = 0; i < ARRAY_SIZE(a->listeners); i++) {
		if (!a->listeners[i].mhd)
			continue;
		MHD_run(a->listeners[i].mhd); /* lets resumed connections answer */
		MHD_stop_daemon(a->listeners[i].mhd);
		unlink(a->listeners[i].path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(a->listeners); i++)
		free(a->listeners[i].path);
	free(a);
	*api = NULL;
}
