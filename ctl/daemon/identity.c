/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/identity.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <grp.h>
#include <pwd.h>
#include <sys/random.h>
#include <sys/stat.h>

#define NOBODY 65534

static int read_key(const char *path, struct muster_hash_key *ret)
{
	_fclose_ FILE *file = fopen(path, "re");
	unsigned long long k0, k1;

	if (!file)
		return -errno;
	if (fscanf(file, "%16llx%16llx", &k0, &k1) != 2)
		return -EINVAL;
	ret->k[0] = k0;
	ret->k[1] = k1;
	return 0;
}

/* Written aside and renamed: a full disk or a crash leaves no half a key. */
static int write_key(const char *path, const struct muster_hash_key *key)
{
	_free_ char *aside = NULL;
	_fclose_ FILE *file = NULL;
	int fd;

	if (asprintf(&aside, "%s.new", path) < 0) {
		aside = NULL;
		return -ENOMEM;
	}
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	if (fprintf(file, "%016llx%016llx\n", (unsigned long long)key->k[0],
		    (unsigned long long)key->k[1]) < 0 ||
		fflush(file) || fsync(fd) || rename(aside, path)) {
		int err = errno ? -errno : -EIO;

		unlink(aside);
		return err;
	}
	return 0;
}

int identity_hash_key(const char *state_dir, struct muster_hash_key *ret)
{
	char path[PATH_MAX];
	int err;

	if (mkdir(state_dir, 0700) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/hash_key", state_dir);
	err = read_key(path, ret);
	if (err != -ENOENT)
		return err;
	if (getrandom(ret, sizeof(*ret), 0) != sizeof(*ret))
		return -errno;
	return write_key(path, ret);
}

static bool is_number(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!isdigit((unsigned char)*c))
			return false;
	return *text;
}

/* Next to musterd first: a build tree and an installation must not mix. */
static const char *prober_path(const struct settings *settings)
{
	static char path[PATH_MAX];
	ssize_t n;
	char *slash;

	if (settings->prober_path)
		return settings->prober_path;
	n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("muster-prober"));
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash + 1, "muster-prober");
	return access(path, X_OK) ? NULL : path;
}

int identity_prober(
	const struct settings *settings, struct supervisor_options *ret, const char **ret_note)
{
	const struct passwd *user = getpwnam(settings->prober_user);

	*ret_note = NULL;
	ret->path = prober_path(settings);
	if (!ret->path)
		return -ENOENT;
	ret->change_user = true;
	if (user) {
		ret->uid = user->pw_uid;
		ret->gid = user->pw_gid;
	} else if (is_number(settings->prober_user)) {
		ret->uid = ret->gid = (uid_t)strtoul(settings->prober_user, NULL, 10);
	} else {
		ret->uid = ret->gid = NOBODY;
		*ret_note = "there is no such user: the prober runs as nobody (65534)";
	}
	return 0;
}

int identity_group(const char *text, gid_t *ret)
{
	const struct group *group = getgrnam(text);

	if (group)
		*ret = group->gr_gid;
	else if (is_number(text))
		*ret = (gid_t)strtoul(text, NULL, 10);
	else
		return -ENOENT;
	return 0;
}
