/* SPDX-License-Identifier: BSD-2-Clause */
#include "dataplane/dp_internal.h"
#include "muster.skel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#define BPF_FS 0xcafe4a11

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

int dp_fail(char **ret_error, int err, const char *format, ...)
{
	va_list args;

	if (!ret_error)
		return err;
	free(*ret_error);
	va_start(args, format);
	if (vasprintf(ret_error, format, args) < 0)
		*ret_error = NULL;
	va_end(args);
	return err;
}

char *dp_path(const struct dataplane *dp, const char *prefix, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s%s", dp->pin_dir, prefix, name) < 0 ? NULL : path;
}

/* ---- the pin directory ---- */

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS;
}

static int make_pin_dir(struct dataplane *dp, char **ret_error)
{
	_free_ char *copy = strdup(dp->pin_dir);
	const char *parent;

	if (!copy)
		return -ENOMEM;
	parent = dirname(copy);
	if (mkdir(dp->pin_dir, 0700) && errno != EEXIST)
		return dp_fail(ret_error, -errno,
			"cannot make %s: %s (is a bpffs mounted at %s? mount -t "
			"bpf bpf %s)",
			dp->pin_dir, strerror(errno), parent, parent);
	if (!is_bpffs(dp->pin_dir) && mount("bpf", dp->pin_dir, "bpf", 0, "mode=0700"))
		return dp_fail(ret_error, -errno, "%s is not on a bpffs: mount -t bpf bpf %s",
			dp->pin_dir, dp->pin_dir);
	chmod(dp->pin_dir, 0700);
	dp->lock_fd = open(dp->pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dp->lock_fd < 0)
		return dp_fail(
			ret_error, -errno, "cannot open %s: %s", dp->pin_dir, strerror(errno));
	if (flock(dp->lock_fd, LOCK_EX | LOCK_NB))
		return dp_fail(ret_error, -EBUSY, "another musterd uses %s", dp->pin_dir);
	return 0;
}

/* ---- loading ---- */

static void find_maps(struct dataplane *dp)
{
#define T(map, type) dp->maps[DP_##map] = dp->skeleton->maps.map;
#define C(map)	     dp->maps[DP_##map] = dp->skeleton->maps.map;
	DP_TABLES(T)
	DP_COUNTERS(C)
#undef T
#undef C
}

static void size_maps(struct dataplane *dp)
{
	for (enum dp_map map = 0; map < DP_MAPS; map++)
		bpf_map__set_max_entries(dp->maps[map], dp_map_entries(&dp->options, map));
	dp->skeleton->rodata->n_services = dp->options.limits.services;
	dp->skeleton->rodata->bucket_mask = dp->options.limits.buckets - 1;
}

/* Mapping arrays came with 5.5, XDP links with 5.9, the coarse clock with 5.11. */
static int load_failed(int err, char **ret_error)
{
	struct utsname kernel;
	unsigned major = 0, minor = 0;

	uname(&kernel);
	sscanf(kernel.release, "%u.%u", &major, &minor);
	if (err == -EPERM || err == -EACCES)
		return dp_fail(ret_error, -EPERM,
			"the kernel refused to load the program: CAP_BPF, CAP_NET_ADMIN and "
			"CAP_PERFMON are "
			"needed; run as root or through the systemd unit");
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

static int load(struct dataplane *dp, char **ret_error)
{
	int err;

	*libbpf_log = '\0';
	libbpf_set_print(keep_log);
	dp->skeleton = muster_bpf__open();
	if (!dp->skeleton)
		return dp_fail(
			ret_error, -errno, "cannot open the built-in program: %s", strerror(errno));
	find_maps(dp);
	size_maps(dp);
	err = dp_maps_adopt(dp);
	if (err)
		return dp_fail(ret_error, err, "cannot read the pinned maps in %s: %s", dp->pin_dir,
			strerror(-err));
	err = muster_bpf__load(dp->skeleton);
	if (err)
		return load_failed(err, ret_error);
	dp->program_fd = bpf_program__fd(dp->skeleton->progs.muster_xdp);
	dp->program_id = program_id(dp->program_fd);
	dp->grace_fd = bpf_map__fd(dp->skeleton->maps.grace);
	return 0;
}

static int make_grace(struct dataplane *dp)
{
	for (size_t i = 0; i < ARRAY_SIZE(dp->grace_inner); i++) {
		dp->grace_inner[i] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace_inner",
			sizeof(uint32_t), sizeof(uint32_t), 1, NULL);
		if (dp->grace_inner[i] < 0)
			return -errno;
	}
	return 0;
}

/* ---- open, close ---- */

int dataplane_open(
	struct dataplane **ret, const struct dataplane_options *options, char **ret_error)
{
	_cleanup_(dataplane_close) struct dataplane *dp = calloc(1, sizeof(*dp));
	int err;

	if (!dp)
		return -ENOMEM;
	dp->options = *options;
	dp->lock_fd = dp->grace_inner[0] = dp->grace_inner[1] = -1;
	dp->pin_dir = strdup(options->pin_dir);
	if (!dp->pin_dir)
		return -ENOMEM;
	dp->n_cpus = libbpf_num_possible_cpus();
	if (dp->n_cpus <= 0)
		return dp_fail(ret_error, -EIO, "cannot count the CPUs");
	if (geteuid() && access("/proc/self/status", R_OK) == 0 &&
		bpf_prog_get_next_id(0, &(uint32_t){0}) && errno == EPERM)
		return dp_fail(ret_error, -EPERM,
			"CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed: run as root or through "
			"the "
			"systemd unit");
	err = make_pin_dir(dp, ret_error);
	if (!err)
		err = load(dp, ret_error);
	if (!err)
		err = dp_maps_open(dp, ret_error);
	if (!err)
		err = make_grace(dp);
	if (err)
		return err;
	*ret = take_ptr(dp);
	return 0;
}

void dataplane_close(struct dataplane **dataplane)
{
	struct dataplane *dp = *dataplane;

	if (!dp)
		return;
	dp_maps_close(dp);
	for (size_t i = 0; i < ARRAY_SIZE(dp->grace_inner); i++)
		if (dp->grace_inner[i] >= 0)
			close(dp->grace_inner[i]);
	muster_bpf__destroy(dp->skeleton);
	if (dp->lock_fd >= 0)
		close(dp->lock_fd);
	free(dp->why_not);
	free(dp->pin_dir);
	free(dp);
	*dataplane = NULL;
}

int dataplane_teardown(struct dataplane *dp)
{
	int err = dataplane_detach_others(dp, NULL, 0);

	dp_maps_unpin(dp);
	rmdir(dp->pin_dir); /* stays if it is a mount or not ours alone */
	return err;
}

bool dataplane_adopted(const struct dataplane *dp, const char **ret_why)
{
	if (ret_why)
		*ret_why = dp->why_not;
	return dp->adopted;
}

struct muster_hash_key dataplane_hash_key(const struct dataplane *dp)
{
	return dp->control->hash_key;
}

uint32_t dataplane_program_id(const struct dataplane *dp)
{
	return dp->program_id;
}
