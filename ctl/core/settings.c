/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/settings.h"

#include <errno.h>

int settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.vips_dir = strdup("/etc/muster/vips.d"),
		.run_dir = strdup("/run/muster"),
		.state_dir = strdup("/var/lib/muster"),
		.pin_dir = strdup("/sys/fs/bpf/muster"),
		.control_group = strdup("muster-admin"),
		.view_group = strdup("muster"),
		.prober_user = strdup("muster-prober"),
		.limits =
			{
				.services = 8192,
				.members = 32768,
				.slots = 8 << 20,
				.buckets = 16384,
			},
		.nexthops = 16384,
		.reply_rate = 1000,
		.fragments = 4096,
	};
	if (!settings->vips_dir || !settings->run_dir || !settings->state_dir ||
		!settings->pin_dir || !settings->control_group || !settings->view_group ||
		!settings->prober_user) {
		settings_clear(settings);
		return -ENOMEM;
	}
	return 0;
}

void settings_clear(struct settings *settings)
{
	for (size_t i = 0; i < settings->n_interfaces; i++)
		free(settings->interfaces[i]);
	free(settings->vips_dir);
	free(settings->run_dir);
	free(settings->state_dir);
	free(settings->pin_dir);
	free(settings->control_group);
	free(settings->view_group);
	free(settings->prober_user);
	free(settings->prober_path);
	*settings = (struct settings){};
}

void settings_apply_outer_source(const struct settings *settings, struct muster_nexthop *nexthop,
	const struct muster_addr *backend)
{
	const struct settings_prefix *prefix = &settings->outer_source[!addr_is_v4(backend)];

	if (!prefix->addr.d[0] && !prefix->addr.d[1])
		return;
	nexthop->source = prefix->addr;
	nexthop->source_mask = prefix->mask;
}
