/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/command.h"

static bool is_terminated(const char *text, size_t n)
{
	return memchr(text, '\0', n);
}

/* Host and path go into the head of a request: nothing may end their line. */
static bool is_one_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			return false;
	return true;
}

static const char *check_spec(const struct probe_spec *spec)
{
	if (spec->type > CHECK_HTTP || spec->tether > TETHER_OFF || spec->hard_refused > 1)
		return "a type, tether or flag out of range";
	if (!spec->port)
		return "no port";
	if (!spec->interval || !spec->fast || !spec->down || !spec->timeout || !spec->fast_timeout)
		return "an interval or timeout of 0";
	if (!spec->rise || !spec->fall)
		return "rise or fall of 0";
	if (spec->n_status > MODEL_STATUS_RANGES)
		return "too many status ranges";
	if (!is_terminated(spec->host, sizeof(spec->host)) ||
		!is_terminated(spec->path, sizeof(spec->path)) ||
		!is_terminated(spec->body, sizeof(spec->body)))
		return "a text without an end";
	if (!is_one_line(spec->host) || !is_one_line(spec->path) || strchr(spec->path, ' '))
		return "a control character in host or path";
	return NULL;
}

const char *command_check(const union probe_frame *frame, size_t n)
{
	static const size_t length[PROBE_FRAME_MAX] = {
		[PROBE_FRAME_ADD] = sizeof(struct probe_add),
		[PROBE_FRAME_DELETE] = sizeof(struct probe_header),
		[PROBE_FRAME_RECHECK] = sizeof(struct probe_header),
	};

	if (n < sizeof(frame->header))
		return "shorter than a header";
	if (frame->header.version != PROBE_VERSION)
		return "another version";
	if (frame->header.type >= PROBE_FRAME_MAX || !length[frame->header.type])
		return "not a type that musterd sends";
	if (n != length[frame->header.type])
		return "wrong length for its type";
	return frame->header.type == PROBE_FRAME_ADD ? check_spec(&frame->add.spec) : NULL;
}
