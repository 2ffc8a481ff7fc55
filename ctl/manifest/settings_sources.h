/* SPDX-License-Identifier: BSD-2-Clause */
/* musterd.yaml: the addresses that musterd's own packets come from. */
#ifndef MUSTER_MANIFEST_SETTINGS_SOURCES_H
#define MUSTER_MANIFEST_SETTINGS_SOURCES_H

#include "manifest/fields.h"

/* Fields of struct settings. */
void settings_read_reply_source(
	const struct reading *r, const struct field *field, const struct node *value);
void settings_read_outer_source(
	const struct reading *r, const struct field *field, const struct node *value);

#endif
