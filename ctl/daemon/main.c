/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon.h"
#include "manifest/files.h"

#include <errno.h>
#include <getopt.h>

static const char usage[] =
	"usage: musterd [-c FILE] [-t]\n"
	"  -c, --config FILE  settings (default /etc/muster/musterd.yaml)\n"
	"  -t, --test         check settings and manifests, say what is wrong, exit\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n";

enum exit_code { EXIT_USAGE = 2, EXIT_PERMISSION = 3, EXIT_BUSY = 5, EXIT_FAILED = 6 };

static void print_diags(const struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		fprintf(stderr, "%s%s\n", diags->rows[i].level == DIAG_WARNING ? "warning: " : "",
			diags->rows[i].text);
	if (diags->full)
		fprintf(stderr, "... and more\n");
}

static int load_settings(const char *path, struct settings *ret)
{
	struct manifest_files files = {};
	struct diags diags = {};
	int err = manifest_files_read(&files, path, true, &diags);

	if (!err)
		err = manifest_load_settings(&files.sources[0], ret, &diags);
	print_diags(&diags);
	manifest_files_clear(&files);
	diags_clear(&diags);
	return err;
}

static int test_manifests(const struct settings *settings)
{
	struct manifest_files files = {};
	struct model *model = NULL;
	struct diags diags = {};
	int err = manifest_files_read(&files, settings->vips_dir, false, &diags);

	if (!err)
		err = manifest_load(files.sources, files.n, &model, &diags);
	if (!err)
		err = settings_check_model(settings, model, &diags);
	print_diags(&diags);
	if (!err)
		printf("ok: %zu VIPs, %zu pools\n", model->n_vips, model->n_pools);
	model_free(&model);
	manifest_files_clear(&files);
	diags_clear(&diags);
	return err;
}

static int exit_code(int err)
{
	switch (err) {
	case 0:
		return EXIT_SUCCESS;
	case -EINVAL:
		return EXIT_USAGE;
	case -EPERM:
	case -EACCES:
		return EXIT_PERMISSION;
	case -EBUSY:
	case -EADDRINUSE:
		return EXIT_BUSY;
	default:
		return EXIT_FAILED;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"test", no_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{},
	};
	const char *config = "/etc/muster/musterd.yaml";
	static struct daemon daemon;
	bool test = false;
	int option, err;

	while ((option = getopt_long(argc, argv, "c:thV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("musterd " MUSTER_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "musterd: unexpected argument '%s'\n%s", argv[optind], usage);
		return EXIT_USAGE;
	}
	if (load_settings(config, &daemon.settings))
		return EXIT_USAGE;
	if (test) {
		err = test_manifests(&daemon.settings);
		settings_clear(&daemon.settings);
		return err ? EXIT_USAGE : EXIT_SUCCESS;
	}
	setvbuf(stderr, NULL, _IOLBF, 0);
	return exit_code(daemon_run(&daemon));
}
