/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends UDP packets of 60 bytes in 4096 flows, as fast as the chain behind the interface takes them:
 *
 *	generate IFACE SECONDS TO_MAC SOURCE DESTINATION PORT
 *
 * Live frames of BPF_PROG_RUN: the kernel hands them to the interface without a system call a packet, and
 * what receives, forwards and drops them runs in softirqs of the same CPU. The interface needs an XDP
 * program; a veth's other end needs one too, or GRO. Prints the number of packets and the nanoseconds.
 */
#include "generate.skel.h"

#include "generate.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static uint16_t ip_checksum(const struct iphdr *ip)
{
	const uint16_t *words = (const void *)ip;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*ip) / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static int fill_template(uint8_t *frame, char **argv)
{
	const struct ether_addr *to = ether_aton(argv[3]);
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.tot_len = htons(GENERATE_BYTES - ETH_HLEN),
	};
	struct udphdr udp = {
		.dest = htons((uint16_t)atoi(argv[6])),
		.len = htons(GENERATE_BYTES - ETH_HLEN - sizeof(ip)),
	};
	const uint16_t type = htons(ETH_P_IP);

	if (!to || inet_pton(AF_INET, argv[4], &ip.saddr) != 1 ||
		inet_pton(AF_INET, argv[5], &ip.daddr) != 1 || !udp.dest)
		return -EINVAL;
	ip.check = ip_checksum(&ip);
	memset(frame, 0, GENERATE_BYTES);
	memcpy(frame, to, ETH_ALEN);
	frame[ETH_ALEN] = 2; /* a local source address */
	memcpy(frame + 2 * ETH_ALEN, &type, sizeof(type));
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
	memcpy(frame + ETH_HLEN + sizeof(ip), &udp, sizeof(udp));
	return 0;
}

static void on_alarm(int signal)
{
	(void)signal; /* interrupts BPF_PROG_RUN */
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Returns the nanoseconds it took, or -errno. */
static int64_t run(struct generate_bpf *skel, unsigned ifindex, double seconds)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds,
					  .tv_usec = (suseconds_t)(seconds * 1e6) % 1000000}};
	struct xdp_md ctx = {.data_end = GENERATE_BYTES, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = skel->bss->template,
		.data_size_in = GENERATE_BYTES, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
		.repeat = INT32_MAX, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	uint64_t start = now_ns();
	int err;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.generate), &opts);
	return err && err != -EINTR ? err : (int64_t)(now_ns() - start);
}

int main(int argc, char **argv)
{
	struct generate_bpf *skel;
	unsigned ifindex;
	int64_t took;

	if (argc != 7) {
		fprintf(stderr, "usage: generate IFACE SECONDS TO_MAC SOURCE DESTINATION PORT\n");
		return 2;
	}
	ifindex = if_nametoindex(argv[1]);
	skel = generate_bpf__open_and_load();
	if (!ifindex || !skel || fill_template(skel->bss->template, argv)) {
		fprintf(stderr, "generate: no such interface, no program or bad address\n");
		return 1;
	}
	took = run(skel, ifindex, atof(argv[2]));
	if (took < 0) {
		fprintf(stderr, "generate: %s\n", strerror((int)-took));
		return 1;
	}
	printf("%llu %lld\n", (unsigned long long)skel->bss->sent, (long long)took);
	generate_bpf__destroy(skel);
	return 0;
}
