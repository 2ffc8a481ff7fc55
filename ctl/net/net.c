/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets, requests, and the dispatch of what the kernel tells. */
#include "net/net_internal.h"
#include "core/util.h"

#include <errno.h>
#include <netlink/attr.h>
#include <time.h>

#define MONITOR_BYTES (4 << 20)

struct nl_msg *net_message(int type, int flags, const void *header, size_t n)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg && nlmsg_append(msg, (void *)header, n, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int net_put_address(struct nl_msg *msg, int attribute, const struct muster_addr *addr)
{
	if (addr_is_v4(addr))
		return nla_put(msg, attribute, 4, &addr->w[3]);
	return nla_put(msg, attribute, 16, addr);
}

bool net_get_address(const struct nlattr *attribute, int family, struct muster_addr *ret)
{
	int bytes = family == AF_INET ? 4 : 16;

	if (!attribute || nla_len(attribute) < bytes)
		return false;
	*ret = (struct muster_addr){};
	if (family == AF_INET) {
		ret->w[2] = htonl(0xffff);
		memcpy(&ret->w[3], nla_data(attribute), 4);
	} else {
		memcpy(ret, nla_data(attribute), 16);
	}
	return true;
}

struct answer {
	void (*f)(const struct nlmsghdr *answer, void *data);
	void *data;
	int err;
	bool done;
};

static int on_answer(struct nl_msg *msg, void *data)
{
	struct answer *answer = data;

	if (answer->f)
		answer->f(nlmsg_hdr(msg), answer->data);
	return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *data)
{
	struct answer *answer = data;

	(void)msg;
	answer->done = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *data)
{
	struct answer *answer = data;

	(void)from;
	answer->err = error->error;
	answer->done = true;
	return NL_STOP;
}

int net_ask(struct net *net, struct nl_msg *msg,
	void (*f)(const struct nlmsghdr *answer, void *data), void *data)
{
	struct answer answer = {.f = f, .data = data};
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_answer, &answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &answer);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_ack, &answer);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &answer);
	err = nl_send_auto(net->request, msg);
	/* A netlink error is a negative number of libnl's own; what matters is the kernel's. */
	while (err >= 0 && !answer.done)
		err = nl_recvmsgs(net->request, cb);
	nl_cb_put(cb);
	if (answer.err)
		return answer.err;
	return err < 0 ? -EIO : 0;
}

/* ---- monitoring ---- */

static void resync(struct net *net)
{
	struct watch *watch, *next;

	net->routes_changed = false;
	HASH_ITER (hh, net->watches, watch, next)
		net_path_refresh(net, watch);
}

static int on_event(struct nl_msg *msg, void *data)
{
	const struct nlmsghdr *message = nlmsg_hdr(msg);
	struct net *net = data;

	switch (message->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		net_path_neighbour_event(net, message);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		net->routes_changed = true;
		net_link_event(net, message);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		net->routes_changed = true;
		break;
	}
	return NL_OK;
}

int net_dispatch(struct net *net)
{
	int err;

	do {
		err = nl_recvmsgs_default(net->monitor);
		if (err == -NLE_NOMEM) { /* ENOBUFS: events were lost */
			net->routes_changed = true;
			err = 0;
		}
	} while (err >= 0);
	if (net->routes_changed)
		resync(net);
	return 0;
}

int net_fd(const struct net *net)
{
	return nl_socket_get_fd(net->monitor);
}

static int open_monitor(struct net *net)
{
	net->monitor = nl_socket_alloc();
	if (!net->monitor)
		return -ENOMEM;
	nl_socket_disable_seq_check(net->monitor);
	nl_socket_modify_cb(net->monitor, NL_CB_VALID, NL_CB_CUSTOM, on_event, net);
	nl_join_groups(net->monitor, RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_ROUTE |
					     RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_IFADDR |
					     RTMGRP_IPV6_IFADDR);
	if (nl_connect(net->monitor, NETLINK_ROUTE))
		return -EIO;
	nl_socket_set_buffer_size(net->monitor, MONITOR_BYTES, 0);
	return nl_socket_set_nonblocking(net->monitor) ? -EIO : 0;
}

int net_open(struct net **ret, const struct net_events *events)
{
	_cleanup_(net_close) struct net *net = calloc(1, sizeof(*net));
	int err;

	if (!net)
		return -ENOMEM;
	net->events = *events;
	err = open_monitor(net);
	if (err)
		return err;
	net->request = nl_socket_alloc();
	if (!net->request)
		return -ENOMEM;
	if (nl_connect(net->request, NETLINK_ROUTE))
		return -EIO;
	*ret = take_ptr(net);
	return 0;
}

void net_close(struct net **net)
{
	struct watch *watch, *next;

	if (!*net)
		return;
	HASH_ITER (hh, (*net)->watches, watch, next) {
		HASH_DEL((*net)->watches, watch);
		free(watch);
	}
	nl_socket_free((*net)->monitor);
	nl_socket_free((*net)->request);
	free(*net);
	*net = NULL;
}
