/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: each state change is one logfmt line on standard error and one entry that `muster monitor`
 * reads. Emitting never fails and never blocks for a reader.
 */
#ifndef MUSTER_DAEMON_EVENTS_H
#define MUSTER_DAEMON_EVENTS_H

#include "core/util.h"

#include <jansson.h>

enum event_level { EVENT_ERROR = 3, EVENT_WARNING = 4, EVENT_NOTICE = 5, EVENT_INFO = 6 };

struct events;

/* @wake is called after each event (to answer long polls); may be NULL. */
int events_new(struct events **ret, void (*wake)(void *data), void *data);
void events_free(struct events **events);

/*
 * @name, then pairs of key and value (both const char *, a NULL value is left out), then NULL.
 * events = NULL: the line is logged only.
 */
void events_emit(struct events *events, enum event_level level, const char *name, ...)
	__attribute__((sentinel));

/* Number of the next event. */
uint64_t events_next(const struct events *events);

/*
 * Events from number @since on (the oldest that is kept, if that is gone) as a JSON array of objects
 * {"seq", "time", "level", "event", "text", and the pairs}; *ret_next: the @since of the next call.
 */
json_t *events_since(const struct events *events, uint64_t since, uint64_t *ret_next);

/* Formats into a static ring of buffers: for the values of events_emit(). Valid for eight calls. */
const char *event_text(const char *format, ...) PRINTF(1, 2);

/* "12.3s", "4m07s", "3h12m". */
const char *event_duration(uint64_t ms);

#endif
