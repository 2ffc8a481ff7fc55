/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/prober.h"

#include "tests/unit/core/unit.h"

#include <errno.h>

static void test_errnos(void **state)
{
	static const struct {
		int err;
		enum probe_outcome at_once, on_wire;
	} rows[] = {
		{ECONNREFUSED, OUTCOME_refused, OUTCOME_refused},
		{ECONNRESET, OUTCOME_reset, OUTCOME_reset},
		{EPIPE, OUTCOME_closed, OUTCOME_closed},
		{ETIMEDOUT, OUTCOME_connect_timeout, OUTCOME_connect_timeout},
		{EHOSTUNREACH, OUTCOME_unreachable, OUTCOME_unreachable},
		/* a router's word counts, our own lack of a route does not */
		{ENETUNREACH, OUTCOME_local_error, OUTCOME_unreachable},
		{EACCES, OUTCOME_local_error, OUTCOME_unreachable},
		/* never */
		{EADDRNOTAVAIL, OUTCOME_local_error, OUTCOME_local_error},
		{EMFILE, OUTCOME_local_error, OUTCOME_local_error},
		{ENFILE, OUTCOME_local_error, OUTCOME_local_error},
		{ENOBUFS, OUTCOME_local_error, OUTCOME_local_error},
		{ENOMEM, OUTCOME_local_error, OUTCOME_local_error},
		{EPERM, OUTCOME_local_error, OUTCOME_local_error},
		{0, OUTCOME_local_error, OUTCOME_local_error},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(errno_outcome(rows[i].err, false), rows[i].at_once);
		assert_int_equal(errno_outcome(rows[i].err, true), rows[i].on_wire);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_errnos)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
