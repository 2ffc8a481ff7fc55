/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forged TCP segments without payload, over IPv4, at a fixed rate:
 *
 *	flood IFACE TO_MAC VIP PORT RATE KINDS FIRST_SOURCE N_SOURCES FIRST_PORT N_PORTS
 *
 * KINDS: syn, ack, or both. Sources are FIRST_SOURCE and the N_SOURCES - 1 addresses behind it, in an order that
 * visits them all if N_SOURCES is a power of two; ports and sequence numbers are drawn. Runs until standard
 * input closes, then prints how many were sent.
 */
#include "streams.h"

#include "core/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <time.h>

#define FLOOD_BATCH  32
#define FLOOD_STRIDE 2654435761u /* odd: visits all sources, not one beside the other */

struct frame {
	struct ether_header ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

struct flood {
	int fd;
	uint64_t rate, sent;
	uint32_t first_source, n_sources;
	unsigned first_port, n_ports;
	bool syns, acks;
	struct frame template;
	struct frame frames[FLOOD_BATCH];
	struct iovec parts[FLOOD_BATCH];
	struct mmsghdr messages[FLOOD_BATCH];
};

static uint32_t add_words(uint32_t sum, const void *bytes, size_t n)
{
	uint16_t word;

	for (size_t i = 0; i < n; i += sizeof(word)) {
		memcpy(&word, (const char *)bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void forge(const struct flood *flood, uint64_t i, struct frame *frame)
{
	uint64_t drawn = streams_mix(i + 1);
	struct tcphdr tcp = flood->template.tcp;
	struct iphdr ip = flood->template.ip;
	uint32_t sum;

	ip.saddr = htonl(flood->first_source + (uint32_t)i * FLOOD_STRIDE % flood->n_sources);
	ip.check = fold(add_words(0, &ip, sizeof(ip)));
	tcp.source = htons((uint16_t)(flood->first_port + (drawn & 0xffff) % flood->n_ports));
	tcp.seq = (uint32_t)(drawn >> 16);
	tcp.syn = flood->syns && (!flood->acks || drawn >> 63);
	tcp.ack = !tcp.syn;
	tcp.ack_seq = tcp.ack ? (uint32_t)(drawn >> 32) : 0;
	sum = add_words(htons(IPPROTO_TCP) + htons(sizeof(tcp)), &ip.saddr, 8);
	tcp.check = fold(add_words(sum, &tcp, sizeof(tcp)));
	frame->ethernet = flood->template.ethernet;
	frame->ip = ip;
	frame->tcp = tcp;
}

static int open_interface(struct flood *flood, const char *name, const char *mac)
{
	struct sockaddr_ll link = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
	const struct ether_addr *to = ether_aton(mac);
	int on = 1;

	flood->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (!to || !link.sll_ifindex || flood->fd < 0 ||
		bind(flood->fd, (struct sockaddr *)&link, sizeof(link)))
		return -EINVAL;
	setsockopt(flood->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	memcpy(flood->template.ethernet.ether_dhost, to, ETH_ALEN);
	flood->template.ethernet.ether_shost[0] = 2; /* a local address */
	flood->template.ethernet.ether_type = htons(ETHERTYPE_IP);
	return 0;
}

static int prepare(struct flood *flood, char **argv)
{
	struct in_addr vip, source;

	if (open_interface(flood, argv[1], argv[2]) || inet_pton(AF_INET, argv[3], &vip) != 1 ||
		inet_pton(AF_INET, argv[7], &source) != 1)
		return -EINVAL;
	flood->rate = strtoull(argv[5], NULL, 10);
	flood->syns = strcmp(argv[6], "ack") != 0;
	flood->acks = strcmp(argv[6], "syn") != 0;
	flood->first_source = ntohl(source.s_addr);
	flood->n_sources = (uint32_t)atoi(argv[8]);
	flood->first_port = (unsigned)atoi(argv[9]);
	flood->n_ports = (unsigned)atoi(argv[10]);
	flood->template.ip = (struct iphdr){.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.daddr = vip.s_addr,
		.tot_len = htons(sizeof(struct iphdr) + sizeof(struct tcphdr))};
	flood->template.tcp = (struct tcphdr){.dest = htons((uint16_t)atoi(argv[4])),
		.doff = sizeof(struct tcphdr) / 4,
		.window = htons(1024)};
	for (size_t i = 0; i < FLOOD_BATCH; i++) {
		flood->parts[i] = (struct iovec){&flood->frames[i], sizeof(struct frame)};
		flood->messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &flood->parts[i], .msg_iovlen = 1};
	}
	return flood->rate && flood->n_sources && flood->n_ports ? 0 : -EINVAL;
}

static bool input_closed(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char byte;

	return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static void send_batch(struct flood *flood)
{
	int n;

	for (size_t i = 0; i < FLOOD_BATCH; i++)
		forge(flood, flood->sent + i, &flood->frames[i]);
	n = sendmmsg(flood->fd, flood->messages, FLOOD_BATCH, 0);
	/* What the other end has no room for is lost: ENOBUFS is not worth an end. */
	flood->sent += n > 0 ? (uint64_t)n : FLOOD_BATCH;
}

int main(int argc, char **argv)
{
	static struct flood flood;
	struct timespec pause = {.tv_nsec = 200000};
	uint64_t start = streams_now_ns();

	if (argc != 11 || prepare(&flood, argv)) {
		fprintf(stderr, "usage: flood IFACE TO_MAC VIP PORT RATE syn|ack|both "
				"FIRST_SOURCE N_SOURCES FIRST_PORT N_PORTS\n");
		return 2;
	}
	while (!input_closed()) {
		/* Small batches, evenly: a burst would only overflow the queues of veths. */
		if (flood.sent < (streams_now_ns() - start) / 1000 * flood.rate / 1000000)
			send_batch(&flood);
		else
			nanosleep(&pause, NULL);
	}
	printf("%llu\n", (unsigned long long)flood.sent);
	return 0;
}
