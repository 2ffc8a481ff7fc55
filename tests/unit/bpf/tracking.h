/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpf/track.h over plain memory: the tables it needs, and a packet's three attempts as bpf/pick.h makes them.
 */
#ifndef MUSTER_TESTS_TRACKING_H
#define MUSTER_TESTS_TRACKING_H

#include "packet.h"

#include "core/util.h"

#define TRACKING_INLINE static inline __attribute__((unused))

struct tracking_tables {
	struct muster_flow_bucket *buckets;
	uint32_t bucket_mask;
	struct muster_member *members;
	uint32_t n_members;
	struct muster_tracking *services;
};

static struct tracking_tables tracking_tables;

TRACKING_INLINE struct muster_flow_bucket *flow_bucket(__u32 hash)
{
	return &tracking_tables.buckets[hash & tracking_tables.bucket_mask];
}

TRACKING_INLINE struct muster_member *member_at(__u32 index)
{
	return index < tracking_tables.n_members ? &tracking_tables.members[index] : NULL;
}

TRACKING_INLINE void insert_failed(__u32 service_index, __u32 clock)
{
	struct muster_tracking *at = &tracking_tables.services[service_index];

	__atomic_fetch_add(&at->failed, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&at->clock, clock, __ATOMIC_RELAXED);
}

#include "track.h"

struct tracking_packet {
	uint32_t bucket; /* hash */
	uint32_t tag, slot, member_base, seq, clock, service;
	uint8_t kind, flags;
};

struct tracking_result {
	enum track_verdict verdict;
	uint32_t index;	   /* of the member, for TRACK_SEND */
	unsigned attempts; /* of the long way; 0: none was needed */
};

TRACKING_INLINE struct track tracking_begin(const struct tracking_packet *packet, uint8_t flags)
{
	return (struct track){
		.tag = packet->tag,
		.bucket_hash = packet->bucket,
		.first = flow_bucket(packet->bucket),
		.member_base = packet->member_base,
		.current = MUSTER_SLOT_CURRENT(packet->slot),
		.previous = MUSTER_SLOT_PREVIOUS(packet->slot),
		.seq = packet->seq,
		.clock = packet->clock,
		.service_index = packet->service,
		.kind = packet->kind,
		.flags = packet->flags | flags,
	};
}

TRACKING_INLINE struct tracking_result tracking_attempt(
	const struct tracking_packet *packet, uint8_t flags, unsigned attempts)
{
	struct track track = tracking_begin(packet, flags);
	enum track_verdict verdict = track_once(&track);

	return (struct tracking_result){verdict, track.index, attempts};
}

/* Where a packet goes, from its slot on: the branch of pick(), and track_packet(). */
TRACKING_INLINE struct tracking_result tracking_send(const struct tracking_packet *packet)
{
	struct tracking_result result;
	uint32_t slot = packet->slot;
	struct track track;

	if (MUSTER_SLOT_CURRENT(slot) == MUSTER_SLOT_PREVIOUS(slot) && slot != MUSTER_SLOT_EMPTY)
		return (struct tracking_result){TRACK_SEND, MUSTER_SLOT_CURRENT(slot), 0};
	track = tracking_begin(packet, 0);
	if (track_hit(&track))
		return (struct tracking_result){TRACK_SEND, track.index, 0};
	result = tracking_attempt(packet, 0, 1);
	if (result.verdict == TRACK_AGAIN)
		result = tracking_attempt(packet, 0, 2);
	if (result.verdict == TRACK_AGAIN)
		result = tracking_attempt(packet, TRACK_LAST, 3);
	return result;
}

#endif
