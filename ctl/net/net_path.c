/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths: the route to an address, then the neighbour that the route leads to. XDP does not touch the
 * kernel's neighbour table, so what we use has to be asked for again before the kernel forgets it.
 */
#include "net/net_internal.h"

#include <errno.h>
#include <netlink/attr.h>

#define PROBE_EVERY_MS	 1000  /* while there is no answer */
#define CONFIRM_EVERY_MS 15000 /* while there is one */
#define HAS_MAC		 (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)

/* ---- route ---- */

struct route {
	bool found, local, gateway;
	uint32_t ifindex, mtu;
	struct muster_addr via, source;
};

static uint32_t route_mtu(const struct nlattr *metrics)
{
	struct nlattr *rows[RTAX_MAX + 1] = {};

	if (!metrics || nla_parse_nested(rows, RTAX_MAX, (struct nlattr *)metrics, NULL))
		return 0;
	return rows[RTAX_MTU] ? nla_get_u32(rows[RTAX_MTU]) : 0;
}

/* RTA_VIA: a gateway of the other family (an IPv4 route through an IPv6 next hop). */
static bool get_via(const struct nlattr *attribute, struct muster_addr *ret)
{
	const struct rtvia *via = attribute ? nla_data(attribute) : NULL;
	size_t bytes;

	if (!via)
		return false;
	bytes = via->rtvia_family == AF_INET ? 4 : 16;
	if (nla_len(attribute) < (int)(sizeof(*via) + bytes))
		return false;
	*ret = (struct muster_addr){};
	if (via->rtvia_family == AF_INET)
		ret->w[2] = htonl(0xffff);
	memcpy(ret->b + 16 - bytes, via->rtvia_addr, bytes);
	return true;
}

static void on_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *header = nlmsg_data(message);
	struct nlattr *rows[RTA_MAX + 1] = {};
	struct route *route = data;

	if (message->nlmsg_type != RTM_NEWROUTE ||
		nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), rows, RTA_MAX, NULL))
		return;
	route->local = header->rtm_type == RTN_LOCAL;
	if ((header->rtm_type != RTN_UNICAST && !route->local) || !rows[RTA_OIF])
		return;
	route->found = true;
	route->ifindex = nla_get_u32(rows[RTA_OIF]);
	route->mtu = route_mtu(rows[RTA_METRICS]);
	route->gateway = net_get_address(rows[RTA_GATEWAY], header->rtm_family, &route->via) ||
			 get_via(rows[RTA_VIA], &route->via);
	net_get_address(rows[RTA_PREFSRC], header->rtm_family, &route->source);
}

static struct route ask_route(struct net *net, const struct muster_addr *addr)
{
	struct rtmsg header = {
		.rtm_family = (unsigned char)addr_family(addr),
		.rtm_dst_len = addr_is_v4(addr) ? 32 : 128,
	};
	struct nl_msg *msg = net_message(RTM_GETROUTE, NLM_F_REQUEST, &header, sizeof(header));
	struct route route = {};

	if (!msg || net_put_address(msg, RTA_DST, addr) || net_ask(net, msg, on_route, &route))
		route.found = false;
	nlmsg_free(msg);
	if (!route.gateway)
		route.via = *addr;
	return route;
}

/* ---- neighbour ---- */

struct neighbour {
	bool found;
	uint16_t state; /* NUD_* */
	bool has_mac;
	uint8_t mac[6];
};

static void read_neighbour(
	const struct nlmsghdr *message, struct nlattr **rows, struct neighbour *ret)
{
	const struct ndmsg *header = nlmsg_data(message);

	ret->found = true;
	ret->state = header->ndm_state;
	ret->has_mac = rows[NDA_LLADDR] && nla_len(rows[NDA_LLADDR]) == sizeof(ret->mac) &&
		       header->ndm_state & HAS_MAC;
	if (ret->has_mac)
		memcpy(ret->mac, nla_data(rows[NDA_LLADDR]), sizeof(ret->mac));
}

static void on_neighbour(const struct nlmsghdr *message, void *data)
{
	struct nlattr *rows[NDA_MAX + 1] = {};

	if (message->nlmsg_type == RTM_NEWNEIGH &&
		!nlmsg_parse((struct nlmsghdr *)message, sizeof(struct ndmsg), rows, NDA_MAX, NULL))
		read_neighbour(message, rows, data);
}

static struct nl_msg *neighbour_message(const struct watch *watch, int type, int flags, uint8_t ntf)
{
	struct ndmsg header = {
		.ndm_family = (uint8_t)addr_family(&watch->via),
		.ndm_ifindex = (int)watch->ifindex,
		.ndm_state = NUD_NONE,
		.ndm_flags = ntf,
	};
	struct nl_msg *msg = net_message(type, flags, &header, sizeof(header));

	if (msg && net_put_address(msg, NDA_DST, &watch->via)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct neighbour ask_neighbour(struct net *net, const struct watch *watch)
{
	struct nl_msg *msg = neighbour_message(watch, RTM_GETNEIGH, NLM_F_REQUEST, 0);
	struct neighbour neighbour = {};

	if (!msg || net_ask(net, msg, on_neighbour, &neighbour))
		neighbour.found = false;
	nlmsg_free(msg);
	return neighbour;
}

/* NTF_USE: as if a packet had been sent; the kernel asks, or confirms what it knows. */
void net_path_probe(struct net *net, struct watch *watch, uint64_t now_ms)
{
	struct nl_msg *msg = neighbour_message(
		watch, RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK, NTF_USE);

	watch->asked_ms = now_ms;
	if (msg)
		net_ask(net, msg, NULL, NULL);
	nlmsg_free(msg);
}

/* ---- both: the path ---- */

/*
 * No entry, or one that is still being asked for. A MAC address that was known stays in use: the kernel
 * trims its table as it likes, and that alone is no reason to stop sending.
 */
static void path_unanswered(struct watch *watch)
{
	if (watch->path.state != PATH_OK)
		watch->path.state =
			watch->path.state == PATH_NO_NEIGHBOUR ? PATH_NO_NEIGHBOUR : PATH_PENDING;
}

/*
 * NUD_FAILED after the kernel asked in vain is a verdict. After any other state it means that somebody
 * flushed the table (the entry passes through FAILED on its way out), and we ask again.
 */
static bool is_verdict(const struct watch *watch)
{
	return watch->path.state != PATH_OK || watch->nud & (NUD_PROBE | NUD_INCOMPLETE);
}

/* True if the kernel should be asked. */
static bool set_path(struct watch *watch, const struct neighbour *neighbour)
{
	bool failed = neighbour->found && neighbour->state & NUD_FAILED, ask = !neighbour->has_mac;

	if (neighbour->has_mac) {
		watch->path.state = PATH_OK;
		memcpy(watch->path.nexthop.dst_mac, neighbour->mac, sizeof(neighbour->mac));
	} else if (failed && is_verdict(watch)) {
		watch->path.state = PATH_NO_NEIGHBOUR;
		ask = false; /* net_tick() does, once a second */
	} else {
		path_unanswered(watch);
		ask = !neighbour->found || failed;
	}
	watch->nud = neighbour->found ? neighbour->state : NUD_NONE;
	return ask;
}

static void no_path(struct watch *watch, enum path_state state)
{
	watch->path = (struct path){.state = state};
	watch->ifindex = 0;
}

/*
 * Below VLAN devices is the one that has the queues: XDP sends there, with the tags in the frame. False: more
 * tags than a next hop has, or no such device.
 */
static bool set_device(struct net *net, struct muster_nexthop *nexthop, struct net_link *link)
{
	nexthop->ifindex = link->ifindex;
	memset(nexthop->tag, 0, sizeof(nexthop->tag));
	for (int n = 0; link->lower; n++) {
		if (n == MUSTER_TAGS_MAX)
			return false;
		memmove(&nexthop->tag[1], &nexthop->tag[0],
			sizeof(nexthop->tag) - sizeof(nexthop->tag[0]));
		nexthop->tag[0] = link->tag;
		nexthop->ifindex = link->lower;
		if (net_link_by_index(net, link->lower, link))
			return false;
	}
	return true;
}

/* What the route says; false if there is none to follow. */
static bool set_route(struct net *net, struct watch *watch)
{
	struct route route = ask_route(net, &watch->addr);
	struct muster_nexthop *nexthop = &watch->path.nexthop;
	struct net_link link;

	if (route.local) {
		no_path(watch, PATH_LOCAL);
		return false;
	}
	if (!route.found || net_link_by_index(net, route.ifindex, &link)) {
		no_path(watch, PATH_NO_ROUTE);
		return false;
	}
	if (watch->ifindex != route.ifindex || !addr_equal(&watch->via, &route.via)) {
		no_path(watch, PATH_PENDING);
		watch->ifindex = route.ifindex;
		watch->via = route.via;
		watch->asked_ms = 0;
	}
	if (!link.up) {
		no_path(watch, PATH_LINK_DOWN);
		return false;
	}
	watch->path.on_link = !route.gateway;
	watch->path.via = route.via;
	nexthop->mtu = (uint16_t)MIN(route.mtu ? route.mtu : link.mtu, UINT16_MAX);
	memcpy(nexthop->src_mac, link.mac, sizeof(nexthop->src_mac));
	nexthop->source = route.source;
	if (!set_device(net, nexthop, &link)) {
		no_path(watch, PATH_NO_ROUTE);
		return false;
	}
	return true;
}

void net_path_resolve(struct net *net, struct watch *watch)
{
	struct neighbour neighbour;

	if (!set_route(net, watch))
		return;
	neighbour = ask_neighbour(net, watch);
	if (set_path(watch, &neighbour))
		net_path_probe(net, watch, watch->asked_ms);
}

void net_path_refresh(struct net *net, struct watch *watch)
{
	struct path before = watch->path;

	net_path_resolve(net, watch);
	if (memcmp(&before, &watch->path, sizeof(before)))
		net->events.path_changed(net->events.data, &watch->addr, &watch->path);
}

/* ---- events ---- */

static void neighbour_changed(
	struct net *net, struct watch *watch, const struct neighbour *neighbour)
{
	struct path before = watch->path;

	if (set_path(watch, neighbour))
		net_path_probe(net, watch, watch->asked_ms);
	if (memcmp(&before, &watch->path, sizeof(before)))
		net->events.path_changed(net->events.data, &watch->addr, &watch->path);
}

void net_path_neighbour_event(struct net *net, const struct nlmsghdr *message)
{
	const struct ndmsg *header = nlmsg_data(message);
	struct nlattr *rows[NDA_MAX + 1] = {};
	struct neighbour neighbour = {};
	struct watch *watch, *next;
	struct muster_addr addr;

	if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), rows, NDA_MAX, NULL) ||
		!net_get_address(rows[NDA_DST], header->ndm_family, &addr))
		return;
	if (message->nlmsg_type == RTM_NEWNEIGH)
		read_neighbour(message, rows, &neighbour);
	/* On-link backends are found by their address; only gateways need the walk. */
	HASH_FIND(hh, net->watches, &addr, sizeof(addr), watch);
	if (watch && watch->ifindex == (uint32_t)header->ndm_ifindex &&
		addr_equal(&watch->via, &addr)) {
		neighbour_changed(net, watch, &neighbour);
		return;
	}
	HASH_ITER (hh, net->watches, watch, next)
		if (watch->ifindex == (uint32_t)header->ndm_ifindex &&
			addr_equal(&watch->via, &addr))
			neighbour_changed(net, watch, &neighbour);
}

void net_tick(struct net *net, uint64_t now_ms)
{
	struct watch *watch, *next;

	HASH_ITER (hh, net->watches, watch, next) {
		bool ok = watch->path.state == PATH_OK;

		if (!watch->ifindex) {
			net->routes_changed =
				true; /* a route may have come without an event we saw */
			continue;
		}
		if (now_ms - watch->asked_ms >= (ok ? CONFIRM_EVERY_MS : PROBE_EVERY_MS))
			net_path_probe(net, watch, now_ms);
	}
}

/* ---- watches ---- */

int net_watch(struct net *net, const struct muster_addr *addr)
{
	struct watch *watch;

	HASH_FIND(hh, net->watches, addr, sizeof(*addr), watch);
	if (watch) {
		watch->references++;
		return 0;
	}
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	watch->addr = *addr;
	watch->references = 1;
	HASH_ADD(hh, net->watches, addr, sizeof(watch->addr), watch);
	net_path_resolve(net, watch);
	return 0;
}

void net_unwatch(struct net *net, const struct muster_addr *addr)
{
	struct watch *watch;

	HASH_FIND(hh, net->watches, addr, sizeof(*addr), watch);
	if (!watch || --watch->references)
		return;
	HASH_DEL(net->watches, watch);
	free(watch);
}

const struct path *net_path(const struct net *net, const struct muster_addr *addr)
{
	const struct watch *watch;

	HASH_FIND(hh, net->watches, addr, sizeof(*addr), watch);
	return watch ? &watch->path : NULL;
}
