/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink: paths to backends kept fresh, links watched, VIP addresses announced. The only user of
 * libnl. Does not log; single-threaded; one descriptor for the event loop.
 */
#ifndef MUSTER_NET_NET_H
#define MUSTER_NET_NET_H

#include "core/path.h"

#include <net/if.h>

struct net;

struct net_link {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	bool up; /* IFF_UP and IFF_RUNNING */
	uint32_t mtu;
	uint8_t mac[6];
	struct muster_tag tag; /* of a VLAN device; tpid 0: it is none */
	uint32_t lower;	       /* of a VLAN device: what it stands on */
};

struct net_events {
	/* The path of a watched address changed (any field). */
	void (*path_changed)(void *data, const struct muster_addr *addr, const struct path *path);
	/* A link appeared, changed or, with link->ifindex still set and gone = true, vanished. */
	void (*link_changed)(void *data, const struct net_link *link, bool gone);
	void *data;
};

/* Opens the sockets and subscribes. 0 or -errno. */
int net_open(struct net **ret, const struct net_events *events);
void net_close(struct net **net);

/* Readable: call net_dispatch(), which reads all there is and calls the events. On ENOBUFS it resyncs
 * (re-resolves every watched address, re-reads the links) by itself. */
int net_fd(const struct net *net);
int net_dispatch(struct net *net);

/*
 * Call about once a second: asks again for neighbours that are stale (the kernel does not know that
 * XDP uses them) and for paths that are pending, failed or without route. @now_ms: monotonic.
 */
void net_tick(struct net *net, uint64_t now_ms);

/*
 * Starts to resolve @addr and keeps it fresh; watched addresses are counted. The first state is known
 * on return from net_path() (perhaps PATH_PENDING). 0 or -errno.
 */
int net_watch(struct net *net, const struct muster_addr *addr);
void net_unwatch(struct net *net, const struct muster_addr *addr);

/* Owned by @net, valid until the next call; NULL if it is not watched. */
const struct path *net_path(const struct net *net, const struct muster_addr *addr);

/* 0 or -ENODEV. */
int net_link(struct net *net, const char *name, struct net_link *ret);

/* Name of the link in the netns, or "?"; @buf: IF_NAMESIZE. */
const char *net_link_name(uint32_t ifindex, char *buf);

/*
 * Makes a VIP reachable. IPv4: /32 on lo, scope host-wide. IPv6: /128 on lo if a route leads it here,
 * else /128 nodad on @ifindex or the VLAN
 * device of it that has the subnet. *ret_added: false if the address was there already (then it is not ours
 * to remove). *ret_ifindex: where it is. 0 or -errno.
 */
int net_announce(struct net *net, const struct muster_addr *addr, uint32_t ifindex, bool *ret_added,
	uint32_t *ret_ifindex);
int net_withdraw(struct net *net, const struct muster_addr *addr, uint32_t ifindex);

/*
 * Turns receive VLAN offload off and verifies it: a tag stripped into metadata is invisible to XDP.
 * 0 if it is off (or the device has none); -EOPNOTSUPP if it cannot be turned off; -errno.
 */
int net_vlan_offload_off(const char *name);

#endif
