/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DAEMON_API_INTERNAL_H
#define MUSTER_DAEMON_API_INTERNAL_H

#include "daemon/api.h"

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

/* ---- api_sockets.c ---- */
void api_listener_turn(struct listener *listener);
struct api_connection *api_connection_of(struct MHD_Connection *connection);

/* ---- api.c: called by microhttpd ---- */
enum MHD_Result api_incoming(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *n_upload,
	void **context);
void api_completed(void *data, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code);
/* Answers long polls that have something to say or waited long enough; all: whatever. */
void api_answer_polls(struct api *api, bool all);

#endif
