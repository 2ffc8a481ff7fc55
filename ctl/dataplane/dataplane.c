/* SPDX-License-Identifier: BSD-2-Clause */
#include "dataplane/dp_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define BPF_FS 0xcafe4a11

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

/* ---- grace ---- */

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
		err = dp_builds_load(dp, ret_error);
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
	dp_builds_close(dp);
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
	dp->published = false;
	dp_builds_unpin_others(dp);
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
	return dp->builds[DP_PLAIN].id;
}
