/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The flow table: what is recorded of a flow whose slot moves, in one of two buckets. Entries are put in and
 * changed by compare-and-exchange, and never make room for others. Pure but for the tables, which the includer
 * supplies:
 *
 *	struct muster_flow_bucket *flow_bucket(__u32 hash);
 *	struct muster_member *member_at(__u32 index);
 *	void insert_failed(__u32 service_index, __u32 clock);
 *
 * so that the model check (tests/unit/bpf/test_one_slot.c) runs these very lines.
 */
#ifndef MUSTER_BPF_FLOW_TABLE_H
#define MUSTER_BPF_FLOW_TABLE_H

#include "packet.h"

/* What the packet is to its flow. */
enum track_kind {
	TRACK_SYN,
	TRACK_SEGMENT,	/* of TCP, not the first of its flow */
	TRACK_DATAGRAM, /* of UDP: nothing tells the first one */
	TRACK_QUIET, /* an ICMP error, a later fragment: goes where its flow goes, and records nothing */
};

enum track_verdict {
	TRACK_SEND,  /* to the member */
	TRACK_EMPTY, /* no member may take it */
	TRACK_RESET, /* its member is down, and the service says so to the client */
	TRACK_FULL,  /* a new flow that could not be recorded, and the member of old ones is down */
	TRACK_AGAIN, /* another CPU changed the entry meanwhile */
};

struct track {
	__u32 tag;
	__u32 member_base;
	__u32 current, previous; /* of the slot */
	__u32 seq;		 /* of a TCP segment */
	__u32 clock;
	__u32 service_index;
	__u8 kind;  /* enum track_kind */
	__u8 flags; /* enum muster_service_flag, TRACK_ENDS, TRACK_LAST */
	__u32 bucket_hash;
	struct muster_flow_bucket *first,
		*second;	 /* where its entry may be; second: NULL, not looked at */
	struct muster_flow *way; /* the flow's entry, or NULL, and what was read of it: */
	__u64 who, when;
	__u32 index; /* of the member, for TRACK_SEND */
};

#define TRACK_ENDS 0x80 /* the segment has FIN or RST */
#define TRACK_LAST 0x40 /* attempt: what another CPU changed again counts as not recorded */

/* How far behind its SYN the first segment of a flow may be: more than any initial window. */
#define TRACK_FIT_BYTES (1u << 20)

/* ---- buckets, without branches: each would double what the verifier has to walk ---- */

/* 1 if @x is not 0, else 0. */
MUSTER_INLINE __u32 is_set(__u32 x)
{
	__u32 sign = x | -x;

	__asm__ volatile("" : "+r"(sign)); /* or the compiler makes it a branch after all */
	return sign >> 31;
}

MUSTER_INLINE __u64 read_who(const struct muster_flow_bucket *bucket, int way)
{
	return *(const volatile __u64 *)&bucket->way[way].who;
}

/* 0: it is an entry of the flow @tag. */
MUSTER_INLINE __u32 differs(__u64 who, __u32 tag)
{
	return is_set((__u32)(who >> 32) ^ tag) | (is_set((__u32)who) ^ 1);
}

/* Of four, the first that is 0; MUSTER_FLOW_WAYS if there is none. Each is 0 or 1. */
MUSTER_INLINE __u32 first_zero(__u32 a, __u32 b, __u32 c, __u32 d)
{
	return a * (1 + b * (1 + c * (1 + d)));
}

MUSTER_STATIC_ASSERT(MUSTER_FLOW_WAYS == 4, "ways");

/* With branches after all: mostly the first comparison hits. */
MUSTER_INLINE int find_in(struct track *track, struct muster_flow_bucket *bucket)
{
	UNROLL
	for (int i = 0; i < MUSTER_FLOW_WAYS; i++) {
		__u64 who = read_who(bucket, i);

		if ((__u32)(who >> 32) != track->tag || !(__u32)who)
			continue;
		track->way = &bucket->way[i];
		track->who = who;
		track->when = *(volatile __u64 *)&track->way->when;
		return 1;
	}
	return 0;
}

MUSTER_INLINE void find_flow(struct track *track)
{
	track->way = (void *)0;
	track->second = (void *)0;
	if (find_in(track, track->first))
		return;
	track->second = flow_bucket(muster_flow_second(track->bucket_hash, track->tag));
	if (track->second && track->second != track->first)
		find_in(track, track->second);
}

MUSTER_INLINE int is_opening(const struct track *track)
{
	return !!(track->when & MUSTER_FLOW_OPENING);
}

/* ---- entries ---- */

MUSTER_INLINE __u64 seen_now(const struct track *track)
{
	return (__u64)(track->clock & MUSTER_FLOW_CLOCK_MASK) << 8;
}

MUSTER_INLINE __u64 flow_when(const struct track *track)
{
	__u64 seen = seen_now(track);

	if (track->kind == TRACK_SYN)
		return (__u64)track->seq << 32 | seen | MUSTER_FLOW_OPENING;
	if (track->kind == TRACK_DATAGRAM)
		return seen | MUSTER_FLOW_UDP;
	return seen | (track->flags & TRACK_ENDS ? MUSTER_FLOW_CLOSING : 0);
}

MUSTER_INLINE __u32 count_in(const struct muster_flow_bucket *bucket, __u32 tag)
{
	return MUSTER_FLOW_WAYS - differs(read_who(bucket, 0), tag) -
	       differs(read_who(bucket, 1), tag) - differs(read_who(bucket, 2), tag) -
	       differs(read_who(bucket, 3), tag);
}

/* Is there another entry of the flow? Two CPUs that insert at once both see it, and both begin again. */
MUSTER_INLINE int is_doubled(const struct track *track)
{
	__u32 n = count_in(track->first, track->tag);

	if (track->second && track->second != track->first)
		n += count_in(track->second, track->tag);
	return n > 1;
}

MUSTER_INLINE int insert_into(struct track *track, struct muster_flow *way, __u64 who)
{
	__u64 found = __sync_val_compare_and_swap(&way->who, 0, who);

	if (found)
		return TRACK_AGAIN;
	*(volatile __u64 *)&way->when = flow_when(track);
	if (!is_doubled(track))
		return TRACK_SEND;
	__sync_val_compare_and_swap(&way->who, who, 0);
	return TRACK_AGAIN;
}

MUSTER_INLINE __u32 is_used(const struct muster_flow_bucket *bucket, int way)
{
	return is_set((__u32)read_who(bucket, way));
}

MUSTER_INLINE __u32 find_unused(const struct muster_flow_bucket *bucket)
{
	return first_zero(
		is_used(bucket, 0), is_used(bucket, 1), is_used(bucket, 2), is_used(bucket, 3));
}

/* Masked where the compiler cannot see that it need not be: Linux 6.1 forgets the bound of a copy. */
MUSTER_INLINE struct muster_flow *way_at(struct muster_flow_bucket *bucket, __u32 at)
{
	__asm__ volatile("" : "+r"(at));
	return &bucket->way[at & (MUSTER_FLOW_WAYS - 1)];
}

MUSTER_INLINE int insert_flow(struct track *track, __u64 who)
{
	__u32 at = find_unused(track->first);

	if (at < MUSTER_FLOW_WAYS)
		return insert_into(track, way_at(track->first, at), who);
	at = track->second ? find_unused(track->second) : MUSTER_FLOW_WAYS;
	return at < MUSTER_FLOW_WAYS ? insert_into(track, way_at(track->second, at), who)
				     : TRACK_FULL;
}

/* Seen first, then another's: a sweep in between would find an idle flow of the new member, and remove it. */
MUSTER_INLINE int rewrite_flow(struct track *track, __u64 who)
{
	__u64 seen = (track->when & ~MUSTER_FLOW_SEEN) | seen_now(track);

	__sync_val_compare_and_swap(&track->way->when, track->when, seen);
	if (__sync_val_compare_and_swap(&track->way->who, track->who, who) != track->who)
		return TRACK_AGAIN;
	*(volatile __u64 *)&track->way->when = flow_when(track);
	return TRACK_SEND;
}

/* Records that the flow is @index's. TRACK_SEND, TRACK_FULL or TRACK_AGAIN. */
MUSTER_INLINE int record_flow(struct track *track, __u32 index)
{
	const struct muster_member *member = member_at(track->member_base + index);
	int recorded = TRACK_FULL;
	__u64 who;

	if (member) {
		who = (__u64)track->tag << 32 | member->token;
		recorded = track->way ? rewrite_flow(track, who) : insert_flow(track, who);
	}
	if (recorded == TRACK_SEND || (recorded == TRACK_AGAIN && !(track->flags & TRACK_LAST)))
		return recorded;
	insert_failed(track->service_index, track->clock);
	return TRACK_FULL;
}

/* What was of old goes with it (abi.h). What another CPU inserted there at once was seen now. */
MUSTER_INLINE void forget_flow(const struct track *track)
{
	if (!track->way ||
		__sync_val_compare_and_swap(&track->way->who, track->who, 0) != track->who)
		return;
	if ((track->when & MUSTER_FLOW_SEEN) != seen_now(track))
		__sync_val_compare_and_swap(&track->way->when, track->when, 0);
}

/* The flow was seen. By compare-and-exchange: the entry may be another flow's by now. */
MUSTER_INLINE void touch_flow(const struct track *track)
{
	__u64 state = track->when & 0xff, isn = track->when >> 32, when;

	if (track->kind == TRACK_QUIET)
		return;
	if (track->kind == TRACK_SEGMENT)
		state &= ~(__u64)MUSTER_FLOW_OPENING;
	if (track->flags & TRACK_ENDS)
		state |= MUSTER_FLOW_CLOSING;
	if (track->kind == TRACK_SYN && is_opening(track))
		isn = track->seq;
	when = isn << 32 | seen_now(track) | state;
	if (when != track->when)
		__sync_val_compare_and_swap(&track->way->when, track->when, when);
}

#endif
