/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/probe.h"

#include <ctype.h>
#include <errno.h>

static const struct {
	const char *name, *text;
	enum probe_strength strength;
} outcomes[] = {
#define O(name, strength, text) {#name, text, PROBE_##strength},
	PROBE_OUTCOMES(O)
#undef O
};
_Static_assert(ARRAY_SIZE(outcomes) == OUTCOME_MAX, "every outcome has a row");

const char *probe_outcome_name(enum probe_outcome outcome)
{
	return outcomes[outcome].name;
}

const char *probe_outcome_text(enum probe_outcome outcome)
{
	return outcomes[outcome].text;
}

enum probe_strength probe_outcome_strength(enum probe_outcome outcome)
{
	return outcomes[outcome].strength;
}

int probe_frame_check(union probe_frame *frame, size_t n)
{
	struct probe_result *result = &frame->result;

	if (n < sizeof(frame->header) || frame->header.version != PROBE_VERSION)
		return -EPROTO;
	if (frame->header.type == PROBE_FRAME_HEARTBEAT)
		return n == sizeof(frame->header) ? 0 : -EPROTO;
	if (frame->header.type != PROBE_FRAME_RESULT || n != sizeof(*result) ||
		result->outcome >= OUTCOME_MAX || result->tethered > 1)
		return -EPROTO;
	result->detail[PROBE_DETAIL_MAX - 1] = '\0';
	for (char *c = result->detail; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return 0;
}

static void copy_text(char *to, size_t n, const char *from)
{
	snprintf(to, n, "%s", from ? from : "");
}

void probe_spec_init(struct probe_spec *ret, const struct check *check,
	const struct muster_addr *addr, __be16 port)
{
	/* Compared as bytes where targets are shared: no padding may differ. */
	memset(ret, 0, sizeof(*ret));
	ret->addr = *addr;
	ret->port = check->port ? check->port : port;
	ret->type = (uint8_t)check->type;
	ret->tether = (uint8_t)check->tether;
	ret->interval = check->interval;
	ret->fast = check->fast;
	ret->down = check->down;
	ret->timeout = check->timeout;
	ret->fast_timeout = check->fast_timeout;
	ret->rise = check->rise;
	ret->fall = check->fall;
	ret->hard_refused = ret->port == port;
	ret->n_status = (uint16_t)check->n_status;
	memcpy(ret->status, check->status, check->n_status * sizeof(*check->status));
	copy_text(ret->host, sizeof(ret->host), check->host);
	copy_text(ret->path, sizeof(ret->path), check->path);
	copy_text(ret->body, sizeof(ret->body), check->body);
}
