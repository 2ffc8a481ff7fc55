/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a frame of the prober: what is accepted is in range and can be printed. */
#include "core/probe.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void check_result(const struct probe_result *result)
{
	size_t n = strnlen(result->detail, PROBE_DETAIL_MAX);

	must(probe_outcome_name(result->outcome) && probe_outcome_text(result->outcome));
	must(probe_outcome_strength(result->outcome) <= PROBE_LOCAL);
	must(result->tethered <= 1);
	must(n < PROBE_DETAIL_MAX);
	for (size_t i = 0; i < n; i++)
		must(result->detail[i] >= ' ' && result->detail[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* Exactly the bytes of the message, so that a read beyond them is seen. */
	_free_ union probe_frame *frame = malloc(MAX(n, (size_t)1));
	int err;

	memcpy(frame, data, n);
	err = probe_frame_check(frame, n);
	must(err == 0 || err == -EPROTO);
	if (!err && frame->header.type == PROBE_FRAME_RESULT)
		check_result(&frame->result);
	return 0;
}
