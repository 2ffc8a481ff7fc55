/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/net_internal.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <netlink/attr.h>

/* A VLAN device's tag and what it stands on. */
static void read_vlan(struct nlattr **rows, struct net_link *ret)
{
	struct nlattr *info[IFLA_INFO_MAX + 1] = {}, *vlan[IFLA_VLAN_MAX + 1] = {};

	if (!rows[IFLA_LINKINFO] || !rows[IFLA_LINK] ||
		nla_parse_nested(info, IFLA_INFO_MAX, rows[IFLA_LINKINFO], NULL) ||
		!info[IFLA_INFO_KIND] || nla_strcmp(info[IFLA_INFO_KIND], "vlan") ||
		!info[IFLA_INFO_DATA] ||
		nla_parse_nested(vlan, IFLA_VLAN_MAX, info[IFLA_INFO_DATA], NULL) ||
		!vlan[IFLA_VLAN_ID])
		return;
	ret->lower = nla_get_u32(rows[IFLA_LINK]);
	ret->tag.tci = htons(nla_get_u16(vlan[IFLA_VLAN_ID]));
	ret->tag.tpid = vlan[IFLA_VLAN_PROTOCOL] ? nla_get_u16(vlan[IFLA_VLAN_PROTOCOL])
						 : htons(ETH_P_8021Q);
}

/* False if it is no Ethernet-like link with a name. */
static bool read_link(const struct nlmsghdr *message, struct net_link *ret)
{
	const struct ifinfomsg *header = nlmsg_data(message);
	struct nlattr *rows[IFLA_MAX + 1] = {};

	if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), rows, IFLA_MAX, NULL) ||
		!rows[IFLA_IFNAME])
		return false;
	*ret = (struct net_link){
		.ifindex = (uint32_t)header->ifi_index,
		.up = (header->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING),
		.mtu = rows[IFLA_MTU] ? nla_get_u32(rows[IFLA_MTU]) : 0,
	};
	nla_strlcpy(ret->name, rows[IFLA_IFNAME], sizeof(ret->name));
	if (rows[IFLA_ADDRESS] && nla_len(rows[IFLA_ADDRESS]) == sizeof(ret->mac))
		memcpy(ret->mac, nla_data(rows[IFLA_ADDRESS]), sizeof(ret->mac));
	read_vlan(rows, ret);
	return true;
}

static void on_link(const struct nlmsghdr *message, void *data)
{
	if (message->nlmsg_type == RTM_NEWLINK)
		read_link(message, data);
}

static int ask_link(struct net *net, uint32_t ifindex, const char *name, struct net_link *ret)
{
	struct ifinfomsg header = {.ifi_index = (int)ifindex};
	struct nl_msg *msg = net_message(RTM_GETLINK, NLM_F_REQUEST, &header, sizeof(header));
	int err = msg ? 0 : -ENOMEM;

	*ret = (struct net_link){};
	if (!err && name && nla_put_string(msg, IFLA_IFNAME, name))
		err = -ENOMEM;
	if (!err)
		err = net_ask(net, msg, on_link, ret);
	nlmsg_free(msg);
	return err || !ret->ifindex ? -ENODEV : 0;
}

int net_link_by_index(struct net *net, uint32_t ifindex, struct net_link *ret)
{
	return ask_link(net, ifindex, NULL, ret);
}

int net_link(struct net *net, const char *name, struct net_link *ret)
{
	return ask_link(net, 0, name, ret);
}

const char *net_link_name(uint32_t ifindex, char *buf)
{
	if (!if_indextoname(ifindex, buf))
		strcpy(buf, "?");
	return buf;
}

void net_link_event(struct net *net, const struct nlmsghdr *message)
{
	struct net_link link;

	if (read_link(message, &link))
		net->events.link_changed(
			net->events.data, &link, message->nlmsg_type == RTM_DELLINK);
}
