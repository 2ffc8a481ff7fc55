/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/prober.h"

#include <errno.h>

/*
 * What is not listed is our own trouble and never counts: no route, no address, no descriptor, a local
 * firewall. Some of these errors also come back from a router (as ICMP), and then they do count: the
 * difference is whether connect() itself failed.
 */
static const struct {
	int err;
	bool only_on_wire;
	enum probe_outcome outcome;
} rows[] = {
	{ECONNREFUSED, false, OUTCOME_refused},
	{ECONNRESET, false, OUTCOME_reset},
	{EPIPE, false, OUTCOME_closed},
	{ETIMEDOUT, false, OUTCOME_connect_timeout},
	{EHOSTUNREACH, false, OUTCOME_unreachable},
	{EHOSTDOWN, false, OUTCOME_unreachable},
	{ENETUNREACH, true, OUTCOME_unreachable},
	{EACCES, true, OUTCOME_unreachable}, /* ICMPv6: administratively prohibited */
	{ENOPROTOOPT, true, OUTCOME_unreachable},
	{EPROTO, true, OUTCOME_unreachable},
};

enum probe_outcome errno_outcome(int err, bool on_wire)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].err == err && (on_wire || !rows[i].only_on_wire))
			return rows[i].outcome;
	return OUTCOME_local_error;
}
