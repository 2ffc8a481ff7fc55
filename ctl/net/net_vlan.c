/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/util.h"
#include "net/net.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int ethtool(int fd, const char *name, struct ethtool_value *value)
{
	struct ifreq request = {.ifr_data = (char *)value};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
}

static int get_flags(int fd, const char *name, uint32_t *ret)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
	int err = ethtool(fd, name, &value);

	*ret = value.data;
	return err;
}

int net_vlan_offload_off(const char *name)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value value = {.cmd = ETHTOOL_SFLAGS};
	uint32_t flags;
	int err;

	if (fd < 0)
		return -errno;
	err = get_flags(fd, name, &flags);
	if (err == -EOPNOTSUPP)
		return 0; /* no ethtool: no offload either */
	if (err || !(flags & ETH_FLAG_RXVLAN))
		return err;
	value.data = flags & ~ETH_FLAG_RXVLAN;
	err = ethtool(fd, name, &value);
	if (err)
		return err == -EINVAL ? -EOPNOTSUPP : err;
	err = get_flags(fd, name, &flags);
	if (err)
		return err;
	return flags & ETH_FLAG_RXVLAN ? -EOPNOTSUPP : 0;
}
