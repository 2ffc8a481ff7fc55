/* SPDX-License-Identifier: BSD-2-Clause */
#include "dataplane/decap_internal.h"
#include "dataplane/dp_internal.h"
#include "decap.skel.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int open_and_load(struct decap *decap, const struct decap_options *options, bool frags)
{
	decap_bpf__destroy(decap->skeleton);
	decap->skeleton = decap_bpf__open();
	if (!decap->skeleton)
		return -errno;
	decap->skeleton->rodata->has_frags = frags;
	decap->skeleton->rodata->only_sources = options->n_sources > 0;
	decap->skeleton->rodata->gue_port = options->gue_port;
	if (frags)
		bpf_program__set_flags(decap->skeleton->progs.muster_decap, BPF_F_XDP_HAS_FRAGS);
	return decap_bpf__load(decap->skeleton);
}

static int fill(const struct decap *decap, const struct decap_options *options)
{
	int addresses = bpf_map__fd(decap->skeleton->maps.decap_addresses);
	int sources = bpf_map__fd(decap->skeleton->maps.decap_sources);
	int n_cpus = libbpf_num_possible_cpus();
	_free_ struct muster_counters *zero = calloc((size_t)MAX(n_cpus, 1), sizeof(*zero));
	uint8_t one = 1;

	if (!zero)
		return -ENOMEM;
	for (size_t i = 0; i < options->n; i++)
		if (bpf_map_update_elem(addresses, &options->addrs[i], zero, BPF_ANY))
			return -errno;
	for (size_t i = 0; i < options->n_sources; i++)
		if (bpf_map_update_elem(sources, &options->sources[i], &one, BPF_ANY))
			return -errno;
	return 0;
}

static int load(
	struct decap *decap, const struct decap_options *options, bool frags, char **ret_error)
{
	int err = open_and_load(decap, options, frags);

	if (err == -EPERM || err == -EACCES)
		return dp_fail(ret_error, -EPERM, "needs CAP_BPF and CAP_NET_ADMIN: run as root");
	if (err)
		return dp_fail(
			ret_error, err, "the kernel does not load the program: %s", strerror(-err));
	err = fill(decap, options);
	return err ? dp_fail(ret_error, err, "cannot fill its tables: %s", strerror(-err)) : 0;
}

/* @mode: XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE. 0 or -errno. */
static int attach(struct decap *decap, int ifindex, uint32_t mode)
{
	int program = bpf_program__fd(decap->skeleton->progs.muster_decap);
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = mode);

	decap->link_fd = bpf_link_create(program, ifindex, BPF_XDP, &options);
	return decap->link_fd < 0 ? -errno : 0;
}

static int interface_mtu(const char *name)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	return fd < 0 || ioctl(fd, SIOCGIFMTU, &request) ? 0 : request.ifr_mtu;
}

/* Says of native mode why not. @loaded: the build for frames in pieces. */
static int explain(struct decap *decap, const char *name, int refused, bool loaded)
{
	int mtu = interface_mtu(name), n;

	if (refused == -EOPNOTSUPP)
		n = asprintf(&decap->why_generic, "the driver of %s has no native XDP", name);
	else if (loaded)
		n = asprintf(&decap->why_generic,
			"the driver of %s refuses native XDP at MTU %d, also for frames in pieces: "
			"%s",
			name, mtu, strerror(-refused));
	else
		n = asprintf(&decap->why_generic,
			"%s refuses native XDP at MTU %d (%s); beyond some 3,498 bytes it takes "
			"Linux 5.18",
			name, mtu, strerror(-refused));
	if (n >= 0)
		return 0;
	decap->why_generic = NULL;
	return -ENOMEM;
}

/*
 * Native in the plain build; then, for that may be refused for the MTU, in the one for frames in pieces (5.18),
 * which costs a little more for each packet; then generic.
 */
static int load_and_attach(struct decap *decap, int ifindex, const char *name,
	const struct decap_options *options, char **ret_error)
{
	bool loaded = false;
	int err = load(decap, options, false, ret_error), refused;

	if (err)
		return err;
	refused = attach(decap, ifindex, XDP_FLAGS_DRV_MODE);
	if (refused && refused != -EBUSY && refused != -EPERM) {
		loaded = !load(decap, options, true, NULL);
		if (loaded && !attach(decap, ifindex, XDP_FLAGS_DRV_MODE))
			return 0;
		err = load(decap, options, false, ret_error);
		if (err)
			return err;
	}
	if (!refused)
		return 0;
	err = attach(decap, ifindex, XDP_FLAGS_SKB_MODE);
	if (err)
		return dp_fail(ret_error, err, "cannot attach to %s: native: %s; generic: %s", name,
			strerror(-refused), strerror(-err));
	return explain(decap, name, refused, loaded);
}

int decap_attach(
	struct decap **ret, const char *name, const struct decap_options *options, char **ret_error)
{
	_cleanup_(decap_free) struct decap *decap = calloc(1, sizeof(*decap));
	unsigned ifindex = if_nametoindex(name);
	uint32_t id = 0;
	int err;

	if (!decap)
		return -ENOMEM;
	decap->link_fd = -1;
	if (!ifindex)
		return dp_fail(ret_error, -ENODEV, "there is no interface %s", name);
	bpf_xdp_query_id((int)ifindex, 0, &id);
	if (id)
		return dp_fail(ret_error, -EBUSY, "%s has an XDP program already, id %u", name, id);
	libbpf_set_print(quiet);
	err = load_and_attach(decap, (int)ifindex, name, options, ret_error);
	if (err)
		return err;
	*ret = take_ptr(decap);
	return 0;
}

const char *decap_why_generic(const struct decap *decap)
{
	return decap->why_generic;
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
	free((*decap)->why_generic);
	free(*decap);
	*decap = NULL;
}
