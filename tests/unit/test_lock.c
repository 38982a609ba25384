#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
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

/* ---- the line ---- */

static int told[2]; /* a pipe: who has had it */

/* A child that waits for the lock, says its name when it has it, and gives it
 * back. Comes back when it stands in the line, as the nth ever to do so. */
static pid_t
line_up(int lock, char name, int64_t nth)
{
	int64_t last = 0;
	pid_t pid;

	if ((pid = fork()) == 0) {
		int fd = open_lock();

		if (pl_lock_take(fd, 60000) != PL_OK ||
		    write(told[1], &name, 1) != 1)
			_exit(1);
		pl_lock_give(fd);
		_exit(0);
	}
	while (last < nth) {
		usleep(1000);
		cr_assert_geq(pread(lock, &last, sizeof(last), 0), 0);
	}
	return pid;
}

static char
next_told(void)
{
	char c = '?';

	cr_assert_eq(read(told[0], &c, 1), 1);
	return c;
}

/* Who has just had it is not before those who have waited. */
Test(lock, is_not_had_again_while_others_wait)
{
	int lock = open_lock(), again = open_lock();
	pid_t pid;

	cr_assert_eq(pipe(told), 0);
	cr_assert_eq(pl_lock_take(lock, 0), PL_OK);
	pid = line_up(lock, 'a', 1);
	kill(pid, SIGSTOP); /* so that it cannot come to take it */
	pl_lock_give(lock);
	cr_expect_eq(pl_lock_take(again, 0), PL_ERR_LOCKED);
	kill(pid, SIGCONT);
	cr_expect_eq(pl_lock_take(again, 60000), PL_OK);
	cr_expect_eq(next_told(), 'a');
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(lock, is_had_in_the_order_of_coming)
{
	pid_t pids[6];
	int lock = open_lock(), i;

	cr_assert_eq(pipe(told), 0);
	cr_assert_eq(pl_lock_take(lock, 0), PL_OK);
	for (i = 0; i < 6; i++)
		pids[i] = line_up(lock, (char)('a' + i), i + 1);
	pl_lock_give(lock);
	for (i = 0; i < 6; i++)
		cr_expect_eq(next_told(), 'a' + i);
	for (i = 0; i < 6; i++)
		cr_assert_eq(waitpid(pids[i], NULL, 0), pids[i]);
}

/* The second of three dies, then the first: the third has it all the same. */
Test(lock, is_had_by_who_stands_behind_the_dead)
{
	int lock = open_lock(), i;
	pid_t pids[3];

	cr_assert_eq(pipe(told), 0);
	cr_assert_eq(pl_lock_take(lock, 0), PL_OK);
	for (i = 0; i < 3; i++)
		pids[i] = line_up(lock, (char)('a' + i), i + 1);
	kill(pids[1], SIGKILL);
	cr_assert_eq(waitpid(pids[1], NULL, 0), pids[1]);
	kill(pids[0], SIGKILL);
	cr_assert_eq(waitpid(pids[0], NULL, 0), pids[0]);
	pl_lock_give(lock);
	cr_expect_eq(next_told(), 'c');
	cr_assert_eq(waitpid(pids[2], NULL, 0), pids[2]);
	cr_expect_eq(pl_lock_take(lock, 0), PL_OK);
}
