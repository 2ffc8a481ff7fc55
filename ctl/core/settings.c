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
		.flows = 1 << 20,
		.settle_tcp = 15 * 60 * 1000,
		.settle_udp = 30 * 1000,
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

static bool is_in_prefix(const struct settings_prefix *prefix, const struct muster_addr *addr)
{
	bool is_set = prefix->addr.d[0] || prefix->addr.d[1];

	return is_set && prefix->addr.d[0] == addr->d[0] && prefix->addr.w[2] == addr->w[2] &&
	       prefix->addr.w[3] == (addr->w[3] & ~prefix->mask);
}

static int check_vip(const struct settings *settings, const struct vip *vip, struct diags *diags)
{
	char text[ADDR_TEXT];
	int err = 0;

	for (size_t a = 0; a < vip->n_addrs; a++) {
		const struct muster_addr *addr = &vip->addrs[a];

		if (!is_in_prefix(&settings->outer_source[!addr_is_v4(addr)], addr))
			continue;
		diag_error(diags, vip->origin,
			"VIP %s: %s is in outer_source of musterd.yaml; backends drop packets that "
			"come from an address of their own",
			vip->name, addr_format(addr, text));
		err = -EINVAL;
	}
	return err;
}

int settings_check_model(
	const struct settings *settings, const struct model *model, struct diags *diags)
{
	int err = 0;

	for (size_t v = 0; v < model->n_vips; v++)
		if (check_vip(settings, &model->vips[v], diags))
			err = -EINVAL;
	return err;
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
