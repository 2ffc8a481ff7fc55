/* SPDX-License-Identifier: BSD-2-Clause */
/* The packets that bench_packets times, and how each is built. */
#ifndef MUSTER_BENCH_PACKET_ROWS_H
#define MUSTER_BENCH_PACKET_ROWS_H

#include "core/util.h"
#include "packet.h"
#include "wrap.h"

#include <muster/abi.h>

#define POOLS	64
#define VIP4	"198.18.0.0" /* .0 to .63 */
#define VIP6	"2001:db8::"
#define CLIENT4 "192.0.2.1"
#define CLIENT6 "2001:db8:1::1"

/* What the slots of the ring are like. */
enum slots {
	SLOTS_STABLE,
	SLOTS_MOVING,
	SLOTS_EIGHTH
}; /* all move; every eighth does, and not the flow's */

struct row {
	const char *name;
	bool v6, udp, syn, other; /* other: to no VIP */
	bool across;		  /* members of the other family */
	bool tagged;
	uint8_t slots;		       /* enum slots */
	bool insert;		       /* the flow table is emptied before each trial */
	void (*bend)(struct frame *f); /* what makes it unusual */
	uint8_t mode;
	uint32_t flows, pools; /* powers of two */
};

/* ---- unusual packets ---- */

/* A later fragment; the first one was seen in check(). */
static void fragment(struct frame *f)
{
	set16(f, f->ip + 6, 100);
	set16(f, f->ip + 10, 0);
	set16(f, f->ip + 10, ip4_sum(f, f->ip));
}

static void options(struct frame *f)
{
	memmove(f->b + 38, f->b + 34, f->n - 34);
	f->n += 4;
	f->l4 += 4;
	memset(f->b + 34, 1, 4);
	f->b[14] = 0x46;
	set16(f, 16, (uint16_t)(f->n - 14));
}

/* A router's error that quotes what a member sent. */
static void icmp_error(struct frame *f)
{
	eth(f, MAC_BALANCER, MAC_CLIENT, 0x0800);
	ip4(f, "198.51.100.1", VIP4, 1);
	icmp(f, 3, 4, 1400);
	f->b[f->n] = 0x45;
	set16(f, f->n + 2, 1500);
	f->b[f->n + 9] = IPPROTO_TCP;
	inet_pton(AF_INET, VIP4, f->b + f->n + 12);
	inet_pton(AF_INET, CLIENT4, f->b + f->n + 16);
	f->n += 20;
	put16(f, 80);
	put16(f, 0);
	put32(f, 1);
	bytes(f, 0, 14);
	seal(f);
}

static const struct row rows[] = {
	{"tcp4 ipip established, 1 flow", .mode = MUSTER_MODE_IPIP, .flows = 1, .pools = 1},
	{"tcp4 ipip established, 64k flows", .mode = MUSTER_MODE_IPIP, .flows = 1 << 16,
		.pools = 1},
	{"tcp4 ipip established, 512k flows", .mode = MUSTER_MODE_IPIP, .flows = 1 << 19,
		.pools = 1},
	{"tcp4 ipip 512k flows, 64 pools", .mode = MUSTER_MODE_IPIP, .flows = 1 << 19,
		.pools = POOLS},
	{"tcp4 ipip SYN, new flows", .mode = MUSTER_MODE_IPIP, .syn = true, .flows = 1 << 20,
		.pools = 1},
	{"tcp4 l2dsr established, 1 flow", .mode = MUSTER_MODE_L2DSR, .flows = 1, .pools = 1},
	{"udp4 ipip, 1 flow", .udp = true, .mode = MUSTER_MODE_IPIP, .flows = 1, .pools = 1},
	{"tcp6 ipip established, 1 flow", .v6 = true, .mode = MUSTER_MODE_IPIP, .flows = 1,
		.pools = 1},
	{"tcp6 ipip established, 512k flows", .v6 = true, .mode = MUSTER_MODE_IPIP,
		.flows = 1 << 19, .pools = 1},
	{"tcp4 gue, 1 flow", .mode = MUSTER_MODE_GUE, .flows = 1, .pools = 1},
	{"tcp6 gue, 1 flow", .v6 = true, .mode = MUSTER_MODE_GUE, .flows = 1, .pools = 1},
	{"tcp4 ipip over IPv6, 1 flow", .across = true, .mode = MUSTER_MODE_IPIP, .flows = 1,
		.pools = 1},
	{"tcp4 gue over IPv6, 1 flow", .across = true, .mode = MUSTER_MODE_GUE, .flows = 1,
		.pools = 1},
	{"tcp4 ipip, in a tag and out of one", .tagged = true, .mode = MUSTER_MODE_IPIP, .flows = 1,
		.pools = 1},
	{"tcp4 ipip, IPv4 options", .bend = options, .mode = MUSTER_MODE_IPIP, .flows = 1,
		.pools = 1},
	{"tcp4 ipip, a later fragment", .bend = fragment, .mode = MUSTER_MODE_IPIP, .flows = 1,
		.pools = 1},
	{"ICMP error to an ipip flow", .bend = icmp_error, .mode = MUSTER_MODE_IPIP, .flows = 1,
		.pools = 1},
	{"moving slots, 1 flow", .slots = SLOTS_MOVING, .mode = MUSTER_MODE_IPIP, .flows = 1,
		.pools = 1},
	{"moving slots, 512k flows", .slots = SLOTS_MOVING, .mode = MUSTER_MODE_IPIP,
		.flows = 1 << 19, .pools = 1},
	{"moving slots, SYN, inserted", .slots = SLOTS_MOVING, .mode = MUSTER_MODE_IPIP,
		.syn = true, .insert = true, .flows = 1 << 20, .pools = 1},
	{"moving slots, udp, 1 flow", .slots = SLOTS_MOVING, .udp = true, .mode = MUSTER_MODE_IPIP,
		.flows = 1, .pools = 1},
	{"stable slots of a ring of which 1/8 moves, 1 flow", .slots = SLOTS_EIGHTH,
		.mode = MUSTER_MODE_IPIP, .flows = 1, .pools = 1},
	{"not a VIP", .other = true, .flows = 1, .pools = 1},
	{"not a VIP, in a tag", .other = true, .tagged = true, .flows = 1, .pools = 1},
};

/* Each kind of service has a port of its own. */
static uint16_t port_of(const struct row *row)
{
	if (row->slots)
		return row->slots == SLOTS_MOVING ? 86 : 87;
	switch (row->mode) {
	case MUSTER_MODE_L2DSR:
		return 81;
	case MUSTER_MODE_GUE:
		return row->across ? 83 : 82;
	default:
		return row->tagged ? 85 : row->across ? 84 : 80;
	}
}

static void build(const struct row *row, struct frame *f)
{
	uint16_t type = row->v6 ? 0x86dd : 0x0800, port = port_of(row);

	eth(f, MAC_BALANCER, MAC_CLIENT, row->tagged ? 0x8100 : type);
	if (row->tagged) {
		put16(f, 5);
		put16(f, type);
	}
	if (row->v6)
		ip6(f, CLIENT6, VIP6, IPPROTO_TCP);
	else
		ip4(f, CLIENT4, row->other ? "198.19.0.0" : VIP4,
			row->udp ? IPPROTO_UDP : IPPROTO_TCP);
	if (row->udp)
		udp(f, 0, port);
	else
		tcp(f, 0, port, 1, 1, row->syn ? 0x02 : 0x10);
	bytes(f, 'x', f->n < WRAP_BYTES ? WRAP_BYTES - f->n : 0);
	seal(f);
	if (row->bend)
		row->bend(f);
}

#endif
