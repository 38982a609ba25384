#ifndef PL_SANDBOX_H
#define PL_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/*
 * What a program gives up before it reads its first request, so that a fault
 * in a parser opens no file of others, starts no program and calls nobody.
 */
struct pl_sandbox {
	bool entered;  /* system calls are limited, where they can be */
	bool confined; /* so is the file system, where it can be */
	int landlock;  /* version of what does the latter; 0: nothing */
	bool seccomp;  /* is there a filter? */
	unsigned long long dev, inode; /* the folder, once confined */
};

/* Keeps the memory of this process from core files and from others' eyes. */
void pl_sandbox_keep_private(void);

/*
 * Gives up all that is not needed once everything is open: for good, and for
 * the calling thread. What remains is to work with what is open, to accept on
 * a socket that listens, and to make, use and remove files in the folder of
 * the database. Where the kernel has less, less is given up; the log says so
 * at debug. If the folder is not there yet, pl_sandbox_confine() is for later.
 */
void pl_sandbox_enter(struct pl_sandbox *, const char *database);

/* The part with the folder. Does nothing the second time. */
void pl_sandbox_confine(struct pl_sandbox *, const char *database);

/*
 * Has the folder become another one? Then nothing can be opened in it, for
 * what was allowed was the one that had its name before.
 */
bool pl_sandbox_is_stale(const struct pl_sandbox *, const char *database);

/* Can this build limit anything? Those with a sanitizer do not. */
bool pl_sandbox_is_built(void);

#endif
