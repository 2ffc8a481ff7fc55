/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/addr.h"
#include "core/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Decimal digits alone. */
static int parse_length(const char *text, unsigned most, unsigned *ret)
{
	char *end;
	unsigned long length;

	if (*text < '0' || *text > '9')
		return -ERANGE;
	errno = 0;
	length = strtoul(text, &end, 10);
	*ret = (unsigned)length;
	return *end || errno || length > most ? -ERANGE : 0;
}

static bool is_zero_behind(const struct muster_addr *addr, unsigned bits)
{
	for (unsigned bit = bits; bit < 128; bit++)
		if (addr->b[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

int addr_parse_prefix(const char *text, struct muster_addr *ret, unsigned *ret_bits)
{
	const char *slash = strchr(text, '/');
	_free_ char *address = slash ? strndup(text, (size_t)(slash - text)) : strdup(text);
	unsigned all;
	int err;

	if (!address)
		return -ENOMEM;
	if (addr_parse(address, ret))
		return -EINVAL;
	*ret_bits = all = addr_is_v4(ret) ? 32 : 128;
	err = slash ? parse_length(slash + 1, all, ret_bits) : 0;
	if (err)
		return err;
	return is_zero_behind(ret, 128 - all + *ret_bits) ? 0 : -EDOM;
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
