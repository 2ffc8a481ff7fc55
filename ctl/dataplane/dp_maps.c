/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps: sizes, pins, adoption, and the tables in our address space. */
#include "dataplane/dp_internal.h"

#include <errno.h>
#include <sys/mman.h>

static const char *const names[DP_MAPS] = {
#define T(map, type) [DP_##map] = #map,
#define C(map)	     [DP_##map] = #map,
	DP_TABLES(T) DP_COUNTERS(C)
#undef T
#undef C
};

const char *dp_map_name(enum dp_map map)
{
	return names[map];
}

uint32_t dp_map_entries(const struct dataplane_options *options, enum dp_map map)
{
	switch (map) {
	case DP_frontends:
		return options->limits.buckets;
	case DP_services:
		return 2 * options->limits.services;
	case DP_service_counters:
	case DP_tracking:
		return options->limits.services;
	case DP_flows:
		return options->flows / MUSTER_FLOW_WAYS;
	case DP_rings:
		return options->limits.slots / MUSTER_ELEMENT_SLOTS;
	case DP_members:
	case DP_member_counters:
		return options->limits.members;
	case DP_nexthops:
		return options->nexthops;
	case DP_reason_counters:
		return MUSTER_REASONS_MAX;
	case DP_reply_budget:
		return MUSTER_REPLY_KINDS;
	case DP_reply_sources:
		return ARRAY_SIZE(options->reply_sources);
	case DP_fragments:
		return options->fragments;
	default:
		return 1;
	}
}

/* ---- adoption ---- */

/* The limit in musterd.yaml that sizes the map. */
static const char *limit_name(enum dp_map map)
{
	switch (map) {
	case DP_frontends:
		return "buckets";
	case DP_services:
	case DP_service_counters:
	case DP_tracking:
		return "services";
	case DP_flows:
		return "flows";
	case DP_rings:
		return "ring_slots";
	case DP_members:
	case DP_member_counters:
		return "members";
	case DP_nexthops:
		return "nexthops";
	case DP_fragments:
		return "fragments";
	default:
		return NULL;
	}
}

static int refuse(struct dataplane *dp, const char *format, ...) PRINTF(2, 3);
static int refuse(struct dataplane *dp, const char *format, ...)
{
	va_list args;

	free(dp->why_not);
	va_start(args, format);
	if (vasprintf(&dp->why_not, format, args) < 0)
		dp->why_not = NULL;
	va_end(args);
	return 0;
}

/* 1: fits, 0: does not (and why), -errno. */
static int check_pinned(struct dataplane *dp, enum dp_map map, int fd)
{
	struct bpf_map_info info = {};
	uint32_t n = sizeof(info);
	const struct bpf_map *want = dp->maps[map];

	if (bpf_obj_get_info_by_fd(fd, &info, &n))
		return -errno;
	if (info.type != bpf_map__type(want) || info.key_size != bpf_map__key_size(want) ||
		info.value_size != bpf_map__value_size(want) ||
		info.map_flags != bpf_map__map_flags(want))
		return refuse(dp, "the pinned map %s has another format", names[map]);
	if (info.max_entries == bpf_map__max_entries(want))
		return 1;
	if (!limit_name(map))
		return refuse(dp, "the pinned map %s has another size", names[map]);
	return refuse(dp, "limits.%s changed: %s has %u entries, not %u", limit_name(map),
		names[map], info.max_entries, bpf_map__max_entries(want));
}

static int check_control(struct dataplane *dp, int fd)
{
	struct muster_control control;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(fd, &zero, &control))
		return -errno;
	if (control.abi_version != MUSTER_ABI_VERSION)
		return refuse(dp, "the pinned maps have ABI version %u, not %u",
			control.abi_version, MUSTER_ABI_VERSION);
	if (dp->options.hash_key_given &&
		memcmp(&control.hash_key, &dp->options.hash_key, sizeof(control.hash_key)))
		return refuse(dp, "hash_key changed");
	return 1;
}

static void close_all(int *fds)
{
	for (enum dp_map map = 0; map < DP_MAPS; map++)
		if (fds[map] >= 0)
			close(fds[map]);
}

/*
 * An image can do without, and nothing in it lasts: such a map is made anew where a pinned set, of an older
 * musterd perhaps, lacks it or has it in another size.
 */
static bool is_extra(enum dp_map map)
{
	return map == DP_reply_sources || map == DP_fragments || map == DP_reply_budget;
}

/* Likewise check_pinned(), but what does not fit is left where it is. */
static int check_extra(struct dataplane *dp, enum dp_map map, int *fd)
{
	int fits = check_pinned(dp, map, *fd);

	if (fits)
		return fits;
	free(dp->why_not);
	dp->why_not = NULL;
	close(*fd);
	*fd = -1;
	return 1;
}

/* 1: all that an image needs are there and fit. */
static int open_pinned(struct dataplane *dp, int *fds)
{
	int found = 0, needed = 0, fits = 1;

	for (enum dp_map map = 0; map < DP_MAPS; map++) {
		_free_ char *path = dp_path(dp, "", names[map]);

		fds[map] = path ? bpf_obj_get(path) : -1;
		needed += !is_extra(map);
		found += !is_extra(map) && fds[map] >= 0;
	}
	if (!found)
		return 0;
	if (found < needed)
		return refuse(dp, "only %d of %d pinned maps are there", found, needed);
	for (enum dp_map map = 0; map < DP_MAPS && fits == 1; map++)
		if (fds[map] >= 0)
			fits = is_extra(map) ? check_extra(dp, map, &fds[map])
					     : check_pinned(dp, map, fds[map]);
	return fits == 1 ? check_control(dp, fds[DP_control]) : fits;
}

int dp_maps_adopt(struct dataplane *dp)
{
	int fds[DP_MAPS], fits, err = 0;

	memset(fds, -1, sizeof(fds));
	fits = open_pinned(dp, fds);
	for (enum dp_map map = 0; map < DP_MAPS && fits == 1 && !err; map++) {
		dp->kept[map] = fds[map] >= 0;
		if (dp->kept[map])
			err = bpf_map__reuse_fd(dp->maps[map], fds[map]);
	}
	dp->adopted = fits == 1 && !err;
	close_all(fds);
	return fits < 0 ? fits : err;
}

/* ---- in our address space ---- */

static void *map_table(struct dataplane *dp, enum dp_map map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes =
		(size_t)bpf_map__value_size(dp->maps[map]) * bpf_map__max_entries(dp->maps[map]);
	void *table;

	dp->mapped[map] = (bytes + page - 1) / page * page;
	table = mmap(NULL, dp->mapped[map], PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(dp->maps[map]), 0);
	if (table != MAP_FAILED)
		return table;
	dp->mapped[map] = 0;
	return NULL;
}

int dp_maps_open(struct dataplane *dp, char **ret_error)
{
#define T(map, type)                       \
	dp->map = map_table(dp, DP_##map); \
	if (!dp->map)                      \
		return dp_fail(ret_error, -errno, "cannot map table " #map ": %s", strerror(errno));
	DP_TABLES(T)
#undef T
	dp->control->reply_rate = dp->options.reply_rate;
	memcpy(dp->reply_sources, dp->options.reply_sources, sizeof(dp->options.reply_sources));
	if (dp->adopted)
		return 0;
	muster_control_set_key(dp->control, dp->options.hash_key);
	dp->control->abi_version = MUSTER_ABI_VERSION;
	return 0;
}

void dp_maps_close(struct dataplane *dp)
{
#define T(map, type)              \
	if (dp->mapped[DP_##map]) \
		munmap(dp->map, dp->mapped[DP_##map]);
	DP_TABLES(T)
#undef T
}

/* ---- pins ---- */

/*
 * A pin cannot be replaced by rename() on every kernel, so the old one goes first. A crash in between
 * leaves an incomplete set, which the next start does not adopt; the attached program keeps its maps. Of an
 * adopted set only what was made is pinned.
 */
int dp_maps_pin(struct dataplane *dp)
{
	for (enum dp_map map = 0; map < DP_MAPS; map++) {
		_free_ char *path = dp_path(dp, "", names[map]);

		if (!path)
			return -ENOMEM;
		if (dp->kept[map])
			continue;
		unlink(path);
		if (bpf_obj_pin(bpf_map__fd(dp->maps[map]), path))
			return -errno;
	}
	return 0;
}

void dp_maps_unpin(struct dataplane *dp)
{
	for (enum dp_map map = 0; map < DP_MAPS; map++) {
		_free_ char *path = dp_path(dp, "", names[map]);

		if (path)
			unlink(path);
	}
}

void dp_zero_counters(const struct dataplane *dp, enum dp_map map, uint32_t index)
{
	_free_ struct muster_counters *zero = calloc((size_t)dp->n_cpus, sizeof(*zero));

	if (zero)
		bpf_map_update_elem(bpf_map__fd(dp->maps[map]), &index, zero, BPF_ANY);
}
