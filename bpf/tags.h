/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * VLAN tags (IEEE 802.1Q, 802.1ad) are taken off before anything is done to a frame, and put in front of
 * what goes out: those of the next hop, or for an answer those it came with.
 */
#ifndef MUSTER_BPF_TAGS_H
#define MUSTER_BPF_TAGS_H

#include "walk.h"

struct macs {
	__u8 b[2 * ETH_ALEN];
};

/* Moves the addresses to where the frame begins after its head has moved by the constant @by. */
MUSTER_INLINE struct ethhdr *move_head(struct walk *walk, int by)
{
	struct ethhdr *eth = walk_data(walk);
	struct macs macs;

	if ((void *)(eth + 1) > walk_end(walk))
		return (void *)0;
	__builtin_memcpy(&macs, eth, sizeof(macs));
	if (bpf_xdp_adjust_head(walk->ctx, by))
		return (void *)0;
	eth = walk_data(walk);
	if ((void *)(eth + 1) + (by < 0 ? -by : 0) > walk_end(walk))
		return (void *)0;
	__builtin_memcpy(eth, &macs, sizeof(macs));
	return eth;
}

MUSTER_INLINE int pop_tags(struct walk *walk)
{
	struct ethhdr *eth;

	if (!walk->tags.n)
		return GO_ON;
	if (walk->tags.n == 1)
		eth = move_head(walk, sizeof(struct muster_tag));
	else
		eth = move_head(walk, 2 * sizeof(struct muster_tag));
	if (!eth)
		return MUSTER_REASON_truncated;
	eth->h_proto = walk->packet.is_v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	return GO_ON;
}

/* @n: a constant. The type of what is inside moves behind the tags by itself: it stays where it is. */
MUSTER_INLINE int push(struct walk *walk, const struct muster_tag *tag, int n)
{
	struct ethhdr *eth = move_head(walk, -n * (int)sizeof(*tag));
	struct muster_tag *at;

	if (!eth)
		return MUSTER_REASON_no_headroom;
	at = (void *)eth + 2 * ETH_ALEN;
	UNROLL
	for (int i = 0; i < n; i++)
		at[i] = tag[i];
	return GO_ON;
}

MUSTER_INLINE int push_tags(struct walk *walk, const struct muster_tag *tag)
{
	if (!tag[0].tpid)
		return GO_ON;
	return tag[1].tpid ? push(walk, tag, 2) : push(walk, tag, 1);
}

#endif
