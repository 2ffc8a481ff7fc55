/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the model comes from: the files of vips_dir, and the documents that `muster apply` gave. A
 * set is immutable once it is loaded; a change builds the next one in a worker.
 */
#ifndef MUSTER_DAEMON_SOURCES_H
#define MUSTER_DAEMON_SOURCES_H

#include "manifest/files.h"

/* What one change asks for. Owned by the change; filled on the loop, read in the worker. */
struct sources_request {
	bool reread;		       /* read vips_dir again */
	struct manifest_files applied; /* files given by `apply` */
	bool prune;		       /* drop applied objects that `applied` does not name */
	const char *vips_dir;
};

struct sources;

/*
 * Builds the set that follows @before (NULL at the start) and its model. 0; -EINVAL: see @diags;
 * -EEXIST: an object belongs to a file, see @diags; -ENOMEM.
 */
int sources_build(struct sources **ret, struct model **ret_model, const struct sources *before,
	const struct sources_request *request, struct diags *diags);
void sources_free(struct sources **sources);

#endif
