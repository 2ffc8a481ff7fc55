/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DATAPLANE_DP_INTERNAL_H
#define MUSTER_DATAPLANE_DP_INTERNAL_H

#include "dataplane/dataplane.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

struct muster_bpf; /* the skeleton, build/gen/muster.skel.h */

/*
 *	T(map, value type)	tables mapped into this process
 *	C(map)			the others that are pinned
 */
#define DP_TABLES(T)                         \
	T(control, struct muster_control)    \
	T(frontends, struct muster_bucket)   \
	T(services, struct muster_service)   \
	T(rings, struct muster_ring_element) \
	T(members, struct muster_member)     \
	T(nexthops, struct muster_nexthop)   \
	T(reply_sources, struct muster_addr) \
	T(flows, struct muster_flow_bucket)  \
	T(tracking, struct muster_tracking)
#define DP_COUNTERS(C)      \
	C(service_counters) \
	C(member_counters)  \
	C(reason_counters)  \
	C(reply_budget)     \
	C(fragments)

enum dp_map {
#define T(map, type) DP_##map,
#define C(map)	     DP_##map,
	DP_TABLES(T) DP_COUNTERS(C) DP_MAPS
#undef T
#undef C
};

/*
 * The program is loaded twice over the same tables: as it is, and for frames in pieces (BPF_F_XDP_HAS_FRAGS,
 * Linux 5.18), which costs a little more for each packet.
 */
enum dp_build { DP_PLAIN, DP_FRAGS, DP_BUILDS };

struct build {
	struct muster_bpf *skeleton; /* NULL: not on this kernel */
	int fd;
	uint32_t id;
};

struct dataplane {
	struct dataplane_options options;
	char *pin_dir;
	int lock_fd; /* the directory, flock()ed */
	struct build builds[DP_BUILDS];
	struct bpf_map *maps[DP_MAPS]; /* of the plain build; the other one uses the same */
	bool adopted, published;
	bool kept[DP_MAPS]; /* adopted maps that are the pinned ones */
	char *why_not;	    /* adopted; NULL: nothing was pinned */
	int n_cpus;
	int grace_fd, grace_inner[2];
	unsigned grace_turn;
	size_t mapped[DP_MAPS]; /* bytes */
				/* mapped tables */
#define T(map, type) type *map;
	DP_TABLES(T)
#undef T
};

/* ---- dp_build.c ---- */

/* Opens and loads the builds over dp->maps. -EPERM, -EOPNOTSUPP (kernel too old) or what the verifier said. */
int dp_builds_load(struct dataplane *dp, char **ret_error);
void dp_builds_close(struct dataplane *dp);
/* Keeps the programs that the builds tail-call for as long as a link may run them. */
int dp_builds_pin(struct dataplane *dp);
/* Drops those of builds before: no link runs them any more. Also ours if @dp is not published. */
void dp_builds_unpin_others(struct dataplane *dp);

/* Sets *ret_error (unless it is NULL) and returns @err. */
int dp_fail(char **ret_error, int err, const char *format, ...) PRINTF(3, 4);

/* "PIN_DIR/NAME" */
char *dp_path(const struct dataplane *dp, const char *prefix, const char *name);

const char *dp_map_name(enum dp_map map);
uint32_t dp_map_entries(const struct dataplane_options *options, enum dp_map map);

/* Uses the pinned maps if all of them fit, else remembers why not. After skeleton open, before load. */
int dp_maps_adopt(struct dataplane *dp);
/* After load: maps the tables and, for new ones, writes control. */
int dp_maps_open(struct dataplane *dp, char **ret_error);
void dp_maps_close(struct dataplane *dp);
/* Makes the loaded maps the pinned ones. */
int dp_maps_pin(struct dataplane *dp);
void dp_maps_unpin(struct dataplane *dp);

/* Zeroes the counters of one index on every CPU. */
void dp_zero_counters(const struct dataplane *dp, enum dp_map map, uint32_t index);

/* dp_members.c: what of the member table @next needs before it is read, and @previous needed alone */
void dp_stage_members(
	const struct dataplane *dp, const struct image *previous, const struct image *next);
void dp_retire_members(
	const struct dataplane *dp, const struct image *previous, const struct image *next);

#endif
