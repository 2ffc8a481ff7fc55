/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP probe: probe_http.c is the request and the verdict, http_loop.c libcurl in the loop. */
#ifndef MUSTER_PROBER_HTTP_H
#define MUSTER_PROBER_HTTP_H

#include "prober/prober.h"

#include <curl/curl.h>

/*
 * What a target keeps between probes. libcurl may close a connection after the target is gone, so this
 * lives until the last one is closed.
 */
struct http {
	struct target *target; /* NULL: gone */
	struct http_loop *loop;
	bool leaving;	      /* the target is being deleted: open no more connections */
	unsigned connections; /* sockets that libcurl has open for it */
	CURL *easy;
	struct curl_slist *headers;

	/* the probe in flight */
	bool opened;	 /* it has a connection of its own, not the tether */
	bool connecting; /* connect() has returned, its result is awaited */
	int socket_err;	 /* why there was no socket */
	size_t n_head;
	bool whole_head; /* the empty line after the head has come */
	char *body;	 /* NULL: the check does not look for a text */
	size_t n_body;
	bool full; /* the answer is longer than what is read of it */
	char error[CURL_ERROR_SIZE];
};

int http_loop_open(struct prober *prober);

/* Starts the request that http->easy describes, without waiting for the next turn of the loop. */
void http_loop_start(struct http *http);
void http_loop_cancel(struct http *http);

/* probe_http.c: the request has ended. @fd: its connection, if libcurl keeps that; else -1. */
void http_done(struct http *http, CURLcode code, int fd);

/* How a request failed. @err: errno or 0. Pure. */
struct http_failure {
	CURLcode code;
	int err;
	bool connecting; /* see struct http */
	bool connected;
};
enum probe_outcome http_outcome(const struct http_failure *failure);

#endif
