/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side: XDP program, maps, links and commits. The only user of libbpf. Does not log: an
 * error is returned as -errno with a sentence in *ret_error (freed by the caller; may be NULL).
 *
 * Threads: stage(), grace(), sweep() and forget() may run in a worker; everything else on the loop. patch(),
 * flip(), nexthop() and tick() are plain stores, without a system call.
 */
#ifndef MUSTER_DATAPLANE_DATAPLANE_H
#define MUSTER_DATAPLANE_DATAPLANE_H

#include "core/flows.h"
#include "core/image.h"
#include "core/plan.h"

struct dataplane;

struct dataplane_options {
	const char
		*pin_dir; /* on a bpffs; made 0700 (and a bpffs mounted there if there is none) */
	struct plan_limits limits;
	uint32_t nexthops;
	uint32_t reply_rate;
	uint32_t fragments;		     /* flows whose first fragment is remembered */
	uint32_t flows;			     /* entries of the flow table, a power of two */
	struct muster_addr reply_sources[2]; /* IPv4, IPv6: of ICMP errors; all zero: the VIP */
	struct muster_hash_key hash_key;     /* used unless maps are adopted */
	bool hash_key_given;		     /* set in musterd.yaml: wins over an adopted one */
};

enum dataplane_mode { DATAPLANE_DETACHED, DATAPLANE_NATIVE, DATAPLANE_GENERIC };

/*
 * Loads the program over pinned maps where they fit (same ABI, same sizes), else over new ones; what
 * is attached goes on forwarding from the old maps until dataplane_publish(). -EPERM: privileges are
 * missing; -EOPNOTSUPP: kernel too old; -EBUSY: pin_dir is used by another live musterd (flock).
 */
int dataplane_open(
	struct dataplane **ret, const struct dataplane_options *options, char **ret_error);

/* Closes descriptors; pins, programs and forwarding stay. */
void dataplane_close(struct dataplane **dp);

/* Removes every pin and link: forwarding ends. */
int dataplane_teardown(struct dataplane *dp);

/* Were pinned maps adopted? If not, *ret_why (static or owned by dp) says why, NULL on a first start. */
bool dataplane_adopted(const struct dataplane *dp, const char **ret_why);
struct muster_hash_key dataplane_hash_key(const struct dataplane *dp);

/*
 * Reads the live image back (see plan_space_claim()); an empty one if nothing was adopted. @now: tenths of a
 * second; how long its slots have been what they are is not known.
 */
int dataplane_read_image(struct dataplane *dp, uint32_t now, struct image **ret);
/* Next hop @index as it stands in the table. */
struct muster_nexthop dataplane_read_nexthop(const struct dataplane *dp, uint32_t index);

/*
 * Flip, step 1: writes what @next has and @previous has not into unused space, and the services into
 * the other bank. The grace period of the flip before must be over. -ENOSPC: a frontend bucket is
 * full (with a sentence); then nothing visible has changed.
 */
int dataplane_stage(struct dataplane *dp, const struct image *previous, const struct image *next,
	char **ret_error);
/* Step 2: one release store; from now on packets see @next. Zero-cost; returns CLOCK_MONOTONIC ns. */
uint64_t dataplane_flip(struct dataplane *dp, const struct image *next);
/* Behind it: recorded flows leave the members that @next does not have, whose indexes wait for the grace period. */
void dataplane_leave(struct dataplane *dp, const struct image *previous, const struct image *next);
/* Step 3, in a worker: returns when no CPU can still use the image before. 0 or -errno. */
int dataplane_grace(struct dataplane *dp);
/* Step 4: clears frontends and members that only @previous had, zeroes their counters. */
void dataplane_retire(struct dataplane *dp, const struct image *previous, const struct image *next);

/* Stores a patch into the live image; returns CLOCK_MONOTONIC ns after the last store. */
uint64_t dataplane_patch(struct dataplane *dp, const struct patch *patch);
/* Writes a next hop that no member names yet. */
void dataplane_nexthop(struct dataplane *dp, uint32_t index, const struct muster_nexthop *nexthop);

/* ---- flows ---- */

/* Sets the clock that flows are stamped with. */
void dataplane_tick(struct dataplane *dp, uint32_t seconds);
/* The slots of a ring as they stand in the arena, for struct flows_ring. */
const uint32_t *dataplane_slots(const struct dataplane *dp, const struct slots *slots);
/* flows_sweep(), flows_forget() over the table. */
void dataplane_sweep(struct dataplane *dp, struct flows_sweep *sweep);
void dataplane_forget(struct dataplane *dp, struct flows_sweep *sweep);
struct muster_tracking dataplane_tracking(const struct dataplane *dp, uint32_t service);

/* ---- interfaces ---- */

/* Makes sure pinned links run this program over these maps; after the first image is in place. */
int dataplane_publish(struct dataplane *dp, char **ret_error);

/*
 * Attaches to @ifindex (pinned as link_<name>), adopting a pinned link of the same interface. Native
 * first, generic where the driver has none, unless @force. The build for frames in pieces (Linux 5.18) goes
 * where the MTU asks for it, and where the driver wants it. -EBUSY: another XDP program is there; the
 * sentence names its id.
 */
int dataplane_attach(struct dataplane *dp, uint32_t ifindex, const char *name,
	enum dataplane_mode force, enum dataplane_mode *ret_mode, char **ret_error);
int dataplane_detach(struct dataplane *dp, const char *name);
/* What is on the interface now, asked from the kernel: our program's mode, or DATAPLANE_DETACHED. */
enum dataplane_mode dataplane_attached(struct dataplane *dp, uint32_t ifindex, const char *name);
uint32_t dataplane_program_id(const struct dataplane *dp); /* of the plain build */
/* Does @ifindex run the build for frames in pieces? */
bool dataplane_takes_frags(const struct dataplane *dp, uint32_t ifindex);

/* Names of pinned links that are not in @names: interfaces taken out of the configuration. */
int dataplane_detach_others(struct dataplane *dp, char *const *names, size_t n);

/* ---- counters, summed over CPUs ---- */
int dataplane_service_counters(
	const struct dataplane *dp, uint32_t index, struct muster_counters *ret);
int dataplane_member_counters(
	const struct dataplane *dp, uint32_t index, struct muster_counters *ret);
int dataplane_reason_counters(
	const struct dataplane *dp, uint32_t reason, struct muster_counters *ret);

#endif
