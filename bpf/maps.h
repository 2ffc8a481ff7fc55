/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The tables of abi.h. musterd sets the sizes before it loads; those here make the object loadable. */
#ifndef MUSTER_BPF_MAPS_H
#define MUSTER_BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <muster/abi.h>

const volatile __u32 n_services = 1;  /* entries of one bank */
const volatile __u32 bucket_mask = 0; /* buckets - 1 */
const volatile __u32 flow_mask = 0;   /* buckets of flows - 1 */
const volatile __u8 has_frags = 0; /* loaded with BPF_F_XDP_HAS_FRAGS: a frame may be in pieces */

#define TABLE(map, value_type)                     \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, __u32);                \
		__type(value, value_type);         \
	} map SEC(".maps")

#define COUNTERS(map, value_type, n)                     \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, n);                  \
		__type(key, __u32);                      \
		__type(value, value_type);               \
	} map SEC(".maps")

TABLE(control, struct muster_control);
TABLE(frontends, struct muster_bucket);
TABLE(services, struct muster_service);
TABLE(rings, struct muster_ring_element);
TABLE(members, struct muster_member);
TABLE(nexthops, struct muster_nexthop);
TABLE(reply_sources, struct muster_addr);
TABLE(flows, struct muster_flow_bucket);
TABLE(tracking, struct muster_tracking);
COUNTERS(service_counters, struct muster_counters, 1);
COUNTERS(member_counters, struct muster_counters, 1);
COUNTERS(reason_counters, struct muster_counters, MUSTER_REASONS_MAX);
COUNTERS(reply_budget, struct muster_reply_budget, MUSTER_REPLY_KINDS);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct muster_fragment_key);
	__type(value, struct muster_fragment);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

/*
 * Never read here. musterd updates it to wait for the programs that run: the kernel returns from an
 * update of a map in a map only when none of them can still use what was there before.
 */
struct grace_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} grace_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct grace_inner);
} grace SEC(".maps") = {.values = {&grace_inner}};

#endif
