/* SPDX-License-Identifier: BSD-2-Clause */
/* The builds of the program: loaded over the same tables, and joined to what they tail-call. */
#include "dataplane/dp_internal.h"
#include "muster.skel.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/utsname.h>

#define PROGRAMS_PREFIX "programs_"

/* What libbpf said last: the end of a verifier log explains a failed load. */
static char libbpf_log[2048];

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t n = strlen(libbpf_log);

	if (level == LIBBPF_DEBUG)
		return 0;
	if (n > sizeof(libbpf_log) / 2) {
		memmove(libbpf_log, libbpf_log + n / 2, n - n / 2 + 1);
		n -= n / 2;
	}
	return vsnprintf(libbpf_log + n, sizeof(libbpf_log) - n, format, args);
}

/* ---- maps ---- */

static void find_maps(const struct muster_bpf *skeleton, struct bpf_map **maps)
{
#define T(map, type) maps[DP_##map] = skeleton->maps.map;
#define C(map)	     maps[DP_##map] = skeleton->maps.map;
	DP_TABLES(T)
	DP_COUNTERS(C)
#undef T
#undef C
}

static void set_constants(const struct dataplane *dp, struct muster_bpf *skeleton, bool frags)
{
	skeleton->rodata->n_services = dp->options.limits.services;
	skeleton->rodata->bucket_mask = dp->options.limits.buckets - 1;
	skeleton->rodata->flow_mask = dp->options.flows / MUSTER_FLOW_WAYS - 1;
	skeleton->rodata->has_frags = frags;
}

/* The maps of the plain build, for the other one. */
static int share_maps(const struct dataplane *dp, const struct muster_bpf *skeleton)
{
	struct bpf_map *maps[DP_MAPS];
	int err = 0;

	find_maps(skeleton, maps);
	for (enum dp_map map = 0; map < DP_MAPS && !err; map++)
		err = bpf_map__reuse_fd(maps[map], bpf_map__fd(dp->maps[map]));
	return err;
}

/* ---- loading ---- */

/*
 * Mapping arrays came with 5.5, XDP links with 5.9, the coarse clock with 5.11; with 5.15 the verifier keeps
 * up with the program.
 */
static int load_failed(int err, char **ret_error)
{
	struct utsname kernel;
	unsigned major = 0, minor = 0;

	uname(&kernel);
	sscanf(kernel.release, "%u.%u", &major, &minor);
	if (err == -EPERM || err == -EACCES)
		return dp_fail(ret_error, -EPERM,
			"the kernel refused to load the program: CAP_BPF, CAP_NET_ADMIN and "
			"CAP_PERFMON are needed; run as root or through the systemd unit");
	if (major < 5 || (major == 5 && minor < 15))
		return dp_fail(ret_error, -EOPNOTSUPP,
			"kernel %s is too old: 5.15 or newer is needed", kernel.release);
	return dp_fail(ret_error, err, "kernel %s does not load the program: %s%s%s",
		kernel.release, strerror(-err), *libbpf_log ? ": " : "", libbpf_log);
}

static uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {};
	uint32_t n = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &n) ? 0 : info.id;
}

/* The straight way finds the long one. */
static int join_programs(struct build *build)
{
	int programs = bpf_map__fd(build->skeleton->maps.programs);
	int any = bpf_program__fd(build->skeleton->progs.muster_any);
	uint32_t first = 0;

	build->fd = bpf_program__fd(build->skeleton->progs.muster_xdp);
	build->id = program_id(build->fd);
	return bpf_map_update_elem(programs, &first, &any, BPF_ANY) ? -errno : 0;
}

static int load_plain(struct dataplane *dp, char **ret_error)
{
	struct build *build = &dp->builds[DP_PLAIN];
	int err;

	build->skeleton = muster_bpf__open();
	if (!build->skeleton)
		return dp_fail(
			ret_error, -errno, "cannot open the built-in program: %s", strerror(errno));
	find_maps(build->skeleton, dp->maps);
	for (enum dp_map map = 0; map < DP_MAPS; map++)
		bpf_map__set_max_entries(dp->maps[map], dp_map_entries(&dp->options, map));
	set_constants(dp, build->skeleton, false);
	err = dp_maps_adopt(dp);
	if (err)
		return dp_fail(ret_error, err, "cannot read the pinned maps in %s: %s", dp->pin_dir,
			strerror(-err));
	err = muster_bpf__load(build->skeleton);
	if (err)
		return load_failed(err, ret_error);
	dp->grace_fd = bpf_map__fd(build->skeleton->maps.grace);
	err = join_programs(build);
	return err ? dp_fail(ret_error, err, "cannot join the programs: %s", strerror(-err)) : 0;
}

/* Kernels before 5.18 do not know the flag; they do without jumbo frames. */
static int load_frags(struct dataplane *dp)
{
	struct build *build = &dp->builds[DP_FRAGS];
	int err;

	build->skeleton = muster_bpf__open();
	if (!build->skeleton)
		return -errno;
	set_constants(dp, build->skeleton, true);
	bpf_program__set_flags(build->skeleton->progs.muster_xdp, BPF_F_XDP_HAS_FRAGS);
	bpf_program__set_flags(build->skeleton->progs.muster_any, BPF_F_XDP_HAS_FRAGS);
	err = share_maps(dp, build->skeleton);
	if (!err)
		err = muster_bpf__load(build->skeleton);
	if (!err)
		err = join_programs(build);
	if (err) {
		muster_bpf__destroy(build->skeleton);
		*build = (struct build){.fd = -1};
	}
	return err;
}

int dp_builds_load(struct dataplane *dp, char **ret_error)
{
	int err;

	*libbpf_log = '\0';
	libbpf_set_print(keep_log);
	err = load_plain(dp, ret_error);
	if (!err)
		load_frags(dp);
	return err;
}

void dp_builds_close(struct dataplane *dp)
{
	for (enum dp_build b = 0; b < DP_BUILDS; b++)
		muster_bpf__destroy(dp->builds[b].skeleton);
}

/* ---- pins ---- */

/*
 * A program array forgets its programs when the last descriptor and pin of it are gone. Each has a pin named
 * after its program, so that the old one stays until no link runs it.
 */
int dp_builds_pin(struct dataplane *dp)
{
	for (enum dp_build b = 0; b < DP_BUILDS; b++) {
		const struct build *build = &dp->builds[b];
		_free_ char *path = NULL;
		char id[16];

		if (!build->skeleton)
			continue;
		snprintf(id, sizeof(id), "%u", build->id);
		path = dp_path(dp, PROGRAMS_PREFIX, id);
		if (!path)
			return -ENOMEM;
		unlink(path); /* of a program that is gone: ids are given out anew after a boot */
		if (bpf_obj_pin(bpf_map__fd(build->skeleton->maps.programs), path))
			return -errno;
	}
	return 0;
}

static bool is_ours(const struct dataplane *dp, const char *name)
{
	uint32_t id = (uint32_t)strtoul(name + strlen(PROGRAMS_PREFIX), NULL, 10);

	for (enum dp_build b = 0; b < DP_BUILDS; b++)
		if (dp->published && dp->builds[b].skeleton && dp->builds[b].id == id)
			return true;
	return false;
}

void dp_builds_unpin_others(struct dataplane *dp)
{
	DIR *dir = opendir(dp->pin_dir);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, PROGRAMS_PREFIX, strlen(PROGRAMS_PREFIX)) &&
			!is_ours(dp, entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}
