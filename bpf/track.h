/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Which member a flow belongs to where its slot is not stable: the rules of docs/flows.md. */
#ifndef MUSTER_BPF_TRACK_H
#define MUSTER_BPF_TRACK_H

#include "flow_table.h"

/* The first segments of a flow continue its SYN. What does not is of an older flow: the SYN was forged. */
MUSTER_INLINE int fits_syn(const struct track *track)
{
	return track->seq - (__u32)(track->when >> 32) < TRACK_FIT_BYTES;
}

/* ---- members ---- */

MUSTER_INLINE int member_keeps(const struct track *track, const struct muster_member *member)
{
	if (track->kind == TRACK_DATAGRAM && track->flags & MUSTER_SERVICE_REPICK_NEVER)
		return 1;
	if (track->kind == TRACK_DATAGRAM && track->flags & MUSTER_SERVICE_REPICK_NOW)
		return *(const volatile __u8 *)&member->new_ok;
	return *(const volatile __u8 *)&member->old_ok;
}

/* May the recorded member have this packet? A port that is used again after its flow has closed is a new flow. */
MUSTER_INLINE int recorded_keeps(const struct track *track)
{
	__u32 index = track->member_base + MUSTER_TOKEN_INDEX((__u32)track->who);
	const struct muster_member *member = member_at(index);

	if (!member || member->token != (__u32)track->who || !member_keeps(track, member))
		return 0;
	return !(track->kind == TRACK_SYN && track->when & MUSTER_FLOW_CLOSING);
}

MUSTER_INLINE int previous_keeps(const struct track *track)
{
	const struct muster_member *member = member_at(track->member_base + track->previous);

	return member && member_keeps(track, member);
}

/* ---- the rules ---- */

MUSTER_INLINE int is_moving(const struct track *track)
{
	return track->previous != MUSTER_NONE && track->previous != track->current;
}

MUSTER_INLINE int send_to(struct track *track, __u32 index)
{
	track->index = index;
	return index == MUSTER_NONE ? TRACK_EMPTY : TRACK_SEND;
}

/* A new flow, or one whose recorded member may not have it: to current. */
MUSTER_INLINE int track_syn(struct track *track)
{
	int recorded;

	if (!is_moving(track) || track->current == MUSTER_NONE) {
		forget_flow(track);
		return send_to(track, track->current);
	}
	recorded = record_flow(track, track->current);
	if (recorded == TRACK_FULL && previous_keeps(track))
		return send_to(track, track->previous);
	return recorded == TRACK_SEND ? send_to(track, track->current) : recorded;
}

/* Is the segment of an older flow than the SYN that was recorded? */
MUSTER_INLINE int is_older(const struct track *track)
{
	return track->kind == TRACK_SEGMENT && is_opening(track) && !fits_syn(track);
}

/* A segment of a flow that is older than the change: to previous. */
MUSTER_INLINE int track_segment(struct track *track)
{
	if (track->way && !is_older(track) && track->flags & MUSTER_SERVICE_RESET)
		return TRACK_RESET;
	if (is_moving(track) && previous_keeps(track)) {
		int recorded = record_flow(track, track->previous);

		return recorded == TRACK_AGAIN ? recorded : send_to(track, track->previous);
	}
	if (is_moving(track) && track->flags & MUSTER_SERVICE_RESET)
		return TRACK_RESET;
	return send_to(track, track->current);
}

MUSTER_INLINE int track_datagram(struct track *track)
{
	__u32 index = track->current;
	int recorded;

	if (!is_moving(track)) {
		forget_flow(track);
		return send_to(track, index);
	}
	if (previous_keeps(track))
		index = track->previous;
	if (index == MUSTER_NONE)
		return TRACK_EMPTY;
	recorded = record_flow(track, index);
	return recorded == TRACK_AGAIN ? recorded : send_to(track, index);
}

MUSTER_INLINE int track_quiet(struct track *track)
{
	if (is_moving(track) && previous_keeps(track))
		return send_to(track, track->previous);
	return send_to(track, track->current);
}

/*
 * The common case alone, with nothing to be written: an established flow that was seen in this very second.
 * False: ask track_once().
 */
MUSTER_INLINE int track_hit(struct track *track)
{
	__u32 seen = (track->clock & MUSTER_FLOW_CLOCK_MASK) << 8;

	track->way = (void *)0;
	if (track->kind == TRACK_SYN || track->flags & TRACK_ENDS || !find_in(track, track->first))
		return 0;
	if (((__u32)track->when & ~(__u32)MUSTER_FLOW_UDP) != seen || !recorded_keeps(track))
		return 0;
	track->index = MUSTER_TOKEN_INDEX((__u32)track->who);
	return 1;
}

/*
 * Leaves the member in track->index. TRACK_AGAIN: begin anew, three times in all, the last one with
 * TRACK_LAST, which does not say so.
 */
MUSTER_INLINE int track_once(struct track *track)
{
	find_flow(track);
	if (track->way && recorded_keeps(track) && !is_older(track)) {
		touch_flow(track);
		return send_to(track, MUSTER_TOKEN_INDEX((__u32)track->who));
	}
	switch (track->kind) {
	case TRACK_SYN:
		return track_syn(track);
	case TRACK_SEGMENT:
		return track_segment(track);
	case TRACK_DATAGRAM:
		return track_datagram(track);
	default:
		return track_quiet(track);
	}
}

#endif
