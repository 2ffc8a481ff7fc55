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

static int open_and_load(struct decap *decap, const struct decap_options *options, bool frags)
{
	decap_bpf__destroy(decap->skeleton);
	decap->skeleton = decap_bpf__open();
	if (!decap->skeleton)
		return -errno;
	decap->skeleton->rodata->has_frags = frags;
	decap->skeleton->rodata->gue_port = options->gue_port;
	if (frags)
		bpf_program__set_flags(decap->skeleton->progs.muster_decap, BPF_F_XDP_HAS_FRAGS);
	return decap_bpf__load(decap->skeleton);
}

static int load(
	struct decap *decap, const struct decap_options *options, bool frags, char **ret_error)
{
	_free_ struct muster_counters *zero = NULL;
	int err, fd, n_cpus = libbpf_num_possible_cpus();

	libbpf_set_print(quiet);
	zero = calloc((size_t)MAX(n_cpus, 1), sizeof(*zero));
	err = zero ? open_and_load(decap, options, frags) : -ENOMEM;
	if (err == -EPERM || err == -EACCES)
		return dp_fail(ret_error, -EPERM, "needs CAP_BPF and CAP_NET_ADMIN: run as root");
	if (err)
		return dp_fail(
			ret_error, err, "the kernel does not load the program: %s", strerror(-err));
	fd = bpf_map__fd(decap->skeleton->maps.decap_addresses);
	for (size_t i = 0; i < options->n; i++)
		if (bpf_map_update_elem(fd, &options->addrs[i], zero, BPF_ANY))
			return dp_fail(
				ret_error, -errno, "cannot store an address: %s", strerror(errno));
	return 0;
}

/* The plain build, and where the interface refuses it for its MTU the one for frames in pieces (5.18). */
static int load_and_attach(struct decap *decap, int ifindex, const char *name,
	const struct decap_options *options, char **ret_error)
{
	int err = load(decap, options, false, ret_error);

	if (!err)
		err = attach(decap, ifindex, name, ret_error);
	if (!err || err == -EBUSY || err == -EPERM || !decap->skeleton)
		return err;
	if (load(decap, options, true, ret_error))
		return err;
	return attach(decap, ifindex, name, ret_error);
}

int decap_attach(
	struct decap **ret, const char *name, const struct decap_options *options, char **ret_error)
{
	_cleanup_(decap_free) struct decap *decap = calloc(1, sizeof(*decap));
	unsigned ifindex = if_nametoindex(name);
	int err;

	if (!decap)
		return -ENOMEM;
	decap->link_fd = -1;
	if (!ifindex)
		return dp_fail(ret_error, -ENODEV, "there is no interface %s", name);
	err = load_and_attach(decap, (int)ifindex, name, options, ret_error);
	if (err)
		return err;
	*ret = take_ptr(decap);
	return 0;
}

bool decap_is_native(const struct decap *decap)
{
	return decap->native;
}

uint64_t decap_packets(const struct decap *decap, enum muster_decap_reason reason)
{
	int n_cpus = libbpf_num_possible_cpus();
	_free_ struct muster_counters *cpus = calloc((size_t)MAX(n_cpus, 1), sizeof(*cpus));
	int fd = bpf_map__fd(decap->skeleton->maps.decap_reasons);
	uint32_t index = reason;
	uint64_t sum = 0;

	if (!cpus || bpf_map_lookup_elem(fd, &index, cpus))
		return 0;
	for (int i = 0; i < n_cpus; i++)
		sum += cpus[i].packets;
	return sum;
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
