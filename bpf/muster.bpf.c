/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The forwarder. Each stage returns GO_ON or the reason that ends the packet's way; account() turns
 * the reason into counters and an XDP action. docs/packet-path.md follows a packet through.
 */
#include "walk.h"
#include "parse.h"
#include "frontend.h"
#include "pick.h"
#include "forward.h"
#include "account.h"

SEC("xdp")
int muster_xdp(struct xdp_md *ctx)
{
	struct walk walk;
	int reason;

	reason = walk_begin(&walk, ctx); /* parse */
	if (reason == GO_ON)
		reason = frontend(&walk);
	if (reason == GO_ON)
		reason = pick(&walk);
	if (reason == GO_ON)
		reason = forward(&walk);
	return account(&walk, reason);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
