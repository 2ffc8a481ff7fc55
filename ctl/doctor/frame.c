/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor/frame.h"

#include "core/util.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <net/ethernet.h>

#define PROBE_TTL 64

unsigned probe_overhead(const struct probe_shape *shape)
{
	unsigned ip = addr_is_v4(&shape->outer_dst) ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);

	switch (shape->mode) {
	case MUSTER_MODE_IPIP:
		return ip;
	case MUSTER_MODE_GUE:
		return ip + sizeof(struct udphdr);
	default:
		return 0;
	}
}

static uint32_t sum_bytes(const void *data, size_t n, uint32_t sum)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint32_t pseudo(
	const struct muster_addr *src, const struct muster_addr *dst, uint8_t proto, size_t n)
{
	return sum_bytes(src, 16, sum_bytes(dst, 16, (uint32_t)n + proto));
}

/* Returns what is behind the header. */
static uint8_t *write_ip(uint8_t *at, const struct muster_addr *src, const struct muster_addr *dst,
	uint8_t proto, size_t payload)
{
	struct iphdr *ip4 = (struct iphdr *)(void *)at;
	struct ip6_hdr *ip6 = (struct ip6_hdr *)(void *)at;

	if (!addr_is_v4(dst)) {
		*ip6 = (struct ip6_hdr){.ip6_flow = htonl(6u << 28),
			.ip6_plen = htons((uint16_t)payload),
			.ip6_nxt = proto,
			.ip6_hlim = PROBE_TTL};
		memcpy(&ip6->ip6_src, src, 16);
		memcpy(&ip6->ip6_dst, dst, 16);
		return at + sizeof(*ip6);
	}
	*ip4 = (struct iphdr){.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(sizeof(*ip4) + payload)),
		.frag_off = htons(IP_DF),
		.ttl = PROBE_TTL,
		.protocol = proto,
		.saddr = src->w[3],
		.daddr = dst->w[3]};
	ip4->check = fold(sum_bytes(ip4, sizeof(*ip4), 0));
	return at + sizeof(*ip4);
}

static void write_echo(uint8_t *at, const struct probe_shape *shape, unsigned bytes, uint16_t id,
	uint16_t sequence)
{
	bool v4 = addr_is_v4(&shape->vip);
	size_t n = bytes - (v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr));
	uint8_t *message =
		write_ip(at, &shape->src, &shape->vip, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, n);
	struct icmphdr *icmp = (struct icmphdr *)(void *)message;

	memset(message, 'm', n);
	*icmp = (struct icmphdr){.type = v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
		.un.echo = {htons(id), htons(sequence)}};
	icmp->checksum = fold(sum_bytes(
		message, n, v4 ? 0 : pseudo(&shape->src, &shape->vip, IPPROTO_ICMPV6, n)));
}

static uint8_t *write_udp(uint8_t *at, const struct probe_shape *shape, unsigned bytes)
{
	struct udphdr *udp = (struct udphdr *)(void *)at;

	*udp = (struct udphdr){.uh_sport = htons(0xc000),
		.uh_dport = shape->gue_port,
		.uh_ulen = htons((uint16_t)(sizeof(*udp) + bytes))};
	return at + sizeof(*udp);
}

size_t probe_frame(uint8_t *frame, const struct probe_shape *shape, unsigned bytes, uint16_t id,
	uint16_t sequence)
{
	bool inner4 = addr_is_v4(&shape->vip), outer4 = addr_is_v4(&shape->outer_dst);
	bool encapsulated = shape->mode != MUSTER_MODE_L2DSR, gue = shape->mode == MUSTER_MODE_GUE;
	bool wire4 = encapsulated ? outer4 : inner4;
	uint8_t *at = frame + sizeof(struct ether_header), *udp = NULL;
	struct ether_header *eth = (struct ether_header *)(void *)frame;
	size_t n = sizeof(*eth) + probe_overhead(shape) + bytes;

	if (n > FRAME_BYTES_MAX)
		return 0;
	memcpy(eth->ether_dhost, shape->dst_mac, sizeof(eth->ether_dhost));
	memcpy(eth->ether_shost, shape->src_mac, sizeof(eth->ether_shost));
	eth->ether_type = htons(wire4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	if (encapsulated)
		at = write_ip(at, &shape->outer_src, &shape->outer_dst,
			gue	 ? IPPROTO_UDP
			: inner4 ? IPPROTO_IPIP
				 : IPPROTO_IPV6,
			bytes + (gue ? sizeof(struct udphdr) : 0));
	if (gue) {
		udp = at;
		at = write_udp(at, shape, bytes);
	}
	write_echo(at, shape, bytes, id, sequence);
	if (udp && !outer4) {
		size_t length = bytes + sizeof(struct udphdr);
		uint16_t check = fold(sum_bytes(udp, length,
			pseudo(&shape->outer_src, &shape->outer_dst, IPPROTO_UDP, length)));

		((struct udphdr *)(void *)udp)->uh_sum = check ? check : 0xffff;
	}
	return n;
}

bool probe_answer(const uint8_t *ip, size_t n, struct muster_addr *vip, uint16_t *ret_id,
	uint16_t *ret_sequence)
{
	const struct ip6_hdr *ip6 = (const void *)ip;
	const struct iphdr *ip4 = (const void *)ip;
	const struct icmphdr *icmp;
	bool v4 = n && ip[0] >> 4 == 4;
	size_t header = v4 ? (ip[0] & 15u) * 4u : sizeof(*ip6);

	if (!n || header < sizeof(*ip4) || n < header + sizeof(*icmp))
		return false;
	icmp = (const void *)(ip + header);
	*vip = (struct muster_addr){};
	if (v4) {
		if (ip4->protocol != IPPROTO_ICMP || icmp->type != ICMP_ECHOREPLY ||
			ip4->frag_off & htons(IP_OFFMASK))
			return false;
		vip->w[2] = htonl(0xffff);
		vip->w[3] = ip4->saddr;
	} else {
		if (ip6->ip6_nxt != IPPROTO_ICMPV6 || icmp->type != ICMP6_ECHO_REPLY)
			return false;
		memcpy(vip, &ip6->ip6_src, sizeof(*vip));
	}
	*ret_id = ntohs(icmp->un.echo.id);
	*ret_sequence = ntohs(icmp->un.echo.sequence);
	return true;
}
