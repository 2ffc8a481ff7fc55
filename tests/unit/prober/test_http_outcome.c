/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/http.h"

#include "tests/unit/core/unit.h"

#include <errno.h>

static void test_failures(void **state)
{
	static const struct {
		struct http_failure failure;
		enum probe_outcome outcome;
	} rows[] = {
		{{CURLE_COULDNT_CONNECT, ECONNREFUSED, true, false}, OUTCOME_refused},
		{{CURLE_COULDNT_CONNECT, ECONNRESET, true, false}, OUTCOME_reset},
		{{CURLE_COULDNT_CONNECT, EHOSTUNREACH, true, false}, OUTCOME_unreachable},
		{{CURLE_COULDNT_CONNECT, ENETUNREACH, true, false}, OUTCOME_unreachable},
		{{CURLE_COULDNT_CONNECT, ENETUNREACH, false, false}, OUTCOME_local_error},
		{{CURLE_COULDNT_CONNECT, EMFILE, false, false}, OUTCOME_local_error},
		{{CURLE_COULDNT_CONNECT, 0, false, false}, OUTCOME_local_error},
		{{CURLE_OPERATION_TIMEDOUT, 0, true, false}, OUTCOME_connect_timeout},
		{{CURLE_OPERATION_TIMEDOUT, 0, true, true}, OUTCOME_answer_timeout},
		{{CURLE_RECV_ERROR, ECONNRESET, true, true}, OUTCOME_reset},
		{{CURLE_RECV_ERROR, ETIMEDOUT, true, true}, OUTCOME_answer_timeout},
		{{CURLE_RECV_ERROR, 0, true, true}, OUTCOME_bad_protocol},
		{{CURLE_SEND_ERROR, ECONNRESET, true, true}, OUTCOME_reset},
		{{CURLE_SEND_ERROR, EPIPE, true, true}, OUTCOME_closed},
		{{CURLE_GOT_NOTHING, 0, true, true}, OUTCOME_closed},
		{{CURLE_PARTIAL_FILE, 0, true, true}, OUTCOME_closed},
		{{CURLE_WEIRD_SERVER_REPLY, 0, true, true}, OUTCOME_bad_protocol},
		{{CURLE_UNSUPPORTED_PROTOCOL, 0, true, true}, OUTCOME_bad_protocol},
		{{CURLE_WRITE_ERROR, 0, true, true}, OUTCOME_bad_protocol},
		{{CURLE_OUT_OF_MEMORY, 0, false, false}, OUTCOME_local_error},
		{{CURLE_OUT_OF_MEMORY, 0, true, true}, OUTCOME_bad_protocol},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(http_outcome(&rows[i].failure), rows[i].outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_failures)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
