/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * type http: a request, a status, perhaps a text in the answer. libcurl speaks HTTP; the connection that
 * it keeps for the next request is the tether. What a server sends costs at most the timeout,
 * HEAD_MAX and BODY_MAX.
 */
#include "prober/http.h"

#include <errno.h>
#include <sys/socket.h>

#define HEAD_MAX     65536  /* bytes of header lines, those of 1xx answers included */
#define BODY_MAX     65536  /* bytes of an answer that are read */
#define READ_AT_ONCE 8192L  /* libcurl keeps a buffer of it for each target */
#define IDLE_MAX_S   86400L /* the tether lives longer than libcurl's two minutes */

/* ---- what libcurl asks for ---- */

/* The address in the URL is only the name of a connection (see set_url()): here is the real one. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http *http = arg;
	const struct probe_spec *spec = &http->target->spec;
	struct sockaddr_storage real;
	int fd;

	(void)purpose;
	if (http->leaving)
		return CURL_SOCKET_BAD;
	http->opened = true;
	address->addrlen = addr_to_sockaddr(&spec->addr, spec->port, &real);
	address->family = real.ss_family;
	memcpy(&address->addr, &real, address->addrlen); /* libcurl has room for any address */
	fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		http->socket_err = errno;
		return CURL_SOCKET_BAD;
	}
	http->connections++;
	return fd;
}

static void http_free(struct http *http)
{
	free(http->body);
	free(http);
}

/* libcurl may see the end of an idle connection before our own watch of it does. */
static int on_close_socket(void *arg, curl_socket_t fd)
{
	struct http *http = arg;
	struct target *target = http->target;

	http->connections--;
	if (target && target->tether_fd == fd) {
		tether_forget(target);
		if (!target->running)
			target_alarm_soon(target);
	}
	if (!target && !http->connections)
		http_free(http);
	return close(fd);
}

/* Line by line. libcurl takes a head that ends in the middle for a whole one. */
static size_t on_head(char *line, size_t size, size_t n, void *arg)
{
	struct http *http = arg;

	n *= size;
	http->n_head += n;
	http->whole_head = n && (*line == '\r' || *line == '\n');
	return http->n_head <= HEAD_MAX ? n : 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http *http = arg;
	size_t take = MIN(size * n, BODY_MAX - http->n_body);

	if (http->body)
		memcpy(http->body + http->n_body, data, take);
	http->n_body += take;
	http->full = take < size * n;
	return http->full ? 0 : take; /* 0 ends the transfer */
}

/* ---- the request ---- */

/*
 * libcurl finds the connection to use again by the host of the URL, and looks at all those to one host.
 * Each target has a host of its own: a number written as an address, so that nothing is resolved.
 */
static void set_url(struct http *http, const struct probe_spec *spec)
{
	static uint32_t serial;
	char address[ADDR_TEXT], url[32], host[MODEL_CHECK_HOST_MAX + 8];

	serial++;
	snprintf(url, sizeof(url), "http://%u.%u.%u.%u/", serial >> 24, serial >> 16 & 255,
		serial >> 8 & 255, serial & 255);
	addr_format_port(&spec->addr, spec->port, address);
	snprintf(host, sizeof(host), "Host: %s", *spec->host ? spec->host : address);
	http->headers = curl_slist_append(NULL, host);
	if (!http->headers)
		prober_fail("prober_failed", "out of memory");
	curl_easy_setopt(http->easy, CURLOPT_URL, url);
	curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->headers);
	curl_easy_setopt(http->easy, CURLOPT_REQUEST_TARGET, *spec->path ? spec->path : "/");
}

static void set_options(struct http *http)
{
	CURL *easy = http->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, http);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->error);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, http);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, http);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "muster-prober/" MUSTER_VERSION);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_AT_ONCE);
}

static struct http *http_new(struct target *target)
{
	struct http *http = prober_alloc(sizeof(*http));

	http->target = target;
	http->loop = target->prober->http[target->id % HTTP_LOOPS];
	http->easy = curl_easy_init();
	if (!http->easy)
		prober_fail("prober_failed", "out of memory");
	if (*target->spec.body)
		http->body = prober_alloc(BODY_MAX);
	set_url(http, &target->spec);
	set_options(http);
	return http;
}

static void http_start(struct target *target, bool fresh)
{
	struct http *http = target->state;

	if (!http)
		http = target->state = http_new(target);
	tether_pause(target);
	http->n_head = http->n_body = 0;
	http->full = http->opened = http->connecting = http->whole_head = false;
	http->socket_err = 0;
	*http->error = '\0';
	curl_easy_setopt(http->easy, CURLOPT_FRESH_CONNECT, (long)fresh);
	curl_easy_setopt(http->easy, CURLOPT_FORBID_REUSE, (long)!tether_wanted(target));
	curl_easy_setopt(http->easy, CURLOPT_TIMEOUT_MS, (long)target_timeout(target));
	http_loop_start(http);
}

/* libcurl has no call to close a connection that it keeps, but closes one that it finds ended. */
static void http_drop(struct target *target)
{
	shutdown(target->tether_fd, SHUT_RDWR);
	tether_forget(target);
}

/* A request that may open no connection looks for a kept one: that is when libcurl finds it. */
static void close_kept(struct http *http)
{
	http->leaving = true;
	curl_easy_setopt(http->easy, CURLOPT_FRESH_CONNECT, 0L);
	http_loop_start(http);
	http_loop_cancel(http);
}

static void http_stop(struct target *target)
{
	struct http *http = target->state;

	if (!http)
		return;
	if (target->running)
		http_loop_cancel(http);
	if (target->tether_fd >= 0)
		http_drop(target);
	if (http->connections)
		close_kept(http);
	curl_easy_cleanup(http->easy);
	curl_slist_free_all(http->headers);
	http->target = NULL;
	target->state = NULL;
	if (!http->connections)
		http_free(http);
}

const struct probe_type probe_http = {
	.start = http_start,
	.drop = http_drop,
	.stop = http_stop,
	.reuses_tether = true,
};

/* ---- the verdict ---- */

static long info(const struct http *http, CURLINFO what)
{
	long value = 0;

	curl_easy_getinfo(http->easy, what, &value);
	return value;
}

static bool is_connected(const struct http *http)
{
	curl_off_t us = 0;

	curl_easy_getinfo(http->easy, CURLINFO_CONNECT_TIME_T, &us);
	return us || !http->opened;
}

static void conclude_failure(struct http *http, CURLcode code)
{
	struct target *target = http->target;
	int err = http->socket_err ? http->socket_err : (int)info(http, CURLINFO_OS_ERRNO);
	struct http_failure failure = {code, err, http->connecting, is_connected(http)};
	char within[32];
	const char *detail = http->error; /* libcurl's own words: which rule an answer breaks */

	snprintf(within, sizeof(within), "within %u ms", target_timeout(target));
	if (code == CURLE_OPERATION_TIMEDOUT)
		detail = within;
	else if (code == CURLE_WRITE_ERROR || code == CURLE_OUT_OF_MEMORY)
		detail = "endless header lines";
	else if (err)
		detail = strerror(err);
	target_done(target, http_outcome(&failure), err, detail);
}

static bool status_fits(const struct probe_spec *spec, long status)
{
	for (size_t i = 0; i < spec->n_status; i++)
		if (status >= spec->status[i].low && status <= spec->status[i].high)
			return true;
	return false;
}

static bool body_fits(const struct http *http)
{
	const char *text = http->target->spec.body;

	return !*text || memmem(http->body, http->n_body, text, strlen(text));
}

static void conclude_answer(struct http *http)
{
	struct target *target = http->target;
	long status = info(http, CURLINFO_RESPONSE_CODE);
	char detail[32];

	snprintf(detail, sizeof(detail), "HTTP %ld", status);
	if (!status_fits(&target->spec, status))
		target_done(target, OUTCOME_bad_status, (int)status, detail);
	else if (!body_fits(http))
		target_done(target, OUTCOME_bad_body, 0, detail);
	else
		target_done(target, OUTCOME_pass, 0, detail);
}

void http_done(struct http *http, CURLcode code, int fd)
{
	struct target *target = http->target;

	if (http->leaving)
		return;
	if (code == CURLE_OK && !http->whole_head) {
		code = CURLE_GOT_NOTHING;
		snprintf(http->error, sizeof(http->error), "the answer ends within its head");
	}
	if (target->tether_fd >= 0 && target->tether_fd != fd)
		http_drop(target);
	if (fd >= 0 && (code != CURLE_OK || !tether_hold(target, fd)))
		shutdown(fd, SHUT_RDWR);
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && http->full))
		conclude_answer(http);
	else
		conclude_failure(http, code);
}
