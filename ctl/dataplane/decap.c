/* SPDX-License-Identifier: BSD-2-Clause */
#include "dataplane/decap.h"
#include "dataplane/dp_internal.h"
#include "decap.skel.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/stat.h>

struct decap {
	struct decap_bpf *skeleton;
	int link_fd;
	bool native;
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int attach(struct decap *decap, int ifindex, const char *name, char **ret_error)
{
	int program = bpf_program__fd(decap->skeleton->progs.muster_decap);
	LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	uint32_t id = 0;
	int err;

	bpf_xdp_query_id(ifindex, 0, &id);
	if (id)
		return dp_fail(ret_error, -EBUSY, "%s has an XDP program already, id %u", name, id);
	decap->native = true;
	decap->link_fd = bpf_link_create(program, ifindex, BPF_XDP, &native);
	if (decap->link_fd < 0) {
		decap->native = false;
		decap->link_fd = bpf_link_create(program, ifindex, BPF_XDP, &generic);
	}
	err = decap->link_fd < 0 ? -errno : 0;
	return err ? dp_fail(ret_error, err, "cannot attach to %s: %s", name, strerror(-err)) : 0;
}

static int load(struct decap *decap, const struct muster_addr *addrs, size_t n, char **ret_error)
{
	struct muster_counters zero = {};
	int err, fd;

	libbpf_set_print(quiet);
	decap->skeleton = decap_bpf__open();
	err = decap->skeleton ? decap_bpf__load(decap->skeleton) : -errno;
	if (err == -EPERM || err == -EACCES)
		return dp_fail(ret_error, -EPERM, "needs CAP_BPF and CAP_NET_ADMIN: run as root");
	if (err)
		return dp_fail(
			ret_error, err, "the kernel does not load the program: %s", strerror(-err));
	fd = bpf_map__fd(decap->skeleton->maps.decap_addresses);
	for (size_t i = 0; i < n; i++)
		if (bpf_map_update_elem(fd, &addrs[i], &zero, BPF_ANY))
			return dp_fail(
				ret_error, -errno, "cannot store an address: %s", strerror(errno));
	return 0;
}

int decap_attach(struct decap **ret, const char *name, const struct muster_addr *addrs, size_t n,
	char **ret_error)
{
	_cleanup_(decap_free) struct decap *decap = calloc(1, sizeof(*decap));
	unsigned ifindex = if_nametoindex(name);
	int err;

	if (!decap)
		return -ENOMEM;
	decap->link_fd = -1;
	if (!ifindex)
		return dp_fail(ret_error, -ENODEV, "there is no interface %s", name);
	err = load(decap, addrs, n, ret_error);
	if (!err)
		err = attach(decap, (int)ifindex, name, ret_error);
	if (err)
		return err;
	*ret = take_ptr(decap);
	return 0;
}

bool decap_is_native(const struct decap *decap)
{
	return decap->native;
}

int decap_pin(struct decap *decap, const char *dir, const char *name, char **ret_error)
{
	_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if ((mkdir(dir, 0700) && errno != EEXIST) || bpf_obj_pin(decap->link_fd, path))
		return dp_fail(ret_error, -errno, "cannot pin to %s: %s (is it on a bpffs?)", path,
			strerror(errno));
	return 0;
}

int decap_unpin(const char *dir, const char *name)
{
	_free_ char *path = NULL;
	_close_ int fd = -1;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -ENOENT;
	bpf_link_detach(fd);
	return unlink(path) ? -errno : 0;
}

void decap_free(struct decap **decap)
{
	if (!*decap)
		return;
	if ((*decap)->link_fd >= 0)
		close((*decap)->link_fd);
	decap_bpf__destroy((*decap)->skeleton);
	free(*decap);
	*decap = NULL;
}
