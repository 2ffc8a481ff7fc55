/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/files.h"

#include "tests/unit/core/unit.h"

#include <errno.h>
#include <sys/stat.h>

static char dir[64];

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/muster-files-%d", getpid());
	if (mkdir(dir, 0700) || mkdir(path_of("vips.d"), 0700) || mkdir(path_of("none"), 0700))
		return -1;
	put("vips.d/b.yml", "b");
	put("vips.d/a.yaml", "a");
	put("vips.d/.hidden.yaml", "h");
	put("vips.d/a.yaml~", "backup");
	put("vips.d/c.yaml", "");
	put("one", "one: 1\n");
	return mkfifo(path_of("fifo"), 0600);
}

static int tear_down(void **state)
{
	static const char *const names[] = {"vips.d/b.yml", "vips.d/a.yaml", "vips.d/.hidden.yaml",
		"vips.d/a.yaml~", "vips.d/c.yaml", "one", "fifo", "large"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(path_of(names[i]));
	rmdir(path_of("vips.d"));
	rmdir(path_of("none"));
	return rmdir(dir);
}

/* A directory in the order of its names, then a file: appended. */
static void test_read(void **state)
{
	static const char *const names[] = {
		"vips.d/a.yaml", "vips.d/b.yml", "vips.d/c.yaml", "one"};
	static const char *const texts[] = {"a", "b", "", "one: 1\n"};
	_cleanup_(manifest_files_clear) struct manifest_files files = {};
	_cleanup_(diags_clear) struct diags diags = {};

	(void)state;
	assert_int_equal(manifest_files_read(&files, path_of("vips.d/"), true, &diags), 0);
	assert_int_equal(manifest_files_read(&files, path_of("one"), true, &diags), 0);
	assert_int_equal(diags.n, 0);
	assert_int_equal(files.n, ARRAY_SIZE(names));
	for (size_t i = 0; i < files.n; i++) {
		assert_string_equal(files.sources[i].name, path_of(names[i]));
		assert_string_equal(files.sources[i].text, texts[i]);
		assert_int_equal(files.sources[i].n, strlen(texts[i]));
		assert_int_equal(files.sources[i].first_line, 1);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *name;
		bool need_some;
		int err;
		const char *why;
	} rows[] = {
		{"absent", false, -ENOENT, "No such file or directory"},
		{"fifo", false, -EINVAL, "not a regular file"},
		{"large", false, -EFBIG, "larger than 1 MiB"},
		{"none", true, -ENOENT, "no *.yaml or *.yml files in this directory"},
		{"none", false, 0, NULL},
	};
	_cleanup_(manifest_files_clear) struct manifest_files files = {};

	(void)state;
	put("large", "");
	assert_int_equal(truncate(path_of("large"), MANIFEST_BYTES_MAX + 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(diags_clear) struct diags diags = {};
		char expected[256];
		int err = manifest_files_read(
			&files, path_of(rows[i].name), rows[i].need_some, &diags);

		assert_int_equal(err, rows[i].err);
		assert_int_equal(diags.n, rows[i].err != 0);
		assert_int_equal(files.n, 0);
		if (!err)
			continue;
		snprintf(expected, sizeof(expected), "%s: %s", path_of(rows[i].name), rows[i].why);
		assert_string_equal(diags.rows[0].text, expected);
	}
}

/* Nothing stops at the first bad file. */
static void test_all_complaints(void **state)
{
	_cleanup_(manifest_files_clear) struct manifest_files files = {};
	_cleanup_(diags_clear) struct diags diags = {};
	char first[128], second[128];

	(void)state;
	snprintf(first, sizeof(first), "%s", path_of("none/a.yaml"));
	snprintf(second, sizeof(second), "%s", path_of("none/b.yaml"));
	assert_int_equal(symlink("nowhere", first), 0);
	assert_int_equal(mkdir(second, 0700), 0);
	assert_int_equal(manifest_files_read(&files, path_of("none"), true, &diags), -ENOENT);
	assert_int_equal(diags.n, 2);
	unlink(first);
	rmdir(second);
}

static void test_stdin(void **state)
{
	_cleanup_(manifest_files_clear) struct manifest_files files = {};
	_cleanup_(diags_clear) struct diags diags = {};
	int fds[2], saved = dup(STDIN_FILENO);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "a: 1\n", 5), 5);
	close(fds[1]);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(manifest_files_read(&files, "-", true, &diags), 0);
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(fds[0]);
	assert_int_equal(files.n, 1);
	assert_string_equal(files.sources[0].name, "<stdin>");
	assert_string_equal(files.sources[0].text, "a: 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_all_complaints),
		cmocka_unit_test(test_stdin),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
