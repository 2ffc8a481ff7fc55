/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Stage 3: which member. The slot of the flow's hash says it; a stable slot {X, X} needs nothing else.
 * (A slot with current != previous sends to current: all flows are new to it until flows are tracked.)
 */
#ifndef MUSTER_BPF_PICK_H
#define MUSTER_BPF_PICK_H

#include "walk.h"

MUSTER_INLINE __u32 read_slot(__u32 slot)
{
	__u32 element_index = slot / MUSTER_ELEMENT_SLOTS;
	const struct muster_ring_element *element = bpf_map_lookup_elem(&rings, &element_index);

	if (!element)
		return MUSTER_SLOT_EMPTY;
	return *(const volatile __u32 *)&element->slot[slot % MUSTER_ELEMENT_SLOTS];
}

/* UNUSUAL: the service has no member that may take the packet. */
MUSTER_INLINE int pick(struct walk *walk)
{
	const struct muster_service *service = walk->service;
	const struct packet *packet = &walk->packet;
	__u32 slot, current;

	if (!service->ring_size)
		return UNUSUAL;
	walk->hash = muster_flow_hash(walk->control, &packet->src, &packet->key.addr, packet->sport,
		packet->key.port, packet->key.proto, packet->is_v6);
	slot = service->ring_base + muster_reduce((__u32)walk->hash, service->ring_size);
	current = MUSTER_SLOT_CURRENT(read_slot(slot));
	if (current == MUSTER_NONE)
		return UNUSUAL;
	walk->member_index = service->member_base + current;
	walk->member = bpf_map_lookup_elem(&members, &walk->member_index);
	return walk->member ? GO_ON : MUSTER_REASON_no_member;
}

#endif
