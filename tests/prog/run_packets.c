/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs frames through the program over the tables of scene.h, for test_packets.py. One command a line
 * on standard input, one JSON object a line on standard output. With the argument "frags", it is the
 * build for frames in pieces.
 *
 *	run HEX				a frame: verdict, reasons and counters that rose, output
 *	reset				next hops, budget, fragments as they were
 *	mtu HOP BYTES			of a next hop
 *	ifindex HOP INDEX
 *	tags HOP [TPID:TCI [TPID:TCI]]	in hex, outermost first
 *	mask HOP HEX			bits of the outer source that vary
 *	reply_rate N			answers a second; 0: none
 *	reply_source ADDRESS		that ICMP errors of its family come from
 *	age SECONDS			every remembered fragment is that much older
 */
#include "scene.h"

#include <linux/types.h>
#include <stdio.h>

#define LINE_MAX_BYTES 65536

static struct scene scene;

static int nibble(char c)
{
	const char *digits = "0123456789abcdef", *at = strchr(digits, c);

	return c && at ? (int)(at - digits) : -1;
}

/* False unless @hex is bytes and nothing else. */
static bool read_frame(const char *hex, struct bpf_test_run_opts *opts, uint8_t *data)
{
	opts->data_in = data;
	for (; nibble(hex[0]) >= 0 && nibble(hex[1]) >= 0; hex += 2)
		data[opts->data_size_in++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
	return !*hex && opts->data_size_in >= 14;
}

/* ---- what rose ---- */

static struct scene_counts reasons, services, members;

static const char *reason_name(uint32_t reason)
{
#define R(number, name, action, text) \
	if (reason == (number))       \
		return #name;
	MUSTER_REASONS(R)
#undef R
	return "?";
}

static const char *service_name(uint32_t index)
{
	const struct muster_key *key = &scene.prog.services[index].key;
	static char name[80];
	char addr[64];

	addr_format(&key->addr, addr);
	snprintf(name, sizeof(name), "%s %s %u", addr,
		key->proto == IPPROTO_TCP   ? "tcp"
		: key->proto == IPPROTO_UDP ? "udp"
					    : "-",
		ntohs(key->port));
	return name;
}

static const char *member_name(uint32_t index)
{
	static char name[64];

	addr_format(&scene.prog.members[index].addr, name);
	return name;
}

/* Prints what changed since @before, which becomes the present. */
static void print_rises(const char *what, struct bpf_map *map, struct scene_counts *before,
	const char *(*name)(uint32_t index))
{
	struct scene_counts now;
	const char *comma = "";

	scene_read(&scene, map, &now);
	printf(", \"%s\": {", what);
	for (uint32_t i = 0; i < MUSTER_REASONS_MAX; i++) {
		const struct muster_counters *a = &before->of[i], *b = &now.of[i];

		if (!memcmp(a, b, sizeof(*a)))
			continue;
		printf("%s\"%s\": [%llu, %llu, %llu]", comma, name(i), b->packets - a->packets,
			b->bytes - a->bytes, b->new_flows - a->new_flows);
		comma = ", ";
	}
	printf("}");
	*before = now;
}

static void run(const char *hex)
{
	static const char *const verdicts[] = {"ABORTED", "DROP", "PASS", "TX", "REDIRECT"};
	static uint8_t in[LINE_MAX_BYTES], out[LINE_MAX_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_out = out, .data_size_out = sizeof(out),
		.repeat = 1);

	if (!read_frame(hex, &opts, in) || bpf_prog_test_run_opts(scene.prog.fd, &opts)) {
		printf("{\"error\": \"not a frame\"}\n");
		return;
	}
	printf("{\"verdict\": \"%s\"",
		opts.retval < ARRAY_SIZE(verdicts) ? verdicts[opts.retval] : "?");
	print_rises("reasons", scene.prog.skeleton->maps.reason_counters, &reasons, reason_name);
	print_rises(
		"services", scene.prog.skeleton->maps.service_counters, &services, service_name);
	print_rises("members", scene.prog.skeleton->maps.member_counters, &members, member_name);
	printf(", \"out\": \"");
	for (size_t i = 0; i < opts.data_size_out; i++)
		printf("%02x", out[i]);
	printf("\"}\n");
}

/* ---- directives ---- */

static struct muster_nexthop *nexthop_at(unsigned index)
{
	assert_in_range(index, 1, SCENE_HOPS);
	return &scene.prog.nexthops[index];
}

static void forget_fragments(void)
{
	struct bpf_map *map = scene_map(&scene, "fragments");
	struct muster_fragment_key key;

	while (map && !bpf_map__get_next_key(map, NULL, &key, sizeof(key)))
		bpf_map__delete_elem(map, &key, sizeof(key), 0);
}

static void age_fragments(unsigned seconds)
{
	struct bpf_map *map = scene_map(&scene, "fragments");
	struct muster_fragment_key keys[64];
	struct muster_fragment value;
	size_t n = 0;

	if (!map)
		return;
	while (n < ARRAY_SIZE(keys) &&
		!bpf_map__get_next_key(map, n ? &keys[n - 1] : NULL, &keys[n], sizeof(keys[n])))
		n++;
	for (size_t i = 0; i < n; i++) {
		if (bpf_map__lookup_elem(map, &keys[i], sizeof(keys[i]), &value, sizeof(value), 0))
			continue;
		value.seen_ns -= seconds * 1000000000ull;
		bpf_map__update_elem(map, &keys[i], sizeof(keys[i]), &value, sizeof(value), 0);
	}
}

static void set_reply_source(uint32_t index, const char *text)
{
	struct bpf_map *map = scene_map(&scene, "reply_sources");
	struct muster_addr addr = {};

	if (text)
		assert_int_equal(addr_parse(text, &addr), 0);
	if (map)
		assert_int_equal(
			bpf_map__update_elem(map, &index, sizeof(index), &addr, sizeof(addr), 0),
			0);
}

static void set_budget(unsigned rate)
{
	struct muster_reply_budget zero[256] = {};
	int map = bpf_map__fd(scene.prog.skeleton->maps.reply_budget);

	assert_in_range(scene.prog.n_cpus, 1, ARRAY_SIZE(zero));
	for (uint32_t kind = 0; kind < MUSTER_REPLY_KINDS; kind++)
		bpf_map_update_elem(map, &kind, zero, 0);
	scene.prog.control->reply_rate = rate;
}

static void reset(void)
{
	scene_reset(&scene);
	set_budget(scene.prog.control->reply_rate);
	forget_fragments();
	set_reply_source(0, NULL);
	set_reply_source(1, NULL);
}

static void set_tags(struct muster_nexthop *nexthop, const char *text)
{
	unsigned v[4] = {};

	sscanf(text, "%x:%x %x:%x", &v[0], &v[1], &v[2], &v[3]);
	for (size_t i = 0; i < 2; i++)
		nexthop->tag[i] = (struct muster_tag){
			htons((uint16_t)v[2 * i]), htons((uint16_t)v[2 * i + 1])};
}

/* False if @line is no directive. */
static bool direct(const char *line)
{
	unsigned index, value;
	char text[64];
	int at = 0;

	if (!strcmp(line, "reset"))
		reset();
	else if (sscanf(line, "mtu %u %u", &index, &value) == 2)
		nexthop_at(index)->mtu = (uint16_t)value;
	else if (sscanf(line, "ifindex %u %u", &index, &value) == 2)
		nexthop_at(index)->ifindex = value;
	else if (sscanf(line, "mask %u %x", &index, &value) == 2)
		nexthop_at(index)->source_mask = htonl(value);
	else if (sscanf(line, "tags %u%n", &index, &at) == 1)
		set_tags(nexthop_at(index), line + at);
	else if (sscanf(line, "reply_rate %u", &value) == 1)
		set_budget(value);
	else if (sscanf(line, "reply_source %63s", text) == 1)
		set_reply_source(!!strchr(text, ':'), text);
	else if (sscanf(line, "age %u", &value) == 1)
		age_fragments(value);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	static char line[LINE_MAX_BYTES];

	scene_open(&scene, argc > 1 && !strcmp(argv[1], "frags"));
	reset();
	scene_read(&scene, scene.prog.skeleton->maps.reason_counters, &reasons);
	scene_read(&scene, scene.prog.skeleton->maps.service_counters, &services);
	scene_read(&scene, scene.prog.skeleton->maps.member_counters, &members);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "run ", 4))
			run(line + 4);
		else if (direct(line))
			printf("{}\n");
		else
			printf("{\"error\": \"unknown command\"}\n");
		fflush(stdout);
	}
	prog_close(&scene.prog);
	return 0;
}
