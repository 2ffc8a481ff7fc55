/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What a packet that goes no further is answered, if anything. Each answer costs a token of its kind. The
 * frame loses its tags here and gets them back in send_back().
 */
#ifndef MUSTER_BPF_ANSWER_H
#define MUSTER_BPF_ANSWER_H

#include "reply_echo.h"
#include "reply_error.h"
#include "reply_rst.h"

#define IPV6_MTU_MIN 1280

/* GO_ON, or why there is no answer: @silent where it would be wrong. */
MUSTER_INLINE int begin_answer(struct walk *walk, enum muster_reply_kind kind, int silent)
{
	if (!may_answer(&walk->packet))
		return silent;
	if (!reply_allowed(walk->control, kind))
		return MUSTER_REASON_reply_limited;
	return GO_ON;
}

MUSTER_INLINE int answer_error(struct walk *walk, const struct error_kind *kind, int reason)
{
	int failed = pop_tags(walk);

	return failed == GO_ON ? reply_error(walk, kind, reason) : failed;
}

MUSTER_INLINE int answer_echo(struct walk *walk)
{
	int failed = begin_answer(walk, MUSTER_REPLY_ECHO, MUSTER_REASON_empty_silent);

	return failed == GO_ON ? reply_echo(walk) : failed;
}

/* The service has no member that may take this packet. */
MUSTER_INLINE int answer_empty(struct walk *walk)
{
	struct error_kind unreachable = {ICMP_UNREACHABLE, ICMP_CODE_PORT, 0};
	int failed;

	if (walk->service->on_empty == MUSTER_ON_EMPTY_DROP)
		return MUSTER_REASON_empty_drop;
	failed = begin_answer(walk, MUSTER_REPLY_REJECT, MUSTER_REASON_empty_silent);
	if (failed != GO_ON)
		return failed;
	if (walk->packet.key.proto == IPPROTO_TCP) {
		failed = pop_tags(walk);
		return failed == GO_ON ? reply_rst(walk, MUSTER_REASON_empty_reject) : failed;
	}
	if (walk->packet.is_v6)
		unreachable = (struct error_kind){ICMPV6_UNREACHABLE, ICMPV6_CODE_PORT, 0};
	return answer_error(walk, &unreachable, MUSTER_REASON_empty_reject);
}

/* The member that has this flow is down, and the service wants its clients to know. */
MUSTER_INLINE int answer_reset(struct walk *walk)
{
	int failed = begin_answer(walk, MUSTER_REPLY_REJECT, MUSTER_REASON_empty_silent);

	if (failed == GO_ON)
		failed = pop_tags(walk);
	return failed == GO_ON ? reply_rst(walk, MUSTER_REASON_member_reset) : failed;
}

MUSTER_INLINE int answer_exceeded(struct walk *walk)
{
	struct error_kind exceeded = {ICMP_TTL_EXCEEDED, 0, 0};
	int failed = begin_answer(walk, MUSTER_REPLY_ERROR, MUSTER_REASON_ttl_silent);

	if (failed != GO_ON)
		return failed;
	if (walk->packet.is_v6)
		exceeded.type = ICMPV6_EXCEEDED;
	return answer_error(walk, &exceeded, MUSTER_REASON_ttl_exceeded);
}

/* @mtu: what would fit. A sender that did not set DF would not listen. */
MUSTER_INLINE int answer_too_big(struct walk *walk, __u32 mtu)
{
	struct error_kind too_big = {ICMP_UNREACHABLE, ICMP_CODE_TOO_BIG, bpf_htonl(mtu)};
	int failed;

	if (!walk->packet.dont_fragment && !walk->packet.icmp_error)
		return MUSTER_REASON_too_big_no_df;
	failed = begin_answer(walk, MUSTER_REPLY_ERROR, MUSTER_REASON_too_big);
	if (failed != GO_ON)
		return failed;
	if (walk->packet.is_v6) {
		if (mtu < IPV6_MTU_MIN)
			mtu = IPV6_MTU_MIN;
		too_big = (struct error_kind){ICMPV6_TOO_BIG, 0, bpf_htonl(mtu)};
	}
	return answer_error(walk, &too_big, MUSTER_REASON_too_big_reply);
}

#endif
