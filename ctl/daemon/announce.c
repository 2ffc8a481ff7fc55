/* SPDX-License-Identifier: BSD-2-Clause */
/* VIP addresses on this host: added when a VIP appears, removed only if musterd added them. */
#include "daemon/daemon.h"

#include <errno.h>

static struct announced *find(struct daemon *daemon, const struct muster_addr *addr)
{
	struct announced *row;

	HASH_FIND(hh, daemon->announced, addr, sizeof(*addr), row);
	return row;
}

/* "address ifindex" a line; rewritten whole. Lost with a reboot, like the addresses themselves. */
static void save(struct daemon *daemon)
{
	const char *path = event_text("%s/announced", daemon->settings.run_dir);
	_fclose_ FILE *file = fopen(path, "we");
	struct announced *row, *next;
	char text[ADDR_TEXT];

	if (!file) {
		events_emit(daemon->events, EVENT_WARNING, "announced_not_saved", "path", path,
			"why", strerror(errno), NULL);
		return;
	}
	HASH_ITER (hh, daemon->announced, row, next)
		if (row->ours)
			fprintf(file, "%s %u\n", addr_format(&row->addr, text), row->ifindex);
}

void announce_load(struct daemon *daemon)
{
	_fclose_ FILE *file = fopen(event_text("%s/announced", daemon->settings.run_dir), "re");
	char text[ADDR_TEXT];
	unsigned ifindex;

	while (file && fscanf(file, "%63s %u", text, &ifindex) == 2) {
		struct announced *row = calloc(1, sizeof(*row));

		if (!row || addr_parse(text, &row->addr) || find(daemon, &row->addr)) {
			free(row);
			continue;
		}
		row->ours = true;
		row->ifindex = ifindex;
		HASH_ADD(hh, daemon->announced, addr, sizeof(row->addr), row);
	}
}

/* Asks for the address again where it is known already: it may have gone with its interface. */
static void announce(struct daemon *daemon, const struct muster_addr *addr, const char *vip)
{
	struct announced *row = find(daemon, addr);
	uint32_t ifindex = 0;
	char text[ADDR_TEXT];
	bool added = false;
	int err;

	err = net_announce(daemon->net, addr, daemon->interfaces[0].ifindex, &added, &ifindex);
	if (err) {
		events_emit(daemon->events, EVENT_ERROR, "announce_failed", "vip", vip, "address",
			addr_format(addr, text), "why", strerror(-err), NULL);
		return;
	}
	if (!row) {
		row = calloc(1, sizeof(*row));
		if (!row)
			return;
		row->addr = *addr;
		HASH_ADD(hh, daemon->announced, addr, sizeof(row->addr), row);
	}
	row->wanted = true;
	if (added) {
		row->ours = true;
		row->ifindex = ifindex;
	}
}

static void drop(struct daemon *daemon, struct announced *row)
{
	if (row->ours)
		net_withdraw(daemon->net, &row->addr, row->ifindex);
	HASH_DELETE(hh, daemon->announced, row);
	free(row);
}

void announce_update(struct daemon *daemon)
{
	const struct model *model = daemon->fleet->model;
	struct announced *row, *next;

	HASH_ITER (hh, daemon->announced, row, next)
		row->wanted = false;
	for (size_t v = 0; v < model->n_vips; v++) {
		const struct vip *vip = &model->vips[v];

		for (size_t a = 0; vip->announce && a < vip->n_addrs; a++)
			announce(daemon, &vip->addrs[a], vip->name);
	}
	HASH_ITER (hh, daemon->announced, row, next)
		if (!row->wanted)
			drop(daemon, row);
	save(daemon);
}

void announce_withdraw_all(struct daemon *daemon)
{
	struct announced *row, *next;

	HASH_ITER (hh, daemon->announced, row, next)
		drop(daemon, row);
	save(daemon);
}
