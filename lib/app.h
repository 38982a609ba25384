#ifndef PL_APP_H
#define PL_APP_H

#include <stdbool.h>

#include "config.h"
#include "doorbell.h"
#include "fcgi.h"
#include "http.h"
#include "rate.h"
#include "store.h"

/*
 * A program: its loop, its store, the requests of the turn, the polls that
 * wait. Both programs are this, with other endpoints.
 */
struct event_base;
struct event;
struct pl_polls;
struct pl_app;
struct pl_call;

/*
 * One endpoint: a row of a program's table. run() stands inside the turn's
 * transaction of that kind; it writes the reply and returns PL_OK, or an
 * error, which becomes the reply. Errors of the store undo the turn, and
 * run() may then be called again.
 */
struct pl_endpoint {
	enum pl_method method;
	const char *path; /* ending in "/": a prefix */
	enum pl_txn txn;
	enum pl_err (*run)(struct pl_call *);
	bool is_presence; /* a store that fails is told with isOnline: false */
};

extern const struct pl_endpoint pl_endpoint_online, pl_endpoint_heartbeat,
    pl_endpoint_offline, pl_endpoint_typing, pl_endpoint_form,
    pl_endpoint_presence, pl_endpoint_events, pl_endpoint_session_add,
    pl_endpoint_session_end, pl_endpoint_conversation_add,
    pl_endpoint_conversation_remove, pl_endpoint_health;

/* One request on its way through a turn. */
struct pl_call {
	struct pl_call *next;
	struct pl_app *app;
	struct pl_conn *conn;
	struct pl_request req;
	struct pl_reply reply;
	const struct pl_endpoint *endpoint;
	const char *path;
	struct pl_store *store;
	int64_t now;
	int64_t company;      /* whose affair it is, for CORS; 0: not known */
	const char *message;  /* with an error: what is wrong, for people */
	struct pl_poll *hold; /* not to be answered yet (polls.h) */
	bool done;
};

struct pl_app {
	struct pl_config config;
	struct pl_rules rules;
	const struct pl_endpoint *const *endpoints; /* NULL ends it */
	struct event_base *base;
	struct event *due, *tick, *bell_event;
	struct pl_fcgi *fcgi;
	struct pl_store *store; /* NULL: not to be had at the moment */
	int64_t opened_at;      /* when it was last tried */
	struct pl_doorbell bell;
	struct pl_polls *polls; /* NULL: this program holds none */
	struct pl_rate forms;
	struct pl_call *first, **last; /* this turn's requests, in order */
	int64_t now;
	int64_t version;  /* the store's, as last seen */
	int64_t retry_at; /* until then what is due has to wait */
	bool look;        /* there may be something new in the stream */
	bool woken;       /* something may have run out */
	bool again;       /* the next turn must not wait */
	bool stopping;
};

/* Is this error the store's, or memory's, rather than the client's? */
bool pl_app_is_fault(enum pl_err);

/*
 * Serves FastCGI requests from the socket fd until SIGTERM; then answers
 * what it holds. name is the program's, for the log. PL_OK: ended as asked.
 */
enum pl_err pl_app_run(const char *name, int fd,
    const struct pl_endpoint *const *endpoints, bool holds_polls) PL_MUST;

#endif
