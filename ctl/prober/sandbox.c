/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/prober.h"

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

int sandbox_drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {};
	struct rlimit limit = {};

	if (close_range(PROBE_WORKING_FD + 1, ~0u, 0) || setrlimit(RLIMIT_CORE, &limit))
		return -errno;
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	prctl(PR_SET_DUMPABLE, 0);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

/* A system call, perhaps only with one argument that compares. */
struct rule {
	int syscall;
	struct scmp_arg_cmp only;
	bool conditional;
};

#define CALL(name)                        \
	{                                 \
		.syscall = SCMP_SYS(name) \
	}
#define CALL_IF(name, ...)                                                          \
	{                                                                           \
		.syscall = SCMP_SYS(name), .only = __VA_ARGS__, .conditional = true \
	}

/* clang-format off */
static const struct rule allowed[] = {
	/* memory, never to be executed */
	CALL(brk),
	CALL_IF(mmap, SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)),
	CALL_IF(mprotect, SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	/* descriptors */
	CALL(read),
	CALL(write),
	CALL(readv),
	CALL(writev),
	CALL(close),
	CALL(fcntl),
	CALL_IF(ioctl, SCMP_A1_64(SCMP_CMP_EQ, FIONBIO)),
	CALL(fstat),
	CALL(newfstatat),
	/* internet sockets; no listening */
	CALL_IF(socket, SCMP_A0_64(SCMP_CMP_EQ, AF_INET)),
	CALL_IF(socket, SCMP_A0_64(SCMP_CMP_EQ, AF_INET6)),
	CALL(connect),
	CALL(shutdown),
	CALL(sendto),
	CALL(recvfrom),
	CALL(getsockopt),
	CALL(setsockopt),
	CALL(getsockname),
	CALL(getpeername),
	/* waiting, time */
	CALL(poll),
	CALL(ppoll),
	CALL(epoll_ctl),
	CALL(epoll_wait),
	CALL(epoll_pwait),
	CALL(epoll_pwait2),
	CALL(clock_gettime),
	CALL(gettimeofday),
	CALL(clock_nanosleep),
	CALL(nanosleep),
	CALL(restart_syscall),
	CALL(futex),
	/* the process itself */
	CALL(getpid),
	CALL(gettid),
	CALL(getrandom),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(exit),
	CALL(exit_group),
};
/* clang-format on */

/* What libraries try on the side (a locale, a name service): told no, not killed for it. */
static const struct {
	struct rule rule;
	int err;
} refused[] = {
	{CALL(openat), EACCES},
	{CALL_IF(socket, SCMP_A0_64(SCMP_CMP_LT, AF_INET)), EAFNOSUPPORT},
	{CALL_IF(socket, SCMP_A0_64(SCMP_CMP_GT, AF_INET6)), EAFNOSUPPORT},
};

static int add(scmp_filter_ctx filter, uint32_t action, const struct rule *rule)
{
	return seccomp_rule_add_array(
		filter, action, rule->syscall, rule->conditional, &rule->only);
}

int sandbox_seccomp(void)
{
	const struct rule abort_self =
		CALL_IF(tgkill, SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = filter ? add(filter, SCMP_ACT_ALLOW, &abort_self) : -ENOMEM;

	for (size_t i = 0; !err && i < ARRAY_SIZE(allowed); i++)
		err = add(filter, SCMP_ACT_ALLOW, &allowed[i]);
	for (size_t i = 0; !err && i < ARRAY_SIZE(refused); i++)
		err = add(filter, SCMP_ACT_ERRNO(refused[i].err), &refused[i].rule);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
