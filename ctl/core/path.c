/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/path.h"

const char *path_state_name(enum path_state state)
{
	static const char *const names[] = {
		[PATH_PENDING] = "pending",
		[PATH_OK] = "ok",
		[PATH_NO_ROUTE] = "no_route",
		[PATH_NO_NEIGHBOUR] = "no_neighbour",
		[PATH_LINK_DOWN] = "link_down",
		[PATH_LOCAL] = "local",
	};

	return names[state];
}
