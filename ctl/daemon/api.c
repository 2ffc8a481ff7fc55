/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/api.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct api_connection {
	int fd;
	uid_t uid;
	uint64_t since_ms; /* start of the request that is being read */
	bool held;
	struct api_connection *next;
};

struct listener {
	struct api *api;
	struct MHD_Daemon *mhd;
	uv_poll_t poll;
	uv_timer_t timer;
	bool control;
	char *path;
};

struct api {
	struct daemon *daemon;
	struct listener listeners[2];
	struct api_connection *connections;
	struct api_request *polls;
	uv_timer_t deadline;
	uv_idle_t wake;
};

/* ---- microhttpd inside the loop: its epoll descriptor, and a timer for its timeouts ---- */

static void listener_turn(struct listener *listener);

static void on_listener_timer(uv_timer_t *timer)
{
	listener_turn(timer->data);
}

static void listener_turn(struct listener *listener)
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
	listener_turn(poll->data);
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

static struct api_connection *connection_of(struct MHD_Connection *connection)
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

/* ---- requests ---- */

static void request_free(struct api_request *request)
{
	if (request->response)
		MHD_destroy_response(request->response);
	free(request->path);
	free(request->body);
	free(request);
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct api_connection *c = connection_of(connection);

	(void)data;
	(void)code;
	if (c) {
		c->since_ms = daemon_now_ms();
		c->held = false;
	}
	if (*context)
		request_free(*context);
	*context = NULL;
}

static struct api_request *request_new(struct listener *listener, struct MHD_Connection *connection,
	const char *path, const char *method)
{
	struct api_request *request = calloc(1, sizeof(*request));
	struct api_connection *c = connection_of(connection);

	if (!request)
		return NULL;
	request->daemon = listener->api->daemon;
	request->api = listener->api;
	request->connection = connection;
	request->control = listener->control;
	request->uid = c ? c->uid : (uid_t)-1;
	request->method = method;
	request->path = strdup(path);
	if (!request->path) {
		free(request);
		return NULL;
	}
	return request;
}

static void append_body(struct api_request *request, const char *data, size_t n)
{
	char *grown;

	if (request->too_big || request->n_body + n > API_BODY_MAX) {
		request->too_big = true;
		return;
	}
	grown = realloc(request->body, request->n_body + n + 1);
	if (!grown) {
		request->too_big = true;
		return;
	}
	memcpy(grown + request->n_body, data, n);
	request->body = grown;
	request->n_body += n;
	grown[request->n_body] = '\0';
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *n_upload,
	void **context)
{
	struct api_request *request = *context;

	(void)version;
	if (!request) {
		*context = request_new(data, connection, url, method);
		return *context ? MHD_YES : MHD_NO;
	}
	if (*n_upload) {
		append_body(request, upload, *n_upload);
		*n_upload = 0;
		return MHD_YES;
	}
	if (!request->routed) {
		request->routed = true;
		if (request->too_big)
			api_reply_error(
				request, 413, "the request is larger than %u bytes", API_BODY_MAX);
		else
			api_route(request);
		if (request->held)
			return MHD_YES;
	}
	if (!request->response)
		return MHD_NO;
	return MHD_queue_response(connection, request->status, request->response);
}

const char *api_argument(const struct api_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

static void set_response(struct api_request *request, unsigned status, const char *type, char *text)
{
	if (request->response)
		MHD_destroy_response(request->response);
	request->status = status;
	request->response =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(request->response, "Content-Type", type);
	if (!request->held)
		return;
	request->held = false;
	MHD_resume_connection(request->connection);
	api_wake(request->api);
}

void api_reply_text(struct api_request *request, unsigned status, const char *type, char *text)
{
	set_response(request, status, type, text);
}

void api_reply_json(struct api_request *request, unsigned status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);

	json_decref(json);
	set_response(request, status, "application/json", text ? text : strdup("{}"));
}

void api_reply_error(struct api_request *request, unsigned status, const char *format, ...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	api_reply_json(request, status, json_pack("{s:s}", "error", sentence));
}

void api_hold(struct api_request *request)
{
	struct api_connection *c = connection_of(request->connection);

	request->held = true;
	if (c)
		c->held = true;
	MHD_suspend_connection(request->connection);
}

/* ---- long polls ---- */

void api_poll_events(struct api_request *request, uint64_t since)
{
	request->since = since;
	request->poll_until_ms = daemon_now_ms() + API_POLL_MS;
	request->next_poll = request->api->polls;
	request->api->polls = request;
	api_hold(request);
}

static void answer_polls(struct api *api, bool all)
{
	struct api_request **at = &api->polls, *request;
	uint64_t next, now = daemon_now_ms();
	json_t *events;

	while ((request = *at)) {
		if (!all && request->since >= events_next(api->daemon->events) &&
			now < request->poll_until_ms) {
			at = &request->next_poll;
			continue;
		}
		*at = request->next_poll;
		events = events_since(api->daemon->events, request->since, &next);
		api_reply_json(request, 200,
			json_pack("{s:I, s:o}", "next", (json_int_t)next, "events", events));
	}
}

/* Events come in bursts and from deep inside: answer them from the loop, once. */
static void on_wake(uv_idle_t *idle)
{
	struct api *api = idle->data;

	uv_idle_stop(idle);
	answer_polls(api, false);
	for (size_t i = 0; i < ARRAY_SIZE(api->listeners); i++)
		listener_turn(&api->listeners[i]);
}

void api_wake(struct api *api)
{
	if (api)
		uv_idle_start(&api->wake, on_wake);
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
	struct group *entry = getgrnam(group);
	_close_ int fd = -1;
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
	if (entry && chown(path, (uid_t)-1, entry->gr_gid))
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
		NULL, NULL, on_request, listener, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, API_CONNECTIONS, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener,
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
	answer_polls(a, true);
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
