/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model while it is read: objects may lack what was wrong about them, and for all that later checks
 * may complain about, the place is kept beside it. places.line == 0: not given.
 */
#ifndef MUSTER_MANIFEST_DRAFT_H
#define MUSTER_MANIFEST_DRAFT_H

#include "core/model.h"
#include "manifest/complaints.h"
#include "manifest/schema.h"

#define DRAFT_NO_POOL SIZE_MAX

struct backend_places {
	struct origin name, addr, port; /* addr: not given or wrong if line is 0 */
};

struct pool_places {
	struct origin name, checks;
	struct backend_places *backends; /* as many as pool.n_backends */
};

struct port_places {
	struct origin port, to;
};

struct vip_places {
	struct origin name, pool, backends, checks, gue_port, on_empty, repick;
	struct origin *addrs;	   /* as many as vip.n_addrs */
	struct port_places *ports; /* as many as vip.n_ports */
	char *pool_name;	   /* of `pool: NAME` */
};

struct draft {
	struct model *model;
	struct pool_places *pools; /* as many as model.n_pools, and so on */
	struct vip_places *vips;
};

/* Appends an object that is all zero but for its defaults; its index, or -ENOMEM. */
int draft_add_pool(struct draft *draft, size_t *ret);
int draft_add_vip(struct draft *draft, size_t *ret);

/* Frees what the model does not own. */
void draft_clear(struct draft *draft);

/* Reads a document of that kind and adds it. */
void draft_read_vip(struct draft *draft, const struct node *node, struct complaints *complaints);
void draft_read_pool(struct draft *draft, const struct node *node, struct complaints *complaints);

/* `apiVersion` of every kind. */
void draft_read_version(
	const struct reading *r, const struct field *field, const struct node *value);

#define DRAFT_HEAD_FIELDS                                                    \
	{.key = "apiVersion", .read = draft_read_version, .required = true}, \
	{                                                                    \
		.key = "kind", .read = field_ignore                          \
	}

extern const struct schema vip_schema, pool_schema, backend_schema, check_schema, settings_schema;

/* The values of `backends` and `checks`, into pool number @pool. */
void backends_read(
	const struct reading *r, const struct field *field, const struct node *list, size_t pool);
void checks_read(const struct reading *r, const struct node *mapping, size_t pool);

/* The check of a pool without `checks`. */
void checks_default(struct draft *draft, size_t pool, struct complaints *complaints);

/* What no object can know alone: names, references, frontends, ports, families. */
void verify_names(struct draft *draft, struct complaints *complaints);
void verify_frontends(const struct draft *draft, struct complaints *complaints);
void verify_backends(const struct draft *draft, struct complaints *complaints);
void verify_modes(const struct draft *draft, struct complaints *complaints);

#endif
