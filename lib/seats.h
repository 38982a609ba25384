#ifndef PL_SEATS_H
#define PL_SEATS_H

#include <stdbool.h>

#include "shared.h"

/*
 * Places at which polls wait, counted over all processes of one database.
 * Where each process holds one poll (mod_fcgid, plain CGI) nobody else could
 * know how many there are, and which of them a newer poll supersedes.
 */

/* A place taken; ours as long as its holder is this number. */
struct pl_seat_ref {
	size_t index;
	uint64_t holder; /* 0: none */
};

/*
 * Takes a place among the first `most`. The place of an older poll of the
 * same agent and client is taken over, in whatever process that one waits:
 * *moved is then set, and the caller rings the bell. client NULL: none.
 * PL_ERR_BUSY: all are taken. PL_ERR_SYSTEM: no number for this process.
 */
enum pl_err pl_seat_take(struct pl_shared *, size_t most, int64_t agent,
    const char *client, struct pl_seat_ref *, bool *moved) PL_MUST;

/*
 * Ends the poll that this agent's client has in another process, for one that
 * needs no place itself. True: there was one, and the caller rings the bell.
 */
bool pl_seat_end(struct pl_shared *, int64_t agent, const char *client);

/* Gives it back, if it is still ours. */
void pl_seat_give(struct pl_shared *, const struct pl_seat_ref *);

/* Has nobody taken it over? */
bool pl_seat_is_ours(const struct pl_shared *, const struct pl_seat_ref *);

/* How many are taken by processes that live. */
size_t pl_seats_taken(struct pl_shared *);

#endif
