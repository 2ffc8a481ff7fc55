/* SPDX-License-Identifier: BSD-2-Clause */
/* Hundreds of flows through that balancer, each of which remembers its backend. */
#ifndef MUSTER_TESTS_SEQUENCE_FLOWS_H
#define MUSTER_TESTS_SEQUENCE_FLOWS_H

#include "sequence_changes.h"

#include <stdio.h>

enum { FLOWS = 300 };

struct flow {
	int vip;
	uint64_t hash, slot_hash;
	uint32_t isn, seen_ds;
	bool open, fresh, ended;
	int backend;
	uint32_t incarnation;
	struct tracking_packet last; /* for the report */
};

struct sequence {
	struct world world;
	struct flow flows[FLOWS];
	uint64_t random, seed, n;
	uint64_t packets, moved, full; /* packets in slots that were not stable */
	unsigned opened, lost;
	int trace; /* packets of this flow, counted from 1, are printed */
};

static inline uint32_t sequence_random(struct sequence *sequence, uint32_t below)
{
	return unit_random(&sequence->random, below);
}

/* The frontend's record as packets see it now. */
static inline const struct image_service *flow_service(
	const struct sequence *sequence, const struct flow *flow)
{
	struct muster_key key = world_key(flow->vip);

	return image_find_service(sequence->world.live, &key);
}

static inline const struct block *live_block(const struct sequence *sequence)
{
	return sequence->world.live->n_blocks ? sequence->world.live->blocks[0] : NULL;
}

/* The entry of the flow's backend in the member table, or NULL: it is gone. */
static inline const struct muster_member *flow_member(
	const struct sequence *sequence, const struct flow *flow)
{
	const struct block *block = live_block(sequence);
	struct muster_addr addr =
		models_addr_v4((uint32_t)flow->backend << 8 | (flow->incarnation & 0xff));

	for (uint16_t m = 0; block && m < block->n; m++)
		if (block->members[m].identity && addr_equal(&block->members[m].addr, &addr))
			return &sequence->world.members[block->base + m];
	return NULL;
}

static inline void flow_close(struct flow *flow)
{
	flow->open = flow->fresh = flow->ended = false;
}

static inline void flow_init(struct sequence *sequence, struct flow *flow)
{
	uint64_t hash = muster_mix64(sequence->seed + (uint64_t)(flow - sequence->flows));

	*flow = (struct flow){.vip = (int)(hash % VIPS), .hash = muster_mix64(hash)};
	flow->slot_hash = flow->vip == 1 ? muster_mix64(hash >> 8 & 15) : flow->hash;
}

static inline bool flow_is_udp(const struct flow *flow)
{
	return flow->vip >= 2;
}

/* ---- a packet ---- */

struct sent {
	enum track_verdict verdict;
	const struct muster_member *member; /* for TRACK_SEND */
	bool to_current, failed;
};

static inline struct sent flow_send(struct sequence *sequence, struct flow *flow,
	enum track_kind kind, uint8_t flags, uint32_t seq)
{
	const struct image_service *service = flow_service(sequence, flow);
	uint64_t failed = sequence->world.tracking[service->index].failed;
	struct tracking_result result;
	struct tracking_packet packet = {
		.bucket = (uint32_t)(flow->hash >> 32),
		.tag = muster_flow_tag(flow->hash, flow->slot_hash),
		.seq = seq,
		.clock = world_clock(&sequence->world),
		.service = service->index,
		.kind = kind,
		.flags = service->flags | flags,
	};

	if (!service->ring)
		return (struct sent){.verdict = TRACK_EMPTY};
	packet.slot = sequence->world.slots[service->ring->slots.base +
					    muster_flow_slot(packet.tag, service->ring->slots.n)];
	packet.member_base = service->block->base;
	flow->last = packet;
	result = tracking_send(&packet);
	sequence->packets++;
	sequence->moved += !slot_is_stable(packet.slot);
	failed = sequence->world.tracking[service->index].failed - failed;
	sequence->full += failed;
	if (sequence->trace == flow - sequence->flows + 1)
		print_message("  %llu, %u ds: kind %d flags %x seq %u, slot {%d,%d}: verdict %d "
			      "member %d%s\n",
			(unsigned long long)sequence->n, sequence->world.now_ds, kind, packet.flags,
			seq, (int16_t)MUSTER_SLOT_CURRENT(packet.slot),
			(int16_t)MUSTER_SLOT_PREVIOUS(packet.slot), result.verdict,
			(int16_t)result.index, failed ? ", not recorded" : "");
	return (struct sent){
		.verdict = result.verdict,
		.member = result.verdict == TRACK_SEND
				  ? member_at(packet.member_base + result.index)
				  : NULL,
		.to_current = result.index == MUSTER_SLOT_CURRENT(packet.slot),
		.failed = failed,
	};
}

/* ---- what the service promises ---- */

static inline bool member_keeps_flow(const struct muster_member *member, uint8_t flags)
{
	if (!member || flags & MUSTER_SERVICE_REPICK_NEVER)
		return member;
	return flags & MUSTER_SERVICE_REPICK_NOW ? member->new_ok : member->old_ok;
}

static inline void flow_report(const struct sequence *sequence, const struct flow *flow,
	const struct sent *sent, const char *what)
{
	fail_msg("MUSTER_SEED=%llu, event %llu: flow %d of vip%d, of b%d.%u, slot {%d,%d}, seq %u: "
		 "%s "
		 "verdict %d, member %u (MUSTER_TRACE=%d for its packets)",
		(unsigned long long)sequence->seed, (unsigned long long)sequence->n,
		(int)(flow - sequence->flows), flow->vip, flow->backend, flow->incarnation,
		(int16_t)MUSTER_SLOT_CURRENT(flow->last.slot),
		(int16_t)MUSTER_SLOT_PREVIOUS(flow->last.slot), flow->last.seq, what, sent->verdict,
		sent->verdict == TRACK_SEND ? MUSTER_TOKEN_INDEX(sent->member->token) : 0,
		(int)(flow - sequence->flows) + 1);
}

static inline void flow_now_of(struct flow *flow, const struct muster_member *member)
{
	uint32_t host = ntohl(member->addr.w[3]) - 0x0a000000;

	flow->open = true;
	flow->ended = false;
	flow->backend = (int)(host >> 8);
	flow->incarnation = host & 0xff;
}

/* Does whoever got it take it? A backend that is gone, or down, takes nothing. */
static inline bool sent_is_taken(const struct sent *sent, const struct flow *flow)
{
	if (sent->verdict != TRACK_SEND || !sent->member->identity)
		return false;
	if (flow_is_udp(flow) && sent->failed && sent->to_current)
		return false; /* in nobody's care: table full, old member down */
	return sent->member->old_ok || flow->vip == 4;
}

static inline void flow_syn(struct sequence *sequence, struct flow *flow)
{
	struct sent sent;

	if (!flow->fresh)
		flow->isn = sequence_random(sequence, UINT32_MAX);
	sent = flow_send(
		sequence, flow, flow_is_udp(flow) ? TRACK_DATAGRAM : TRACK_SYN, 0, flow->isn);
	flow_close(flow);
	if (!sent_is_taken(&sent, flow))
		return;
	flow_now_of(flow, sent.member);
	flow->fresh = !flow_is_udp(flow);
	flow->seen_ds = sequence->world.now_ds;
	sequence->opened++;
}

static inline void flow_data(struct sequence *sequence, struct flow *flow, bool fin)
{
	const struct muster_member *member = flow_member(sequence, flow);
	const struct image_service *service = flow_service(sequence, flow);
	bool keeps = member_keeps_flow(member, service->flags);
	uint32_t seq = flow->isn + 1 + (flow->fresh ? 0 : sequence_random(sequence, 1 << 16));
	struct sent sent =
		flow_send(sequence, flow, flow_is_udp(flow) ? TRACK_DATAGRAM : TRACK_SEGMENT,
			fin && !flow_is_udp(flow) ? TRACK_ENDS : 0, seq);

	flow->seen_ds = sequence->world.now_ds;
	if (sent.verdict == TRACK_SEND && sent.member == member) {
		flow->fresh &= !keeps;
		flow->ended |= fin && !flow_is_udp(flow);
		return;
	}
	if (keeps)
		flow_report(sequence, flow, &sent, "goes elsewhere:");
	sequence->lost++;
	flow_close(flow);
	if (flow_is_udp(flow) && sent_is_taken(&sent, flow))
		flow_now_of(flow, sent.member);
}

/* Somebody else sends what looks like the flow's; not both a SYN and a segment that fits it. */
static inline void flow_forge(struct sequence *sequence, struct flow *flow)
{
	const struct muster_member *member = flow_member(sequence, flow);
	bool syn = sequence_random(sequence, 2);

	if (flow_is_udp(flow) || flow->fresh || flow->ended ||
		(flow->open && !(member && member->old_ok)))
		return;
	flow_send(sequence, flow, syn ? TRACK_SYN : TRACK_SEGMENT, 0,
		flow->isn + (syn ? 1u << 31 : 1u << 30));
}

/* No flow is silent for as long as the settle time. */
static inline void sequence_advance(struct sequence *sequence, uint32_t ds)
{
	struct world *world = &sequence->world;

	for (int i = 0; i < FLOWS; i++) {
		struct flow *flow = &sequence->flows[i];
		uint32_t settle = flow_is_udp(flow) ? SETTLE_UDP_DS : SETTLE_TCP_DS;

		if (flow->open && world->now_ds + ds - flow->seen_ds >= settle)
			flow_data(sequence, flow, false);
	}
	world->now_ds += ds;
}

/* Flows of backends that are not in the image any more are lost with them. */
static inline void sequence_lose(struct sequence *sequence, int backend)
{
	for (int i = 0; i < FLOWS; i++) {
		struct flow *flow = &sequence->flows[i];

		if (flow->open &&
			(backend < 0 ? !flow_member(sequence, flow) : flow->backend == backend))
			flow_close(flow);
	}
}

#endif
