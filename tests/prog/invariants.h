/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What holds for every frame, whatever it is: written from the specification of packet-path.md, with
 * nothing of the program in it. Each check returns NULL, or what is wrong.
 */
#ifndef MUSTER_TESTS_INVARIANTS_H
#define MUSTER_TESTS_INVARIANTS_H

#include "scene.h"
#include "view.h"

struct run {
	const struct scene *scene;
	const struct scene_vip *vip; /* with the frame's destination, or NULL */
	struct view in, out;
	uint32_t verdict, reason;
};

#define MUST(condition, text)        \
	do {                         \
		if (!(condition))    \
			return text; \
	} while (0)

static inline const struct scene_vip *vip_of(const struct view *view)
{
	for (size_t i = 0; i < ARRAY_SIZE(scene_vips); i++) {
		bool v6 = strchr(scene_vips[i].addr, ':');
		uint8_t addr[16];

		inet_pton(v6 ? AF_INET6 : AF_INET, scene_vips[i].addr, addr);
		if (v6 == view->v6 && !memcmp(addr, view->dst, v6 ? 16 : 4))
			return &scene_vips[i];
	}
	return NULL;
}

/* Whether a checksum that the sender made is wrong: then it is not on us to make one that is right. */
static inline bool is_corrupt(const struct view *view)
{
	const uint8_t *l4;
	uint8_t proto;
	size_t n;

	if (!view->v6 && !right(view->ip, view->header, 0))
		return true;
	if (!view->v6 && be16(view->ip + 6) & 0x3fff)
		return false;
	l4 = view_l4(view, &proto);
	if (!l4 || (proto != IPPROTO_TCP && proto != IPPROTO_UDP))
		return false;
	n = view->ip_bytes - (size_t)(l4 - view->ip);
	if (proto == IPPROTO_UDP && be16(l4 + 4) >= 8 && be16(l4 + 4) <= n)
		n = be16(l4 + 4); /* what follows is not under its checksum */
	if (proto == IPPROTO_UDP && !be16(l4 + 6))
		return false;
	return !right(l4, n, pseudo(view, proto, n));
}

/* ---- to a member ---- */

/* @at: what has to be the packet that came in but for its TTL and that one's checksum. */
static inline const char *check_inner(const struct view *in, const uint8_t *at)
{
	size_t ttl = in->v6 ? 7 : 8, behind = in->v6 ? 8 : 12;

	MUST(in->ttl > 1, "forwarded with a TTL that ran out");
	MUST(at[ttl] == in->ttl - 1, "TTL is not one less");
	MUST(!memcmp(at, in->ip, ttl), "header before the TTL changed");
	MUST(!memcmp(at + behind, in->ip + behind, in->ip_bytes - behind), "packet changed");
	if (in->v6)
		return NULL;
	MUST(at[9] == in->ip[9], "protocol changed");
	MUST(finish_sum(sum_bytes(at, in->header, 0)) % 0xffff ==
			finish_sum(sum_bytes(in->ip, in->header, 0)) % 0xffff,
		"header checksum not updated as the TTL");
	return NULL;
}

static inline const char *check_link(
	const struct run *run, const struct muster_nexthop *hop, bool v6)
{
	size_t at = 12;

	MUST(!memcmp(run->out.b, hop->dst_mac, 6) && !memcmp(run->out.b + 6, hop->src_mac, 6),
		"MAC pair is not the next hop's");
	for (size_t i = 0; i < ARRAY_SIZE(hop->tag) && hop->tag[i].tpid; i++, at += 4)
		MUST(!memcmp(run->out.b + at, &hop->tag[i], 4), "tags are not the next hop's");
	MUST(be16(run->out.b + at) == (v6 ? 0x86dd : 0x0800), "ethertype");
	MUST(run->out.link == at + 2, "more tags than the next hop's");
	MUST(run->verdict == (hop->ifindex == LOOPBACK ? XDP_TX : XDP_REDIRECT),
		"not by the next hop's interface");
	return NULL;
}

static inline bool source_right(const struct view *out, const struct muster_nexthop *hop)
{
	const uint8_t *want = hop->source.b + (out->v6 ? 0 : 12);
	size_t last = out->v6 ? 12 : 0;
	uint32_t mask = ntohl(hop->source_mask);

	return !memcmp(out->src, want, last) &&
	       !((be32(out->src + last) ^ be32(want + last)) & ~mask);
}

static inline const char *check_outer(const struct run *run, const struct muster_nexthop *hop)
{
	const struct view *in = &run->in, *out = &run->out;
	bool gue = run->vip->mode == MUSTER_MODE_GUE;
	uint8_t proto = gue ? IPPROTO_UDP : in->v6 ? 41 : 4;
	size_t overhead = out->header + (gue ? 8 : 0);
	const uint8_t *udp = out->ip + out->header;

	MUST(out->header == (out->v6 ? 40 : 20), "outer header has options");
	MUST(out->ip_bytes == overhead + in->ip_bytes, "outer length");
	MUST(out->ttl == 64 && out->tos == in->tos, "outer TTL or TOS");
	MUST(out->ip[out->v6 ? 6 : 9] == proto, "outer protocol");
	MUST(source_right(out, hop), "outer source");
	if (!out->v6) {
		MUST(right(out->ip, 20, 0), "outer header checksum");
		MUST(be32(out->ip + 4) == 0x4000, "outer id, DF, fragment offset");
	}
	if (gue) {
		MUST(udp[0] >= 0xc0, "GUE source port");
		MUST(be16(udp + 2) == run->vip->gue_port || be16(udp + 2) == 7000,
			"GUE destination port");
		MUST(be16(udp + 4) == 8 + in->ip_bytes, "UDP length");
		MUST(out->v6 == !!be16(udp + 6), "UDP checksum: only over IPv6");
		MUST(!out->v6 || is_corrupt(in) ||
				right(udp, 8 + in->ip_bytes, pseudo(out, 17, 8 + in->ip_bytes)),
			"UDP checksum");
	}
	return check_inner(in, out->ip + overhead);
}

static inline const char *check_sent(const struct run *run)
{
	static const uint32_t reasons[] = {
		[MUSTER_MODE_L2DSR] = MUSTER_REASON_sent_l2dsr,
		[MUSTER_MODE_IPIP] = MUSTER_REASON_sent_ipip,
		[MUSTER_MODE_GUE] = MUSTER_REASON_sent_gue,
	};
	const struct muster_nexthop *hop = &run->scene->prog.nexthops[run->vip->nexthop];
	const struct view *in = &run->in, *out = &run->out;
	const char *wrong;
	bool v6;

	MUST(run->vip->n_members && run->vip->nexthop, "sent, with nobody to send to");
	MUST(run->reason == reasons[run->vip->mode], "sent in another mode");
	MUST(out->ip_bytes <= hop->mtu, "larger than the MTU");
	MUST(out->n - out->link - out->ip_bytes <= in->n - in->link - in->ip_bytes, "padding grew");
	v6 = run->vip->mode == MUSTER_MODE_L2DSR ? in->v6 : strchr(run->vip->member, ':') != NULL;
	MUST(v6 == out->v6, "family");
	wrong = check_link(run, hop, v6);
	if (wrong)
		return wrong;
	if (run->vip->mode != MUSTER_MODE_L2DSR)
		return check_outer(run, hop);
	MUST(out->ip_bytes == in->ip_bytes, "length changed");
	return check_inner(in, out->ip);
}

/* ---- answers ---- */

static inline size_t overhead_of(const struct scene_vip *vip)
{
	if (vip->mode == MUSTER_MODE_L2DSR)
		return 0;
	return (strchr(vip->member, ':') ? 40u : 20u) + (vip->mode == MUSTER_MODE_GUE ? 8 : 0);
}

static inline const char *check_error(const struct run *run)
{
	const struct view *in = &run->in, *out = &run->out;
	size_t max = out->v6 ? 1280 : 576, room = max - out->header - 8, n, mtu = 0;
	uint8_t type = out->v6 ? 1 : 3, code = out->v6 ? 4 : 3;
	const uint8_t *icmp = out->ip + out->header;

	if (run->reason == MUSTER_REASON_ttl_exceeded) {
		MUST(in->ttl <= 1, "TTL had not run out");
		type = out->v6 ? 3 : 11;
		code = 0;
	} else if (run->reason == MUSTER_REASON_too_big_reply) {
		const struct muster_nexthop *hop = &run->scene->prog.nexthops[run->vip->nexthop];
		size_t overhead = overhead_of(run->vip);

		MUST(in->ip_bytes + overhead > hop->mtu, "it had fitted");
		MUST(in->v6 || in->ip[6] & 0x40, "too big without DF answered");
		type = out->v6 ? 2 : 3;
		code = out->v6 ? 0 : 4;
		mtu = hop->mtu - overhead;
		if (out->v6 && mtu < 1280)
			mtu = 1280;
	}
	n = in->ip_bytes < room ? in->ip_bytes : room;
	MUST(out->ip_bytes == out->header + 8 + n, "does not quote what fits");
	MUST(icmp[0] == type && icmp[1] == code, "ICMP type and code");
	MUST(be32(icmp + 4) == mtu, "MTU told");
	MUST(!memcmp(icmp + 8, in->ip, n), "quote differs");
	MUST(right(icmp, 8 + n, out->v6 ? pseudo(out, 58, 8 + n) : 0), "ICMP checksum");
	return NULL;
}

static inline const char *check_rst(const struct run *run)
{
	const struct view *out = &run->out;
	const uint8_t *tcp = out->ip + out->header;

	MUST(out->ip_bytes == out->header + 20, "RST with more than a header");
	MUST(tcp[12] == 0x50 && (tcp[13] == 0x04 || tcp[13] == 0x14), "no RST");
	MUST(right(tcp, 20, pseudo(out, 6, 20)), "TCP checksum");
	return NULL;
}

static inline const char *check_echo(const struct run *run)
{
	const struct view *in = &run->in, *out = &run->out;
	size_t n = out->ip_bytes - out->header;
	const uint8_t *reply = out->ip + out->header, *request = in->ip + in->ip_bytes - n;
	uint8_t proto = 0;

	MUST(view_l4(in, &proto) == request && proto == (in->v6 ? 58 : 1), "no echo was asked for");
	MUST(n >= 8 && n <= in->ip_bytes - in->header, "echo of another length");
	MUST(reply[0] == (in->v6 ? 129 : 0) && !reply[1], "no echo reply");
	MUST(request[0] == (in->v6 ? 128 : 8) && !request[1], "no echo request");
	MUST(!memcmp(reply + 4, request + 4, n - 4), "echo of other bytes");
	if (right(request, n, in->v6 ? pseudo(in, 58, n) : 0))
		MUST(right(reply, n, in->v6 ? pseudo(out, 58, n) : 0), "ICMP checksum");
	return NULL;
}

static inline const char *check_reply(const struct run *run)
{
	const struct view *in = &run->in, *out = &run->out;
	size_t address = in->v6 ? 16 : 4;
	uint8_t proto;

	MUST(run->verdict == XDP_TX, "an answer that is not sent back");
	MUST(!memcmp(out->b, in->b + 6, 6) && !memcmp(out->b + 6, in->b, 6), "MACs not swapped");
	MUST(in->link == out->link && !memcmp(out->b + 12, in->b + 12, in->link - 12),
		"tags did not come back");
	MUST(in->v6 == out->v6 && out->header == (in->v6 ? 40 : 20), "our own header");
	MUST(!memcmp(out->dst, in->src, address), "not to the sender");
	MUST(!memcmp(out->src, in->dst, address), "not from the VIP");
	MUST(!is_odd_source(in), "an odd source was answered");
	MUST(in->v6 || !(be16(in->ip + 6) & 0x1fff), "a later fragment was answered");
	MUST(out->ttl == 64 && !out->tos, "TTL or TOS of an answer");
	if (!in->v6) {
		MUST(be32(out->ip + 4) == 0x4000, "id, DF, fragment offset of an answer");
		MUST(right(out->ip, 20, 0), "header checksum of an answer");
	}
	proto = out->ip[in->v6 ? 6 : 9];
	if (run->reason == MUSTER_REASON_echo_reply)
		return check_echo(run);
	if (run->reason == MUSTER_REASON_empty_reject && proto == IPPROTO_TCP)
		return check_rst(run);
	MUST(proto == (in->v6 ? 58 : 1), "neither RST nor ICMP");
	return check_error(run);
}

/* ---- all ---- */

static inline enum muster_action action_of(uint32_t reason)
{
#define R(number, name, action, text) \
	if (reason == (number))       \
		return MUSTER_ACTION_##action;
	MUSTER_REASONS(R)
#undef R
	return MUSTER_ACTION_PASS;
}

static inline const char *check_run(
	struct run *run, const struct frame *in, const struct frame *out)
{
	enum muster_action action = action_of(run->reason);
	bool whole;

	run->vip = NULL;
	whole = view_frame(&run->in, in->b, in->n, 2);
	if (whole && !(in->b[0] & 1))
		run->vip = vip_of(&run->in);
	if (action == MUSTER_ACTION_PASS) {
		MUST(run->verdict == XDP_PASS, "verdict is not its reason's");
		MUST(out->n == in->n && !memcmp(out->b, in->b, in->n), "PASS changed the frame");
		return NULL;
	}
	MUST(run->vip, "not to a VIP, and not passed");
	if (action == MUSTER_ACTION_DROP) {
		MUST(run->verdict == XDP_DROP, "verdict is not its reason's");
		return NULL;
	}
	MUST(run->verdict == XDP_TX || run->verdict == XDP_REDIRECT, "verdict is not its reason's");
	MUST(view_frame(&run->out, out->b, out->n, 2), "what came out is no IP packet");
	return action == MUSTER_ACTION_SENT ? check_sent(run) : check_reply(run);
}

#endif
