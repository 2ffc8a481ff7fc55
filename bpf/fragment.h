/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Only the first fragment has the ports. They are kept for those that follow, which then take the way of
 * any packet of their flow: what is remembered is the flow, not its member, so nothing here can outlive a
 * change of the tables. The table evicts the oldest; a fragment that comes before its first is not placed.
 */
#ifndef MUSTER_BPF_FRAGMENT_H
#define MUSTER_BPF_FRAGMENT_H

#include "walk.h"

#define FRAGMENT_LIFETIME_NS 30000000000ull /* as long as Linux waits for the rest (ipfrag_time) */

MUSTER_INLINE struct muster_fragment_key fragment_key(const struct packet *packet)
{
	return (struct muster_fragment_key){
		.src = packet->src,
		.dst = packet->key.addr,
		.id = packet->fragment_id,
		.proto = packet->fragment_proto,
	};
}

MUSTER_INLINE void remember_ports(const struct packet *packet)
{
	struct muster_fragment_key key = fragment_key(packet);
	struct muster_fragment fragment = {
		.seen_ns = bpf_ktime_get_coarse_ns(),
		.sport = packet->sport,
		.dport = packet->key.port,
		.proto = packet->key.proto,
	};

	bpf_map_update_elem(&fragments, &key, &fragment, BPF_ANY);
}

/* False: nothing is known of its first. */
MUSTER_INLINE int recall_ports(struct packet *packet)
{
	struct muster_fragment_key key = fragment_key(packet);
	const struct muster_fragment *first = bpf_map_lookup_elem(&fragments, &key);

	if (!first || bpf_ktime_get_coarse_ns() - first->seen_ns > FRAGMENT_LIFETIME_NS)
		return 0;
	packet->sport = first->sport;
	packet->key.port = first->dport;
	packet->key.proto = first->proto;
	return 1;
}

/* The address is a VIP's. */
MUSTER_INLINE int place_fragment(struct packet *packet)
{
	if (packet->deferred != GO_ON)
		return packet->deferred;
	if (packet->fragment == FRAGMENT_LATER)
		return recall_ports(packet) ? GO_ON : MUSTER_REASON_fragment;
	remember_ports(packet);
	return GO_ON;
}

#endif
