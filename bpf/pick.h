/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Stage 3: which member. The slot of the flow's hash says it; a stable slot {X, X} needs nothing else, and no
 * packet of one comes near the flow table. The others are looked up, and recorded, by track.h.
 */
#ifndef MUSTER_BPF_PICK_H
#define MUSTER_BPF_PICK_H

#include "walk.h"

/* ---- what track.h works on ---- */

MUSTER_INLINE struct muster_flow_bucket *flow_bucket(__u32 hash)
{
	__u32 index = hash & flow_mask;

	return bpf_map_lookup_elem(&flows, &index);
}

MUSTER_INLINE struct muster_member *member_at(__u32 index)
{
	return bpf_map_lookup_elem(&members, &index);
}

MUSTER_INLINE void insert_failed(__u32 service_index, __u32 clock)
{
	struct muster_tracking *at = bpf_map_lookup_elem(&tracking, &service_index);

	if (!at)
		return;
	__sync_fetch_and_add(&at->failed, 1);
	*(volatile __u32 *)&at->clock = clock;
}

#include "track.h"

/* A question of one packet, in numbers: how it goes to track_attempt() and into struct track. */
struct asked {
	__u64 flow;    /* bucket hash << 32 | tag */
	__u64 place;   /* slot << 32 | member base */
	__u64 segment; /* sequence number << 32 | flags << 8 | enum track_kind */
	__u32 service_index, clock;
};

MUSTER_INLINE struct track track_begin(const struct asked *asked)
{
	__u32 slot = asked->place >> 32;

	return (struct track){
		.tag = (__u32)asked->flow,
		.bucket_hash = asked->flow >> 32,
		.first = flow_bucket(asked->flow >> 32),
		.member_base = (__u32)asked->place,
		.current = MUSTER_SLOT_CURRENT(slot),
		.previous = MUSTER_SLOT_PREVIOUS(slot),
		.seq = asked->segment >> 32,
		.kind = (__u8)asked->segment,
		.flags = (__u8)(asked->segment >> 8),
		.clock = asked->clock,
		.service_index = asked->service_index,
	};
}

/* Returns enum track_verdict << 32 | member index. */
MUSTER_SEPARATE __u64 track_attempt(
	__u64 flow, __u64 place, __u64 segment, __u32 service_index, __u32 clock)
{
	struct asked asked = {flow, place, segment, service_index, clock};
	struct track track = track_begin(&asked);
	__u64 verdict;

	if (!track.first)
		return (__u64)TRACK_EMPTY << 32;
	verdict = track_once(&track);
	return verdict << 32 | track.index;
}

MUSTER_INLINE __u64 attempt(const struct asked *asked, __u32 flags)
{
	return track_attempt(asked->flow, asked->place, asked->segment | flags << 8,
		asked->service_index, asked->clock);
}

MUSTER_SEPARATE __u64 track_packet(
	__u64 flow, __u64 place, __u64 segment, __u32 service_index, __u32 clock)
{
	struct asked asked = {flow, place, segment, service_index, clock};
	struct track track = track_begin(&asked);
	__u64 tracked;

	if (track.first && track_hit(&track))
		return (__u64)TRACK_SEND << 32 | track.index;
	tracked = attempt(&asked, 0);
	if (tracked >> 32 == TRACK_AGAIN)
		tracked = attempt(&asked, 0);
	if (tracked >> 32 == TRACK_AGAIN)
		tracked = attempt(&asked, TRACK_LAST);
	return tracked;
}

/* ---- the stage ---- */

MUSTER_INLINE __u32 read_slot(__u32 slot)
{
	__u32 element_index = slot / MUSTER_ELEMENT_SLOTS;
	const struct muster_ring_element *element = bpf_map_lookup_elem(&rings, &element_index);

	if (!element)
		return MUSTER_SLOT_EMPTY;
	return *(const volatile __u32 *)&element->slot[slot % MUSTER_ELEMENT_SLOTS];
}

/* What the packet is to its flow: sequence number, flags and kind, as struct asked has them. */
MUSTER_INLINE __u64 flow_segment(const struct walk *walk, int any)
{
	const struct packet *packet = &walk->packet;
	__u64 flags = walk->service->flags;
	__u8 tcp = packet->tcp_flags;

	if (any && (packet->icmp_error || packet->fragment == FRAGMENT_LATER))
		return flags << 8 | TRACK_QUIET;
	if (packet->key.proto == IPPROTO_UDP)
		return flags << 8 | TRACK_DATAGRAM;
	if (tcp & (TCP_FIN | TCP_RST))
		flags |= TRACK_ENDS;
	flags = (__u64)bpf_ntohl(packet->seq) << 32 | flags << 8;
	return flags | ((tcp & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN ? TRACK_SYN
										   : TRACK_SEGMENT);
}

/* The slot is not stable. @any: on the long way. */
MUSTER_INLINE int pick_tracked(struct walk *walk, __u32 tag, __u32 slot, int any)
{
	struct asked asked = {
		.flow = (walk->hash & 0xffffffff00000000ull) | tag,
		.place = (__u64)slot << 32 | walk->service->member_base,
		.segment = flow_segment(walk, any),
		.service_index = walk->service_index,
		.clock = walk->control->clock,
	};
	__u64 tracked = track_packet(
		asked.flow, asked.place, asked.segment, asked.service_index, asked.clock);

	switch (tracked >> 32) {
	case TRACK_SEND:
		walk->member_index = walk->service->member_base + (__u32)tracked;
		return GO_ON;
	case TRACK_RESET:
		return MEMBER_DOWN;
	case TRACK_FULL:
		return MUSTER_REASON_flows_full;
	default:
		return UNUSUAL;
	}
}

MUSTER_INLINE __u32 flow_tag(const struct walk *walk)
{
	__u64 slot_hash = walk->hash;

	if (walk->service->flags & MUSTER_SERVICE_AFFINITY)
		slot_hash = muster_client_hash(walk->control, &walk->packet.src);
	return muster_flow_tag(walk->hash, slot_hash);
}

/*
 * UNUSUAL: the service has no member that may take the packet. MEMBER_DOWN: the one that has its flow is down,
 * and the client is to hear of it.
 */
MUSTER_INLINE int pick(struct walk *walk, int any)
{
	const struct muster_service *service = walk->service;
	const struct packet *packet = &walk->packet;
	__u32 tag, slot;
	int reason;

	if (!service->ring_size)
		return UNUSUAL;
	walk->hash = muster_flow_hash(walk->control, &packet->src, &packet->key.addr, packet->sport,
		packet->key.port, packet->key.proto, packet->is_v6);
	tag = flow_tag(walk);
	slot = read_slot(service->ring_base + muster_flow_slot(tag, service->ring_size));
	walk->member_index = service->member_base + MUSTER_SLOT_CURRENT(slot);
	if (MUSTER_SLOT_CURRENT(slot) != MUSTER_SLOT_PREVIOUS(slot) || slot == MUSTER_SLOT_EMPTY) {
		walk->member_index = NO_INDEX;
		reason = pick_tracked(walk, tag, slot, any);
		if (reason != GO_ON)
			return reason;
	}
	walk->member = bpf_map_lookup_elem(&members, &walk->member_index);
	return walk->member ? GO_ON : MUSTER_REASON_no_member;
}

#endif
