/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/http.h"

#include <errno.h>

static enum probe_outcome cut_off(int err)
{
	switch (err) {
	case 0: /* libcurl uses this code also for what it cannot parse */
		return OUTCOME_bad_protocol;
	case ECONNRESET:
		return OUTCOME_reset;
	case ETIMEDOUT:
		return OUTCOME_answer_timeout;
	default:
		return OUTCOME_closed;
	}
}

enum probe_outcome http_outcome(const struct http_failure *failure)
{
	switch (failure->code) {
	case CURLE_COULDNT_CONNECT:
		return errno_outcome(failure->err, failure->connecting);
	case CURLE_OPERATION_TIMEDOUT:
		return failure->connected ? OUTCOME_answer_timeout : OUTCOME_connect_timeout;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return cut_off(failure->err);
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return OUTCOME_closed;
	case CURLE_OUT_OF_MEMORY: /* also libcurl's word for a header line of 100 kB */
		return failure->connected ? OUTCOME_bad_protocol : OUTCOME_local_error;
	case CURLE_FAILED_INIT:
		return OUTCOME_local_error;
	default:
		return OUTCOME_bad_protocol;
	}
}
