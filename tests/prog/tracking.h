/* SPDX-License-Identifier: BSD-2-Clause */
/* A VIP of each kind over slots that move between two members. */
#ifndef MUSTER_TESTS_PROG_TRACKING_H
#define MUSTER_TESTS_PROG_TRACKING_H

#include "prog.h"

#define SCENE_INLINE static inline __attribute__((unused))

enum { NEW, OLD, NONE = MUSTER_NONE }; /* members: current and previous */
enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };
enum { TCP4, TCP6, UDP4, UDP6, KINDS };

static struct prog prog;
static struct muster_service *services[KINDS];

SCENE_INLINE const char *vip_of(unsigned kind)
{
	return kind == TCP4 || kind == UDP4 ? V4_L2DSR : V6_L2DSR;
}

/* ---- the scene: a VIP of each kind, two members that a MAC address tells apart ---- */

SCENE_INLINE void set_slots(uint32_t current, uint32_t previous)
{
	for (uint32_t s = 0; s < 256; s++)
		prog.rings[s / 16].slot[s % 16] = MUSTER_SLOT(current, previous);
}

SCENE_INLINE void set_flags(uint8_t flags)
{
	for (unsigned kind = 0; kind < KINDS; kind++)
		services[kind]->flags = flags;
}

SCENE_INLINE void set_member(unsigned which, bool new_ok, bool old_ok)
{
	prog.members[which].new_ok = new_ok;
	prog.members[which].old_ok = old_ok;
}

SCENE_INLINE int scene(void **state)
{
	(void)state;
	prog_open(&prog);
	prog_address(&prog, V4_L2DSR);
	prog_address(&prog, V6_L2DSR);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		struct muster_service service = {
			.key = prog_key(vip_of(kind), kind < UDP4 ? IPPROTO_TCP : IPPROTO_UDP, 80),
			.mode = MUSTER_MODE_L2DSR,
			.ring_size = 256,
		};

		services[kind] = &prog.services[prog_service(&prog, 0, service)];
	}
	for (unsigned m = NEW; m <= OLD; m++) {
		prog.members[m] = (struct muster_member){
			.identity = m + 1,
			.nexthop = 4 + m,
			.new_ok = 1,
			.old_ok = 1,
			.token = MUSTER_TOKEN(77 + m, m),
		};
		prog_nexthop(&prog, 4 + m, LOOPBACK, SOURCE4);
		prog.nexthops[4 + m].dst_mac[5] = (uint8_t)m;
	}
	prog.control->clock = 1000;
	set_slots(NEW, OLD);
	return 0;
}

SCENE_INLINE int end(void **state)
{
	(void)state;
	prog_close(&prog);
	return 0;
}

/* ---- packets ---- */

/* @flags, @seq: of TCP. */
SCENE_INLINE void flow_frame(
	struct frame *f, unsigned kind, uint16_t port, uint32_t seq, uint8_t flags)
{
	from_client(f, vip_of(kind), kind < UDP4 ? IPPROTO_TCP : IPPROTO_UDP);
	if (kind < UDP4)
		tcp(f, port, 80, seq, 1, flags);
	else
		udp(f, port, 80);
	bytes(f, 'x', 10);
	seal(f);
}

SCENE_INLINE unsigned forwarded_to(const struct frame *in)
{
	struct frame out;

	assert_int_equal(prog_run(&prog, in, &out), XDP_TX);
	return out.b[5];
}

SCENE_INLINE unsigned goes_to(unsigned kind, uint16_t port, uint32_t seq, uint8_t flags)
{
	struct frame in;

	flow_frame(&in, kind, port, seq, flags);
	return forwarded_to(&in);
}

SCENE_INLINE void ends_as(
	unsigned kind, uint16_t port, uint8_t flags, uint32_t verdict, enum muster_reason reason)
{
	uint64_t before = prog_reason(&prog, reason);
	struct frame in, out;

	flow_frame(&in, kind, port, 9000, flags);
	assert_int_equal(prog_run(&prog, &in, &out), verdict);
	assert_int_equal(prog_reason(&prog, reason), before + 1);
}

/* The one entry there is, or NULL. More than one fails. */
SCENE_INLINE const struct muster_flow *the_entry(void)
{
	const struct muster_flow *found = NULL;

	for (size_t i = 0; i < N_FLOW_BUCKETS * MUSTER_FLOW_WAYS; i++) {
		const struct muster_flow *way =
			&prog.flows[i / MUSTER_FLOW_WAYS].way[i % MUSTER_FLOW_WAYS];

		if (!(uint32_t)way->who)
			continue;
		assert_null(found);
		found = way;
	}
	return found;
}

SCENE_INLINE void assert_entry(unsigned which, uint64_t when)
{
	const struct muster_flow *entry = the_entry();

	assert_non_null(entry);
	assert_int_equal((uint32_t)entry->who, prog.members[which].token);
	assert_int_equal(entry->when, when);
}

#endif
