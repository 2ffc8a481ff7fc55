/* SPDX-License-Identifier: BSD-2-Clause */
/* musterd.yaml, validated. Defaults: settings_init(). Immutable while musterd runs. */
#ifndef MUSTER_CORE_SETTINGS_H
#define MUSTER_CORE_SETTINGS_H

#include "core/plan.h"

#define SETTINGS_INTERFACES_MAX 16

enum settings_xdp { SETTINGS_XDP_AUTO, SETTINGS_XDP_NATIVE, SETTINGS_XDP_GENERIC };

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
	uint32_t reply_rate; /* RST and unreachable a second and CPU */
};

int settings_init(struct settings *settings); /* defaults; 0 or -ENOMEM */
void settings_clear(struct settings *settings);

#endif
