/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sweep of the flow table: which entries are still needed, and which slots they hold back. It runs beside the
 * program, which inserts and changes entries, and the loop, which changes slots; docs/flows.md says why nothing
 * is lost. Pure: memory in, memory out; runs in a worker.
 */
#ifndef MUSTER_CORE_FLOWS_H
#define MUSTER_CORE_FLOWS_H

#include "core/image.h"

/* A flow that is opening or closing is gone after so many seconds without a packet. */
#define FLOWS_BRIEF_S 60
/* UDP slots settle soon, so that new flows spread; those that were recorded are kept for longer. */
#define FLOWS_UDP_S   120

struct flows_ring {
	const uint32_t *slots; /* as they stand in the arena */
	uint32_t n;
	uint8_t *held; /* [n] set to 1: an entry keeps the slot pinned */
};

/* Whose entries are valid. */
struct flows_member {
	uint32_t token;		      /* 0: no member has this epoch */
	struct flows_ring *tcp, *udp; /* NULL: none */
	uint32_t flows;		      /* out: entries that name it and are not closing */
};

struct flows_sweep {
	struct muster_flow_bucket *buckets;
	size_t n_buckets;
	struct flows_member *members; /* [n_members], by epoch */
	size_t n_members;
	uint32_t clock; /* of the control table */
	uint32_t
		floor; /* no flow counts as seen before: the clock stood still without a controller */
	uint32_t tcp_s, udp_s;	 /* idle for so long: over; UDP at least FLOWS_UDP_S */
	size_t entries, removed; /* out */
};

/*
 * Fills sweep->members with the members of @image (to be freed) and @rings [image->n_rings], in its
 * order, with all but slots and held. @rings: NULL for flows_forget(). 0 or -ENOMEM.
 */
int flows_members(struct flows_sweep *sweep, const struct image *image, struct flows_ring *rings);

/*
 * Removes what is over: entries of members that are gone, of flows that were idle too long, and those that say
 * what their slot says without them. Counts the rest.
 */
void flows_sweep(struct flows_sweep *sweep);

/* Removes the entries of members that are gone, nothing else: before an index or epoch is used again. */
void flows_forget(struct flows_sweep *sweep);

#endif
