/* SPDX-License-Identifier: BSD-2-Clause */
/* How a backend is reached from here, as netlink tells. */
#ifndef MUSTER_CORE_PATH_H
#define MUSTER_CORE_PATH_H

#include "core/addr.h"

enum path_state {
	PATH_PENDING, /* asked, no answer yet */
	PATH_OK,
	PATH_NO_ROUTE,
	PATH_NO_NEIGHBOUR, /* the next hop does not answer ARP or NDP */
	PATH_LINK_DOWN,
	PATH_LOCAL, /* an address of this host: cannot be forwarded to */
};

const char *path_state_name(enum path_state state); /* "no_neighbour" */

struct path {
	enum path_state state;
	bool on_link;		/* no router between */
	struct muster_addr via; /* whose MAC address dst_mac is */
	/* the rest only if state is PATH_OK: unused bytes are zero, so it can be compared whole */
	struct muster_nexthop nexthop;
};

#endif
