/*
 * Why not leave it to SQLite: its own wait is a sleeping retry that lets one
 * process overtake another for seconds, and a checkpoint that races with a
 * commit can corrupt the file (SQLite 3.7.0 to 3.51.2, the WAL-reset bug).
 * flock(2) blocks in the kernel, in turn; a timer ends the wait where the
 * holder hangs.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/time.h>

#include "lock.h"

#define TICK_MS 50

static volatile sig_atomic_t ticks;

static void
on_alarm(int sig)
{
	(void)sig;
	ticks++;
}

/*
 * Blocks for at most wait_ms. The timer goes on ticking, for a tick that
 * comes just before flock() starts to wait ends nothing.
 */
static int
flock_timed(int fd, int wait_ms)
{
	struct itimerval tick = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};
	struct itimerval off = {{0, 0}, {0, 0}};
	struct sigaction act = {.sa_handler = on_alarm}, before;
	int rc, error;

	ticks = 0;
	sigaction(SIGALRM, &act, &before);
	setitimer(ITIMER_REAL, &tick, NULL);
	do
		rc = flock(fd, LOCK_EX);
	while (rc != 0 && errno == EINTR && ticks * TICK_MS < wait_ms);
	error = errno;
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &before, NULL);
	errno = error;
	return rc;
}

enum pl_err
pl_lock_take(int fd, int wait_ms)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return PL_OK;
	if (errno != EWOULDBLOCK && errno != EINTR)
		return PL_ERR_SYSTEM;
	if (wait_ms == 0)
		return PL_ERR_LOCKED;
	if (flock_timed(fd, wait_ms) == 0)
		return PL_OK;
	return errno == EINTR ? PL_ERR_LOCKED : PL_ERR_SYSTEM;
}

void
pl_lock_give(int fd)
{
	flock(fd, LOCK_UN);
}
