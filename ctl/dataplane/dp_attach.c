/* SPDX-License-Identifier: BSD-2-Clause */
/* Links: the program on interfaces, pinned so that it stays when musterd goes. */
#include "dataplane/dp_internal.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define LINK_PREFIX "link_"

/* What fits a page of 4096 bytes beside XDP's headroom and the kernel's tailroom: 3498 on veth and virtio. */
#define PLAIN_MTU_MAX 3498

static int link_ifindex(int fd)
{
	struct bpf_link_info info = {};
	uint32_t n = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &n))
		return -errno;
	return (int)info.xdp.ifindex; /* 0: the interface is gone */
}

static uint32_t program_on(uint32_t ifindex, enum dataplane_mode *ret_mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	*ret_mode = DATAPLANE_DETACHED;
	if (bpf_xdp_query((int)ifindex, 0, &query))
		return 0;
	if (query.drv_prog_id) {
		*ret_mode = DATAPLANE_NATIVE;
		return query.drv_prog_id;
	}
	if (query.skb_prog_id)
		*ret_mode = DATAPLANE_GENERIC;
	return query.skb_prog_id;
}

static bool is_our_program(const struct dataplane *dp, uint32_t id)
{
	return id && (id == dp->builds[DP_PLAIN].id || id == dp->builds[DP_FRAGS].id);
}

enum dataplane_mode dataplane_attached(struct dataplane *dp, uint32_t ifindex, const char *name)
{
	enum dataplane_mode mode;

	(void)name;
	return is_our_program(dp, program_on(ifindex, &mode)) ? mode : DATAPLANE_DETACHED;
}

bool dataplane_takes_frags(const struct dataplane *dp, uint32_t ifindex)
{
	enum dataplane_mode mode;
	uint32_t id = program_on(ifindex, &mode);

	return id && id == dp->builds[DP_FRAGS].id;
}

/* ---- which build ---- */

static int interface_mtu(uint32_t ifindex)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	if (fd < 0 || !if_indextoname(ifindex, request.ifr_name) || ioctl(fd, SIOCGIFMTU, &request))
		return 0;
	return request.ifr_mtu;
}

/* The build for @ifindex: @turn 0, or if that is refused @turn 1. NULL: there is no other. */
static const struct build *build_for(const struct dataplane *dp, uint32_t ifindex, int turn)
{
	bool large = interface_mtu(ifindex) > PLAIN_MTU_MAX;
	const struct build *frags = dp->builds[DP_FRAGS].skeleton ? &dp->builds[DP_FRAGS] : NULL;
	const struct build *plain = &dp->builds[DP_PLAIN];

	if (large && frags)
		return turn ? plain : frags;
	return turn ? frags : plain;
}

/* Moves a link to our program. */
static int update_to_build(const struct dataplane *dp, int fd)
{
	int err = -ENOENT;

	for (int turn = 0; turn < 2 && err; turn++) {
		const struct build *build = build_for(dp, (uint32_t)link_ifindex(fd), turn);

		if (build)
			err = bpf_link_update(fd, build->fd, NULL) ? -errno : 0;
	}
	return err;
}

/* An adopted link of this very interface. 0, or -ENOENT if there is none. */
static int adopt_link(struct dataplane *dp, const char *path, uint32_t ifindex)
{
	_close_ int fd = bpf_obj_get(path);

	if (fd < 0)
		return -ENOENT;
	if (link_ifindex(fd) != (int)ifindex) {
		unlink(path);
		return -ENOENT;
	}
	return update_to_build(dp, fd);
}

static bool is_taken(int err)
{
	return err == -EBUSY || err == -EEXIST;
}

static int create_link(struct dataplane *dp, uint32_t ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
	int fd = -ENOENT;

	for (int turn = 0; turn < 2 && fd < 0 && !is_taken(fd); turn++) {
		const struct build *build = build_for(dp, ifindex, turn);

		if (!build)
			continue;
		fd = bpf_link_create(build->fd, (int)ifindex, BPF_XDP, &options);
		fd = fd < 0 ? -errno : fd;
	}
	return fd;
}

static int attach_new(struct dataplane *dp, uint32_t ifindex, enum dataplane_mode force)
{
	int fd = -EOPNOTSUPP;

	if (force != DATAPLANE_GENERIC)
		fd = create_link(dp, ifindex, XDP_FLAGS_DRV_MODE);
	if (fd < 0 && !is_taken(fd) && force != DATAPLANE_NATIVE)
		fd = create_link(dp, ifindex, XDP_FLAGS_SKB_MODE);
	return fd;
}

static int attach_failed(
	const struct dataplane *dp, int err, uint32_t ifindex, const char *name, char **ret_error)
{
	enum dataplane_mode mode;
	uint32_t id = program_on(ifindex, &mode);

	if (id)
		return dp_fail(ret_error, -EBUSY,
			"%s has another XDP program, id %u; detach it first (`ip link set dev %s "
			"xdp off`, or "
			"the program that owns it)",
			name, id, name);
	if (interface_mtu(ifindex) > PLAIN_MTU_MAX && !dp->builds[DP_FRAGS].skeleton)
		return dp_fail(ret_error, err,
			"cannot attach to %s: %s (its MTU is over %d, which takes Linux 5.18 or "
			"newer: "
			"`ip link set dev %s mtu 1500`)",
			name, strerror(-err), PLAIN_MTU_MAX, name);
	return dp_fail(ret_error, err, "cannot attach to %s: %s", name, strerror(-err));
}

int dataplane_attach(struct dataplane *dp, uint32_t ifindex, const char *name,
	enum dataplane_mode force, enum dataplane_mode *ret_mode, char **ret_error)
{
	_free_ char *path = dp_path(dp, LINK_PREFIX, name);
	_close_ int fd = -1;
	int err;

	if (!path)
		return -ENOMEM;
	err = adopt_link(dp, path, ifindex);
	if (err == -ENOENT) {
		fd = attach_new(dp, ifindex, force);
		if (fd < 0)
			return attach_failed(dp, fd, ifindex, name, ret_error);
		err = bpf_obj_pin(fd, path) ? -errno : 0;
	}
	if (err)
		return dp_fail(
			ret_error, err, "cannot keep the link of %s: %s", name, strerror(-err));
	program_on(ifindex, ret_mode);
	return 0;
}

int dataplane_detach(struct dataplane *dp, const char *name)
{
	_free_ char *path = dp_path(dp, LINK_PREFIX, name);
	_close_ int fd = path ? bpf_obj_get(path) : -1;

	if (fd < 0)
		return -ENOENT;
	bpf_link_detach(fd);
	return unlink(path) ? -errno : 0;
}

/* Calls @f for the name of each pinned link. */
static int each_link(struct dataplane *dp,
	int (*f)(struct dataplane *dp, const char *name, void *data), void *data)
{
	DIR *dir = opendir(dp->pin_dir);
	const struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, LINK_PREFIX, strlen(LINK_PREFIX)))
			err = f(dp, entry->d_name + strlen(LINK_PREFIX), data);
	closedir(dir);
	return err;
}

struct names {
	char *const *names;
	size_t n;
};

static int detach_unless_named(struct dataplane *dp, const char *name, void *data)
{
	const struct names *keep = data;

	for (size_t i = 0; i < keep->n; i++)
		if (!strcmp(keep->names[i], name))
			return 0;
	dataplane_detach(dp, name);
	return 0;
}

int dataplane_detach_others(struct dataplane *dp, char *const *names, size_t n)
{
	struct names keep = {names, n};

	return each_link(dp, detach_unless_named, &keep);
}

static int update_link(struct dataplane *dp, const char *name, void *data)
{
	_free_ char *path = dp_path(dp, LINK_PREFIX, name);
	_close_ int fd = path ? bpf_obj_get(path) : -1;

	(void)data;
	return fd >= 0 && link_ifindex(fd) > 0 ? update_to_build(dp, fd) : 0;
}

int dataplane_publish(struct dataplane *dp, char **ret_error)
{
	int err = dp_maps_pin(dp);

	if (!err)
		err = dp_builds_pin(dp);
	if (err)
		return dp_fail(ret_error, err, "cannot pin the maps in %s: %s", dp->pin_dir,
			strerror(-err));
	err = each_link(dp, update_link, NULL);
	if (err)
		return dp_fail(ret_error, err, "cannot update a link: %s", strerror(-err));
	dp->published = true;
	dp_builds_unpin_others(dp);
	return 0;
}
