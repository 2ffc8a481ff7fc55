/* SPDX-License-Identifier: BSD-2-Clause */
/* cases/vips: every complaint about manifests, and models printed back. */
#include "golden.h"

#include <arpa/inet.h>

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static void dump_check(FILE *out, const struct check *check)
{
	static const char *const tethers[] = {"auto", "on", "off"};

	fprintf(out, "  check %s %s port %u interval %u fast %u down %u timeout %u fast_timeout %u",
		check->name, check->type == CHECK_HTTP ? "http" : "tcp", ntohs(check->port),
		check->interval, check->fast, check->down, check->timeout, check->fast_timeout);
	fprintf(out, " rise %u fall %u tether %s", check->rise, check->fall,
		tethers[check->tether]);
	if (check->type == CHECK_HTTP) {
		fprintf(out, " host %s path %s body %s status", or_dash(check->host), check->path,
			or_dash(check->body));
		for (size_t i = 0; i < check->n_status; i++)
			fprintf(out, " %u-%u", check->status[i].low, check->status[i].high);
	}
	fprintf(out, " (%s:%u:%u)\n", check->origin.file, check->origin.line, check->origin.col);
}

static void dump_backend(FILE *out, const struct backend *backend)
{
	char text[ADDR_TEXT];

	fprintf(out, "  backend %s %s port %u weight %u %s zone %s%s (%s:%u:%u)\n", backend->name,
		addr_format(&backend->addr, text), ntohs(backend->port), backend->weight,
		admin_state_name(backend->admin), or_dash(backend->zone),
		backend->backup ? " backup" : "", backend->origin.file, backend->origin.line,
		backend->origin.col);
}

static void dump_pool(FILE *out, const struct pool *pool)
{
	fprintf(out, "pool %s panic %u ring_size %u on_down %s%s", pool->name, pool->panic,
		pool->ring_size, pool->on_down_reset ? "reset" : "keep",
		pool->inline_pool ? " inline" : "");
	if (pool->slow_start)
		fprintf(out, " slow_start %u", pool->slow_start);
	fprintf(out, " (%s:%u:%u)\n", pool->origin.file, pool->origin.line, pool->origin.col);
	for (size_t i = 0; i < pool->n_checks; i++)
		dump_check(out, &pool->checks[i]);
	for (size_t i = 0; i < pool->n_backends; i++)
		dump_backend(out, &pool->backends[i]);
}

static void dump_vip(FILE *out, const struct model *model, const struct vip *vip)
{
	static const char *const repicks[] = {"", " repick now", " repick never"};
	char text[ADDR_TEXT];

	fprintf(out, "vip %s %s", vip->name, mode_name(vip->mode));
	if (vip->mode == MUSTER_MODE_GUE)
		fprintf(out, " to %u", ntohs(vip->gue_port));
	fprintf(out, " %s", proto_name(vip->proto));
	if (vip->affinity || vip->repick || vip->no_backups)
		fprintf(out, "%s%s%s", vip->affinity ? " affinity client" : "",
			repicks[vip->repick], vip->no_backups ? " no backups" : "");
	fprintf(out, " on_empty %s announce %s pool %s (%s:%u:%u)\n ",
		vip->on_empty == MUSTER_ON_EMPTY_DROP ? "drop" : "reject",
		vip->announce ? "auto" : "none", model->pools[vip->pool].name, vip->origin.file,
		vip->origin.line, vip->origin.col);
	for (size_t i = 0; i < vip->n_addrs; i++)
		fprintf(out, " %s", addr_format(&vip->addrs[i], text));
	fprintf(out, " :");
	for (size_t i = 0; i < vip->n_ports; i++) {
		fprintf(out, " %u", ntohs(vip->ports[i].port));
		if (vip->ports[i].to)
			fprintf(out, ">%u", ntohs(vip->ports[i].to));
	}
	fprintf(out, "\n");
}

static void load(FILE *out, const struct manifest_source *sources, size_t n)
{
	_cleanup_(diags_clear) struct diags diags = {};
	_cleanup_(model_free) struct model *model = NULL;
	int err = manifest_load(sources, n, &model, &diags);

	assert_true(err == 0 || err == -EINVAL);
	assert_int_equal(err == 0, diags.errors == 0);
	assert_int_equal(err == 0, model != NULL);
	golden_print_diags(out, &diags);
	if (!model)
		return;
	for (size_t i = 0; i < model->n_vips; i++)
		dump_vip(out, model, &model->vips[i]);
	for (size_t i = 0; i < model->n_pools; i++)
		dump_pool(out, &model->pools[i]);
}

int main(void)
{
	return golden_main("vips", load);
}
