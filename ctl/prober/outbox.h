/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results that the socket to musterd did not take: one slot a target, hard evidence first, each kind in
 * the order it came. Pure.
 */
#ifndef MUSTER_PROBER_OUTBOX_H
#define MUSTER_PROBER_OUTBOX_H

#include "core/probe.h"

/* In each target. Zero: nothing waits. */
struct outbox_slot {
	struct probe_result result;
	bool waits, hard;
	struct outbox_slot *prev, *next;
};

struct outbox {
	struct outbox_slot *hard, *rest;
};

/*
 * Puts @result into @slot. If another one waits there, the later one counts, except that a soft
 * failure does not hide hard evidence, and our own trouble hides nothing: then @result is dropped.
 */
void outbox_put(struct outbox *outbox, struct outbox_slot *slot, const struct probe_result *result);

/* The next one to send, or NULL. */
struct outbox_slot *outbox_first(const struct outbox *outbox);

/* Empties @slot: sent, or its target is gone. */
void outbox_remove(struct outbox *outbox, struct outbox_slot *slot);

#endif
