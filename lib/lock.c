/*
 * Why not leave it to SQLite: its own wait is a sleeping retry that lets one
 * process overtake another for seconds, and a checkpoint that races with a
 * commit can corrupt the file (SQLite 3.7.0 to 3.51.2, the WAL-reset bug).
 * flock(2) blocks in the kernel; a timer ends the wait where the holder hangs.
 *
 * But the kernel only wakes who waits, and gives him nothing: who has just had
 * the turn has it again before the other runs, for as long as his slice of a
 * CPU lasts. So those who find it taken stand in a line, each with a lock on a
 * byte of his own: he waits for the byte of the one before him, then for the
 * turn, then he leaves the line. Who comes while somebody stands there goes to
 * its end. The bytes of those who die or give up are free like any others: the
 * line may lose its order then, but nobody is stuck in it. That one at a time
 * has the turn is left to flock(2) alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#include "lock.h"

#define TICK_MS 50

/* The bytes: far behind the contents, which are the last place given. */
#define DOOR ((off_t)1 << 40)
#define LINE (DOOR + 1)
#define PLACES 65536

static volatile sig_atomic_t ticks;

static void
on_alarm(int sig)
{
	(void)sig;
	ticks++;
}

/* After a wait that failed: was it but a tick, and is there time left? */
static bool
goes_on(int wait_ms)
{
	return errno == EINTR && ticks * TICK_MS < wait_ms;
}

#ifdef F_OFD_SETLK

/* Locks of the open file and not of the process, like flock(2). */
static int
lock_byte(int fd, int how, short type, off_t at)
{
	struct flock lk = {
	    .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	return fcntl(fd, how, &lk);
}

static int
wait_byte(int fd, off_t at, int wait_ms)
{
	int rc;

	do
		rc = lock_byte(fd, F_OFD_SETLKW, F_WRLCK, at);
	while (rc != 0 && goes_on(wait_ms));
	return rc;
}

static bool
has_line(int fd)
{
	struct flock lk = {.l_type = F_WRLCK,
	    .l_whence = SEEK_SET,
	    .l_start = LINE,
	    .l_len = PLACES};

	return fcntl(fd, F_OFD_GETLK, &lk) == 0 && lk.l_type != F_UNLCK;
}

/* The place behind the last one; -1: none. The door is ours. */
static int64_t
take_place(int fd)
{
	int64_t last = 0;

	if (pread(fd, &last, sizeof(last), 0) < 0)
		return -1;
	last = (last + 1) & (PLACES - 1);
	if (lock_byte(fd, F_OFD_SETLK, F_WRLCK, LINE + last) != 0 ||
	    pwrite(fd, &last, sizeof(last), 0) != (ssize_t)sizeof(last))
		return -1;
	return last;
}

/* Comes back as the first in the line, with his place in it; or with -1, and
 * then he takes his chance. */
static int64_t
stand_in_line(int fd, int wait_ms)
{
	int64_t place, before;

	if (wait_byte(fd, DOOR, wait_ms) != 0)
		return -1;
	place = take_place(fd);
	lock_byte(fd, F_OFD_SETLK, F_UNLCK, DOOR);
	before = (place - 1) & (PLACES - 1);
	if (place >= 0 && wait_byte(fd, LINE + before, wait_ms) == 0)
		lock_byte(fd, F_OFD_SETLK, F_UNLCK, LINE + before);
	return place;
}

static void
leave_line(int fd, int64_t place)
{
	if (place >= 0)
		lock_byte(fd, F_OFD_SETLK, F_UNLCK, LINE + place);
}

#else /* no such locks: whoever comes first */

static bool
has_line(int fd)
{
	(void)fd;
	return false;
}

static int64_t
stand_in_line(int fd, int wait_ms)
{
	(void)fd;
	(void)wait_ms;
	return -1;
}

static void
leave_line(int fd, int64_t place)
{
	(void)fd;
	(void)place;
}

#endif

/*
 * Blocks for at most wait_ms. The timer goes on ticking, for a tick that
 * comes just before a wait begins ends nothing.
 */
static int
take_timed(int fd, int wait_ms)
{
	struct itimerval tick = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};
	struct itimerval off = {{0, 0}, {0, 0}};
	struct sigaction act = {.sa_handler = on_alarm}, before;
	int64_t place;
	int rc, error;

	ticks = 0;
	sigaction(SIGALRM, &act, &before);
	setitimer(ITIMER_REAL, &tick, NULL);
	place = stand_in_line(fd, wait_ms);
	do
		rc = flock(fd, LOCK_EX);
	while (rc != 0 && goes_on(wait_ms));
	error = errno;
	leave_line(fd, place);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &before, NULL);
	errno = error;
	return rc;
}

enum pl_err
pl_lock_take(int fd, int wait_ms)
{
	if (!has_line(fd)) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return PL_OK;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return PL_ERR_SYSTEM;
	}
	if (wait_ms == 0)
		return PL_ERR_LOCKED;
	if (take_timed(fd, wait_ms) == 0)
		return PL_OK;
	return errno == EINTR ? PL_ERR_LOCKED : PL_ERR_SYSTEM;
}

void
pl_lock_give(int fd)
{
	flock(fd, LOCK_UN);
}
