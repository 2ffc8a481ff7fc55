/* SPDX-License-Identifier: BSD-2-Clause */
/* libcurl's multi interface driven by libuv: sockets to watch, one timer, and requests that have ended. */
#include "prober/http.h"

#define CONNECTIONS_MAX 100000L

/*
 * One of several multi handles. Now and then libcurl polls all idle connections of one, and it finds a
 * connection among them in linear time: with one handle for all, thousands of tethers would stall the
 * loop for milliseconds.
 */
struct http_loop {
	CURLM *multi;
	uv_timer_t timer;
	struct prober *prober;
	bool draining;
};

/* A socket that libcurl wants watched. */
struct watch {
	struct http *http;
	curl_socket_t fd;
	uv_poll_t *poll;
};

static void working_on(struct prober *prober, uint32_t id)
{
	if (prober->working)
		*prober->working = id;
}

/* A request that ends may start the next one, which may end at once: the outermost call reports all. */
static void drain(struct http_loop *loop)
{
	CURLMsg *message;
	int left;

	if (loop->draining)
		return;
	loop->draining = true;
	while ((message = curl_multi_info_read(loop->multi, &left))) {
		CURLcode code = message->data.result;
		CURL *easy = message->easy_handle;
		curl_socket_t fd = CURL_SOCKET_BAD;
		struct http *http;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&http);
		if (code == CURLE_OK) /* known only until the handle is removed */
			curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
		curl_multi_remove_handle(loop->multi, easy);
		http_done(http, code, fd == CURL_SOCKET_BAD ? -1 : fd);
	}
	loop->draining = false;
}

static void act(struct http_loop *loop, curl_socket_t fd, int events, uint32_t id)
{
	int running;

	working_on(loop->prober, id);
	curl_multi_socket_action(loop->multi, fd, events, &running);
	working_on(loop->prober, 0);
	drain(loop);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	struct http *http = watch->http;
	int action = 0;

	/* libuv's word for POLLERR: libcurl is to ask the socket, or it would not know which error. */
	if (status < 0)
		action = CURL_CSELECT_IN | CURL_CSELECT_OUT;
	if (events & UV_READABLE)
		action |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		action |= CURL_CSELECT_OUT;
	act(http->loop, watch->fd, action, http->target->id);
}

static void unwatch(struct http_loop *loop, curl_socket_t fd, struct watch *watch)
{
	if (watch)
		poll_free(&watch->poll);
	free(watch);
	curl_multi_assign(loop->multi, fd, NULL);
}

static struct watch *watch_new(struct http_loop *loop, struct http *http, curl_socket_t fd)
{
	struct watch *watch = prober_alloc(sizeof(*watch));

	*watch = (struct watch){.http = http, .fd = fd};
	watch->poll = poll_new(loop->prober->loop, fd, UV_READABLE, on_socket, watch);
	if (!watch->poll) /* an error returned to libcurl would make all of its requests fail */
		prober_fail("prober_failed", "cannot watch a socket");
	curl_multi_assign(loop->multi, fd, watch);
	return watch;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *assigned)
{
	struct http_loop *loop = data;
	struct watch *watch = assigned;
	struct http *http;
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		unwatch(loop, fd, watch);
		return 0;
	}
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&http);
	http->connecting = true;
	if (!watch)
		watch = watch_new(loop, http, fd);
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return uv_poll_start(watch->poll, events, on_socket);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0, 0);
}

static int on_curl_timer(CURLM *multi, long ms, void *data)
{
	struct http_loop *loop = data;

	(void)multi;
	if (ms < 0)
		return uv_timer_stop(&loop->timer);
	return uv_timer_start(&loop->timer, on_timer, (uint64_t)ms, 0);
}

static int loop_new(struct http_loop **ret, struct prober *prober)
{
	struct http_loop *loop = prober_alloc(sizeof(*loop));

	loop->multi = curl_multi_init();
	if (!loop->multi)
		return UV_ENOMEM;
	loop->prober = prober;
	uv_timer_init(prober->loop, &loop->timer);
	loop->timer.data = loop;
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	*ret = loop;
	return 0;
}

int http_loop_open(struct prober *prober)
{
	int err = curl_global_init(CURL_GLOBAL_NOTHING) ? UV_ENOMEM : 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(prober->http); i++)
		err = loop_new(&prober->http[i], prober);
	return err;
}

void http_loop_start(struct http *http)
{
	curl_multi_add_handle(http->loop->multi, http->easy);
	act(http->loop, CURL_SOCKET_TIMEOUT, 0, http->target->id);
}

void http_loop_cancel(struct http *http)
{
	curl_multi_remove_handle(http->loop->multi, http->easy);
}
