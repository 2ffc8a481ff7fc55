/* SPDX-License-Identifier: BSD-2-Clause */
/* musterd.yaml, validated. Defaults: settings_init(). Immutable while musterd runs. */
#ifndef MUSTER_CORE_SETTINGS_H
#define MUSTER_CORE_SETTINGS_H

#include "core/plan.h"

#define SETTINGS_INTERFACES_MAX 16

enum settings_xdp { SETTINGS_XDP_AUTO, SETTINGS_XDP_NATIVE, SETTINGS_XDP_GENERIC };

/* Addresses of which the flow's hash chooses one. {all zero, 0}: none set. */
struct settings_prefix {
	struct muster_addr addr;
	__be32 mask; /* of the last 32 bits: what the hash may choose */
};

struct settings {
	char *interfaces[SETTINGS_INTERFACES_MAX];
	size_t n_interfaces;
	enum settings_xdp xdp;
	char *vips_dir;	 /* /etc/muster/vips.d */
	char *run_dir;	 /* /run/muster: the sockets control.sock and view.sock */
	char *state_dir; /* /var/lib/muster: the generated hash key */
	char *pin_dir;	 /* /sys/fs/bpf/muster */
	bool hash_key_given;
	struct muster_hash_key hash_key;
	char *control_group; /* muster-admin: owner of control.sock */
	char *view_group;    /* muster: owner of view.sock */
	char *prober_user;   /* muster-prober; a name or a number */
	char *prober_path;   /* NULL: next to musterd, else PATH */
	struct plan_limits limits;
	uint32_t nexthops;
	uint32_t reply_rate;			/* answers a second and CPU */
	uint32_t fragments;			/* flows whose first fragment is remembered */
	uint32_t flows;				/* entries of the flow table, a power of two */
	uint32_t settle_tcp, settle_udp;	/* milliseconds; docs/flows.md */
	struct muster_addr reply_source[2];	/* IPv4, IPv6: of ICMP errors; all zero: the VIP */
	struct settings_prefix outer_source[2]; /* likewise: of outer headers; the route's source */
};

int settings_init(struct settings *settings); /* defaults; 0 or -ENOMEM */
void settings_clear(struct settings *settings);

/*
 * What the model may not have beside these settings: a VIP in outer_source, whose packets a backend would take
 * for its own. 0 or -EINVAL, each in @diags with its place.
 */
int settings_check_model(
	const struct settings *settings, const struct model *model, struct diags *diags);

/* Puts the outer source that is set for its family, if one is, in place of that of the route. */
void settings_apply_outer_source(const struct settings *settings, struct muster_nexthop *nexthop,
	const struct muster_addr *backend);

#endif
