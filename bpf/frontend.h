/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Stage 2: is it for a VIP? The generation is loaded once; every address of the image is formed from
 * it, so one packet sees one image.
 */
#ifndef MUSTER_BPF_FRONTEND_H
#define MUSTER_BPF_FRONTEND_H

#include "fragment.h"
#include "walk.h"

MUSTER_INLINE int key_equal(const struct muster_key *a, const struct muster_key *b)
{
	return a->addr.d[1] == b->addr.d[1] && a->addr.d[0] == b->addr.d[0] && a->port == b->port &&
	       a->proto == b->proto;
}

/* The index in a bank that @key's bucket names, or NO_INDEX. */
MUSTER_INLINE __u32 find_way(const struct muster_bucket *bucket, __u32 tag)
{
	UNROLL
	for (int i = 0; i < MUSTER_BUCKET_WAYS; i++)
		if (bucket->way[i].tag == tag)
			return bucket->way[i].service;
	return NO_INDEX;
}

MUSTER_INLINE int find_service(struct walk *walk, __u64 generation, const struct muster_key *key)
{
	__u64 hash = muster_key_hash(&walk->control->hash_key, key);
	__u32 bucket_index = (__u32)hash & bucket_mask, index, entry;
	const struct muster_bucket *bucket;

	bucket = bpf_map_lookup_elem(&frontends, &bucket_index);
	if (!bucket)
		return 0;
	index = find_way(bucket, muster_key_tag(hash));
	if (index == NO_INDEX)
		return 0;
	entry = (__u32)(generation & 1) * n_services + index;
	walk->service = bpf_map_lookup_elem(&services, &entry);
	if (!walk->service || !key_equal(&walk->service->key, key))
		return 0;
	walk->service_index = index;
	return 1;
}

/* False: not our ABI. */
MUSTER_INLINE int read_control(struct walk *walk, __u64 *generation)
{
	__u32 zero = 0;

	walk->control = bpf_map_lookup_elem(&control, &zero);
	if (!walk->control || walk->control->abi_version != MUSTER_ABI_VERSION)
		return 0;
	*generation = *(const volatile __u64 *)&walk->control->generation;
	return 1;
}

MUSTER_INLINE int frontend(struct walk *walk)
{
	__u64 generation;

	if (!read_control(walk, &generation))
		return MUSTER_REASON_abi_mismatch;
	return find_service(walk, generation, &walk->packet.key) ? GO_ON : MUSTER_REASON_not_vip;
}

/* Is the packet's destination the address of a VIP? Then its record counts what has no ports. */
MUSTER_INLINE int find_address(struct walk *walk, __u64 generation)
{
	struct muster_key key = {.addr = walk->packet.key.addr};

	return find_service(walk, generation, &key);
}

/* The long way: what has no ports, or not yet, is looked up by its address. */
MUSTER_INLINE int frontend_any(struct walk *walk)
{
	struct packet *packet = &walk->packet;
	__u64 generation;
	int reason;

	if (!read_control(walk, &generation))
		return MUSTER_REASON_abi_mismatch;
	if (packet->fragment || packet->deferred != GO_ON) {
		if (!find_address(walk, generation))
			return MUSTER_REASON_not_vip;
		reason = packet->fragment ? place_fragment(packet) : packet->deferred;
		if (reason != GO_ON)
			return reason;
		walk->service_index = NO_INDEX;
	}
	return find_service(walk, generation, &packet->key) ? GO_ON : MUSTER_REASON_not_vip;
}

#endif
