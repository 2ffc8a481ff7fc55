/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An image: the full content of the kernel tables, as the controller knows it. The planner makes one
 * from the model; the data plane writes it; a patch changes the live one in place.
 *
 * Rings and blocks that do not change are shared between consecutive images (reference counted), so
 * a patch of one is a patch of both.
 */
#ifndef MUSTER_CORE_IMAGE_H
#define MUSTER_CORE_IMAGE_H

#include "core/arena.h"
#include "core/model.h"
#include "core/poolbits.h"
#include "core/ring.h"

struct image_member {
	uint64_t identity; /* 0: index not in use */
	struct muster_addr addr;
	__be16 port; /* the backend's own; 0: the VIP's */
	uint16_t weight;
	bool backup;
	uint16_t share; /* of its slots, RING_ALL: all; 0 where bits.new_ok is false */
	struct bits bits;
	uint32_t nexthop; /* MUSTER_NO_NEXTHOP: none */
	uint32_t token;	  /* what flows remember of it */
	bool is_new;	  /* not in the image before */
};

/*
 * Which backends of a pool a frontend can use: all, or for l2dsr those of its family and on the link; and the
 * backups among them, or not.
 */
struct member_class {
	uint8_t family; /* AF_INET, AF_INET6; AF_UNSPEC: either */
	bool on_link;
	bool no_backups;
};

/* The members of a (pool, class); shared by its rings. */
struct block {
	char pool[MODEL_NAME_MAX + 1]; /* empty: adopted, the pool is not known */
	struct member_class class;
	uint32_t base, capacity;      /* range in the member table */
	struct image_member *members; /* [n]; unused ones have identity 0 */
	uint16_t n;
	unsigned references;
};

struct block *block_ref(struct block *block);
void block_unref(struct block **block);

struct image_ring {
	struct ring *ring;
	struct block *block;
};

struct image_service {
	struct muster_key key;
	uint32_t index;
	uint8_t mode; /* MUSTER_MODE_NONE: the record of an address */
	uint8_t on_empty;
	uint8_t flags; /* enum muster_service_flag */
	__be16 gue_port;
	struct ring *ring;	      /* NULL: no members, or the record of an address; not owned */
	struct block *block;	      /* likewise */
	char vip[MODEL_NAME_MAX + 1]; /* empty: adopted or shared by VIPs of one address */
};

struct image {
	uint64_t generation;
	struct image_service *services; /* sorted by key */
	size_t n_services;
	struct image_ring *rings; /* owns a reference to each ring and block */
	size_t n_rings;
	struct block **blocks; /* owns a reference */
	size_t n_blocks;
};

/* An empty image of generation 0. 0 or -ENOMEM. */
int image_new(struct image **ret);
void image_free(struct image **image);

/* The order of services: the bytes of the key. For qsort(). */
int image_compare_services(const void *left, const void *right);
struct image_service *image_find_service(const struct image *image, const struct muster_key *key);

/* ---- patch: changes of bits and next hops, stored into the live image ---- */

/* How a backend stands now. on_link and nexthop come from its path. */
struct member_state {
	uint64_t identity;
	struct bits bits; /* by policy, before the path is looked at */
	uint16_t share;	  /* likewise, while it may take new flows */
	bool on_link;
	uint32_t nexthop;
};

/* The bits a member of @class gets: {0, 0} where it has no path or is not on the link. */
struct bits member_state_bits(const struct member_state *state, struct member_class class);
/* Its share of new flows, likewise: 0 to RING_ALL. */
uint16_t member_state_share(const struct member_state *state, struct member_class class);

struct patch_member {
	uint32_t index; /* in the member table */
	uint32_t nexthop;
	struct bits bits;
	uint16_t share;
};

struct patch {
	/*
	 * Set by the caller: the pool has been served for a moment only. Its UDP slots, where new flows cannot be
	 * told from old ones, change at once, or the first backend that came up would keep all of them.
	 */
	bool young;
	struct patch_slot *slots;
	size_t n_slots;
	struct patch_member *members;
	size_t n_members;
};

void patch_clear(struct patch *patch); /* frees */

/*
 * Brings every block of @pool in @image, and its rings, in line with @states and appends the stores
 * to @patch. Members without a state keep what they have. An unchanged pool appends nothing. @now: tenths
 * of a second. 0 or -ENOMEM (nothing half applied: image and patch agree).
 *
 * One death in a pool of 100 backends (16384 slots): well under 100 us.
 */
int image_patch(struct image *image, const char *pool, const struct member_state *states, size_t n,
	uint32_t now, struct patch *patch);

/*
 * Before @next follows @live: takes over what changed in the slots of @live since @next was made, appends the
 * stores, and lets go of @live's rings. 0 or -ENOMEM.
 */
int image_inherit(struct image *next, const struct image *live, uint32_t now, struct patch *patch);

/* For each member index of @block: is it in @next too, as the same member? @ret: [block->n]. */
void block_stays(const struct block *block, const struct block *next, bool *ret);

#endif
