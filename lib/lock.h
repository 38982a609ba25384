#ifndef PL_LOCK_H
#define PL_LOCK_H

#include "err.h"

/*
 * The writers' turn: an advisory lock on a file of its own, that all
 * processes of one store take around every write transaction and every
 * checkpoint. Who waits is served in the order of coming (where the system has
 * locks of open files, as Linux does); the lock of a process that dies is
 * free.
 */

/* Takes it, waiting at most wait_ms (0: not at all). PL_ERR_LOCKED if it
 * was not free in time, PL_ERR_SYSTEM. Borrows SIGALRM while it waits. */
enum pl_err pl_lock_take(int fd, int wait_ms) PL_MUST;
void pl_lock_give(int fd);

#endif
