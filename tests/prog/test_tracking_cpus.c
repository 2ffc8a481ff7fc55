/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program on all CPUs at once, over the same few flows of slots that move, beside a sweep: no entry is lost,
 * doubled or another's.
 */
#include "tracking.h"

#include "core/flows.h"

#include <linux/if_link.h>
#include <pthread.h>
#include <sched.h>

enum { ROUNDS = 4000, FLOWS = 60, REPEAT = 8, MAX_CPUS = 64 };

static unsigned n_threads, arrived, turn;
static bool over;

struct sender {
	pthread_t thread;
	int cpu;
	uint64_t random;
	uint8_t went[FLOWS]; /* a bit for each member */
	bool used[FLOWS];
};

static void meet(void)
{
	unsigned now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == n_threads) {
		arrived = 0;
		__atomic_store_n(&turn, now + 1, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == now)
		sched_yield();
}

/* ---- packets ---- */

/* Of each kind some begin now, and some are older than the change. */
static bool is_new(unsigned flow)
{
	return flow % KINDS < UDP4 && flow / KINDS % 2;
}

static void send_flow(struct sender *sender, unsigned flow)
{
	struct frame in, out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.b, .data_out = out.b,
		.data_size_out = sizeof(out.b), .repeat = REPEAT);

	flow_frame(&in, flow % KINDS, (uint16_t)(1000 + flow), 5000, is_new(flow) ? SYN : ACK);
	opts.data_size_in = (uint32_t)in.n;
	if (bpf_prog_test_run_opts(prog.fd, &opts) || opts.retval != XDP_TX)
		abort();
	sender->used[flow] = true;
	sender->went[flow] |= 1 << out.b[5];
}

static bool send_round(struct sender *sender)
{
	meet();
	if (over)
		return false;
	for (int i = 0; i < FLOWS; i++) {
		sender->random = sender->random * 6364136223846793005ull + 1442695040888963407ull;
		send_flow(sender, (unsigned)(sender->random >> 33) % FLOWS);
	}
	meet();
	return true;
}

static void *send_all(void *data)
{
	struct sender *sender = data;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sender->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	while (send_round(sender))
		;
	return NULL;
}

/* ---- the sweep ---- */

static void sweep_once(void)
{
	static uint8_t held[256];
	struct flows_ring ring = {.slots = prog.rings[0].slot, .n = 256, .held = held};
	struct flows_member known[80] = {};
	struct flows_sweep sweep = {
		.buckets = prog.flows,
		.n_buckets = N_FLOW_BUCKETS,
		.members = known,
		.n_members = ARRAY_SIZE(known),
		.clock = prog.control->clock,
		.tcp_s = 900,
		.udp_s = 30,
	};

	for (unsigned m = NEW; m <= OLD; m++)
		known[77 + m] = (struct flows_member){
			.token = prog.members[m].token, .tcp = &ring, .udp = &ring};
	flows_sweep(&sweep);
}

static void *sweep_all(void *data)
{
	(void)data;
	for (;;) {
		meet();
		if (over)
			return NULL;
		for (int i = 0; i < 20; i++)
			sweep_once();
		meet();
	}
}

/* ---- rounds ---- */

/* A quarter of the table is taken: by flows of a member that left, by some that were idle for long. */
static void prepare(struct sender *senders, int n)
{
	static uint64_t random = 4711;

	memset(prog.flows, 0, N_FLOW_BUCKETS * sizeof(*prog.flows));
	memset(prog.tracking, 0, N_SERVICES * sizeof(*prog.tracking));
	for (int i = 0; i < N_FLOW_BUCKETS * MUSTER_FLOW_WAYS; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		if (random >> 62)
			continue;
		prog.flows[i / MUSTER_FLOW_WAYS].way[i % MUSTER_FLOW_WAYS] = (struct muster_flow){
			0xffff000000000000ull |
				(random >> 61 & 1 ? prog.members[NEW].token : MUSTER_TOKEN(3, 3)),
			77ull << 32 | 1 << 8 | MUSTER_FLOW_CLOSING,
		};
	}
	for (int t = 0; t < n; t++) {
		memset(senders[t].went, 0, sizeof(senders[t].went));
		memset(senders[t].used, 0, sizeof(senders[t].used));
	}
}

static uint64_t inserts_failed(void)
{
	uint64_t failed = 0;

	for (unsigned i = 0; i < N_SERVICES; i++)
		failed += prog.tracking[i].failed;
	return failed;
}

/* The members that the flows are recorded for; there is one entry a flow. */
static size_t count_entries(unsigned member)
{
	size_t n = 0;

	for (int i = 0; i < N_FLOW_BUCKETS * MUSTER_FLOW_WAYS; i++) {
		uint64_t who = prog.flows[i / MUSTER_FLOW_WAYS].way[i % MUSTER_FLOW_WAYS].who;

		n += who >> 48 != 0xffff && (uint32_t)who == prog.members[member].token;
	}
	return n;
}

static void judge(const struct sender *senders, int n, int round)
{
	size_t flows[2] = {};

	for (unsigned flow = 0; flow < FLOWS; flow++) {
		unsigned went = 0, wanted = is_new(flow) ? NEW : OLD;
		bool used = false;

		for (int t = 0; t < n; t++) {
			went |= senders[t].went[flow];
			used |= senders[t].used[flow];
		}
		flows[wanted] += used;
		if (went & ~(1u << wanted))
			fail_msg("round %d: a packet of flow %u went elsewhere", round, flow);
	}
	for (unsigned m = NEW; m <= OLD; m++)
		if (count_entries(m) != flows[m])
			fail_msg("round %d: %zu entries of %zu flows", round, count_entries(m),
				flows[m]);
}

static void run(bool sweeps)
{
	static struct sender senders[MAX_CPUS];
	int n = MIN((int)sysconf(_SC_NPROCESSORS_ONLN), (int)MAX_CPUS), judged = 0;
	pthread_t sweeper;

	over = false;
	n_threads = (unsigned)(n + 1 + sweeps);
	for (int t = 0; t < n; t++) {
		senders[t] = (struct sender){.cpu = t, .random = 1000 + (uint64_t)t};
		assert_int_equal(
			pthread_create(&senders[t].thread, NULL, send_all, &senders[t]), 0);
	}
	if (sweeps)
		assert_int_equal(pthread_create(&sweeper, NULL, sweep_all, NULL), 0);
	for (int round = 0; round < ROUNDS; round++) {
		prepare(senders, n);
		meet();
		meet();
		if (inserts_failed())
			continue;
		judged++;
		judge(senders, n, round);
	}
	over = true;
	meet();
	for (int t = 0; t < n; t++)
		pthread_join(senders[t].thread, NULL);
	if (sweeps)
		pthread_join(sweeper, NULL);
	print_message(
		"  %d CPUs, %d rounds, in %d every insert found a place\n", n, ROUNDS, judged);
	assert_true(judged > ROUNDS / 4);
}

/* Attached to something, or the kernel waits for all CPUs before and after each test run. */
static int attached_scene(void **state)
{
	scene(state);
	return bpf_xdp_attach(LOOPBACK, prog.fd, XDP_FLAGS_SKB_MODE, NULL);
}

static int detached_end(void **state)
{
	bpf_xdp_detach(LOOPBACK, XDP_FLAGS_SKB_MODE, NULL);
	return end(state);
}

static int own_network(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET);
}

static void all_cpus(void **state)
{
	(void)state;
	run(false);
}

static void all_cpus_and_a_sweep(void **state)
{
	(void)state;
	run(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_cpus, attached_scene, detached_end),
		cmocka_unit_test_setup_teardown(all_cpus_and_a_sweep, attached_scene, detached_end),
	};

	return cmocka_run_group_tests(tests, own_network, NULL);
}
