/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_NET_NET_INTERNAL_H
#define MUSTER_NET_NET_INTERNAL_H

#include "core/util.h"
#include "net/net.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <uthash.h>

struct watch {
	struct muster_addr addr;
	unsigned references;
	struct path path;
	uint32_t ifindex;	/* of the route; 0: none */
	struct muster_addr via; /* whose neighbour entry counts */
	uint16_t nud;		/* NUD_* of the neighbour when last seen */
	uint64_t asked_ms;	/* when the kernel was last told to ask */
	UT_hash_handle hh;
};

struct net {
	struct nl_sock *monitor; /* non-blocking, subscribed */
	struct nl_sock *request; /* one request, one answer */
	struct net_events events;
	struct watch *watches;
	bool routes_changed; /* everything has to be resolved again; once per dispatch */
};

/* Sends @msg and hands the payload of each answer to @f. 0 or -errno. Frees nothing. */
int net_ask(struct net *net, struct nl_msg *msg,
	void (*f)(const struct nlmsghdr *answer, void *data), void *data);

/* Message of @type with the fixed header @header of @n bytes. NULL: no memory. */
struct nl_msg *net_message(int type, int flags, const void *header, size_t n);
/* Appends the address in its own family's length. */
int net_put_address(struct nl_msg *msg, int attribute, const struct muster_addr *addr);
/* The address in @attribute of @family, or false. */
bool net_get_address(const struct nlattr *attribute, int family, struct muster_addr *ret);

/* ---- net_path.c ---- */
void net_path_resolve(struct net *net, struct watch *watch);
/* Resolves and tells if the path changed. */
void net_path_refresh(struct net *net, struct watch *watch);
void net_path_neighbour_event(struct net *net, const struct nlmsghdr *message);
/* Asks the kernel to (re)confirm the neighbour of @watch. */
void net_path_probe(struct net *net, struct watch *watch, uint64_t now_ms);

/* ---- net_link.c ---- */
int net_link_by_index(struct net *net, uint32_t ifindex, struct net_link *ret);
void net_link_event(struct net *net, const struct nlmsghdr *message);

#endif
