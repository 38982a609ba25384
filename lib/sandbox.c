/*
 * The sandbox of presence.fcgi and events.fcgi: Landlock for files, seccomp
 * for system calls, both of Linux and both for a process that is not root.
 *
 * The filter is a list of what is allowed. What is on no list fails with
 * ENOSYS, as on a kernel that does not have it: a C library that has learnt a
 * new call then takes the old one, where EPERM would stop it and a signal
 * would kill it. What only an intruder calls (execve and the like) kills.
 *
 * No libseccomp: it sorts and generates the same program at each start, which
 * for plain CGI means at each request: measured with callgrind, a fifth more
 * instructions for all of it. These lines add a thousandth. The price is that
 * the architectures are named here; others have Landlock alone.
 *
 * Not limited: memory that is executable (valgrind and some C libraries need
 * it), and what is done with descriptors that are open already.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#endif

#include "log.h"
#include "sandbox.h"

/* A sanitizer opens /proc and traces its own process when that ends. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||     \
    __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#if defined(__linux__) && !defined(SANITIZED)
#define BUILT 1
#else
#define BUILT 0
#endif

bool
pl_sandbox_is_built(void)
{
	return BUILT != 0;
}

#if BUILT

void
pl_sandbox_keep_private(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/*
 * Landlock, as the kernel's include/uapi/linux/landlock.h has it. The headers
 * of a machine that builds may be older than the kernel that runs, and there
 * is no wrapper in the C library.
 */
#define LANDLOCK_CREATE_RULESET 444 /* the same everywhere */
#define LANDLOCK_ADD_RULE 445
#define LANDLOCK_RESTRICT_SELF 446
#define LANDLOCK_VERSION 1U     /* flag: tell the version */
#define LANDLOCK_PATH_BENEATH 1 /* kind of rule */

#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_TRUNCATE (UINT64_C(1) << 14)

struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct __attribute__((packed)) path_beneath {
	uint64_t allowed;
	int32_t file;
};

/* All that this version can forbid. */
static struct ruleset
all_of(int version)
{
	struct ruleset all = {.fs = (UINT64_C(1) << 13) - 1};

	if (version >= 2)
		all.fs |= UINT64_C(1) << 13; /* to link between folders */
	if (version >= 3)
		all.fs |= FS_TRUNCATE;
	if (version >= 5)
		all.fs |= UINT64_C(1) << 15; /* ioctl() on devices */
	if (version >= 4)
		all.net = 3; /* bind() and connect() of TCP */
	if (version >= 6)
		all.scoped = 3; /* abstract sockets and signals */
	return all;
}

static int
allow(int ruleset, const struct ruleset *all, int fd, uint64_t rights)
{
	struct path_beneath rule = {.allowed = all->fs & rights, .file = fd};

	return (int)syscall(
	    LANDLOCK_ADD_RULE, ruleset, LANDLOCK_PATH_BENEATH, &rule, 0);
}

/* SQLite syncs the folder (READ_DIR) when a journal has gone. */
static int
allow_folder(int ruleset, const struct ruleset *all, int folder)
{
	return allow(ruleset, all, folder,
	    FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR | FS_REMOVE_FILE |
		FS_MAKE_REG | FS_TRUNCATE);
}

/*
 * SQLite takes no descriptor below 3: where one of these is free, as standard
 * output is at the end of plain CGI, it first puts /dev/null there.
 */
static int
allow_null(int ruleset, const struct ruleset *all)
{
	int fd = open("/dev/null", O_PATH | O_CLOEXEC), rc;

	if (fd < 0)
		return 0; /* a chroot without one */
	rc = allow(ruleset, all, fd, FS_READ_FILE | FS_WRITE_FILE);
	close(fd);
	return rc;
}

static int
open_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash - path >= PATH_MAX - 1)
		return -1;
	memcpy(folder, path, (size_t)(slash - path) + 1);
	folder[slash - path + 1] = '\0';
	return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Where the database is a link, SQLite works beside what it leads to. */
static int
allow_target(int ruleset, const struct ruleset *all, const char *database)
{
	char real[PATH_MAX];
	struct stat st;
	int folder, rc;

	if (lstat(database, &st) != 0 || !S_ISLNK(st.st_mode) ||
	    realpath(database, real) == NULL)
		return 0;
	if ((folder = open_folder_of(real)) < 0)
		return -1;
	rc = allow_folder(ruleset, all, folder);
	close(folder);
	return rc;
}

static int
restrict_files(int version, const char *database, int folder)
{
	struct ruleset all = all_of(version);
	int rc, fd;

	fd = (int)syscall(LANDLOCK_CREATE_RULESET, &all, sizeof(all), 0);
	if (fd < 0)
		return -1;
	rc = allow_folder(fd, &all, folder);
	if (rc == 0)
		rc = allow_null(fd, &all);
	if (rc == 0)
		rc = allow_target(fd, &all, database);
	if (rc == 0)
		rc = (int)syscall(LANDLOCK_RESTRICT_SELF, fd, 0);
	close(fd);
	return rc;
}

void
pl_sandbox_confine(struct pl_sandbox *s, const char *database)
{
	struct stat st;
	int folder, version;

	if (s->confined || !s->entered ||
	    (folder = open_folder_of(database)) < 0)
		return;
	s->confined = true;
	version =
	    (int)syscall(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION);
	if (version < 1 || restrict_files(version, database, folder) != 0)
		pl_log(
		    PL_LOG_DEBUG, "sandbox: no Landlock: %s", strerror(errno));
	else if (fstat(folder, &st) == 0) {
		s->landlock = version;
		s->dev = st.st_dev;
		s->inode = st.st_ino;
		pl_log(PL_LOG_DEBUG, "sandbox: Landlock %d", version);
	}
	close(folder);
}

bool
pl_sandbox_is_stale(const struct pl_sandbox *s, const char *database)
{
	struct stat st;
	int folder;
	bool stale;

	if (s->landlock == 0 || (folder = open_folder_of(database)) < 0)
		return false;
	stale = fstat(folder, &st) == 0 &&
		(st.st_dev != s->dev || st.st_ino != s->inode);
	close(folder);
	return stale;
}

#if defined(__x86_64__) && defined(__LP64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__) && !defined(__AARCH64EB__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#endif

#ifdef ARCH

/* The old names of calls are missing on newer architectures. */
static const int allowed[] = {
    /* what is open, and files of the folder */
    __NR_read, __NR_write, __NR_readv, __NR_writev, __NR_pread64, __NR_pwrite64,
    __NR_lseek, __NR_close, __NR_fstat, __NR_statx, __NR_fstatfs, __NR_statfs,
    __NR_faccessat, __NR_readlinkat, __NR_getcwd, __NR_openat, __NR_unlinkat,
    __NR_ftruncate, __NR_fallocate, __NR_fsync, __NR_fdatasync, __NR_fcntl,
    __NR_pipe2, __NR_flock, __NR_fchmod, __NR_fchown, __NR_utimensat,
#ifdef __NR_sync_file_range
    __NR_sync_file_range,
#endif
#ifdef __NR_newfstatat
    __NR_newfstatat,
#endif
#ifdef __NR_faccessat2
    __NR_faccessat2,
#endif
#ifdef __NR_stat
    __NR_stat, __NR_lstat, __NR_access, __NR_readlink, __NR_open, __NR_unlink,
#endif
    /* memory */
    __NR_brk, __NR_mmap, __NR_munmap, __NR_mremap, __NR_mprotect, __NR_madvise,
    __NR_futex,
    /* connections, of a socket that is there */
    __NR_accept, __NR_accept4, __NR_getsockname, __NR_getpeername,
    __NR_getsockopt, __NR_setsockopt, __NR_recvfrom, __NR_sendto, __NR_recvmsg,
    __NR_sendmsg, __NR_shutdown,
    /* waiting, signals, time */
    __NR_epoll_ctl, __NR_epoll_pwait, __NR_ppoll, __NR_pselect6,
#ifdef __NR_epoll_pwait2
    __NR_epoll_pwait2,
#endif
#ifdef __NR_epoll_wait
    __NR_epoll_wait, __NR_poll, __NR_select, __NR_time,
#endif
    __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_sigaltstack,
    __NR_restart_syscall, __NR_setitimer, __NR_clock_gettime, __NR_clock_getres,
    __NR_gettimeofday, __NR_nanosleep, __NR_clock_nanosleep, __NR_sched_yield,
    /* who and what we are */
    __NR_getpid, __NR_gettid, __NR_getppid, __NR_getuid, __NR_geteuid,
    __NR_getgid, __NR_getegid, __NR_getrandom, __NR_sysinfo, __NR_exit,
    __NR_exit_group,
    /* to give up more: pl_sandbox_confine() */
    LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF};

/* Nobody calls these here but who has no business here. */
static const int deadly[] = {__NR_execve, __NR_execveat, __NR_ptrace,
    __NR_process_vm_readv, __NR_process_vm_writev};

#define COUNT(list) (sizeof(list) / sizeof(list[0]))
#define LENGTH (COUNT(allowed) + COUNT(deadly))

struct program {
	struct sock_filter code[2 * LENGTH + 26];
	unsigned short len;
};

static void
add(struct program *p, struct sock_filter code)
{
	p->code[p->len++] = code;
}

static void
load(struct program *p, size_t offset)
{
	add(p, (struct sock_filter)BPF_STMT(
		   BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void
answer(struct program *p, uint32_t action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* If what is loaded is so: that is the answer. */
static void
answer_if(struct program *p, uint16_t test, uint32_t value, uint32_t action)
{
	add(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, 1));
	answer(p, action);
}

/*
 * Allows a call with that first argument (its lower half, which is what a
 * pid_t is), and goes on with the number of the call.
 */
static void
allow_with(struct program *p, int call, uint32_t argument)
{
	add(p, (struct sock_filter)BPF_JUMP(
		   BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4));
	load(p, offsetof(struct seccomp_data, args));
	answer_if(p, BPF_JEQ, argument, SECCOMP_RET_ALLOW);
	load(p, offsetof(struct seccomp_data, nr));
}

static void
build(struct program *p)
{
	const uint32_t missing = SECCOMP_RET_ERRNO | ENOSYS;
	size_t i;

	p->len = 0;
	load(p, offsetof(struct seccomp_data, arch));
	add(p, (struct sock_filter)BPF_JUMP(
		   BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	answer(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	/* x32, which has other numbers under the same name. */
	answer_if(p, BPF_JGE, 0x40000000, SECCOMP_RET_KILL_PROCESS);
#endif
	for (i = 0; i < COUNT(deadly); i++)
		answer_if(
		    p, BPF_JEQ, (uint32_t)deadly[i], SECCOMP_RET_KILL_PROCESS);
	for (i = 0; i < COUNT(allowed); i++)
		answer_if(p, BPF_JEQ, (uint32_t)allowed[i], SECCOMP_RET_ALLOW);
	/* abort() sends itself a signal; a limit is asked for of oneself. */
	allow_with(p, __NR_tgkill, (uint32_t)getpid());
	allow_with(p, __NR_prlimit64, 0);
	answer(p, missing);
}

/*
 * SPEC_ALLOW: without it, kernels before 5.16 slow the process down against
 * a kind of attack that needs code of the attacker's in it.
 */
static bool
limit_calls(void)
{
	struct program p;
	struct sock_fprog prog;

	build(&p);
	prog.filter = p.code;
	prog.len = p.len;
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
		   SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog) == 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

#else

static bool
limit_calls(void)
{
	errno = ENOSYS;
	return false;
}

#endif

void
pl_sandbox_enter(struct pl_sandbox *s, const char *database)
{
	*s = (struct pl_sandbox){.entered = true};
	/* A program that it might start gets no more rights than it has. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return;
	pl_sandbox_confine(s, database);
	s->seccomp = limit_calls();
	pl_log(PL_LOG_DEBUG, "sandbox: %s",
	    s->seccomp ? "seccomp" : "no filter of system calls");
}

#else

void
pl_sandbox_keep_private(void)
{
}

void
pl_sandbox_enter(struct pl_sandbox *s, const char *database)
{
	(void)database;
	*s = (struct pl_sandbox){.entered = false};
}

void
pl_sandbox_confine(struct pl_sandbox *s, const char *database)
{
	(void)s;
	(void)database;
}

bool
pl_sandbox_is_stale(const struct pl_sandbox *s, const char *database)
{
	(void)s;
	(void)database;
	return false;
}

#endif
