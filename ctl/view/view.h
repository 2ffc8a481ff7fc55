/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A snapshot rendered. One walk per page (status, vips, backends), and a vtable of writers: text for
 * people, JSON for programs; metrics will be a third. The walks never know which one they feed.
 */
#ifndef MUSTER_VIEW_VIEW_H
#define MUSTER_VIEW_VIEW_H

#include "core/snapshot.h"

enum view_format { VIEW_TEXT, VIEW_JSON };

enum view_page {
	VIEW_STATUS,   /* everything at a glance */
	VIEW_VIPS,     /* a table */
	VIEW_VIP,      /* one VIP with its backends; @name: the VIP */
	VIEW_BACKENDS, /* a table; @name: a pool, or NULL */
	VIEW_BACKEND,  /* one backend with its checks; @name: POOL/NAME */
	VIEW_POOLS,    /* a table */
	VIEW_POOL,     /* one pool with its backends; @name: the pool */
};

/*
 * *ret: terminated text, freed by the caller. @color: ANSI colours in text. 0, -ENOENT (no such @name)
 * or -ENOMEM.
 */
int view_render(const struct snapshot *snapshot, enum view_page page, const char *name,
	enum view_format format, bool color, char **ret);

#endif
