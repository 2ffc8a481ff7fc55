/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs that meet in the same buckets, and a sweep beside them: no entry is lost, doubled or another's. Each round
 * begins with a table half full of what the sweep has to remove, so that places come free while flows are recorded.
 */
#include "tracking.h"

#include "core/flows.h"

#include "tests/unit/core/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 2, N_FLOWS = 24, N_BUCKETS = 16, SLOTS = 256, CLOCK = 100000, ROUNDS = 100000 };
enum { CURRENT, PREVIOUS, GONE };

static struct muster_flow_bucket buckets[N_BUCKETS];
static struct muster_member members[2];
static struct muster_tracking tracking[THREADS + 1];
static uint32_t slots[SLOTS];
static bool ends;

struct sender {
	pthread_t thread;
	uint64_t random;
	uint32_t number;
	bool udp;
	uint8_t went
		[N_FLOWS]; /* a bit for each member that got packets of the flow in this round */
	bool failed[N_FLOWS];
};

static uint32_t token(uint32_t member)
{
	return MUSTER_TOKEN(member + 1, member);
}

static uint32_t flow_tag(uint32_t flow)
{
	return (uint32_t)muster_mix64(flow + 1) | 2;
}

/* ---- rounds begin and end together, within a few nanoseconds ---- */

static unsigned n_threads, arrived, turn;

static void meet(void)
{
	unsigned now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == n_threads) {
		arrived = 0;
		__atomic_store_n(&turn, now + 1, __ATOMIC_RELEASE);
		return;
	}
	for (unsigned spins = 0; __atomic_load_n(&turn, __ATOMIC_ACQUIRE) == now; spins++)
		if (spins > 100000)
			sched_yield();
}

/* ---- one CPU ---- */

/* Odd flows are older than the change, even ones begin now. */
static void send_packet(struct sender *sender, uint32_t flow)
{
	bool syn = !(flow % 2) && !sender->udp;
	struct tracking_packet packet = {
		.bucket = (uint32_t)muster_mix64(flow + 99),
		.tag = flow_tag(flow),
		.slot = MUSTER_SLOT(CURRENT, PREVIOUS),
		.seq = flow << 16,
		.clock = CLOCK,
		.service = sender->number,
		.kind = sender->udp ? TRACK_DATAGRAM
			: syn	    ? TRACK_SYN
				    : TRACK_SEGMENT,
	};
	uint64_t failed = tracking[sender->number].failed;
	struct tracking_result result = tracking_send(&packet);

	if (result.verdict != TRACK_SEND)
		abort();
	sender->failed[flow] |= tracking[sender->number].failed != failed;
	sender->went[flow] |= 1 << result.index;
}

/* False: there are no more rounds. */
static bool send_round(struct sender *sender)
{
	meet();
	if (ends)
		return false;
	for (int i = 0; i < 3 * N_FLOWS; i++)
		send_packet(sender, unit_random(&sender->random, N_FLOWS));
	meet();
	return true;
}

static void *send_all(void *data)
{
	while (send_round(data))
		;
	return NULL;
}

/* ---- the sweep ---- */

static void sweep_once(void)
{
	static uint8_t held[SLOTS];
	struct flows_ring ring = {.slots = slots, .n = SLOTS, .held = held};
	struct flows_member known[4] = {};
	struct flows_sweep sweep = {
		.buckets = buckets,
		.n_buckets = N_BUCKETS,
		.members = known,
		.n_members = 4,
		.clock = CLOCK,
		.tcp_s = 900,
		.udp_s = 30,
	};

	for (uint32_t m = CURRENT; m <= PREVIOUS; m++)
		known[m + 1] = (struct flows_member){.token = token(m), .tcp = &ring, .udp = &ring};
	flows_sweep(&sweep);
}

static void *sweep_all(void *data)
{
	(void)data;
	for (;;) {
		meet();
		if (ends)
			return NULL;
		for (int i = 0; i < 20; i++)
			sweep_once();
		meet();
	}
}

/* ---- rounds ---- */

/* Half of the places are taken: by flows of a backend that left, by some that were idle for an hour. */
static void prepare(struct sender *senders, uint64_t *random)
{
	memset(tracking, 0, sizeof(tracking));
	memset(buckets, 0, sizeof(buckets));
	for (int i = 0; i < N_BUCKETS * MUSTER_FLOW_WAYS; i++)
		if (unit_random(random, 2))
			buckets[i / MUSTER_FLOW_WAYS].way[i % MUSTER_FLOW_WAYS] =
				(struct muster_flow){
					0xffff000000000000ull |
						token(unit_random(random, 2) ? GONE : CURRENT),
					77ull << 32 | (CLOCK - 3600) << 8 | MUSTER_FLOW_CLOSING,
				};
	for (int t = 0; t < THREADS; t++) {
		memset(senders[t].went, 0, sizeof(senders[t].went));
		memset(senders[t].failed, 0, sizeof(senders[t].failed));
	}
}

static unsigned count_entries(uint32_t flow, uint32_t *ret_member)
{
	unsigned n = 0;

	for (int b = 0; b < N_BUCKETS; b++)
		for (int w = 0; w < MUSTER_FLOW_WAYS; w++) {
			uint64_t who = buckets[b].way[w].who;

			if (who >> 32 != flow_tag(flow) || !(uint32_t)who)
				continue;
			n++;
			*ret_member = MUSTER_TOKEN_INDEX((uint32_t)who);
		}
	return n;
}

static void judge(const struct sender *senders, unsigned round)
{
	for (uint32_t flow = 0; flow < N_FLOWS; flow++) {
		uint32_t member = GONE, wanted = flow % 2 || senders->udp ? PREVIOUS : CURRENT;
		unsigned n = count_entries(flow, &member), went = 0;
		bool failed = false;

		for (int t = 0; t < THREADS; t++) {
			went |= senders[t].went[flow];
			failed |= senders[t].failed[flow];
		}
		if (n > 1)
			fail_msg("round %u: flow %u has %u entries", round, flow, n);
		if (n && member != wanted)
			fail_msg("round %u: flow %u is another's", round, flow);
		if (went && !failed && !n)
			fail_msg("round %u: the entry of flow %u was lost", round, flow);
		if (!failed && went & ~(1u << wanted))
			fail_msg("round %u: a packet of flow %u went elsewhere", round, flow);
	}
}

static void pin(pthread_t thread, int number)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(number % (int)sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	pthread_setaffinity_np(thread, sizeof(cpus), &cpus);
}

static void run(bool udp, bool sweeps)
{
	struct sender senders[THREADS] = {};
	uint64_t random = 4711, failed = 0;
	pthread_t sweeper;

	ends = false;
	tracking_tables = (struct tracking_tables){
		buckets, N_BUCKETS - 1, members, ARRAY_SIZE(members), tracking};
	for (uint32_t m = CURRENT; m <= PREVIOUS; m++)
		members[m] = (struct muster_member){.new_ok = 1, .old_ok = 1, .token = token(m)};
	for (int s = 0; s < SLOTS; s++)
		slots[s] = MUSTER_SLOT(CURRENT, PREVIOUS);
	n_threads = THREADS + sweeps;
	for (uint32_t t = 0; t < THREADS; t++) {
		senders[t] = (struct sender){.number = t, .random = 1000 + t, .udp = udp};
		if (t)
			assert_int_equal(
				pthread_create(&senders[t].thread, NULL, send_all, &senders[t]), 0);
		pin(t ? senders[t].thread : pthread_self(), (int)t);
	}
	if (sweeps)
		assert_int_equal(pthread_create(&sweeper, NULL, sweep_all, NULL), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		prepare(senders, &random);
		send_round(&senders[0]);
		judge(senders, round);
		for (int t = 0; t < THREADS; t++)
			failed += tracking[t].failed;
	}
	ends = true;
	send_round(&senders[0]);
	for (int t = 1; t < THREADS; t++)
		pthread_join(senders[t].thread, NULL);
	if (sweeps)
		pthread_join(sweeper, NULL);
	print_message("  %d rounds, %llu inserts failed\n", ROUNDS, (unsigned long long)failed);
}

static void segments(void **state)
{
	(void)state;
	run(false, false);
}

static void segments_and_sweeps(void **state)
{
	(void)state;
	run(false, true);
}

static void datagrams_and_sweeps(void **state)
{
	(void)state;
	run(true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments),
		cmocka_unit_test(segments_and_sweeps),
		cmocka_unit_test(datagrams_and_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
