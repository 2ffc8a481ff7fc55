/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor/probe.h"

#include "core/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#define SMALL	 64  /* bytes of the first probe */
#define ROUND_MS 400 /* for an answer */
#define TRIES	 2   /* of the same size: one packet may be lost */
#define SERIES	 512 /* sequence numbers of one round: at most as many probes */

/* The sizes between which the largest that gets through is. */
struct search {
	unsigned answered, silent; /* silent: the smallest that was not; wanted + 1 at first */
	unsigned trying, tries;	   /* trying 0: done */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* The whole at once after the small one: mostly that is the end of it. */
static void choose_size(struct search *search, unsigned wanted)
{
	if (!search->answered)
		search->trying = search->tries < TRIES ? SMALL : 0;
	else if (search->answered >= wanted || search->silent <= search->answered + 1)
		search->trying = 0;
	else if (search->silent > wanted)
		search->trying = wanted;
	else
		search->trying = (search->answered + search->silent) / 2;
}

static void settle_round(struct search *search, unsigned wanted)
{
	if (!search->trying)
		return;
	if (search->answered >= search->trying) {
		search->tries = 0;
	} else if (++search->tries >= TRIES) {
		search->silent = search->trying;
		if (search->answered)
			search->tries = 0;
	}
	choose_size(search, wanted);
}

static void send_round(
	int fd, const struct probe *probes, const struct search *searches, size_t n, uint16_t id)
{
	uint8_t frame[FRAME_BYTES_MAX];

	for (size_t i = 0; i < n; i++) {
		struct sockaddr_ll to = {
			.sll_family = AF_PACKET, .sll_ifindex = (int)probes[i].ifindex};
		size_t bytes = searches[i].trying ? probe_frame(frame, &probes[i].shape,
							    searches[i].trying, id, (uint16_t)i)
						  : 0;

		if (bytes)
			sendto(fd, frame, bytes, 0, (struct sockaddr *)&to, sizeof(to));
	}
}

/* The answer names its round by the identifier and its probe by the sequence number. */
static void hear(const uint8_t *packet, size_t n, const struct probe *probes,
	struct search *searches, size_t n_probes, uint16_t id)
{
	struct muster_addr vip;
	uint16_t from, sequence;

	if (!probe_answer(packet, n, &vip, &from, &sequence) || from != id ||
		sequence >= n_probes || !addr_equal(&vip, &probes[sequence].shape.vip))
		return;
	searches[sequence].answered = MAX(searches[sequence].answered, searches[sequence].trying);
}

static bool all_heard(const struct search *searches, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (searches[i].trying && searches[i].answered < searches[i].trying)
			return false;
	return true;
}

static void hear_round(
	int fd, const struct probe *probes, struct search *searches, size_t n, uint16_t id)
{
	int64_t end = now_ms() + ROUND_MS, left;
	uint8_t packet[FRAME_BYTES_MAX];

	while (!all_heard(searches, n) && (left = end - now_ms()) > 0) {
		struct pollfd poller = {.fd = fd, .events = POLLIN};
		struct sockaddr_ll from;
		socklen_t size = sizeof(from);
		ssize_t got;

		if (poll(&poller, 1, (int)left) <= 0)
			continue;
		got = recvfrom(
			fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (got > 0 && from.sll_pkttype != PACKET_OUTGOING)
			hear(packet, (size_t)got, probes, searches, n, id);
	}
}

static bool any_left(const struct search *searches, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (searches[i].trying)
			return true;
	return false;
}

static void run_series(int out, int in, struct probe *probes, size_t n)
{
	_free_ struct search *searches = calloc(n, sizeof(*searches));
	uint16_t id = (uint16_t)(getpid() << 4);

	if (!searches)
		return;
	for (size_t i = 0; i < n; i++) {
		searches[i].silent = probes[i].wanted + 1;
		choose_size(&searches[i], probes[i].wanted);
	}
	while (any_left(searches, n)) {
		id++;
		send_round(out, probes, searches, n, id);
		hear_round(in, probes, searches, n, id);
		for (size_t i = 0; i < n; i++)
			settle_round(&searches[i], probes[i].wanted);
	}
	for (size_t i = 0; i < n; i++)
		probes[i].reached = searches[i].answered;
}

int probe_run(struct probe *probes, size_t n)
{
	_close_ int in = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	_close_ int out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (in < 0 || out < 0)
		return errno == EACCES ? -EPERM : -errno;
	for (size_t first = 0; first < n; first += SERIES)
		run_series(out, in, &probes[first], MIN(n - first, (size_t)SERIES));
	return 0;
}
