/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static int refuse(struct diags *diags, const char *name, int err, const char *why)
{
	diag_error(diags, ((struct origin){name, 0, 0}), "%s", why);
	return err;
}

static int refuse_errno(struct diags *diags, const char *name, int err)
{
	return refuse(diags, name, -err, strerror(err));
}

/* All of @fd, at most MANIFEST_BYTES_MAX bytes, terminated. 0, -EFBIG or -errno. */
static int read_all(int fd, char **ret, size_t *ret_n)
{
	_free_ char *text = NULL;
	size_t n = 0, size = 0;
	ssize_t got;

	do {
		if (n + 1 >= size) {
			char *grown = realloc(text, size = MAX(2 * size, 16384));

			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		do
			got = read(fd, text + n, size - 1 - n);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return -errno;
		n += (size_t)got;
		if (n > MANIFEST_BYTES_MAX)
			return -EFBIG;
	} while (got);
	text[n] = '\0';
	*ret = take_ptr(text);
	*ret_n = n;
	return 0;
}

static int append(struct manifest_files *files, const char *name, char *text, size_t n)
{
	char *copy = strdup(name);

	if (!copy || util_grow(&files->sources, files->n, sizeof(*files->sources))) {
		free(copy);
		return -ENOMEM;
	}
	files->sources[files->n++] =
		(struct manifest_source){.name = copy, .text = text, .n = n, .first_line = 1};
	return 0;
}

static int read_fd(struct manifest_files *files, const char *name, int fd, struct diags *diags)
{
	_free_ char *text = NULL;
	size_t n = 0;
	int err = read_all(fd, &text, &n);

	if (err == -EFBIG)
		return refuse(diags, name, err, "larger than 1 MiB");
	if (!err)
		err = append(files, name, text, n);
	if (err)
		return refuse_errno(diags, name, -err);
	text = NULL;
	return 0;
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
static int read_file(struct manifest_files *files, const char *path, struct diags *diags)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return refuse_errno(diags, path, errno);
	if (!S_ISREG(st.st_mode))
		return refuse(diags, path, -EINVAL, "not a regular file");
	return read_fd(files, path, fd, diags);
}

static int is_manifest(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return *entry->d_name != '.' && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_entry(
	struct manifest_files *files, const char *dir, const char *entry, struct diags *diags)
{
	_free_ char *path = NULL;
	int n = (int)strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (asprintf(&path, "%.*s/%s", n, dir, entry) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return read_file(files, path, diags);
}

/* All files are tried, so that all complaints come at once; the first error is returned. */
static int read_directory(
	struct manifest_files *files, const char *path, bool need_some, struct diags *diags)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_manifest, by_name), err = 0;

	if (n < 0)
		return refuse_errno(diags, path, errno);
	for (int i = 0; i < n; i++) {
		int failed = read_entry(files, path, entries[i]->d_name, diags);

		err = err ? err : failed;
		free(entries[i]);
	}
	free(entries);
	if (!n && need_some)
		return refuse(diags, path, -ENOENT, "no *.yaml or *.yml files in this directory");
	return err;
}

int manifest_files_read(
	struct manifest_files *files, const char *path, bool need_some, struct diags *diags)
{
	struct stat st;

	if (!strcmp(path, "-"))
		return read_fd(files, "<stdin>", STDIN_FILENO, diags);
	if (stat(path, &st))
		return refuse_errno(diags, path, errno);
	if (S_ISDIR(st.st_mode))
		return read_directory(files, path, need_some, diags);
	return read_file(files, path, diags);
}

void manifest_files_clear(struct manifest_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free((char *)files->sources[i].name);
		free((char *)files->sources[i].text);
	}
	free(files->sources);
	*files = (struct manifest_files){};
}
