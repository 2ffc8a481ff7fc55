/* SPDX-License-Identifier: BSD-2-Clause */
/* cases/settings: musterd.yaml. */
#include "golden.h"

static void dump_sources(FILE *out, const struct settings *s)
{
	char text[ADDR_TEXT];

	for (int i = 0; i < 2; i++) {
		const struct settings_prefix *outer = &s->outer_source[i];

		if (s->reply_source[i].d[1])
			fprintf(out, "reply_source %s\n", addr_format(&s->reply_source[i], text));
		if (outer->addr.d[0] || outer->addr.d[1])
			fprintf(out, "outer_source %s mask %08x\n", addr_format(&outer->addr, text),
				ntohl(outer->mask));
	}
}

static void dump(FILE *out, const struct settings *s)
{
	static const char *const xdp[] = {"auto", "native", "generic"};

	fprintf(out, "interfaces");
	for (size_t i = 0; i < s->n_interfaces; i++)
		fprintf(out, " %s", s->interfaces[i]);
	fprintf(out, "\nxdp %s\nvips_dir %s\nrun_dir %s\nstate_dir %s\npin_dir %s\n", xdp[s->xdp],
		s->vips_dir, s->run_dir, s->state_dir, s->pin_dir);
	if (s->hash_key_given)
		fprintf(out, "hash_key %016llx%016llx\n", s->hash_key.k[0], s->hash_key.k[1]);
	fprintf(out, "control_group %s\nview_group %s\nprober_user %s\nprober_path %s\n",
		s->control_group, s->view_group, s->prober_user,
		s->prober_path ? s->prober_path : "-");
	fprintf(out, "services %u\nmembers %u\nring_slots %u\nbuckets %u\nnexthops %u\n",
		s->limits.services, s->limits.members, s->limits.slots, s->limits.buckets,
		s->nexthops);
	fprintf(out, "fragments %u\nreply_rate %u\n", s->fragments, s->reply_rate);
	fprintf(out, "flows %u\nsettle %u %u\n", s->flows, s->settle_tcp, s->settle_udp);
	dump_sources(out, s);
}

static void load(FILE *out, const struct manifest_source *sources, size_t n)
{
	_cleanup_(diags_clear) struct diags diags = {};
	_cleanup_(settings_clear) struct settings settings;
	int err;

	assert_int_equal(n, 1);
	err = manifest_load_settings(sources, &settings, &diags);
	assert_true(err == 0 || err == -EINVAL);
	assert_int_equal(err == 0, diags.errors == 0);
	golden_print_diags(out, &diags);
	if (!err)
		dump(out, &settings);
}

int main(void)
{
	return golden_main("settings", load);
}
