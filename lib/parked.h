#ifndef PL_PARKED_H
#define PL_PARKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

/*
 * The polls that wait. Who waits for what is known here; what happened, when
 * it is too late to wait on, and how to answer is known to the caller.
 */
struct pl_parked;

/* A poll that waits. The caller sees these members and changes seq alone. */
struct pl_waiter {
	void *owner; /* the caller's */
	int64_t seq; /* it has everything up to here */
	int64_t company;
	int64_t agent;
	char *inboxes; /* JSON; NULL: all. Owned */
	bool heartbeats;
	bool all; /* watches its company, not single conversations */
};

/* What a poll asks for; everything is copied. */
struct pl_watch {
	void *owner;
	const struct pl_agent *agent;
	const char *client;     /* NULL: none */
	const char *const *ids; /* NULL: all */
	size_t nids;
	bool heartbeats;
	int64_t seq;
};

/*
 * A waiter that something happened to: those of events[0..n) for which
 * yes[i] is set. Whoever is limited to inboxes has to look for itself (yes is
 * NULL): in which inbox a conversation is, is not known here, and it may be
 * another one by now. The callee removes the waiter, or leaves it waiting.
 */
typedef void (*pl_woken_fn)(void *arg, struct pl_waiter *, const bool *yes);
typedef void (*pl_waiter_fn)(void *arg, struct pl_waiter *);

enum pl_err pl_parked_new(struct pl_parked **, size_t max) PL_MUST;
void pl_parked_free(struct pl_parked *); /* it must be empty */

/* PL_ERR_BUSY: there are max already. */
enum pl_err pl_parked_add(
    struct pl_parked *, const struct pl_watch *, struct pl_waiter **) PL_MUST;
void pl_parked_remove(struct pl_parked *, struct pl_waiter *);

/* The poll that the same agent's client has waiting; NULL. */
struct pl_waiter *pl_parked_find(
    struct pl_parked *, int64_t agent, const char *client);

/* The conversations that it watches, if it does not watch all: writes at most
 * `most`, returns how many. They live as long as it waits. */
size_t pl_parked_ids(const struct pl_waiter *, const char *ids[], size_t most);

size_t pl_parked_count(const struct pl_parked *);
/* Does any of them want heartbeats? */
bool pl_parked_heartbeats(const struct pl_parked *);

/* Calls fn once for each waiter that one of the events is for. */
enum pl_err pl_parked_wake(struct pl_parked *, const struct pl_event *events,
    size_t n, pl_woken_fn fn, void *arg) PL_MUST;
/* Calls fn for all; fn may remove the one it gets, and no other. */
void pl_parked_each(struct pl_parked *, pl_waiter_fn fn, void *arg);

#endif
