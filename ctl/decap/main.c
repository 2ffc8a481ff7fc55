/* SPDX-License-Identifier: BSD-2-Clause */
#include "dataplane/decap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>

#define PIN_DIR "/sys/fs/bpf/muster-decap"

static const char usage[] =
	"usage: muster-decap IFACE address A [A...] [port N] [--pin[=DIR]]\n"
	"       muster-decap IFACE --unpin[=DIR]\n"
	"On a backend of an ipip or gue VIP: strips the outer headers of packets "
	"whose inner destination\n"
	"is one of the addresses, and touches nothing else. Stays in the "
	"foreground; at exit it detaches\n"
	"and says what it has done.\n"
	"  port N         UDP port of gue, 6080 unless set\n"
	"  --pin[=DIR]    leave it attached (pinned in " PIN_DIR ") and exit\n"
	"  --unpin[=DIR]  detach what --pin left\n"
	"  -h, --help     this text\n";

struct arguments {
	const char *iface, *pin, *unpin;
	struct muster_addr addrs[DECAP_MAX];
	size_t n;
	uint16_t port;
};

static int bad(const char *word, const char *what)
{
	fprintf(stderr, "muster-decap: %s: %s\n%s", word, what, usage);
	return 2;
}

static const char *value_or_default(const char *word)
{
	const char *equals = strchr(word, '=');

	return equals && equals[1] ? equals + 1 : PIN_DIR;
}

static int parse_port(struct arguments *arguments, const char *word)
{
	char *end;
	unsigned long port = word ? strtoul(word, &end, 10) : 0;

	if (!word || *end || !port || port > UINT16_MAX)
		return bad(word ? word : "port", "is no port (1-65535)");
	arguments->port = (uint16_t)port;
	return 0;
}

static int parse(struct arguments *arguments, char **argv, int argc)
{
	arguments->port = 6080;
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];

		if (!strncmp(word, "--pin", 5) && (!word[5] || word[5] == '='))
			arguments->pin = value_or_default(word);
		else if (!strncmp(word, "--unpin", 7) && (!word[7] || word[7] == '='))
			arguments->unpin = value_or_default(word);
		else if (word[0] == '-')
			return bad(word, "no such option");
		else if (!arguments->iface)
			arguments->iface = word;
		else if (!strcmp(word, "address"))
			continue;
		else if (!strcmp(word, "port") && ++i) {
			if (parse_port(arguments, i < argc ? argv[i] : NULL))
				return 2;
		} else if (arguments->n == DECAP_MAX)
			return bad(word, "too many addresses");
		else if (addr_parse(word, &arguments->addrs[arguments->n++]))
			return bad(word, "is no address");
	}
	if (!arguments->iface)
		return bad("IFACE", "is needed");
	if (!arguments->n && !arguments->unpin)
		return bad("address A", "is needed");
	return 0;
}

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

/* A line for each fate that packets had. */
static void report(const struct decap *decap)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
#define R(name, text) {#name, text},
		MUSTER_DECAP_REASONS(R)
#undef R
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t packets = decap_packets(decap, i);

		if (packets)
			printf("%-12s %12llu  %s\n", rows[i].name, (unsigned long long)packets,
				rows[i].text);
	}
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

int main(int argc, char **argv)
{
	static struct arguments arguments;
	struct decap_options options;
	struct decap *decap = NULL;
	_free_ char *error = NULL;
	sigset_t signals;
	int err, number;

	if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		fputs(usage, stdout);
		return 0;
	}
	err = parse(&arguments, argv + 1, argc - 1);
	if (err)
		return err;
	if (arguments.unpin)
		return unpin(&arguments);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	options = (struct decap_options){arguments.addrs, arguments.n, htons(arguments.port)};
	err = decap_attach(&decap, arguments.iface, &options, &error);
	if (!err && arguments.pin)
		err = decap_pin(decap, arguments.pin, arguments.iface, &error);
	if (err) {
		fprintf(stderr, "muster-decap: %s\n", error ? error : strerror(-err));
		decap_free(&decap);
		return exit_code(err);
	}
	printf("decap: %s: %s, %zu addresses%s\n", arguments.iface,
		decap_is_native(decap) ? "native" : "generic", arguments.n,
		arguments.pin ? ", pinned" : "");
	fflush(stdout);
	if (!arguments.pin) {
		sigwait(&signals, &number);
		report(decap);
	}
	decap_free(&decap);
	return 0;
}
