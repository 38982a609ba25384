/*
 * Each try is made in a process of its own, which enters the sandbox as the
 * programs do, and tells how it went by how it ends. Where the kernel has no
 * Landlock or no seccomp, what needs it is skipped, and says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#endif

#include "sandbox.h"
#include "secret.h"
#include "store.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

#define NO_LANDLOCK 200 /* exit codes; others are errno, 0: it worked */
#define NO_SECCOMP 201

static const struct pl_rules rules = {60000, 150000, 2000, 5000};
static char database[1024], outside[1024];
static int listener = -1;

static void
listen_there(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(
	    addr.sun_path, sizeof(addr.sun_path), "%s", tmpdir_path("socket"));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_assert_eq(listen(listener, 5), 0);
}

static void
make(void)
{
	struct pl_store *store = NULL;

	if (!pl_sandbox_is_built())
		cr_skip_test("this build has no sandbox");
	tmpdir_make();
	cr_assert_eq(mkdir(tmpdir_path("data"), 0700), 0);
	snprintf(database, sizeof(database), "%s", tmpdir_path("data/p.db"));
	snprintf(outside, sizeof(outside), "%s",
	    tmpdir_write("outside", "of nobody here"));
	cr_assert_eq(
	    pl_sqlite_open(&store, database, true, &rules, 1000, T0), PL_OK);
	store->ops->close(store);
	listen_there();
}

TestSuite(sandbox, .init = make, .fini = tmpdir_remove, .timeout = 60);

#ifdef __linux__

enum needs { NOTHING, LANDLOCK, SECCOMP };

/* Runs what in the sandbox: its exit code, or minus the signal. */
static int
inside(int (*what)(void), enum needs needs)
{
	struct pl_sandbox s;
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		pl_sandbox_keep_private();
		pl_sqlite_warm_up();
		pl_sandbox_enter(&s, database);
		if (needs == LANDLOCK && s.landlock == 0)
			_exit(NO_LANDLOCK);
		if (needs == SECCOMP && !s.seccomp)
			_exit(NO_SECCOMP);
		_exit(what());
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return -WTERMSIG(status);
	status = WEXITSTATUS(status);
	if (status == NO_LANDLOCK)
		cr_skip_test("this kernel has no Landlock");
	if (status == NO_SECCOMP)
		cr_skip_test("no filter of system calls here");
	return status;
}

static int
result(long rc)
{
	return rc >= 0 ? 0 : errno;
}

/* ---- files ---- */

static int
read_passwd(void)
{
	return result(open("/etc/passwd", O_RDONLY));
}

static int
read_outside(void)
{
	return result(open(outside, O_RDONLY));
}

static int
write_outside(void)
{
	return result(open(outside, O_WRONLY | O_TRUNC));
}

static int
make_outside(void)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s-new", outside);
	return result(open(path, O_WRONLY | O_CREAT, 0600));
}

static int
remove_outside(void)
{
	return result(unlink(outside));
}

static int
list_root(void)
{
	return result(open("/", O_RDONLY | O_DIRECTORY));
}

static int
read_environment(void)
{
	return result(open("/proc/self/environ", O_RDONLY));
}

/* From within, by a name that leads out. */
static int
climb_out(void)
{
	char path[1100];

	snprintf(path, sizeof(path), "%.*s/../outside",
	    (int)(strrchr(database, '/') - database), database);
	return result(open(path, O_RDONLY));
}

struct
try {
	const char *what;
	int (*run)(void);
	int expected;
};

static struct try no_files[] = {
    {"/etc/passwd", read_passwd, EACCES},
    {"a file beside the folder", read_outside, EACCES},
    {"to write one", write_outside, EACCES},
    {"to make one", make_outside, EACCES},
    {"to remove one", remove_outside, EACCES},
    {"to list a folder", list_root, EACCES},
    {"the environment", read_environment, EACCES},
    {"a path that climbs out", climb_out, EACCES},
};

/* Nothing outside of the database's folder can be opened or changed. */
Test(sandbox, opens_no_file_outside_of_the_folder)
{
	struct stat st;
	size_t i;

	for (i = 0; i < LENGTH(no_files); i++)
		cr_expect_eq(inside(no_files[i].run, LANDLOCK),
		    no_files[i].expected, "%s", no_files[i].what);
	cr_expect_eq(stat(outside, &st), 0);
	cr_expect_eq(st.st_size, 14, "as it was");
}

/* ---- programs and other processes ---- */

static int
run_program(void)
{
	char *const args[] = {(char *)(uintptr_t) "true", NULL};

	execve("/bin/true", args, args + 1);
	return errno;
}

static int
run_program_of_descriptor(void)
{
	char *const args[] = {(char *)(uintptr_t) "true", NULL};

	syscall(SYS_execveat, 0, "", args, args + 1, 0x1000);
	return errno;
}

static int
trace(void)
{
	return result(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
read_memory(void)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {&byte, 1};

	return result(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}

/* A shell is what an intruder wants; who tries is ended on the spot. */
Test(sandbox, ends_who_starts_a_program_or_reaches_into_another)
{
	cr_expect_eq(inside(run_program, SECCOMP), -SIGSYS);
	cr_expect_eq(inside(run_program_of_descriptor, SECCOMP), -SIGSYS);
	cr_expect_eq(inside(trace, SECCOMP), -SIGSYS);
	cr_expect_eq(inside(read_memory, SECCOMP), -SIGSYS);
}

static int
make_process(void)
{
	return result(fork());
}

static int
call_out(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int
call_local(void)
{
	return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
pair_of_inet(void)
{
	int fds[2];

	return result(socketpair(AF_INET, SOCK_STREAM, 0, fds));
}

static int
signal_parent(void)
{
	return result(kill(getppid(), 0));
}

static int
signal_thread(void)
{
	return result(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int
limit_parent(void)
{
	struct rlimit rl;

	return result(prlimit(getppid(), RLIMIT_NOFILE, NULL, &rl));
}

static int
show_memory(void)
{
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
make_link(void)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s-link", database);
	return result(symlink("/etc/passwd", path));
}

static int
rename_file(void)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s-other", database);
	return result(rename(database, path));
}

static int
call_unknown(void)
{
	return result(syscall(100000));
}

static struct try no_calls[] = {
    {"fork", make_process, ENOSYS},
    {"a socket of the internet", call_out, ENOSYS},
    {"a socket of the machine", call_local, ENOSYS},
    {"a pair of the internet", pair_of_inet, ENOSYS},
    {"a signal to another", signal_parent, ENOSYS},
    {"a signal to another's thread", signal_thread, ENOSYS},
    {"another's limits", limit_parent, ENOSYS},
    {"to be dumped again", show_memory, ENOSYS},
    {"a link", make_link, ENOSYS},
    {"another name", rename_file, ENOSYS},
    {"what no kernel has", call_unknown, ENOSYS},
};

/* What is not needed does not work; a C library copes with that. */
Test(sandbox, has_no_call_that_is_not_needed)
{
	size_t i;

	for (i = 0; i < LENGTH(no_calls); i++)
		cr_expect_eq(inside(no_calls[i].run, SECCOMP),
		    no_calls[i].expected, "%s", no_calls[i].what);
}

/* ---- what goes on as before ---- */

/* Opens, writes, checkpoints, closes: all files are made and removed. */
static int
use_store(void)
{
	struct pl_store *s = NULL;
	uint8_t key[PL_HASH_LEN] = {1};
	bool changed;
	int64_t id;

	if (pl_sqlite_open(&s, database, false, &rules, 1000, T0) != PL_OK ||
	    s->ops->begin(s, PL_TXN_WRITE, T0) != PL_OK ||
	    s->ops->company_add(s, "acme", key, "site", &id) != PL_OK ||
	    s->ops->check(s) != PL_OK || s->ops->commit(s, &changed) != PL_OK)
		return 1;
	s->ops->tidy(s, false);
	s->ops->close(s);
	return 0;
}

static const char rollback[] =
    "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"
    "CREATE TABLE t (x); BEGIN;"
    "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    " INSERT INTO t SELECT hex(randomblob(100)) FROM n;"
    "SELECT x FROM t ORDER BY x; COMMIT; PRAGMA journal_mode = WAL;"
    "DELETE FROM t; PRAGMA wal_checkpoint(TRUNCATE);";

/* On a network file system there is a rollback journal: made, synced with
 * its folder, removed. */
static int
use_journal(void)
{
	char path[1100];
	sqlite3 *db;
	int rc;

	snprintf(path, sizeof(path), "%s.%ld", database, (long)getpid());
	rc = sqlite3_open(path, &db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, rollback, NULL, NULL, NULL);
	sqlite3_close(db);
	return rc;
}

/* At the end of plain CGI standard output is closed, and SQLite fills the gap
 * before it opens anything. */
static int
use_journal_without_output(void)
{
	close(STDOUT_FILENO);
	return use_journal();
}

static int
serve(void)
{
	char bits[16];
	int pair[2];

	if (pipe2(pair, O_NONBLOCK | O_CLOEXEC) != 0 ||
	    fcntl(pair[1], F_SETPIPE_SZ, 131072) < 0 ||
	    write(pair[1], "x", 1) != 1 || read(pair[0], bits, 1) != 1 ||
	    pl_secret_random(bits, sizeof(bits)) != PL_OK || usleep(1) != 0)
		return errno;
	return result(accept(listener, NULL, NULL));
}

static int
give_up(void)
{
	abort();
}

static void
connect_to_it(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(
	    addr.sun_path, sizeof(addr.sun_path), "%s", tmpdir_path("socket"));
	cr_assert_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

Test(sandbox, leaves_what_the_programs_do)
{
	cr_expect_eq(inside(use_store, NOTHING), 0);
	cr_expect_eq(inside(use_journal, NOTHING), 0);
	cr_expect_eq(inside(use_journal_without_output, NOTHING), 0);
	connect_to_it();
	cr_expect_eq(inside(serve, NOTHING), 0);
	cr_expect_eq(inside(give_up, NOTHING), -SIGABRT);
}

/* The database may be a link: SQLite's files lie where it leads. */
Test(sandbox, follows_a_database_that_is_a_link)
{
	char link[1024];

	cr_assert_eq(mkdir(tmpdir_path("links"), 0700), 0);
	snprintf(link, sizeof(link), "%s", tmpdir_path("links/p.db"));
	cr_assert_eq(symlink(database, link), 0);
	strcpy(database, link);
	cr_expect_eq(inside(use_store, NOTHING), 0);
	cr_expect_eq(inside(read_outside, LANDLOCK), EACCES);
}

/* ---- what is in memory ---- */

static bool
leaves_core(bool is_private)
{
	struct rlimit rl;
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		if (getrlimit(RLIMIT_CORE, &rl) != 0 || chdir(tmpdir()) != 0)
			_exit(1);
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_CORE, &rl);
		if (is_private)
			pl_sandbox_keep_private();
		abort();
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status));
	return WCOREDUMP(status);
}

/* Credentials of the moment are in it. */
Test(sandbox, memory_is_left_in_no_core)
{
	if (!leaves_core(false))
		cr_skip_test("nobody leaves a core here");
	cr_expect(!leaves_core(true));
}

/* ---- a folder that is not there yet, and one that is exchanged ---- */

static struct pl_sandbox again;

/* One in the sandbox does the first thing, we do ours, it does the second. */
static int
in_turn(int (*first)(void), void (*meanwhile)(void), int (*second)(void))
{
	int status, done[2], go[2];
	char c;
	pid_t pid;

	cr_assert_eq(pipe(done), 0);
	cr_assert_eq(pipe(go), 0);
	if ((pid = fork()) == 0) {
		pl_sandbox_enter(&again, database);
		if ((status = first()) != 0)
			_exit(status);
		if (write(done[1], "x", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(second());
	}
	close(done[1]);
	if (read(done[0], &c, 1) == 1) {
		meanwhile();
		cr_assert_eq(write(go[1], "x", 1), 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_LANDLOCK)
		cr_skip_test("this kernel has no Landlock");
	return status;
}

static int
is_open_yet(void)
{
	return again.confined ? 1 : read_outside();
}

static void
make_folder(void)
{
	cr_assert_eq(mkdir(tmpdir_path("data"), 0700), 0);
}

static int
is_closed_now(void)
{
	pl_sandbox_confine(&again, database);
	if (again.landlock == 0)
		return NO_LANDLOCK;
	if (read_outside() != EACCES)
		return 1;
	return result(open(database, O_RDWR | O_CREAT, 0600));
}

static void
move_folder(void)
{
	cr_assert_eq(rename(tmpdir_path("data"), tmpdir_path("old")), 0);
}

/* The folder is taken as it is when it can first be had. */
Test(sandbox, confines_itself_when_the_folder_comes)
{
	move_folder();
	cr_expect_eq(in_turn(is_open_yet, make_folder, is_closed_now), 0);
}

static int
is_as_it_was(void)
{
	return again.landlock == 0 ? NO_LANDLOCK
				   : pl_sandbox_is_stale(&again, database);
}

static void
exchange_folder(void)
{
	move_folder();
	make_folder();
}

static int
is_another(void)
{
	return !pl_sandbox_is_stale(&again, database);
}

/* Another folder of the same name is closed to it, which it can tell. */
Test(sandbox, notices_another_folder)
{
	cr_expect_eq(in_turn(is_as_it_was, exchange_folder, is_another), 0);
}

#endif
