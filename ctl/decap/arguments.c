/* SPDX-License-Identifier: BSD-2-Clause */
#include "decap/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

#define GUE_PORT 6080

/* What the words mean that follow. */
enum list { ADDRESSES, SOURCES, PORT };

static int PRINTF(2, 3) bad(char **ret_error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(ret_error, format, args) < 0)
		*ret_error = NULL;
	va_end(args);
	return -EINVAL;
}

/* Decimal digits alone; -EINVAL beyond @max. */
static int parse_number(const char *word, unsigned long max, unsigned long *ret)
{
	char *end;

	if (!isdigit((unsigned char)*word))
		return -EINVAL;
	errno = 0;
	*ret = strtoul(word, &end, 10);
	return *end || errno || *ret > max ? -EINVAL : 0;
}

static int parse_source(const char *word, struct muster_decap_source *source, char **ret_error)
{
	unsigned bits = 0, all;
	int err = addr_parse_prefix(word, &source->addr, &bits);

	if (err == -ENOMEM)
		return err;
	if (err == -EINVAL)
		return bad(ret_error, "%s: is no address or prefix", word);
	all = addr_is_v4(&source->addr) ? 32 : 128;
	if (err == -ERANGE)
		return bad(ret_error, "%s: a prefix of that family has 0 to %u bits", word, all);
	if (err)
		return bad(ret_error, "%s: has bits set behind the prefix", word);
	source->family = all == 32 ? MUSTER_DECAP_IPV4 : MUSTER_DECAP_IPV6;
	source->prefix_bits = MUSTER_DECAP_SOURCE_BITS - all + bits;
	return 0;
}

static int parse_port(const char *word, __be16 *ret, char **ret_error)
{
	unsigned long port;

	if (parse_number(word, UINT16_MAX, &port) || !port)
		return bad(ret_error, "%s: is no port (1-65535)", word);
	*ret = htons((uint16_t)port);
	return 0;
}

static int take_word(
	struct arguments *arguments, enum list *list, const char *word, char **ret_error)
{
	struct decap_options *options = &arguments->options;

	switch (*list) {
	case PORT:
		*list = ADDRESSES;
		return parse_port(word, &options->gue_port, ret_error);
	case SOURCES:
		if (options->n_sources == DECAP_SOURCES_MAX)
			return bad(ret_error, "%s: more than %d sources", word, DECAP_SOURCES_MAX);
		return parse_source(word, &arguments->sources[options->n_sources++], ret_error);
	default:
		if (options->n == DECAP_MAX)
			return bad(ret_error, "%s: more than %d addresses", word, DECAP_MAX);
		if (addr_parse(word, &arguments->addrs[options->n++]))
			return bad(ret_error, "%s: is no address", word);
		return 0;
	}
}

static const char *value_or_default(const char *word)
{
	const char *equals = strchr(word, '=');

	return equals && equals[1] ? equals + 1 : PIN_DIR;
}

static int take_option(struct arguments *arguments, const char *word, char **ret_error)
{
	size_t n = strcspn(word, "=");

	if (!strcmp(word, "-h") || !strcmp(word, "--help"))
		arguments->help = true;
	else if (!strcmp(word, "--show"))
		arguments->show = true;
	else if (n == 5 && !strncmp(word, "--pin", n))
		arguments->pin = value_or_default(word);
	else if (n == 7 && !strncmp(word, "--unpin", n))
		arguments->unpin = value_or_default(word);
	else
		return bad(ret_error, "%s: no such option", word);
	return 0;
}

/* Whether the words make sense together. */
static int check(const struct arguments *arguments, enum list list, char **ret_error)
{
	const struct decap_options *options = &arguments->options;
	int modes = !!arguments->pin + !!arguments->unpin + arguments->show;

	if (arguments->help)
		return 0;
	if (!arguments->iface)
		return bad(ret_error, "IFACE: is needed");
	if (modes > 1)
		return bad(ret_error, "--pin, --unpin and --show: only one of them");
	if (list == PORT)
		return bad(ret_error, "port: needs a number");
	if (list == SOURCES && !options->n_sources)
		return bad(ret_error, "from: needs an address or prefix");
	if (arguments->unpin || arguments->show)
		return options->n ? bad(ret_error, "address: not with --unpin or --show") : 0;
	return options->n ? 0 : bad(ret_error, "address A: is needed");
}

int arguments_parse(struct arguments *arguments, char **argv, int argc, char **ret_error)
{
	enum list list = ADDRESSES;
	int err = 0;

	*arguments = (struct arguments){};
	arguments->options = (struct decap_options){
		.addrs = arguments->addrs,
		.sources = arguments->sources,
		.gue_port = htons(GUE_PORT),
	};
	for (int i = 0; i < argc && !err; i++) {
		const char *word = argv[i];

		if (word[0] == '-')
			err = take_option(arguments, word, ret_error);
		else if (!arguments->iface)
			arguments->iface = word;
		else if (!strcmp(word, "address"))
			list = ADDRESSES;
		else if (!strcmp(word, "from"))
			list = SOURCES;
		else if (!strcmp(word, "port"))
			list = PORT;
		else
			err = take_word(arguments, &list, word, ret_error);
	}
	return err ? err : check(arguments, list, ret_error);
}
