#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lock.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

TestSuite(lock, .init = tmpdir_make, .fini = tmpdir_remove);

static int
open_lock(void)
{
	return open(tmpdir_path("lock"), O_RDWR | O_CREAT, 0600);
}

/* A child that holds the lock; it says so through the pipe. */
static pid_t
hold(void)
{
	int fds[2];
	char c;
	pid_t pid;

	cr_assert_eq(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		if (pl_lock_take(open_lock(), 0) == PL_OK &&
		    write(fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	cr_assert_eq(read(fds[0], &c, 1), 1);
	return pid;
}

Test(lock, is_had_by_one_at_a_time)
{
	int a = open_lock(), b = open_lock();

	cr_assert_eq(pl_lock_take(a, 0), PL_OK);
	cr_expect_eq(pl_lock_take(b, 0), PL_ERR_LOCKED);
	pl_lock_give(a);
	cr_expect_eq(pl_lock_take(b, 0), PL_OK);
}

/* The wait ends though the holder never gives it. */
Test(lock, is_not_waited_for_for_ever)
{
	struct sigaction before, after;
	pid_t pid = hold();

	sigaction(SIGALRM, NULL, &before);
	cr_expect_eq(pl_lock_take(open_lock(), 120), PL_ERR_LOCKED);
	sigaction(SIGALRM, NULL, &after);
	cr_expect_eq(before.sa_handler, after.sa_handler);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A process that dies gives it back, to the one that waits. */
Test(lock, is_free_when_its_holder_dies)
{
	pid_t pid = hold();

	kill(pid, SIGKILL);
	cr_expect_eq(pl_lock_take(open_lock(), 5000), PL_OK);
	waitpid(pid, NULL, 0);
}
