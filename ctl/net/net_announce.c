/* SPDX-License-Identifier: BSD-2-Clause */
/* VIP addresses on this host. */
#include "net/net_internal.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <netlink/attr.h>

static int put_address(struct net *net, const struct muster_addr *addr, uint32_t ifindex, int type,
	int flags, bool on_nic)
{
	/*
	 * Scope host keeps the address from being chosen as a source for the network; it is answered in
	 * ARP all the same.
	 */
	struct ifaddrmsg header = {
		.ifa_family = (uint8_t)addr_family(addr),
		.ifa_prefixlen = addr_is_v4(addr) ? 32 : 128,
		.ifa_scope = addr_is_v4(addr) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
		.ifa_index = ifindex,
	};
	/* Deprecated from the start: an IPv6 VIP is never a source either. */
	struct ifa_cacheinfo deprecated = {.ifa_prefered = 0, .ifa_valid = UINT32_MAX};
	struct nl_msg *msg =
		net_message(type, NLM_F_REQUEST | NLM_F_ACK | flags, &header, sizeof(header));
	int err = msg ? 0 : -ENOMEM;

	if (!err &&
		(net_put_address(msg, IFA_LOCAL, addr) || net_put_address(msg, IFA_ADDRESS, addr)))
		err = -ENOMEM;
	if (!err && type == RTM_NEWADDR && !addr_is_v4(addr) &&
		(nla_put_u32(msg, IFA_FLAGS, IFA_F_NODAD | (on_nic ? IFA_F_NOPREFIXROUTE : 0)) ||
			nla_put(msg, IFA_CACHEINFO, sizeof(deprecated), &deprecated)))
		err = -ENOMEM;
	if (!err)
		err = net_ask(net, msg, NULL, NULL);
	nlmsg_free(msg);
	return err;
}

static int loopback_up(struct net *net)
{
	struct ifinfomsg header = {.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct nl_msg *msg =
		net_message(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, &header, sizeof(header));
	int err = msg ? net_ask(net, msg, NULL, NULL) : -ENOMEM;

	nlmsg_free(msg);
	return err;
}

struct search {
	struct muster_addr addr;
	uint32_t ifindex;
};

static void on_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *header = nlmsg_data(message);
	struct nlattr *rows[IFA_MAX + 1] = {};
	struct search *search = data;
	struct muster_addr addr;

	if (message->nlmsg_type != RTM_NEWADDR ||
		nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), rows, IFA_MAX, NULL))
		return;
	if (!net_get_address(rows[IFA_LOCAL], header->ifa_family, &addr) &&
		!net_get_address(rows[IFA_ADDRESS], header->ifa_family, &addr))
		return;
	if (addr_equal(&addr, &search->addr))
		search->ifindex = header->ifa_index;
}

/* The interface that has @addr, or 0. */
static uint32_t find_address(struct net *net, const struct muster_addr *addr)
{
	struct ifaddrmsg header = {.ifa_family = (uint8_t)addr_family(addr)};
	struct nl_msg *msg =
		net_message(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, &header, sizeof(header));
	struct search search = {.addr = *addr};

	if (msg)
		net_ask(net, msg, on_address, &search);
	nlmsg_free(msg);
	return search.ifindex;
}

struct covering {
	uint32_t ifindex; /* 0: none, or by a router */
};

static void on_covering_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *header = nlmsg_data(message);
	struct nlattr *rows[RTA_MAX + 1] = {};
	struct covering *covering = data;

	if (message->nlmsg_type != RTM_NEWROUTE ||
		nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), rows, RTA_MAX, NULL))
		return;
	if (header->rtm_type == RTN_UNICAST && !rows[RTA_GATEWAY] && rows[RTA_OIF])
		covering->ifindex = nla_get_u32(rows[RTA_OIF]);
}

/* The device at the bottom of @ifindex's VLAN devices, or 0. */
static uint32_t device_below(struct net *net, uint32_t ifindex)
{
	struct net_link link = {};

	for (int n = 0; n <= MUSTER_TAGS_MAX; n++) {
		if (net_link_by_index(net, ifindex, &link))
			return 0;
		if (!link.lower)
			return ifindex;
		ifindex = link.lower;
	}
	return 0;
}

/*
 * Do hosts on @ifindex's link, or on a VLAN of it, look for @addr there? Then it has to answer neighbour
 * discovery there, which an address on lo does not. Returns the interface, or 0 where a router sends the
 * address here and lo is the place.
 */
static uint32_t on_link(struct net *net, const struct muster_addr *addr, uint32_t ifindex)
{
	struct rtmsg header = {.rtm_family = AF_INET6, .rtm_dst_len = 128};
	struct nl_msg *msg = net_message(RTM_GETROUTE, NLM_F_REQUEST, &header, sizeof(header));
	struct covering covering = {};

	if (!msg || net_put_address(msg, RTA_DST, addr) ||
		net_ask(net, msg, on_covering_route, &covering))
		covering.ifindex = 0;
	nlmsg_free(msg);
	if (covering.ifindex && device_below(net, covering.ifindex) == ifindex)
		return covering.ifindex;
	return 0;
}

int net_announce(struct net *net, const struct muster_addr *addr, uint32_t ifindex, bool *ret_added,
	uint32_t *ret_ifindex)
{
	uint32_t nic = 0;
	int err;

	*ret_added = false;
	*ret_ifindex = find_address(net, addr);
	if (*ret_ifindex)
		return 0;
	err = loopback_up(net);
	if (err)
		return err;
	if (!addr_is_v4(addr) && ifindex)
		nic = on_link(net, addr, ifindex);
	*ret_ifindex = nic ? nic : 1;
	err = put_address(net, addr, *ret_ifindex, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, nic);
	*ret_added = !err;
	return err == -EEXIST ? 0 : err;
}

int net_withdraw(struct net *net, const struct muster_addr *addr, uint32_t ifindex)
{
	return put_address(net, addr, ifindex, RTM_DELADDR, 0, false);
}
