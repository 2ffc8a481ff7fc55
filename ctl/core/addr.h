/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses as text. IPv4 lives as ::ffff:a.b.c.d everywhere but on the wire. */
#ifndef MUSTER_CORE_ADDR_H
#define MUSTER_CORE_ADDR_H

#include <muster/abi.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#define ADDR_TEXT 64 /* room for "[v6]:port" */

/* @text: dotted IPv4 or IPv6 without brackets or zone. 0 or -EINVAL. */
int addr_parse(const char *text, struct muster_addr *ret);

/*
 * "10.64.0.0/16", "2001:db8::/112", or an address alone. *ret_bits: of its family, 0-32 or 0-128. -EINVAL: no
 * address; -ERANGE: a length that its family has not; -EDOM: bits set behind the length.
 */
int addr_parse_prefix(const char *text, struct muster_addr *ret, unsigned *ret_bits);

bool addr_is_v4(const struct muster_addr *addr);
bool addr_equal(const struct muster_addr *a, const struct muster_addr *b);
int addr_compare(const struct muster_addr *a, const struct muster_addr *b);

/* Unspecified, loopback, multicast or broadcast: neither a VIP nor a backend may be one. */
bool addr_is_unusable(const struct muster_addr *addr);

int addr_family(const struct muster_addr *addr); /* AF_INET or AF_INET6 */

/* @buf: at least ADDR_TEXT bytes; returns it. */
const char *addr_format(const struct muster_addr *addr, char *buf);

/* "192.0.2.1:80", "[2001:db8::1]:80"; @port in network byte order. */
const char *addr_format_port(const struct muster_addr *addr, __be16 port, char *buf);

/* Fills @ss; returns its length. @port in network byte order. */
socklen_t addr_to_sockaddr(
	const struct muster_addr *addr, __be16 port, struct sockaddr_storage *ss);

#endif
