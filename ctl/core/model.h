/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model: what the operator wants, validated. Immutable once it is built; everything it points to
 * is owned by it and lives until model_free().
 */
#ifndef MUSTER_CORE_MODEL_H
#define MUSTER_CORE_MODEL_H

#include "core/addr.h"
#include "core/diag.h"

#define MODEL_NAME_MAX	     63	  /* bytes of a name: [a-z0-9] then [a-z0-9._-] */
#define MODEL_POOL_MEMBERS   4096 /* backends in a pool */
#define MODEL_CHECKS_MAX     8	  /* checks of a pool */
#define MODEL_WEIGHT_MAX     65535
#define MODEL_STATUS_RANGES  8
#define MODEL_CHECK_HOST_MAX 255
#define MODEL_CHECK_PATH_MAX 1023
#define MODEL_CHECK_BODY_MAX 255

enum check_type { CHECK_TCP, CHECK_HTTP };
enum check_tether { TETHER_AUTO, TETHER_ON, TETHER_OFF };

struct status_range {
	uint16_t low, high; /* inclusive */
};

struct check {
	char *name;
	enum check_type type;
	enum check_tether tether;
	__be16 port; /* 0: the backend's */
	/* milliseconds; a missing port, interval ... has its default here */
	uint32_t interval, fast, down, timeout, fast_timeout;
	uint16_t rise, fall;
	char *host; /* http: the Host header; NULL: the address */
	char *path; /* http */
	char *body; /* http: must occur in the answer; NULL: any */
	struct status_range status[MODEL_STATUS_RANGES];
	size_t n_status;
	struct origin origin;
};

enum admin_state { ADMIN_ENABLED, ADMIN_DRAINING, ADMIN_DISABLED };

struct backend {
	char *name; /* unique in its pool */
	struct muster_addr addr;
	__be16 port; /* 0: the VIP's */
	uint16_t weight;
	enum admin_state admin;
	char *zone;  /* or NULL */
	bool backup; /* used while no other is usable */
	struct origin origin;
};

struct pool {
	char *name;
	struct backend *backends;
	size_t n_backends;
	struct check *checks;
	size_t n_checks;    /* 0: `checks: {}`; members count as up */
	uint8_t panic;	    /* percent; 100: never */
	uint32_t ring_size; /* 0: chosen from the number of members */
	uint32_t
		slow_start; /* milliseconds until a backend that came up has its whole share; 0: at once */
	bool on_down_reset; /* failing is as hard as unreachable, and clients are told with RST */
	bool inline_pool;   /* made by a VIP's `backends` */
	struct origin origin;
};

struct vip_port {
	__be16 port;
	__be16 to; /* 0: the backend's, else the VIP's */
};

/* When UDP flows leave a backend that takes no new ones. */
enum repick { REPICK_DOWN, REPICK_NOW, REPICK_NEVER };

#define MODEL_GUE_PORT 6080 /* IANA */

struct vip {
	char *name;
	struct muster_addr *addrs;
	size_t n_addrs;
	struct vip_port *ports;
	size_t n_ports;
	uint8_t proto;	  /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t mode;	  /* enum muster_mode */
	uint8_t on_empty; /* enum muster_on_empty */
	bool no_backups;  /* the pool's backups are not for this VIP */
	bool affinity;	  /* the slot is chosen by the client's address alone */
	uint8_t repick;	  /* enum repick; UDP */
	__be16 gue_port;  /* UDP destination port of mode gue */
	bool announce;	  /* musterd makes the addresses reachable */
	size_t pool;	  /* index in model.pools */
	struct origin origin;
};

struct model {
	struct vip *vips;
	size_t n_vips;
	struct pool *pools;
	size_t n_pools;
	char **files; /* what origins point to */
	size_t n_files;
};

void model_free(struct model **model);

/* Has @pool a backend that is a backup? */
bool model_pool_has_backups(const struct pool *pool);

const char *admin_state_name(enum admin_state state);
const char *mode_name(uint8_t mode);
const char *proto_name(uint8_t proto);

/* The pool or VIP of that name, or NULL. */
struct pool *model_find_pool(const struct model *model, const char *name);
struct vip *model_find_vip(const struct model *model, const char *name);

/* The port traffic of @vip reaches @backend on (network byte order). */
__be16 model_backend_port(
	const struct vip *vip, const struct vip_port *port, const struct backend *be);

/* Stable identity of POOL/NAME, never 0. Unkeyed: the same on every node and after any restart. */
uint64_t model_identity(const char *pool, const char *backend);

/*
 * True unless removing @old in favour of @next takes away more than half of the VIPs (or the last).
 * What `reload` and `apply --prune` refuse without --allow-removal.
 */
bool model_removal_is_small(const struct model *old, const struct model *next);

#endif
