/* SPDX-License-Identifier: BSD-2-Clause */
#include "decap/arguments.h"
#include "dataplane/decap.h"

#include <errno.h>
#include <signal.h>

static const char usage[] =
	"usage: muster-decap IFACE address A [A...] [from SOURCE...] [port N] [--pin[=DIR]]\n"
	"       muster-decap IFACE --show\n"
	"       muster-decap IFACE --unpin[=DIR]\n"
	"On a backend of an ipip or gue VIP: strips the outer headers of packets whose inner\n"
	"destination is one of the addresses, and touches nothing else. Stays in the foreground; "
	"at\n"
	"exit it detaches and says what it has done.\n"
	"  from SOURCE... only of packets from these outer sources: addresses or prefixes\n"
	"  port N         UDP port of gue, 6080 unless set\n"
	"  --pin[=DIR]    leave it attached (pinned in " PIN_DIR ") and exit\n"
	"  --show         what the one that is attached has done so far\n"
	"  --unpin[=DIR]  detach what --pin left\n"
	"  -h, --help     this text\n";

static const struct {
	const char *name, *text;
} reasons[] = {
#define R(name, text) {#name, text},
	MUSTER_DECAP_REASONS(R)
#undef R
};

static int exit_code(int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return 3;
	case -ENODEV:
	case -ENOENT:
		return 4;
	case -EBUSY:
		return 5;
	default:
		return 6;
	}
}

static int complain(int err, const char *error)
{
	fprintf(stderr, "muster-decap: %s\n", error ? error : strerror(-err));
	return exit_code(err);
}

/* A line for each fate that packets had. */
static void report(const struct decap *decap)
{
	_cleanup_(decap_stats_free) struct decap_stats *stats = NULL;

	if (decap_read(decap, &stats))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (stats->reasons[i].packets)
			printf("%-14s %12llu  %s\n", reasons[i].name,
				(unsigned long long)stats->reasons[i].packets, reasons[i].text);
}

static void show_row(const char *name, const struct muster_counters *counters)
{
	printf("%-39s %14llu %16llu\n", name, (unsigned long long)counters->packets,
		(unsigned long long)counters->bytes);
}

static int show(const char *iface)
{
	_cleanup_(decap_stats_free) struct decap_stats *stats = NULL;
	_free_ char *error = NULL;
	int err = decap_read_attached(iface, &stats, &error);
	char text[ADDR_TEXT];

	if (err)
		return complain(err, error);
	printf("%s: %s, %zu addresses, ", iface, stats->native ? "native" : "generic", stats->n);
	if (stats->n_sources)
		printf("from %zu sources\n", stats->n_sources);
	else
		printf("from anywhere\n");
	printf("\n%-39s %14s %16s\n", "ADDRESS", "PACKETS", "BYTES");
	for (size_t i = 0; i < stats->n; i++)
		show_row(addr_format(&stats->addrs[i].addr, text), &stats->addrs[i].counters);
	printf("\n%-39s %14s %16s\n", "REASON", "PACKETS", "BYTES");
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		show_row(reasons[i].name, &stats->reasons[i]);
	return 0;
}

static int unpin(const struct arguments *arguments)
{
	int err = decap_unpin(arguments->unpin, arguments->iface);

	if (!err)
		return 0;
	fprintf(stderr, "muster-decap: nothing to detach at %s/%s: %s\n", arguments->unpin,
		arguments->iface, strerror(-err));
	return exit_code(err);
}

static void say_attached(const struct arguments *arguments, const struct decap *decap)
{
	const char *why = decap_why_generic(decap);

	printf("decap: %s: %s, %zu addresses%s\n", arguments->iface, why ? "generic" : "native",
		arguments->options.n, arguments->pin ? ", pinned" : "");
	fflush(stdout);
	if (why)
		fprintf(stderr, "muster-decap: generic mode, which is slower: %s\n", why);
}

static int attach(const struct arguments *arguments)
{
	_cleanup_(decap_free) struct decap *decap = NULL;
	_free_ char *error = NULL;
	sigset_t signals;
	int err, number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	err = decap_attach(&decap, arguments->iface, &arguments->options, &error);
	if (!err && arguments->pin)
		err = decap_pin(decap, arguments->pin, arguments->iface, &error);
	if (err)
		return complain(err, error);
	say_attached(arguments, decap);
	if (!arguments->pin) {
		sigwait(&signals, &number);
		report(decap);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct arguments arguments;
	_free_ char *error = NULL;

	if (arguments_parse(&arguments, argv + 1, argc - 1, &error)) {
		fprintf(stderr, "muster-decap: %s\n%s", error ? error : "no memory", usage);
		return 2;
	}
	if (arguments.help) {
		fputs(usage, stdout);
		return 0;
	}
	if (arguments.unpin)
		return unpin(&arguments);
	if (arguments.show)
		return show(arguments.iface);
	return attach(&arguments);
}
