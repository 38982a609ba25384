#ifndef PL_DOORBELL_H
#define PL_DOORBELL_H

#include <stdbool.h>

#include "err.h"

/*
 * "Look": rung by whoever has committed a change, heard by every process
 * that holds polls. It says nothing more, and may ring twice or too often;
 * what changed is read from the stream. The bell is the file DATABASE-bell.
 */
struct pl_doorbell {
	int file;  /* rung by touching it */
	int watch; /* readable when it was; -1: nothing watches here */
};

/* PL_ERR_SYSTEM: no bell; a ring then does nothing, and the slow tick has to
 * find what changed. */
enum pl_err pl_doorbell_open(
    struct pl_doorbell *, const char *database, bool listen) PL_MUST;
void pl_doorbell_close(struct pl_doorbell *);

/* Has its file been deleted or replaced? Whoever comes later has another. */
bool pl_doorbell_is_stale(const struct pl_doorbell *, const char *database);
void pl_doorbell_ring(struct pl_doorbell *);
/* Forgets the rings so far, so that watch is readable at the next. */
void pl_doorbell_answer(struct pl_doorbell *);

#endif
