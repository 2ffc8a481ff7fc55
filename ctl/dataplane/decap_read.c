/* SPDX-License-Identifier: BSD-2-Clause */
/* The counters of the backend's program: of our own, or found by the interface it is attached to. */
#include "dataplane/decap_internal.h"
#include "dataplane/dp_internal.h"
#include "decap.skel.h"

#include <errno.h>
#include <net/if.h>

#define MAPS_MAX 16

/* Also what the kernel calls them. */
#define PROGRAM_NAME "muster_decap"

struct map_fds {
	int addresses, reasons, sources;
};

static struct muster_counters sum(const struct muster_counters *cpus, int n_cpus)
{
	struct muster_counters sum = {};

	for (int i = 0; i < n_cpus; i++) {
		sum.packets += cpus[i].packets;
		sum.bytes += cpus[i].bytes;
	}
	return sum;
}

static int compare(const void *a, const void *b)
{
	const struct decap_address *left = a, *right = b;

	return addr_compare(&left->addr, &right->addr);
}

static int read_addresses(
	struct decap_stats *stats, int fd, struct muster_counters *cpus, int n_cpus)
{
	struct muster_addr addr, *last = NULL;

	while (!bpf_map_get_next_key(fd, last, &addr)) {
		int err = util_grow(&stats->addrs, stats->n, sizeof(*stats->addrs));

		if (err)
			return err;
		if (bpf_map_lookup_elem(fd, &addr, cpus))
			return -errno;
		stats->addrs[stats->n++] = (struct decap_address){addr, sum(cpus, n_cpus)};
		last = &stats->addrs[stats->n - 1].addr;
	}
	if (errno != ENOENT)
		return -errno;
	if (stats->n)
		qsort(stats->addrs, stats->n, sizeof(*stats->addrs), compare);
	return 0;
}

static int read_maps(const struct map_fds *fds, struct decap_stats **ret)
{
	_cleanup_(decap_stats_free) struct decap_stats *stats = calloc(1, sizeof(*stats));
	int n_cpus = libbpf_num_possible_cpus(), err;
	_free_ struct muster_counters *cpus = calloc((size_t)MAX(n_cpus, 1), sizeof(*cpus));
	struct muster_decap_source source, *last = NULL;

	if (!stats || !cpus)
		return -ENOMEM;
	/* An older program has fewer. */
	for (uint32_t i = 0; i < MUSTER_DECAP_REASONS_N; i++)
		if (!bpf_map_lookup_elem(fds->reasons, &i, cpus))
			stats->reasons[i] = sum(cpus, n_cpus);
	err = read_addresses(stats, fds->addresses, cpus, n_cpus);
	if (err)
		return err;
	for (; !bpf_map_get_next_key(fds->sources, last, &source); last = &source)
		stats->n_sources++;
	*ret = take_ptr(stats);
	return 0;
}

int decap_read(const struct decap *decap, struct decap_stats **ret)
{
	struct map_fds fds = {
		.addresses = bpf_map__fd(decap->skeleton->maps.decap_addresses),
		.reasons = bpf_map__fd(decap->skeleton->maps.decap_reasons),
		.sources = bpf_map__fd(decap->skeleton->maps.decap_sources),
	};
	int err = read_maps(&fds, ret);

	if (!err)
		(*ret)->native = !decap->why_generic;
	return err;
}

/* Takes the map if it is one of those of @fds and looks as ours do. */
static int take_map(struct map_fds *fds, uint32_t id)
{
	const struct {
		const char *name;
		size_t key, value;
		int *fd;
	} rows[] = {
		{"decap_addresses", sizeof(struct muster_addr), sizeof(struct muster_counters),
			&fds->addresses},
		{"decap_reasons", sizeof(uint32_t), sizeof(struct muster_counters), &fds->reasons},
		{"decap_sources", sizeof(struct muster_decap_source), 1, &fds->sources},
	};
	_close_ int fd = bpf_map_get_fd_by_id(id);
	struct bpf_map_info info = {};
	uint32_t bytes = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &bytes))
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(info.name, rows[i].name) && info.key_size == rows[i].key &&
			info.value_size == rows[i].value && *rows[i].fd < 0)
			*rows[i].fd = take_fd(&fd);
	return 0;
}

/* -ENOENT: it is another program, or of a version that keeps its counters in another way. */
static int find_maps(uint32_t program, struct map_fds *fds)
{
	_close_ int fd = bpf_prog_get_fd_by_id(program);
	uint32_t ids[MAPS_MAX], bytes = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {
		.nr_map_ids = MAPS_MAX,
		.map_ids = (uint64_t)(uintptr_t)ids,
	};

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &bytes))
		return -errno;
	if (strcmp(info.name, PROGRAM_NAME))
		return -ENOENT;
	for (uint32_t i = 0; i < MIN(info.nr_map_ids, MAPS_MAX); i++) {
		int err = take_map(fds, ids[i]);

		if (err)
			return err;
	}
	return fds->addresses < 0 || fds->reasons < 0 || fds->sources < 0 ? -ENOENT : 0;
}

int decap_read_attached(const char *name, struct decap_stats **ret, char **ret_error)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	_close_ int addresses = -1, reasons = -1, sources = -1;
	struct map_fds fds = {-1, -1, -1};
	unsigned ifindex = if_nametoindex(name);
	int err;

	if (!ifindex)
		return dp_fail(ret_error, -ENODEV, "there is no interface %s", name);
	err = bpf_xdp_query((int)ifindex, 0, &query);
	if (!err)
		err = find_maps(query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id, &fds);
	addresses = fds.addresses;
	reasons = fds.reasons;
	sources = fds.sources;
	if (err == -ENOENT)
		return dp_fail(ret_error, err, "%s has no program of muster decap", name);
	if (err == -EPERM || err == -EACCES)
		return dp_fail(ret_error, -EPERM, "needs CAP_BPF and CAP_NET_ADMIN: run as root");
	if (!err)
		err = read_maps(&fds, ret);
	if (err)
		return dp_fail(
			ret_error, err, "cannot read the counters of %s: %s", name, strerror(-err));
	(*ret)->native = query.drv_prog_id != 0;
	return 0;
}

void decap_stats_free(struct decap_stats **stats)
{
	if (!*stats)
		return;
	free((*stats)->addrs);
	free(*stats);
	*stats = NULL;
}
