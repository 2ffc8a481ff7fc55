/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int addr_parse(const char *text, struct muster_addr *ret)
{
	struct muster_addr addr = {};

	if (inet_pton(AF_INET, text, &addr.w[3]) == 1)
		addr.w[2] = htonl(0xffff);
	else if (inet_pton(AF_INET6, text, &addr) != 1)
		return -EINVAL;
	*ret = addr;
	return 0;
}

bool addr_is_v4(const struct muster_addr *addr)
{
	return !addr->d[0] && addr->w[2] == htonl(0xffff);
}

bool addr_equal(const struct muster_addr *a, const struct muster_addr *b)
{
	return a->d[0] == b->d[0] && a->d[1] == b->d[1];
}

int addr_compare(const struct muster_addr *a, const struct muster_addr *b)
{
	return memcmp(a, b, sizeof(*a));
}

bool addr_is_unusable(const struct muster_addr *addr)
{
	if (addr_is_v4(addr)) {
		__u8 first = addr->b[12];

		return first == 0 || first == 127 || first >= 224;
	}
	if (addr->b[0] == 0xff)
		return true;
	return !addr->d[0] && !addr->w[2] && ntohl(addr->w[3]) <= 1;
}

int addr_family(const struct muster_addr *addr)
{
	return addr_is_v4(addr) ? AF_INET : AF_INET6;
}

const char *addr_format(const struct muster_addr *addr, char *buf)
{
	if (addr_is_v4(addr))
		return inet_ntop(AF_INET, &addr->w[3], buf, ADDR_TEXT);
	return inet_ntop(AF_INET6, addr, buf, ADDR_TEXT);
}

const char *addr_format_port(const struct muster_addr *addr, __be16 port, char *buf)
{
	char text[ADDR_TEXT];

	snprintf(buf, ADDR_TEXT, addr_is_v4(addr) ? "%.45s:%u" : "[%.45s]:%u",
		addr_format(addr, text), ntohs(port));
	return buf;
}

socklen_t addr_to_sockaddr(const struct muster_addr *addr, __be16 port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (addr_is_v4(addr)) {
		in->sin_family = AF_INET;
		in->sin_port = port;
		in->sin_addr.s_addr = addr->w[3];
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	memcpy(&in6->sin6_addr, addr, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}
