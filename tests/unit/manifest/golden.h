/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cases as data: cases/<group>/NAME.yaml is loaded, and what comes out (complaints, then what was read)
 * is compared with NAME.ok beside it. A line "# file: OTHER.yaml" begins another source. Run from the
 * root of the repository. MUSTER_GOLDEN=write writes the .ok files anew: read the difference.
 */
#ifndef MUSTER_TESTS_GOLDEN_H
#define MUSTER_TESTS_GOLDEN_H

#include "manifest/manifest.h"

#include "tests/unit/core/unit.h"

#include <dirent.h>
#include <errno.h>

#define GOLDEN_SOURCES_MAX 4
#define GOLDEN_CASES_MAX   256

/* Loads the sources and prints what came out. */
typedef void golden_load(FILE *out, const struct manifest_source *sources, size_t n);

struct golden_case {
	char path[256]; /* without .yaml */
	golden_load *load;
};

static inline void golden_print_diags(FILE *out, const struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		fprintf(out, "%s%s\n", diags->rows[i].level == DIAG_WARNING ? "warning: " : "",
			diags->rows[i].text);
	if (diags->full)
		fprintf(out, "... and more\n");
}

/* The whole file; NULL if there is none. */
static inline char *golden_read(const char *stem, const char *suffix)
{
	char path[300], *text = calloc(1, 1 << 16);
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", stem, suffix);
	file = fopen(path, "r");
	assert_non_null(text);
	if (!file) {
		free(text);
		return NULL;
	}
	assert_true(fread(text, 1, (1 << 16) - 1, file) < (1 << 16) - 1);
	fclose(file);
	return text;
}

static inline void golden_write(const char *stem, const char *text)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s.ok", stem);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Cuts @text at its "# file:" lines; @name is what the first part is called. */
static inline size_t golden_sources(
	char *text, const char *name, char names[][64], struct manifest_source *ret)
{
	static const char marker[] = "# file: ";
	char *next;
	size_t n = 0;

	snprintf(names[0], 64, "%s", name);
	do {
		assert_true(n < GOLDEN_SOURCES_MAX);
		if (!strncmp(text, marker, strlen(marker)))
			snprintf(names[n], 64, "%.*s", (int)strcspn(text + strlen(marker), "\n"),
				text + strlen(marker));
		next = strstr(text + 1, "\n# file: ");
		next = next ? next + 1 : NULL;
		ret[n] = (struct manifest_source){
			.name = names[n],
			.text = text,
			.n = next ? (size_t)(next - text) : strlen(text),
			.first_line = 1,
		};
		n++;
		text = next;
	} while (text);
	return n;
}

static inline void golden_run(void **state)
{
	const struct golden_case *golden = *state;
	char name[64], names[GOLDEN_SOURCES_MAX][64], *got = NULL;
	struct manifest_source sources[GOLDEN_SOURCES_MAX];
	_free_ char *text = golden_read(golden->path, ".yaml");
	_free_ char *expected = golden_read(golden->path, ".ok");
	size_t n, size;
	FILE *out = open_memstream(&got, &size);

	assert_non_null(text);
	assert_non_null(out);
	snprintf(name, sizeof(name), "%.50s.yaml", strrchr(golden->path, '/') + 1);
	n = golden_sources(text, name, names, sources);
	golden->load(out, sources, n);
	fclose(out);
	if (getenv("MUSTER_GOLDEN")) {
		golden_write(golden->path, got);
	} else if (!expected || strcmp(got, expected)) {
		print_error("%s.yaml: expected:\n%s---- got:\n%s----\n", golden->path,
			expected ? expected : "(no .ok file)\n", got);
		free(got);
		fail();
	}
	free(got);
}

static inline int golden_filter(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".yaml");
}

/* Runs all cases of a group, each as a test of its own. */
static inline int golden_main(const char *group, golden_load *load)
{
	static struct golden_case cases[GOLDEN_CASES_MAX];
	static struct CMUnitTest tests[GOLDEN_CASES_MAX];
	char dir[128];
	struct dirent **entries;
	int n;

	snprintf(dir, sizeof(dir), "tests/unit/manifest/cases/%s", group);
	n = scandir(dir, &entries, golden_filter, alphasort);
	if (n <= 0 || n > GOLDEN_CASES_MAX) {
		fprintf(stderr, "%s: no cases; run from the root of the repository\n", dir);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		cases[i].load = load;
		snprintf(cases[i].path, sizeof(cases[i].path), "%s/%.*s", dir,
			(int)strlen(entries[i]->d_name) - 5, entries[i]->d_name);
		tests[i] = (struct CMUnitTest){
			.name = cases[i].path,
			.test_func = golden_run,
			.initial_state = &cases[i],
		};
		free(entries[i]);
	}
	free(entries);
	return _cmocka_run_group_tests(group, tests, (size_t)n, NULL, NULL);
}

#endif
