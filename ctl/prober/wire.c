/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/command.h"
#include "prober/prober.h"

#include <errno.h>
#include <sys/socket.h>

#define BATCH 64 /* commands in a turn of the loop: a thousand new targets delay no alarm */

static void on_wire(uv_poll_t *poll, int status, int events);

static void watch(struct prober *prober)
{
	int events = UV_READABLE | (outbox_first(&prober->outbox) ? UV_WRITABLE : 0);

	if (uv_poll_start(&prober->poll, events, on_wire))
		prober_fail("prober_failed", "cannot watch the socket to musterd");
}

static void on_command(struct prober *prober, const union probe_frame *frame, size_t n)
{
	const struct probe_header *header = &frame->header;
	const char *why = command_check(frame, n);

	if (why)
		prober_fail("bad_frame", why);
	switch (header->type) {
	case PROBE_FRAME_ADD:
		target_add(prober, header->target_id, header->config_seq, &frame->add.spec);
		break;
	case PROBE_FRAME_DELETE:
		target_delete(prober, header->target_id);
		break;
	default:
		target_recheck(prober, header->target_id);
	}
}

static bool send_frame(struct prober *prober, const void *frame, size_t n)
{
	return send(prober->fd, frame, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}

static void flush(struct prober *prober)
{
	struct outbox_slot *slot;

	while ((slot = outbox_first(&prober->outbox))) {
		if (!send_frame(prober, &slot->result, sizeof(slot->result)))
			return;
		outbox_remove(&prober->outbox, slot);
	}
}

void wire_result(struct target *target, const struct probe_result *result)
{
	struct prober *prober = target->prober;

	if (!outbox_first(&prober->outbox) && send_frame(prober, result, sizeof(*result)))
		return;
	outbox_put(&prober->outbox, &target->slot, result);
	watch(prober);
}

static void on_wire(uv_poll_t *poll, int status, int events)
{
	struct prober *prober = poll->data;
	union probe_frame frame;

	(void)status;
	(void)events;
	for (int i = 0; i < BATCH; i++) {
		/* MSG_TRUNC: the length of the message, not of what fits. */
		ssize_t n = recv(prober->fd, &frame, sizeof(frame), MSG_DONTWAIT | MSG_TRUNC);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			exit(EXIT_SUCCESS); /* musterd is gone */
		if (n < 0)
			break;
		on_command(prober, &frame, (size_t)n);
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
	prober->poll.data = prober->heartbeat.data = prober;
	watch(prober);
	uv_timer_init(prober->loop, &prober->heartbeat);
	return uv_timer_start(&prober->heartbeat, on_heartbeat, 0, PROBE_HEARTBEAT_MS);
}
