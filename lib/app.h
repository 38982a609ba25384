#ifndef PL_APP_H
#define PL_APP_H

#include <stdbool.h>

#include "call.h"
#include "config.h"
#include "doorbell.h"
#include "sandbox.h"
#include "shared.h"
#include "store.h"

/*
 * A program: its loop, its store, the requests of the turn, the polls that
 * wait. Both programs are this, with other endpoints.
 */
struct event_base;
struct event;
struct pl_polls;

struct pl_app {
	struct pl_config config;
	struct pl_rules rules;
	enum pl_program program;
	const struct pl_endpoint *const *endpoints; /* NULL ends it */
	struct event_base *base;
	struct event *due, *tick, *bell_event;
	struct pl_fcgi *fcgi; /* NULL: plain CGI */
	struct pl_cgi *cgi;
	struct pl_store *store; /* NULL: not to be had at the moment */
	int64_t opened_at;      /* when it was last tried */
	int64_t seen_at;        /* when its file was last seen in its place */
	struct pl_doorbell bell;
	struct pl_polls *polls; /* NULL: this program holds none */
	size_t most_polls;      /* that it may hold, each with a descriptor */
	struct pl_shared shared;
	struct pl_sandbox sandbox;
	struct pl_call *first, **last; /* this turn's requests, in order */
	int64_t now;
	int64_t due_at;   /* when something runs out, as last read; or 0 */
	int64_t version;  /* the store's, as last seen */
	int64_t retry_at; /* until then what is due has to wait: it failed */
	int64_t gather_until; /* the same: there was much of it just now */
	bool look;            /* there may be something new in the stream */
	bool woken;           /* something may have run out */
	bool again;           /* the next turn must not wait */
	bool is_set_back;     /* the clock, since the last write */
	bool stopping;
	bool told; /* where the store lies */
};

/* What follows each wait of the loop (turn.c). */
void pl_app_turn(struct pl_app *);
/* Closes a store that fails; a later turn opens it again. */
void pl_app_drop_store(struct pl_app *);

/*
 * Serves what standard input offers. A socket that listens: FastCGI requests,
 * until SIGTERM; then what is held is answered. Anything else: plain CGI, the
 * one request of the environment. PL_OK: ended as asked.
 */
enum pl_err pl_app_run(
    enum pl_program, const struct pl_endpoint *const *endpoints) PL_MUST;

#endif
