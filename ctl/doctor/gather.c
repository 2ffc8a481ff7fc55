/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor/gather.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <libgen.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#define BPF_FS 0xcafe4a11

/* The number in that file, -1 if there is none. */
static int read_number(const char *path)
{
	_fclose_ FILE *file = fopen(path, "re");
	int number;

	return file && fscanf(file, "%d", &number) == 1 ? number : -1;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS;
}

void gather_kernel(const char *pin_dir, struct kernel_facts *ret)
{
	_free_ char *copy = strdup(pin_dir);
	struct utsname kernel;

	*ret = (struct kernel_facts){.pin_dir = pin_dir};
	uname(&kernel);
	snprintf(ret->release, sizeof(ret->release), "%.64s", kernel.release);
	sscanf(kernel.release, "%u.%u", &ret->major, &ret->minor);
	ret->jit = read_number("/proc/sys/net/core/bpf_jit_enable");
	/* musterd makes the directory in a BPF file system, or mounts one there. */
	ret->bpffs = is_bpffs(pin_dir) || (copy && is_bpffs(dirname(copy)));
}

static int request(int fd, const char *name, unsigned long number, struct ifreq *ret)
{
	snprintf(ret->ifr_name, sizeof(ret->ifr_name), "%s", name);
	return ioctl(fd, number, ret);
}

static int ethtool_value(int fd, const char *name, uint32_t command, uint32_t *ret)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq ifr = {.ifr_data = (char *)&value};

	if (request(fd, name, SIOCETHTOOL, &ifr))
		return -1;
	*ret = value.data;
	return 0;
}

static void gather_offloads(int fd, const char *name, struct nic_facts *ret)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifr = {.ifr_data = (char *)&driver};
	uint32_t value;

	if (!request(fd, name, SIOCETHTOOL, &ifr))
		snprintf(ret->driver, sizeof(ret->driver), "%.31s", driver.driver);
	if (!ethtool_value(fd, name, ETHTOOL_GFLAGS, &value)) {
		ret->lro = !!(value & ETH_FLAG_LRO);
		ret->rx_vlan = !!(value & ETH_FLAG_RXVLAN);
	}
	if (!ethtool_value(fd, name, ETHTOOL_GGRO, &value))
		ret->gro = !!value;
	if (!ethtool_value(fd, name, ETHTOOL_GTXCSUM, &value))
		ret->tx_checksum = !!value;
}

static int gather_rp_filter(const char *name)
{
	char path[128];
	int all = read_number("/proc/sys/net/ipv4/conf/all/rp_filter"), own;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
	own = read_number(path);
	return MAX(all, own);
}

void gather_nic(const char *name, struct nic_facts *ret)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {};

	*ret = (struct nic_facts){.name = name,
		.lro = -1,
		.gro = -1,
		.rx_vlan = -1,
		.tx_checksum = -1,
		.rp_filter = -1};
	if (fd < 0 || request(fd, name, SIOCGIFFLAGS, &ifr))
		return;
	ret->there = true;
	ret->up = (ifr.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	if (!request(fd, name, SIOCGIFMTU, &ifr))
		ret->mtu = ifr.ifr_mtu;
	gather_offloads(fd, name, ret);
	ret->rp_filter = gather_rp_filter(name);
}

int gather_mac(const char *name, uint8_t mac[6])
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {};

	if (fd < 0 || request(fd, name, SIOCGIFHWADDR, &ifr))
		return -ENODEV;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}

static bool take_address(const struct sockaddr *from, struct muster_addr *ret)
{
	const struct sockaddr_in6 *six = (const void *)from;
	const struct sockaddr_in *four = (const void *)from;

	*ret = (struct muster_addr){};
	if (from->sa_family == AF_INET6) {
		memcpy(ret, &six->sin6_addr, sizeof(*ret));
		return !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr);
	}
	ret->w[2] = htonl(0xffff);
	ret->w[3] = four->sin_addr.s_addr;
	return true;
}

/* A host's own address has its network's prefix; a VIP that musterd put there is alone. */
static bool is_alone(const struct ifaddrs *row)
{
	const struct sockaddr_in6 *mask = (const void *)row->ifa_netmask;

	return row->ifa_addr->sa_family == AF_INET6 && mask &&
	       !memcmp(&mask->sin6_addr,
		       "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
}

int gather_address(const char *name, const struct muster_addr *vip, struct muster_addr *ret)
{
	struct muster_addr addr;
	struct ifaddrs *all, *row;
	int err = -ENOENT;

	if (getifaddrs(&all))
		return -errno;
	for (row = all; row; row = row->ifa_next) {
		if (!row->ifa_addr || strcmp(row->ifa_name, name) ||
			row->ifa_addr->sa_family != addr_family(vip) ||
			!take_address(row->ifa_addr, &addr) || addr_equal(&addr, vip) ||
			(!err && is_alone(row)))
			continue;
		*ret = addr;
		err = 0;
		if (!is_alone(row))
			break;
	}
	freeifaddrs(all);
	return err;
}
