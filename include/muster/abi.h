/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The contract between the XDP programs and the controller: the content of every map. A change of a
 * structure here is an ABI break and bumps MUSTER_ABI_VERSION; adding a map or a reason is not.
 *
 * All tables are BPF_F_MMAPABLE arrays that the controller writes with plain stores, so every value
 * size is a multiple of 8 (the kernel rounds the stride up). Sizes of the tables are chosen when
 * they are created (struct settings_limits); the program learns them from its constants.
 *
 * map          writer       reader      lifetime of an entry
 * control      controller   program     one entry, for ever
 * frontends    controller   program     set before the flip that adds a frontend, cleared a grace
 *                                       period after the flip that removes it
 * services     controller   program     two banks; the bank not being read is rewritten by a flip
 * rings        controller   program     allocated per ring, freed a grace period after its last image
 * members      controller   program     allocated per block, likewise; new_ok, old_ok, nexthop are
 *                                       stored in place
 * nexthops     controller   program     immutable while any member names it, and a grace longer
 * flows        program      both        while its flow is at risk; removed by the controller's sweeps
 * tracking     program      controller  inserts into flows that failed, a service
 * *_counters   program      controller  per CPU; zeroed before an index is used again
 * reply_budget program      program     per CPU token bucket of each kind of answer
 * reply_sources controller  program     {IPv4, IPv6} that ICMP errors come from; all zero: the VIP
 * fragments    program      program     ports of a first fragment, for those that follow; LRU, 30 s
 * programs     controller   program     [0]: the long way, which the straight one tail-calls
 *
 * Docs: docs/abi.md.
 */
#ifndef MUSTER_ABI_H
#define MUSTER_ABI_H

#include <linux/types.h>
#include <muster/hash.h>
#include <muster/reasons.h>

#define MUSTER_ABI_VERSION 2

#define MUSTER_BUCKET_WAYS   8	     /* frontends in a bucket */
#define MUSTER_ELEMENT_SLOTS 16	     /* ring slots in an element of the arena */
#define MUSTER_NONE	     0xffffu /* no member, in a slot */
#define MUSTER_NO_NEXTHOP    0	     /* index 0 of nexthops is never valid */
#define MUSTER_FLOW_WAYS     4	     /* flows in a bucket */

#define MUSTER_STATIC_ASSERT(cond, text) _Static_assert(cond, text)

/* An IPv6 address, or an IPv4 one mapped as ::ffff:a.b.c.d. Network byte order. */
struct muster_addr {
	union {
		__u8 b[16];
		__be32 w[4];
		__u64 d[2];
	};
};

/* {address, protocol, port}; {address, 0, 0} is the record of the address itself (echo, errors). */
struct muster_key {
	struct muster_addr addr;
	__be16 port;
	__u8 proto; /* IPPROTO_TCP, IPPROTO_UDP or 0 */
	__u8 pad[5];
};
MUSTER_STATIC_ASSERT(sizeof(struct muster_key) == 24, "key");

struct muster_control {
	__u64 generation; /* number of the image being read; its low bit is the bank */
	struct muster_hash_key hash_key;
	__u32 abi_version;
	__u32 reply_rate;  /* answers of each kind a second and CPU; 0 = none */
	__u32 flow_key[8]; /* expanded from hash_key by muster_control_set_key() */
	__u32 clock;	   /* seconds, advanced by the controller: what flows are stamped with */
	__u8 pad[60];
};
MUSTER_STATIC_ASSERT(sizeof(struct muster_control) == 128, "control");

/* One cache line. An entry is empty while tag is 0. */
struct muster_frontend {
	__u32 tag;
	__u32 service; /* index in each bank of services */
};

struct muster_bucket {
	struct muster_frontend way[MUSTER_BUCKET_WAYS];
};
MUSTER_STATIC_ASSERT(sizeof(struct muster_bucket) == 64, "bucket");

enum muster_mode {
	MUSTER_MODE_NONE, /* the record of an address */
	MUSTER_MODE_L2DSR,
	MUSTER_MODE_IPIP,
	MUSTER_MODE_GUE,
};

enum muster_on_empty {
	MUSTER_ON_EMPTY_REJECT,
	MUSTER_ON_EMPTY_DROP,
};

/* What a service does with flows; bits of muster_service.flags. */
enum muster_service_flag {
	MUSTER_SERVICE_RESET = 1,    /* TCP flows of a member that is down are answered with RST */
	MUSTER_SERVICE_AFFINITY = 2, /* the slot is chosen by the client's address alone */
	MUSTER_SERVICE_REPICK_NOW = 4,	 /* UDP flows leave a member that takes no new ones */
	MUSTER_SERVICE_REPICK_NEVER = 8, /* UDP flows stay, whatever becomes of their member */
	MUSTER_SERVICE_NO_BACKUPS =
		16, /* for the controller: the members are those without backups */
};

/* A frontend's record, at the same index in both banks: services[bank * n_services + index]. */
struct muster_service {
	struct muster_key key; /* all zero: not in this image */
	__u32 ring_base;       /* first slot in the arena, a multiple of MUSTER_ELEMENT_SLOTS */
	__u32 ring_size;       /* slots; 0: the service is empty */
	__u32 member_base;
	__u8 mode;	 /* enum muster_mode */
	__u8 on_empty;	 /* enum muster_on_empty */
	__be16 gue_port; /* UDP destination port of mode gue */
	__u8 flags;	 /* enum muster_service_flag */
	__u8 pad[19];
};
MUSTER_STATIC_ASSERT(sizeof(struct muster_service) == 64, "service");

/*
 * {current, previous}: member indexes relative to the service's member_base. Read and written whole.
 *
 *	{X, X}		stable: X, without looking further
 *	{X, P}		moving: new flows go to X and are recorded, those that are not recorded belong to P
 *	{X, none}	pinned: those that are not recorded belong to X
 *	{none, none}	pinned to nobody: empty but for what is recorded
 *
 * docs/flows.md has the rules.
 */
#define MUSTER_SLOT(current, previous) ((__u32)(current) << 16 | (__u32)(previous))
#define MUSTER_SLOT_CURRENT(slot)      ((slot) >> 16)
#define MUSTER_SLOT_PREVIOUS(slot)     ((slot)&0xffffu)
#define MUSTER_SLOT_EMPTY	       MUSTER_SLOT(MUSTER_NONE, MUSTER_NONE)

struct muster_ring_element {
	__u32 slot[MUSTER_ELEMENT_SLOTS];
};
MUSTER_STATIC_ASSERT(sizeof(struct muster_ring_element) == 64, "ring element");

/*
 * What a flow remembers of its member: {epoch 20, index in the block 12}. The epoch is one that no other
 * member has, so that an entry means this member or none.
 */
#define MUSTER_TOKEN(epoch, index) ((__u32)(epoch) << 12 | (__u32)(index))
#define MUSTER_TOKEN_INDEX(token)  ((token)&0xfffu)
#define MUSTER_TOKEN_EPOCH(token)  ((token) >> 12)
#define MUSTER_EPOCH_MAX	   0xfffffu /* 0: none */

struct muster_member {
	__u64 identity; /* hash of (pool, backend); 0: free */
	struct muster_addr addr;
	__be16 port;
	__u16 pad;
	__u32 nexthop; /* stored in place; MUSTER_NO_NEXTHOP: unusable */
	__u8 new_ok;   /* may take new flows; stored in place */
	__u8 old_ok;   /* may keep its flows; stored in place */
	__u8 pad2[2];
	__u32 token; /* MUSTER_TOKEN() */
	__u8 pad3[24];
};
MUSTER_STATIC_ASSERT(sizeof(struct muster_member) == 64, "member");

/*
 * A flow whose slot moves, or moved. @who is changed by compare-and-exchange; @when may be read a little
 * stale, and is written where nothing hangs on it. For a moment after @who it is still that of the entry before:
 * so whoever removes an entry leaves 0 there, or what was written just now.
 */
struct muster_flow {
	__u64 who; /* tag << 32 | token of its member; token 0: empty */
	__u64 when; /* sequence number of its SYN << 32 | seconds of the clock << 8 | muster_flow_state */
};

enum muster_flow_state {
	MUSTER_FLOW_OPENING = 1, /* recorded by a SYN; no segment that fits it has come yet */
	MUSTER_FLOW_CLOSING = 2, /* FIN or RST seen */
	MUSTER_FLOW_UDP = 4,
};

#define MUSTER_FLOW_CLOCK_MASK 0xffffffu
#define MUSTER_FLOW_SEEN       ((__u64)MUSTER_FLOW_CLOCK_MASK << 8) /* of @when */

/* One cache line. A flow is in one of two buckets: by the high half of its hash, or muster_flow_second(). */
struct muster_flow_bucket {
	struct muster_flow way[MUSTER_FLOW_WAYS];
};
MUSTER_STATIC_ASSERT(sizeof(struct muster_flow_bucket) == 64, "flow bucket");

/* Of a service. While inserts fail its slots keep moving: what they did not record is still in them. */
struct muster_tracking {
	__u64 failed; /* inserts */
	__u32 clock;  /* of the last one */
	__u32 pad;
};

/* A VLAN tag as it stands in a frame. */
struct muster_tag {
	__be16 tpid; /* 0: none */
	__be16 tci;
};

#define MUSTER_TAGS_MAX 2

/* Immutable: a MAC address would tear if it were rewritten in place. */
struct muster_nexthop {
	__u32 ifindex; /* of the device that has the queues: below any VLAN device */
	__u16 mtu;     /* bytes of the IP packet */
	__u8 dst_mac[6];
	__u8 src_mac[6];
	__u8 pad[2];
	__be32 source_mask;	   /* bits of source.w[3] that the flow's hash replaces */
	struct muster_addr source; /* outer source address; never a VIP */
	struct muster_tag tag[MUSTER_TAGS_MAX]; /* outermost first */
	__u8 pad2[16];
};
MUSTER_STATIC_ASSERT(sizeof(struct muster_nexthop) == 64, "nexthop");

struct muster_counters {
	__u64 packets;
	__u64 bytes;	 /* of the frames as received, Ethernet header included */
	__u64 new_flows; /* TCP SYNs seen */
};

/* Whose fragment it is. @proto: of the first header in the fragmented part. */
struct muster_fragment_key {
	struct muster_addr src, dst;
	__be32 id;
	__u8 proto;
	__u8 pad[3];
};

struct muster_fragment {
	__u64 seen_ns; /* the coarse clock */
	__be16 sport, dport;
	__u8 proto; /* TCP or UDP */
	__u8 pad[3];
};

/* Each kind of answer has a budget of its own, so that a flood of pings silences no "too big". */
enum muster_reply_kind {
	MUSTER_REPLY_ECHO,
	MUSTER_REPLY_REJECT, /* RST, port unreachable */
	MUSTER_REPLY_ERROR,  /* too big, time exceeded */
	MUSTER_REPLY_KINDS,
};

/* Token bucket of the answers a CPU may still send. */
struct muster_reply_budget {
	__u64 refilled_ns;
	__u64 tokens;
};

/* Low bits choose the bucket, the high half is the tag (never 0). */
MUSTER_INLINE __u64 muster_key_hash(const struct muster_hash_key *hk, const struct muster_key *key)
{
	__u64 rest = (__u64)key->port << 8 | key->proto;
	__u64 h = (key->addr.d[0] ^ hk->k[0]) * 0x9e3779b97f4a7c15ull;

	h = ((h ^ (h >> 32)) + key->addr.d[1]) * 0xff51afd7ed558ccdull;
	h = ((h ^ (h >> 32)) + (rest ^ hk->k[1])) * 0xc4ceb9fe1a85ec53ull;
	return h ^ (h >> 29);
}

/* Sets the hash key and what is derived from it. Before the program runs over @control. */
MUSTER_INLINE void muster_control_set_key(
	struct muster_control *control, struct muster_hash_key key)
{
	control->hash_key = key;
	for (__u64 i = 0; i < 8; i++)
		control->flow_key[i] = (__u32)muster_hash_words(&key, &i, 1);
}

MUSTER_INLINE __u64 muster_nh_pair(__u32 a, __u32 ka, __u32 b, __u32 kb)
{
	return (__u64)(__u32)(a + ka) * (__u32)(b + kb);
}

/*
 * Hash of a flow: NH (Black et al., "UMAC: Fast and Secure Message Authentication", CRYPTO 1999) over
 * addresses, ports and protocol, then a mixer. NH is almost universal: of any two flows chosen without
 * the key, the chance to collide is 2^-32. It takes two multiplications for IPv4 and five for IPv6, where
 * SipHash takes a third of the packet's whole way. Ports in network byte order.
 */
MUSTER_INLINE __u64 muster_flow_hash(const struct muster_control *control,
	const struct muster_addr *src, const struct muster_addr *dst, __be16 sport, __be16 dport,
	__u8 proto, int is_v6)
{
	const __u32 *k = control->flow_key;
	__u64 last = control->hash_key.k[1], sum;

	sum = muster_nh_pair(
		(__u32)sport | (__u32)dport << 16, (__u32)last, proto, (__u32)(last >> 32));
	sum += muster_nh_pair(src->w[3], k[0], dst->w[3], k[1]);
	if (is_v6) {
		sum += muster_nh_pair(src->w[0], k[2], src->w[1], k[3]);
		sum += muster_nh_pair(dst->w[0], k[4], dst->w[1], k[5]);
		sum += muster_nh_pair(src->w[2], k[6], dst->w[2], k[7]);
	}
	return muster_mix64(sum);
}

/* For MUSTER_SERVICE_AFFINITY: over the client's address alone. */
MUSTER_INLINE __u64 muster_client_hash(
	const struct muster_control *control, const struct muster_addr *src)
{
	const __u32 *k = control->flow_key;

	return muster_mix64(muster_nh_pair(src->w[0], k[2], src->w[1], k[3]) +
			    muster_nh_pair(src->w[2], k[4], src->w[3], k[0]));
}

/*
 * What a flow is known by within its bucket. The slot is in the high bits (rings have at most 2^16), so that a
 * sweep finds the slot of an entry; below are bits of the flow's own hash.
 */
MUSTER_INLINE __u32 muster_flow_tag(__u64 flow_hash, __u64 slot_hash)
{
	return ((__u32)slot_hash & 0xffff0000) | ((__u32)flow_hash & 0xffff);
}

/* The other bucket, used where the first is full: so nearly all of the table can be filled. */
MUSTER_INLINE __u32 muster_flow_second(__u32 bucket_hash, __u32 tag)
{
	return bucket_hash ^ (tag * 0x5bd1e995u + 1);
}

/* @size: slots of the ring, a power of two. */
MUSTER_INLINE __u32 muster_flow_slot(__u32 tag, __u32 size)
{
	return muster_reduce(tag, size);
}

MUSTER_INLINE __u32 muster_key_tag(__u64 hash)
{
	return (__u32)(hash >> 32) | 1;
}

#endif
