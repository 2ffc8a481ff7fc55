/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The forwarder. Each stage returns GO_ON or the reason that ends the packet's way; account() turns the
 * reason into counters and an XDP action. docs/packet-path.md follows a packet through.
 *
 * Two ways through the same stages. The straight one carries what nearly all packets are: TCP and UDP in
 * plain IPv4 or IPv6 that fits its path. Whatever is UNUSUAL to it starts again on the long one, which
 * knows tags, options, extension headers, fragments, ICMP, and answers.
 */
#include "walk.h"
#include "parse.h"
#include "parse_any.h"
#include "frontend.h"
#include "pick.h"
#include "forward.h"
#include "forward_any.h"
#include "answer.h"
#include "account.h"

SEC("xdp")
int muster_xdp(struct xdp_md *ctx)
{
	struct walk walk;
	int reason;

	walk_begin(&walk, ctx);
	reason = parse(ctx, walk.frame_bytes, &walk.packet);
	if (reason == GO_ON)
		reason = frontend(&walk);
	if (reason == GO_ON)
		reason = pick(&walk, 0);
	if (reason == GO_ON)
		reason = forward(&walk);
	if (reason == UNUSUAL || reason == MEMBER_DOWN) {
		bpf_tail_call(ctx, &programs, 0);
		reason = MUSTER_REASON_no_program;
	}
	return account(&walk, reason);
}

SEC("xdp")
int muster_any(struct xdp_md *ctx)
{
	struct walk walk;
	int reason;

	walk_begin(&walk, ctx);
	reason = parse_any(ctx, walk.frame_bytes, &walk.packet, &walk.tags);
	if (reason == GO_ON)
		reason = frontend_any(&walk);
	if (reason == MUSTER_REASON_echo_reply)
		return account(&walk, answer_echo(&walk));
	if (reason == GO_ON)
		reason = pick(&walk, 1);
	if (reason == UNUSUAL)
		return account(&walk, answer_empty(&walk));
	if (reason == MEMBER_DOWN)
		return account(&walk, answer_reset(&walk));
	if (reason == GO_ON)
		reason = forward_any(&walk);
	return account(&walk, reason);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
