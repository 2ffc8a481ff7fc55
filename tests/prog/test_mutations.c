/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of every kind, bent: MUSTER_MUTATIONS of them (200,000), the same ones each time, through the
 * program; what must hold for every frame is in invariants.h. MUSTER_SEED starts elsewhere.
 */
#include "invariants.h"
#include "seeds.h"

#include <stdio.h>
#include <stdlib.h>

#define WORST 8 /* failures of different kinds that are shown */

static struct scene scene;
static struct scene_counts reasons;

/* ---- chance ---- */

static uint64_t chance;

static uint32_t below(uint32_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return n ? (uint32_t)(chance >> 32) % n : 0;
}

#define ANY(array) ((array)[below(ARRAY_SIZE(array))])

static size_t somewhere(const struct frame *f)
{
	size_t n = below(2) ? f->n : f->n < 90 ? f->n : 90;

	return below((uint32_t)n);
}

/* ---- mutations ---- */

/* Another payload, lengths and checksums as they have to be. Not of fragments, options, extensions. */
static void resize(struct frame *f, size_t payload)
{
	size_t header = f->proto == IPPROTO_TCP ? 20 : 8;

	if (f->b[f->ip] != (f->v6 ? 0x60 : 0x45) || f->b[f->ip + (f->v6 ? 6 : 9)] != f->proto ||
		(!f->v6 && get16(f, f->ip + 6)))
		return;
	for (f->n = f->l4 + header; payload; payload--)
		put8(f, (uint8_t)below(256));
	if (f->proto == IPPROTO_TCP)
		set16(f, f->l4 + 16, 0);
	else if (f->proto == IPPROTO_UDP)
		set16(f, f->l4 + 6, 0);
	else
		set16(f, f->l4 + 2, 0);
	seal(f);
}

static void random_seed(struct frame *f)
{
	static const char *const others[] = {"198.18.0.200", "2001:db8::200"};
	uint32_t i = below(ARRAY_SIZE(scene_vips) + ARRAY_SIZE(others));
	const char *addr = i < ARRAY_SIZE(scene_vips) ? scene_vips[i].addr
						      : others[i - ARRAY_SIZE(scene_vips)];

	seed(f, addr, below(SEED_KINDS));
	if (f->l4 == f->ip + (f->v6 ? 40u : 20u) && below(2))
		resize(f, below(100));
}

static void flip_bits(struct frame *f)
{
	for (uint32_t i = below(8) + 1; i; i--)
		f->b[somewhere(f)] ^= (uint8_t)(1u << below(8));
}

static void set_byte(struct frame *f)
{
	static const uint8_t values[] = {0, 1, 4, 6, 17, 41, 44, 50, 51, 58, 59, 60, 0x45, 0x60,
		0x7f, 0x80, 0x88, 0xfe, 0xff};

	f->b[somewhere(f)] = ANY(values);
}

static void random_bytes(struct frame *f)
{
	size_t at = somewhere(f);

	for (uint32_t n = below(16); n && at < f->n; n--)
		f->b[at++] = (uint8_t)below(256);
}

static void truncate_frame(struct frame *f)
{
	f->n = 14 + below((uint32_t)(f->n - 13));
}

static void pad(struct frame *f)
{
	for (uint32_t n = below(64); n && f->n < 1900; n--)
		put8(f, below(2) ? 0 : (uint8_t)below(256));
}

static void splice(struct frame *f)
{
	struct frame other;
	size_t from, at, n;

	random_seed(&other);
	from = somewhere(&other);
	at = somewhere(f);
	n = below((uint32_t)(other.n - from)) + 1;
	if (below(2)) {
		insert(f, at, other.b + from, n);
		return;
	}
	if (at + n > f->n)
		n = f->n - at;
	memcpy(f->b + at, other.b + from, n);
}

static void cut_out(struct frame *f)
{
	size_t at = somewhere(f), n = below(48);

	if (at + n > f->n || f->n - n < 14)
		return;
	memmove(f->b + at, f->b + at + n, f->n - at - n);
	f->n -= n;
}

static void tag_it(struct frame *f)
{
	static const uint16_t tpids[] = {0x8100, 0x88a8, 0x8100, 0x9100};
	struct frame tag = {};

	put16(&tag, ANY(tpids));
	put16(&tag, (uint16_t)below(65536));
	insert(f, 12, tag.b, 4);
	f->ip += 4;
	f->l4 += 4;
}

static void lie_about_lengths(struct frame *f)
{
	static const int changes[] = {-40, -20, -9, -8, -7, -4, -1, 1, 4, 7, 8, 9, 20, 40, 1000};
	size_t at = below(2) ? f->ip + (f->v6 ? 4 : 2) : f->l4 + 4;

	if (at + 2 <= f->n)
		add16(f, at, ANY(changes));
}

static void move_address(struct frame *f)
{
	static const char *const from4[] = {"0.0.0.0", "127.0.0.1", "224.0.0.9", "255.255.255.255",
		"192.0.2.7", "198.18.0.100"};
	static const char *const from6[] = {
		"::", "::1", "ff02::1", "2001:db8:1::7", "::ffff:198.18.0.100", "2001:db8::100"};
	size_t at = f->ip + (f->v6 ? 8 : 12), bytes_of = f->v6 ? 16 : 4;
	const char *to = ANY(scene_vips).addr;

	if (f->ip + 40 > f->n)
		return;
	if (below(2))
		inet_pton(f->v6 ? AF_INET6 : AF_INET, f->v6 ? ANY(from6) : ANY(from4), f->b + at);
	else if (!strchr(to, ':') == !f->v6)
		inet_pton(f->v6 ? AF_INET6 : AF_INET, to, f->b + at + bytes_of);
}

static void set_field(struct frame *f)
{
	static const uint16_t words[] = {
		0, 1, 5, 7, 8, 20, 28, 80, 81, 443, 0x1fff, 0x2000, 0x4000, 0x4001, 0x8000, 0xffff};
	static const uint8_t offsets[] = {0, 1, 2, 4, 6, 8, 9, 20, 22, 24, 32, 40, 42, 44, 46, 48};
	size_t at = (below(2) ? f->ip : f->l4) + ANY(offsets);

	if (at + 2 <= f->n)
		set16(f, at, ANY(words));
}

static void more_headers(struct frame *f)
{
	static const char options[][4] = {{1, 1, 1, 1}, {7, 3, 4, 0}, {(char)131, 3, 4, 0},
		{68, 0, 0, 0}, {(char)148, 4, 0, 0}};
	static const uint8_t numbers[] = {0, 60, 60, 43, 44, 51};
	char header[8] = {0, 0, 1, 4};

	if (f->n < f->ip + 40)
		return;
	if (f->v6)
		for (uint32_t n = below(10); n; n--)
			add_extension(f, ANY(numbers), header, sizeof(header));
	else if ((f->b[f->ip] & 15) < 15)
		add_options(f, ANY(options), 4);
}

static void fragment_it(struct frame *f)
{
	if (f->n >= f->ip + 40 && f->n < 1800)
		make_fragment(f, (uint16_t)(below(3) ? below(4) : below(8192)), below(2));
}

static void (*const mutations[])(struct frame *) = {flip_bits, flip_bits, set_byte, random_bytes,
	truncate_frame, pad, splice, cut_out, tag_it, lie_about_lengths, move_address, set_field,
	set_field, more_headers, fragment_it};

/* ---- the world changes, too ---- */

static void change_world(void)
{
	static const uint16_t mtus[] = {1500, 1500, 1500, 1400, 1300, 1280, 576, 100, 68, 9000};
	static const struct muster_tag tags[] = {{0x0081, 0x6400}, {0xa888, 0x0120}};

	for (uint32_t i = 1; i <= SCENE_HOPS; i++) {
		struct muster_nexthop *hop = &scene.prog.nexthops[i];
		uint32_t n = below(4);

		scene_reset_hop(&scene, i);
		hop->mtu = ANY(mtus);
		hop->ifindex = below(4) ? LOOPBACK : 77;
		hop->source_mask = below(2) ? 0 : htonl(0x3fff);
		hop->tag[0] = n == 1 || n == 2 ? tags[n - 1] : (struct muster_tag){};
		hop->tag[1] = n == 2 ? tags[0] : (struct muster_tag){};
	}
	scene.prog.control->reply_rate = below(8) ? 100000000 : 0;
}

/* ---- runs ---- */

static const char *worst[WORST];
static unsigned n_worst, n_wrong;

static void complain(const char *text, unsigned long number, const struct run *run,
	const struct frame *in, const struct frame *out)
{
	n_wrong++;
	for (unsigned i = 0; i < n_worst; i++)
		if (worst[i] == text)
			return;
	if (n_worst == WORST)
		return;
	worst[n_worst++] = text;
	fprintf(stderr, "%lu: %s (verdict %u, reason %u)\n  in  ", number, text, run->verdict,
		run->reason);
	for (size_t i = 0; i < in->n; i++)
		fprintf(stderr, "%02x", in->b[i]);
	fprintf(stderr, "\n  out ");
	for (size_t i = 0; i < out->n; i++)
		fprintf(stderr, "%02x", out->b[i]);
	fprintf(stderr, "\n");
}

/* The reason that was counted, or MUSTER_REASONS_MAX if not exactly one was. */
static uint32_t counted(void)
{
	uint32_t reason = MUSTER_REASONS_MAX, n = 0;
	struct scene_counts now;

	scene_read(&scene, scene.prog.skeleton->maps.reason_counters, &now);
	for (uint32_t i = 0; i < MUSTER_REASONS_MAX; i++)
		if (now.of[i].packets != reasons.of[i].packets) {
			n += (uint32_t)(now.of[i].packets - reasons.of[i].packets);
			reason = i;
		}
	reasons = now;
	return n == 1 ? reason : MUSTER_REASONS_MAX;
}

static void run_one(const struct frame *in, unsigned long number)
{
	struct run run = {.scene = &scene};
	struct frame out;
	const char *wrong;

	run.verdict = prog_run(&scene.prog, in, &out);
	run.reason = counted();
	wrong = run.reason == MUSTER_REASONS_MAX ? "not exactly one reason was counted"
						 : check_run(&run, in, &out);
	if (wrong)
		complain(wrong, number, &run, in, &out);
}

static unsigned long from_environment(const char *name, unsigned long value)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : value;
}

static void seeds_as_they_are(void **state)
{
	(void)state;
	n_wrong = n_worst = 0;
	for (size_t i = 0; i < ARRAY_SIZE(scene_vips); i++)
		for (enum seed_kind kind = 0; kind < SEED_KINDS; kind++) {
			struct frame in;

			seed(&in, scene_vips[i].addr, kind);
			run_one(&in, i * SEED_KINDS + kind);
		}
	assert_int_equal(n_wrong, 0);
}

static void every_truncation_of_every_seed(void **state)
{
	(void)state;
	n_wrong = n_worst = 0;
	for (size_t i = 0; i < ARRAY_SIZE(scene_vips); i++)
		for (enum seed_kind kind = 0; kind < SEED_KINDS; kind++) {
			struct frame in;

			seed(&in, scene_vips[i].addr, kind);
			for (size_t n = in.n < 200 ? in.n : 200; n >= 14; n--) {
				in.n = n;
				run_one(&in, i * SEED_KINDS + kind);
			}
		}
	assert_int_equal(n_wrong, 0);
}

static void mutations_keep_the_invariants(void **state)
{
	unsigned long n = from_environment("MUSTER_MUTATIONS", 200000);
	unsigned long start = from_environment("MUSTER_SEED", 1);

	(void)state;
	n_wrong = n_worst = 0;
	for (unsigned long i = 0; i < n; i++) {
		struct frame f;

		chance = (start + i) * 0x9e3779b97f4a7c15ull | 1;
		below(1);
		if (i % 64 == 0)
			change_world();
		random_seed(&f);
		for (uint32_t k = below(4) + !!below(8); k; k--)
			ANY(mutations)(&f);
		if (f.n >= 14)
			run_one(&f, i);
	}
	assert_int_equal(n_wrong, 0);
}

static int setup(void **state)
{
	(void)state;
	scene_open(&scene, false);
	scene_read(&scene, scene.prog.skeleton->maps.reason_counters, &reasons);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	prog_close(&scene.prog);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_as_they_are),
		cmocka_unit_test(every_truncation_of_every_seed),
		cmocka_unit_test(mutations_keep_the_invariants),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
