/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a frame from musterd what it should be? It is trusted; a mistake in it must still not become a probe. */
#ifndef MUSTER_PROBER_COMMAND_H
#define MUSTER_PROBER_COMMAND_H

#include "core/probe.h"

/* @n: bytes of the message, which may be more than fit into @frame. NULL: it is; else why not. */
const char *command_check(const union probe_frame *frame, size_t n);

#endif
