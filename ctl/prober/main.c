/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/prober.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int failed(const char *what, int err)
{
	fprintf(stderr, "level=error event=prober_start_failed what=%s why=\"%s\"\n", what,
		strerror(-err));
	return EXIT_FAILURE;
}

/* musterd may leave it out. */
static volatile uint32_t *map_working(void)
{
	struct stat st;
	void *page;

	if (fstat(PROBE_WORKING_FD, &st) || st.st_size < (off_t)sizeof(uint32_t))
		return NULL;
	page = mmap(
		NULL, sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED, PROBE_WORKING_FD, 0);
	return page == MAP_FAILED ? NULL : page;
}

int main(int argc, char **argv)
{
	bool seccomp = !(argc == 2 && !strcmp(argv[1], "--no-seccomp"));
	static struct prober prober = {.fd = PROBE_SOCKET_FD};
	int type, err;
	socklen_t n = sizeof(type);

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("muster-prober " MUSTER_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc > 2 || (argc == 2 && seccomp) ||
		getsockopt(prober.fd, SOL_SOCKET, SO_TYPE, &type, &n)) {
		fprintf(stderr,
			"muster-prober is started by musterd, with a socket on descriptor %d\n",
			PROBE_SOCKET_FD);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	err = sandbox_drop();
	if (err)
		return failed("privileges", err);
	prober.loop = uv_default_loop();
	prober.working = map_working();
	err = http_open(&prober);
	if (!err)
		err = wire_open(&prober);
	if (err)
		return failed("loop", err);
	err = seccomp ? sandbox_seccomp() : 0;
	if (err)
		return failed("seccomp", err);
	return uv_run(prober.loop, UV_RUN_DEFAULT);
}
