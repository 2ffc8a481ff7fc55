/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Long random histories of a whole balancer: pools that grow and shrink, failures, drains, shares, backups,
 * reloads, restarts, passes of the sweep, under hundreds of flows. No flow may go elsewhere while its backend may
 * keep it. MUSTER_SEED repeats a history, MUSTER_EVENTS makes it longer.
 */
#include "sequence_events.h"

#include <time.h>

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void history(uint64_t seed, uint64_t events, uint32_t n_buckets)
{
	struct sequence *sequence = calloc(1, sizeof(*sequence));
	struct pass pass = {};

	assert_non_null(sequence);
	sequence->seed = seed;
	sequence->trace = (int)number("MUSTER_TRACE", 0);
	sequence->random = muster_mix64(seed) | 1;
	world_open(&sequence->world, n_buckets);
	for (int i = 0; i < FLOWS; i++)
		flow_init(sequence, &sequence->flows[i]);
	while (sequence->n < events) {
		event(sequence, &pass);
		if (sequence->n % 64 == 0)
			world_check(&sequence->world);
	}
	print_message("  seed %llu, %llu events, %u ways: %llu packets (%llu tracked, %llu full), "
		      "%u flows, %u "
		      "lost with their backends, %u flips, %u patches, %u restarts\n",
		(unsigned long long)seed, (unsigned long long)events, n_buckets * MUSTER_FLOW_WAYS,
		(unsigned long long)sequence->packets, (unsigned long long)sequence->moved,
		(unsigned long long)sequence->full, sequence->opened, sequence->lost,
		sequence->world.flips, sequence->world.patches, sequence->world.restarts);
	pass_end(&pass);
	world_close(&sequence->world);
	free(sequence);
}

static void with_room(void **state)
{
	(void)state;
	history(number("MUSTER_SEED", (uint64_t)time(NULL)), number("MUSTER_EVENTS", 1000000), 256);
}

static void nearly_full(void **state)
{
	(void)state;
	history(number("MUSTER_SEED", (uint64_t)time(NULL)), number("MUSTER_EVENTS", 1000000), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_room),
		cmocka_unit_test(nearly_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
