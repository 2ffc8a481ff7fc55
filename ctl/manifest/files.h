/* SPDX-License-Identifier: BSD-2-Clause */
/* Manifests on disk. */
#ifndef MUSTER_MANIFEST_FILES_H
#define MUSTER_MANIFEST_FILES_H

#include "manifest/manifest.h"

struct manifest_files {
	struct manifest_source *sources; /* name and text are owned */
	size_t n;
};

/*
 * Reads @path: a file, "-" (standard input, named <stdin>), or the *.yaml and *.yml files of a
 * directory in the order of their names. Appends. 0 or -errno, with the reason in @diags: missing,
 * unreadable, not a regular file, larger than MANIFEST_BYTES_MAX, a directory without manifests
 * only if @need_some.
 */
int manifest_files_read(
	struct manifest_files *files, const char *path, bool need_some, struct diags *diags);
void manifest_files_clear(struct manifest_files *files);

#endif
