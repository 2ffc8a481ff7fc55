/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * type http: a request, a status, perhaps a text in the answer. libcurl speaks HTTP; the connection that
 * it keeps for the next request is the tether.
 */
#include "prober/prober.h"

#include <curl/curl.h>
#include <errno.h>

#define BODY_MAX	65536 /* bytes of an answer that are read */
#define CONNECTIONS_MAX 100000L
#define IDLE_MAX_S	86400L

struct http {
	CURLM *multi;
	uv_timer_t timer;
};

/* One request; kept between probes with its connection. */
struct http_target {
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	bool running;
	char *body;
	size_t n_body;
	bool cut; /* the answer is longer than BODY_MAX */
	char error[CURL_ERROR_SIZE];
};

static void check_done(struct http *http);

/* ---- libcurl in the loop ---- */

struct socket_poll {
	struct target *target;
	curl_socket_t fd;
	uv_poll_t *poll;
};

/* If the answer of this target crashes us, musterd has to know whose it was. */
static void working_on(struct target *target, bool busy)
{
	if (target->prober->working)
		*target->prober->working = busy ? target->id : 0;
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct socket_poll *socket = poll->data;
	struct target *target = socket->target;
	struct prober *prober = target->prober;
	int action = status < 0 ? CURL_CSELECT_ERR : 0, running;

	if (events & UV_READABLE)
		action |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		action |= CURL_CSELECT_OUT;
	working_on(target, true);
	curl_multi_socket_action(prober->http->multi, socket->fd, action, &running);
	if (prober->working)
		*prober->working = 0;
	check_done(prober->http);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *assigned)
{
	struct socket_poll *socket = assigned;
	struct http *http = data;
	struct target *target;
	int events = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&target);
	if (what == CURL_POLL_REMOVE) {
		if (socket)
			poll_free(&socket->poll);
		free(socket);
		curl_multi_assign(http->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	if (socket) {
		uv_poll_start(socket->poll, events, on_socket);
		return 0;
	}
	socket = calloc(1, sizeof(*socket));
	if (!socket)
		return -1;
	*socket = (struct socket_poll){target, fd, NULL};
	socket->poll = poll_new(target->prober->loop, fd, events, on_socket, socket);
	if (!socket->poll) {
		free(socket);
		return -1;
	}
	curl_multi_assign(http->multi, fd, socket);
	return 0;
}

static void on_timer(uv_timer_t *timer)
{
	struct http *http = timer->data;
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	check_done(http);
}

static int on_curl_timer(CURLM *multi, long ms, void *data)
{
	struct http *http = data;

	(void)multi;
	if (ms < 0)
		return uv_timer_stop(&http->timer);
	return uv_timer_start(&http->timer, on_timer, (uint64_t)ms, 0);
}

int http_open(struct prober *prober)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http || curl_global_init(CURL_GLOBAL_NOTHING))
		return -ENOMEM;
	http->multi = curl_multi_init();
	if (!http->multi)
		return -ENOMEM;
	uv_timer_init(prober->loop, &http->timer);
	http->timer.data = http;
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	prober->http = http;
	return 0;
}

/* ---- one request ---- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct target *target = arg;
	struct http_target *state = target->state;

	n *= size;
	if (state->n_body + n > BODY_MAX) {
		state->cut = true;
		return 0; /* enough: ends the transfer */
	}
	memcpy(state->body + state->n_body, data, n);
	state->n_body += n;
	return n;
}

/* libcurl closes a connection that we may be watching. */
static int on_close_socket(void *arg, curl_socket_t fd)
{
	struct target *target = arg;

	if (target->tether_fd == fd)
		tether_release(target);
	return close(fd);
}

static void set_url(struct target *target, struct http_target *state)
{
	char address[ADDR_TEXT], connect_to[ADDR_TEXT + 8], url[MODEL_CHECK_PATH_MAX + 64];
	char host[MODEL_CHECK_HOST_MAX + 8];
	const struct probe_spec *spec = &target->spec;

	addr_format_port(&spec->addr, spec->port, address);
	snprintf(connect_to, sizeof(connect_to), "::%s", address);
	/* A name of its own for each target keeps libcurl from sharing connections among them. */
	snprintf(url, sizeof(url), "http://target-%u.invalid:%u%s", target->id, ntohs(spec->port),
		*spec->path ? spec->path : "/");
	snprintf(host, sizeof(host), "Host: %s", *spec->host ? spec->host : address);
	state->connect_to = curl_slist_append(NULL, connect_to);
	state->headers = curl_slist_append(NULL, host);
	curl_easy_setopt(state->easy, CURLOPT_URL, url);
	curl_easy_setopt(state->easy, CURLOPT_CONNECT_TO, state->connect_to);
	curl_easy_setopt(state->easy, CURLOPT_HTTPHEADER, state->headers);
}

static void set_options(struct target *target, struct http_target *state)
{
	CURL *easy = state->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, target);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, target);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, target);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "muster-prober/" MUSTER_VERSION);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
}

static struct http_target *http_new(struct target *target)
{
	struct http_target *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	target->state = state;
	state->easy = curl_easy_init();
	state->body = malloc(BODY_MAX + 1);
	if (!state->easy || !state->body)
		return NULL; /* freed by http_stop() */
	set_url(target, state);
	set_options(target, state);
	return state;
}

static void http_start(struct target *target, bool fresh)
{
	struct http_target *state = target->state ? target->state : http_new(target);
	struct http *http = target->prober->http;

	if (!state || !state->easy) {
		target_done(target, OUTCOME_local_error, ENOMEM, strerror(ENOMEM));
		return;
	}
	tether_pause(target);
	state->n_body = 0;
	state->cut = false;
	*state->error = '\0';
	curl_easy_setopt(state->easy, CURLOPT_FRESH_CONNECT, (long)fresh);
	curl_easy_setopt(state->easy, CURLOPT_TIMEOUT_MS, (long)target_timeout(target));
	curl_multi_add_handle(http->multi, state->easy);
	state->running = true;
	if (fresh) { /* a tether broke: no turn of the loop in between */
		int running;

		curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

static void http_stop(struct target *target)
{
	struct http_target *state = target->state;

	if (!state)
		return;
	if (state->running)
		curl_multi_remove_handle(target->prober->http->multi, state->easy);
	if (state->easy)
		curl_easy_cleanup(state->easy);
	curl_slist_free_all(state->headers);
	curl_slist_free_all(state->connect_to);
	free(state->body);
	free(state);
	target->state = NULL;
}

const struct probe_type probe_http = {.start = http_start, .stop = http_stop};

/* ---- verdict ---- */

static long info(CURL *easy, CURLINFO what)
{
	long value = 0;

	curl_easy_getinfo(easy, what, &value);
	return value;
}

static enum probe_outcome transport_outcome(CURL *easy, CURLcode code)
{
	int err = (int)info(easy, CURLINFO_OS_ERRNO);
	curl_off_t connected = 0;

	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return probe_errno_outcome(err);
	case CURLE_OPERATION_TIMEDOUT:
		curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
		return connected ? OUTCOME_answer_timeout : OUTCOME_connect_timeout;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return err == ECONNRESET ? OUTCOME_reset : OUTCOME_closed;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return OUTCOME_closed;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return OUTCOME_local_error;
	default:
		return OUTCOME_bad_protocol;
	}
}

static bool status_fits(const struct probe_spec *spec, long status)
{
	for (size_t i = 0; i < spec->n_status; i++)
		if (status >= spec->status[i].low && status <= spec->status[i].high)
			return true;
	return false;
}

static void conclude(struct target *target, CURLcode code)
{
	struct http_target *state = target->state;
	const struct probe_spec *spec = &target->spec;
	long status = info(state->easy, CURLINFO_RESPONSE_CODE);
	char detail[32];

	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && state->cut)) {
		enum probe_outcome outcome = transport_outcome(state->easy, code);

		target_done(target, outcome, (int)info(state->easy, CURLINFO_OS_ERRNO),
			outcome == OUTCOME_refused ? NULL : state->error);
		return;
	}
	snprintf(detail, sizeof(detail), "HTTP %ld", status);
	state->body[state->n_body] = '\0';
	if (!status_fits(spec, status))
		target_done(target, OUTCOME_bad_status, (int)status, detail);
	else if (*spec->body && !memmem(state->body, state->n_body, spec->body, strlen(spec->body)))
		target_done(target, OUTCOME_bad_body, (int)status, detail);
	else
		target_done(target, OUTCOME_pass, 0, detail);
}

/*
 * The connection of a complete exchange, if libcurl keeps it: a tether, whatever the answer said. To be
 * asked while the handle is still in the multi handle.
 */
static int kept_connection(CURL *easy, CURLcode code)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (code == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	return fd == CURL_SOCKET_BAD ? -1 : fd;
}

static void check_done(struct http *http)
{
	struct target *target;
	CURLMsg *message;
	int left, fd;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		CURLcode code = message->data.result;
		CURL *easy = message->easy_handle;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&target);
		fd = kept_connection(easy, code);
		curl_multi_remove_handle(http->multi, easy);
		((struct http_target *)target->state)->running = false;
		if (fd >= 0)
			tether_hold(target, fd);
		else
			tether_release(target);
		conclude(target, code);
	}
}
