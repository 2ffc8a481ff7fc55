/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/http.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

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

static bool is_started_by_musterd(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) && type == SOCK_SEQPACKET;
}

static void must(int err, const char *event)
{
	if (err)
		prober_fail(event, strerror(-err));
}

int main(int argc, char **argv)
{
	static struct prober prober = {.fd = PROBE_SOCKET_FD};
	bool no_seccomp = argc == 2 && !strcmp(argv[1], "--no-seccomp"); /* to debug; sanitizers */

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("muster-prober " MUSTER_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc != 1 + no_seccomp || !is_started_by_musterd(prober.fd)) {
		fprintf(stderr,
			"muster-prober is started by musterd, with a socket on descriptor %d\n",
			PROBE_SOCKET_FD);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	must(sandbox_drop(), "drop_failed");
	prober.loop = uv_default_loop();
	prober.working = map_working();
	must(http_loop_open(&prober), "start_failed");
	must(wire_open(&prober), "start_failed");
	if (!no_seccomp)
		must(sandbox_seccomp(), "seccomp_failed");
	return uv_run(prober.loop, UV_RUN_DEFAULT);
}
