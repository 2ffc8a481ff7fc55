/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/prober.h"

#include <errno.h>
#include <sys/socket.h>

static void on_wire(uv_poll_t *poll, int status, int events);

static void watch(struct prober *prober)
{
	uv_poll_start(&prober->poll, UV_READABLE | (prober->pending ? UV_WRITABLE : 0), on_wire);
}

/* ---- from musterd ---- */

static void bad_frame(const char *why)
{
	fprintf(stderr, "level=error event=bad_frame why=\"%s\"\n", why);
	exit(1);
}

static bool is_terminated(const char *text, size_t n)
{
	return memchr(text, '\0', n);
}

static void on_add(struct prober *prober, const struct probe_add *add)
{
	const struct probe_spec *spec = &add->spec;

	if (spec->type > CHECK_HTTP || spec->n_status > MODEL_STATUS_RANGES || !spec->port ||
		!spec->interval || !spec->timeout ||
		!is_terminated(spec->host, sizeof(spec->host)) ||
		!is_terminated(spec->path, sizeof(spec->path)) ||
		!is_terminated(spec->body, sizeof(spec->body)))
		bad_frame("a spec out of range");
	target_add(prober, add->header.target_id, add->header.config_seq, spec);
}

static void on_frame(struct prober *prober, const union probe_frame *frame, size_t n)
{
	if (n < sizeof(frame->header) || frame->header.version != PROBE_VERSION)
		bad_frame("another version");
	switch (frame->header.type) {
	case PROBE_FRAME_ADD:
		if (n != sizeof(frame->add))
			bad_frame("wrong length");
		on_add(prober, &frame->add);
		break;
	case PROBE_FRAME_DELETE:
		target_delete(prober, frame->header.target_id);
		break;
	case PROBE_FRAME_RECHECK:
		target_recheck(prober, frame->header.target_id);
		break;
	default:
		bad_frame("unknown type");
	}
}

/* ---- to musterd ---- */

static bool send_frame(struct prober *prober, const void *frame, size_t n)
{
	return send(prober->fd, frame, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}

static bool is_hard(const struct target *target)
{
	return probe_outcome_strength(target->result.outcome) == PROBE_HARD;
}

void wire_forget(struct target *target)
{
	struct prober *prober = target->prober;

	if (!target->is_pending)
		return;
	for (struct target **at = &prober->pending; *at; at = &(*at)->next_pending) {
		if (*at != target)
			continue;
		*at = target->next_pending;
		if (!*at)
			prober->pending_tail = at;
		break;
	}
	target->is_pending = false;
}

/* Hard evidence goes to the front; the rest keeps its turn. One slot a target: the latest counts. */
static void enqueue(struct target *target)
{
	struct prober *prober = target->prober;

	if (target->is_pending && !is_hard(target))
		return;
	wire_forget(target);
	target->is_pending = true;
	if (is_hard(target)) {
		target->next_pending = prober->pending;
		if (!prober->pending)
			prober->pending_tail = &target->next_pending;
		prober->pending = target;
	} else {
		target->next_pending = NULL;
		*prober->pending_tail = target;
		prober->pending_tail = &target->next_pending;
	}
	watch(prober);
}

void wire_result(struct target *target)
{
	if (!target->prober->pending &&
		send_frame(target->prober, &target->result, sizeof(target->result)))
		return;
	enqueue(target);
}

static void flush(struct prober *prober)
{
	while (prober->pending) {
		struct target *target = prober->pending;

		if (!send_frame(prober, &target->result, sizeof(target->result)))
			return;
		wire_forget(target);
	}
}

static void on_wire(uv_poll_t *poll, int status, int events)
{
	struct prober *prober = poll->data;
	union probe_frame frame;
	ssize_t n;

	(void)status;
	(void)events;
	for (int i = 0; i < 256; i++) {
		n = recv(prober->fd, &frame, sizeof(frame), MSG_DONTWAIT);
		if (n == 0) /* musterd is gone */
			exit(0);
		if (n < 0)
			break;
		on_frame(prober, &frame, (size_t)n);
	}
	flush(prober);
	watch(prober);
}

static void on_heartbeat(uv_timer_t *timer)
{
	struct prober *prober = timer->data;
	struct probe_header beat = {
		.version = PROBE_VERSION,
		.type = PROBE_FRAME_HEARTBEAT,
		.target_id = HASH_COUNT(prober->targets),
	};

	/* A full socket proves to musterd that we live: it has our results to read. */
	send_frame(prober, &beat, sizeof(beat));
}

int wire_open(struct prober *prober)
{
	int err = uv_poll_init(prober->loop, &prober->poll, prober->fd);

	if (err)
		return err;
	prober->pending_tail = &prober->pending;
	prober->poll.data = prober->heartbeat.data = prober;
	watch(prober);
	uv_timer_init(prober->loop, &prober->heartbeat);
	prober->heartbeat.data = prober;
	return uv_timer_start(&prober->heartbeat, on_heartbeat, 0, PROBE_HEARTBEAT_MS);
}
