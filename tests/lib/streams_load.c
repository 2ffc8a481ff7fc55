/* SPDX-License-Identifier: BSD-2-Clause */
/*
 *	streams load VIP[,VIP...] PORT [options]
 *
 * Holds N long-lived connections, spread over the VIPs; each sends a small chunk now and then and verifies
 * the answer. One that breaks is recorded and replaced. Beside them short connections begin at a fixed rate,
 * whatever happens to those before: one exchange each.
 *
 *	--connections N   long-lived ones (5000)
 *	--rate N          short ones a second (200)
 *	--ramp N          long-lived ones opened a second, at most (2000)
 *	--pause MIN-MAX   between two exchanges of a long-lived one, ms, drawn evenly (500-2000)
 *	--chunk BYTES     of an exchange (48)
 *	--from A,B        client addresses, used in turn
 *	--ports FIRST-LAST of each address, used in turn (20000-29999)
 *	--seconds N       ends by itself
 *
 * Standard input takes commands: "status" prints where the connections are; "opened NAME NS" those to that
 * server that began later; "close NAME" ends those to it in good order, after their exchange, and others
 * replace them. SIGTERM and the end of standard input
 * end the load: each connection has its next exchange, so that none breaks unseen, and is aborted. Then the
 * report is printed. A line of JSON each.
 */
#include "streams_load.h"

#include "core/util.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

/* ---- deadlines ---- */

static void run_tick(struct load *load, uint64_t tick)
{
	struct connection **head = &load->wheel[tick % LOAD_WHEEL];

	/* Each leaves the list: it is scheduled for later, or ends. */
	while (*head)
		connection_alarm(load, *head);
}

static void run_deadlines(struct load *load)
{
	uint64_t now = streams_now_ns() >> LOAD_TICK_SHIFT;

	while (load->tick < now)
		run_tick(load, ++load->tick);
}

/* ---- pace ---- */

static void open_some(struct load *load, uint64_t *next_long, uint64_t *next_short)
{
	uint64_t now = streams_now_ns();

	if (load->ending)
		return;
	for (; now >= *next_long; *next_long += load->ramp_period_ns)
		if (load->n_long < load->n_wanted)
			connection_open(load, true);
	for (; load->short_period_ns && now >= *next_short; *next_short += load->short_period_ns)
		connection_open(load, false);
}

/* ---- commands ---- */

static void close_all_of(struct load *load, const char *name)
{
	for (size_t i = 0; i < LOAD_WHEEL; i++)
		for (struct connection *connection = load->wheel[i], *next; connection;
			connection = next) {
			next = connection->next; /* leaving moves it to another tick */
			if (connection->server != LOAD_NOBODY && !connection->leaving &&
				!strcmp(load->server[connection->server].name, name))
				connection_leave(load, connection);
		}
}

static void obey(struct load *load, char *line)
{
	unsigned long long since_ns;
	char name[STREAMS_NAME];

	if (!strcmp(line, "status"))
		report_status(load);
	else if (sscanf(line, "opened %31s %llu", name, &since_ns) == 2)
		report_opened(load, name, since_ns);
	else if (!strncmp(line, "close ", 6))
		close_all_of(load, line + 6);
	else
		fprintf(stderr, "streams: no command '%s'\n", line);
}

static void read_commands(struct load *load)
{
	static char text[256];
	static size_t used;
	ssize_t n = read(STDIN_FILENO, text + used, sizeof(text) - used);
	char *end;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		load->ending = true;
		epoll_ctl(load->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
		return;
	}
	used += (size_t)n;
	while ((end = memchr(text, '\n', used))) {
		*end = '\0';
		obey(load, text);
		used -= (size_t)(end + 1 - text);
		memmove(text, end + 1, used);
	}
}

/* ---- the loop ---- */

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	stopped = signal;
}

static void wait_and_serve(struct load *load)
{
	struct epoll_event events[512];
	struct timespec tick = {.tv_nsec = 1L << LOAD_TICK_SHIFT};
	int n = epoll_pwait2(load->epoll, events, ARRAY_SIZE(events), &tick, NULL);
	bool commands = false;

	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			connection_event(load, events[i].data.ptr, events[i].events);
		else
			commands = true;
	/* Behind the events of connections: a command may end some of them. */
	if (commands)
		read_commands(load);
}

static void run(struct load *load)
{
	struct epoll_event input = {.events = EPOLLIN};
	struct sigaction action = {.sa_handler = on_signal};
	uint64_t now = streams_now_ns(), next_long = now, next_short = now;

	sigaction(SIGTERM, &action, NULL);
	/* A file, or nothing at all, has no commands. */
	epoll_ctl(load->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
	load->tick = now >> LOAD_TICK_SHIFT;
	load->end_ns = load->end_ns ? now + load->end_ns : UINT64_MAX;
	while (!load->ending || load->n_long || load->n_short) {
		wait_and_serve(load);
		run_deadlines(load);
		open_some(load, &next_long, &next_short);
		if (stopped || streams_now_ns() > load->end_ns)
			load->ending = true;
	}
}

/* ---- options ---- */

/* The next word of a list with commas, or NULL. */
static char *next_word(char **list)
{
	char *word = strsep(list, ",");

	return word && *word ? word : NULL;
}

static void add_sources(struct load *load, char *list)
{
	for (char *word; load->n_from < ARRAY_SIZE(load->from) && (word = next_word(&list));) {
		struct load_source *source = &load->from[load->n_from++];

		source->n = streams_address(word, "0", &source->address);
	}
}

static void add_targets(struct load *load, char *list, const char *port)
{
	for (char *word; load->n_targets < ARRAY_SIZE(load->target) && (word = next_word(&list));) {
		size_t i = load->n_targets++;

		load->target_n[i] = streams_address(word, port, &load->target[i]);
	}
}

static void set_option(struct load *load, int option, char *value)
{
	double number = atof(value);
	unsigned last;

	if (option == 'c')
		load->n_wanted = (unsigned)number;
	else if (option == 'r')
		load->short_period_ns = number > 0 ? (uint64_t)(1e9 / number) : 0;
	else if (option == 'm' && number > 0)
		load->ramp_period_ns = (uint64_t)(1e9 / number);
	else if (option == 'p' &&
		 sscanf(value, "%u-%u", &load->pause_min_ms, &load->pause_max_ms) == 2)
		return;
	else if (option == 'b')
		load->chunk = (size_t)number;
	else if (option == 'f')
		add_sources(load, value);
	else if (option == 'n' && sscanf(value, "%u-%u", &load->first_port, &last) == 2 &&
		 load->first_port && last >= load->first_port && last <= 65535)
		load->n_ports = last - load->first_port + 1;
	else if (option == 's')
		load->end_ns = (uint64_t)(number * 1e9);
	else
		exit(2);
}

static void parse(struct load *load, int argc, char **argv)
{
	static const struct option options[] = {{"connections", required_argument, NULL, 'c'},
		{"rate", required_argument, NULL, 'r'}, {"ramp", required_argument, NULL, 'm'},
		{"pause", required_argument, NULL, 'p'}, {"chunk", required_argument, NULL, 'b'},
		{"from", required_argument, NULL, 'f'}, {"ports", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		set_option(load, option, option == '?' ? "" : optarg);
	if (argc - optind == 2)
		add_targets(load, argv[optind], argv[optind + 1]);
	if (!load->n_targets || load->pause_min_ms > load->pause_max_ms ||
		load->pause_max_ms > 15000 || !load->chunk || load->chunk > LOAD_CHUNK_MAX) {
		fprintf(stderr, "streams: load: wrong arguments\n");
		exit(2);
	}
}

int streams_load(int argc, char **argv)
{
	static struct load load = {
		.n_wanted = 5000,
		.short_period_ns = 5000000,
		.ramp_period_ns = 500000,
		.pause_min_ms = 500,
		.pause_max_ms = 2000,
		.chunk = 48,
		.first_port = 20000,
		.n_ports = 10000,
	};

	parse(&load, argc, argv);
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.seed = load.random = streams_mix(streams_now_ns() ^ (uint64_t)getpid());
	run(&load);
	report_all(&load);
	return 0;
}
