/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

#include <limits.h>

const struct verb verbs[] = {
	{NULL, "apply", NULL, 0, 0, OPTION_FILE | OPTION_PRUNE | OPTION_ALLOW_REMOVAL | OPTION_WAIT,
		false, cmd_apply,
		"Apply manifests: add or replace the objects in them, in one generation"},
	{NULL, "check", NULL, 0, 0, OPTION_FILE, false, cmd_check,
		"Check manifests without a daemon; every error with file, line and column"},
	{NULL, "reload", NULL, 0, 0, OPTION_ALLOW_REMOVAL, false, cmd_reload,
		"Read vips_dir again and apply it, in one generation"},
	{NULL, "status", NULL, 0, 0, OPTION_READY, false, cmd_status,
		"Show how musterd, its interfaces, VIPs and tables are"},
	{NULL, "monitor", NULL, 0, 0, 0, false, cmd_monitor,
		"Print events as they happen, until interrupted"},
	{NULL, "doctor", NULL, 0, 0, OPTION_CONFIG, false, cmd_doctor,
		"Look at kernel, interfaces and the way to each backend; say what is wrong and the "
		"cure"},
	{NULL, "hold", "TIME|off", 1, 1, 0, false, cmd_hold,
		"For that time let nothing move slots but the loss of a backend"},
	{NULL, "teardown", NULL, 0, 0, 0, true, cmd_teardown,
		"End forwarding: remove programs, pins and announced addresses; musterd exits"},
	{NULL, "decap", "IFACE address A...", 1, INT_MAX, 0, false, cmd_decap,
		"On a backend: strip the outer headers of ipip and gue for these addresses "
		"(muster-decap(8))"},
	{NULL, "version", NULL, 0, 0, 0, false, cmd_version, "Show the version"},
	{"vip", "list", NULL, 0, 0, 0, false, cmd_vip_list, "List VIPs"},
	{"vip", "show", "NAME", 1, 1, 0, false, cmd_vip_show, "Show a VIP and its backends"},
	{"pool", "list", NULL, 0, 0, 0, false, cmd_pool_list,
		"List pools: what of them is at risk, slots that moved and flows recorded"},
	{"pool", "show", "NAME", 1, 1, 0, false, cmd_pool_show, "Show a pool and its backends"},
	{"backend", "list", "[POOL]", 0, 1, 0, false, cmd_backend_list,
		"List backends, of one pool or all"},
	{"backend", "show", "BACKEND", 1, 1, 0, false, cmd_backend_show,
		"Show a backend and its checks"},
	{"backend", "drain", "BACKEND [deadline TIME]", 1, 3, OPTION_FORCE | OPTION_WAIT, false,
		cmd_backend_drain,
		"No new flows to a backend; its old ones may stay, until the deadline"},
	{"backend", "disable", "BACKEND", 1, 1, OPTION_FORCE, true, cmd_backend_disable,
		"No flows at all to a backend"},
	{"backend", "enable", "BACKEND", 1, 1, 0, false, cmd_backend_enable,
		"Undo drain or disable: health decides again"},
	{"backend", "weight", "BACKEND N [over TIME]", 2, 4, OPTION_FORCE, false,
		cmd_backend_weight,
		"Set a backend's weight, 0 to 65535, at once or little by little"},
};
const size_t n_verbs = ARRAY_SIZE(verbs);

static const struct {
	unsigned option;
	const char *text, *help;
} options[] = {
	{OPTION_FILE, "-f PATH",
		"A manifest, a directory of them, or - for standard input; repeatable"},
	{OPTION_PRUNE, "--prune",
		"Remove objects that earlier applies made and this one does not name"},
	{OPTION_ALLOW_REMOVAL, "--allow-removal", "Even if more than half of the VIPs go"},
	{OPTION_WAIT, "--wait",
		"Return when it is done (see --timeout): every VIP has a usable backend, or the "
		"drained one has no flows"},
	{OPTION_FORCE, "--force", "Even if it is the last usable backend of its pool"},
	{OPTION_CONFIG, "-c FILE", "musterd.yaml, for a daemon that does not run"},
	{OPTION_READY, "--ready VIP", "Only say whether that VIP is served: exit 0 or 1"},
};

/* ---- find ---- */

static bool matches(const char *word, const char *name, bool abbreviate)
{
	return abbreviate ? !strncmp(name, word, strlen(word)) : !strcmp(name, word);
}

/* True if argv begins with @verb; exact in *ret_exact. */
static bool fits(
	const struct verb *verb, char *const *argv, int argc, bool abbreviate, bool *ret_exact)
{
	bool abbreviate_name = abbreviate && !verb->whole;

	*ret_exact = false;
	if (!verb->object) {
		*ret_exact = !strcmp(argv[0], verb->name);
		return matches(argv[0], verb->name, abbreviate_name);
	}
	if (argc < 2)
		return false;
	*ret_exact = !strcmp(argv[0], verb->object) && !strcmp(argv[1], verb->name);
	return matches(argv[0], verb->object, abbreviate) &&
	       matches(argv[1], verb->name, abbreviate_name);
}

static bool is_object(const char *word)
{
	for (size_t i = 0; i < n_verbs; i++)
		if (verbs[i].object && !strcmp(verbs[i].object, word))
			return true;
	return false;
}

/* "backend takes list, show, drain ..." */
static char *list_verbs(const char *object)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	fprintf(out, "%s takes one of", object);
	for (size_t i = 0; i < n_verbs; i++)
		if (verbs[i].object && !strcmp(verbs[i].object, object))
			fprintf(out, " %s", verbs[i].name);
	fclose(out);
	return text;
}

/* Verbs of the object @argv begins with, or the first words there are. */
static char *hint(char *const *argv, int argc)
{
	const char *names[64], *nearest, *object = is_object(argv[0]) ? argv[0] : NULL;
	const char *word = object ? (argc > 1 ? argv[1] : "") : argv[0];
	char *text = NULL;
	size_t n = 0;

	for (size_t i = 0; i < n_verbs && n < ARRAY_SIZE(names); i++) {
		if (object && verbs[i].object && !strcmp(verbs[i].object, object))
			names[n++] = verbs[i].name;
		else if (!object)
			names[n++] = verbs[i].object ? verbs[i].object : verbs[i].name;
	}
	if (object && !*word)
		return list_verbs(object);
	nearest = util_nearest(word, names, n);
	if (nearest && asprintf(&text, "did you mean '%s%s%s'?", object ? object : "",
			       object ? " " : "", nearest) < 0)
		text = NULL;
	return text;
}

const struct verb *verb_find(
	char *const *argv, int argc, bool abbreviate, int *ret_used, char **ret_hint)
{
	const struct verb *found = NULL;
	bool exact, ambiguous = false;

	*ret_hint = NULL;
	for (size_t i = 0; argc && i < n_verbs; i++) {
		if (!fits(&verbs[i], argv, argc, abbreviate, &exact))
			continue;
		ambiguous = found != NULL;
		found = &verbs[i];
		if (exact) {
			ambiguous = false;
			break;
		}
		if (ambiguous)
			break;
	}
	if (found && !ambiguous) {
		*ret_used = found->object ? 2 : 1;
		return found;
	}
	if (argc)
		*ret_hint = hint(argv, argc);
	return NULL;
}

/* ---- help ---- */

static int verb_synopsis(const struct verb *verb, char *buf, size_t n)
{
	return snprintf(buf, n, "%s%s%s%s%s", verb->object ? verb->object : "",
		verb->object ? " " : "", verb->name, verb->args ? " " : "",
		verb->args ? verb->args : "");
}

void verbs_help(FILE *out)
{
	char buf[128];

	fprintf(out, "usage: muster [-j] [--run-dir DIR] [--timeout S] VERB ...\n\n");
	for (size_t i = 0; i < n_verbs; i++) {
		verb_synopsis(&verbs[i], buf, sizeof(buf));
		fprintf(out, "  %-28s %s\n", buf, verbs[i].help);
	}
	fprintf(out,
		"\nBACKEND is POOL/NAME, or NAME where only one pool has it.\n"
		"  -j             JSON on standard output\n"
		"  --run-dir DIR  where musterd's sockets are (/run/muster, or $MUSTER_RUN_DIR)\n"
		"  --timeout S    give up after so many seconds (30); exit 124\n"
		"Exit: 0 ok, 1 negative answer, 2 usage or invalid input, 3 daemon unreachable or "
		"no\n"
		"permission, 4 not found, 5 refused or conflict, 6 failed, 124 timed out.\n"
		"`muster VERB --help` shows the options of a verb.\n");
}

void verb_help(FILE *out, const struct verb *verb)
{
	char buf[128];

	verb_synopsis(verb, buf, sizeof(buf));
	fprintf(out, "usage: muster %s", buf);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (verb->options & options[i].option)
			fprintf(out, " %s%s%s", options[i].option == OPTION_FILE ? "" : "[",
				options[i].text, options[i].option == OPTION_FILE ? "..." : "]");
	fprintf(out, "\n%s.\n", verb->help);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (verb->options & options[i].option)
			fprintf(out, "  %-16s %s\n", options[i].text, options[i].help);
}

/* The section VERBS of muster(1). */
void verbs_scdoc(FILE *out)
{
	for (size_t i = 0; i < n_verbs; i++) {
		char buf[128];

		verb_synopsis(&verbs[i], buf, sizeof(buf));
		fprintf(out, "*%s*\n\t%s.\n", buf, verbs[i].help);
		for (size_t o = 0; o < ARRAY_SIZE(options); o++)
			if (verbs[i].options & options[o].option)
				fprintf(out, "\n\t*%s*: %s.\n", options[o].text, options[o].help);
		fprintf(out, "\n");
	}
}
