/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/prober.h"

#include <errno.h>

/* What is not listed is our own trouble and never counts. */
static const struct {
	int err;
	enum probe_outcome outcome;
} rows[] = {
	{ECONNREFUSED, OUTCOME_refused},
	{ECONNRESET, OUTCOME_reset},
	{EPIPE, OUTCOME_closed},
	{ETIMEDOUT, OUTCOME_connect_timeout},
	{EHOSTUNREACH, OUTCOME_unreachable},
	{EHOSTDOWN, OUTCOME_unreachable},
};

enum probe_outcome probe_errno_outcome(int err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].err == err)
			return rows[i].outcome;
	return OUTCOME_local_error;
}
