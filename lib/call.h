#ifndef PL_CALL_H
#define PL_CALL_H

#include <stdbool.h>

#include "address.h"
#include "conn.h"
#include "http.h"
#include "rate.h"
#include "store.h"

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
	enum pl_rate_kind limit; /* of the address it comes from */
};

extern const struct pl_endpoint pl_endpoint_online, pl_endpoint_heartbeat,
    pl_endpoint_offline, pl_endpoint_typing, pl_endpoint_form,
    pl_endpoint_presence, pl_endpoint_events, pl_endpoint_session_add,
    pl_endpoint_session_end, pl_endpoint_conversation_add,
    pl_endpoint_conversation_remove, pl_endpoint_health, pl_endpoint_metrics;

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
	int64_t wait_ms;      /* with PL_ERR_RATE: for how long */
	const char *message;  /* with an error: what is wrong, for people */
	struct pl_poll *hold; /* not to be answered yet (polls.h) */
	bool done;
};

/* Takes the request over; one that is refused at once is done. NULL without
 * memory, and the request is still the caller's. */
struct pl_call *pl_call_new(
    struct pl_app *, struct pl_conn *, struct pl_request *);
void pl_call_free(struct pl_call *);

/* Runs it inside the open transaction. PL_OK: the reply is written, if only
 * with an error. Faults are returned: they undo the transaction. */
enum pl_err pl_call_run(struct pl_call *) PL_MUST;

/*
 * PL_ERR_FORBIDDEN if a page of another origin is behind it: for writes that
 * rest on what a browser sends by itself, the cookie.
 */
enum pl_err pl_call_check_origin(const struct pl_call *) PL_MUST;

/* The name of the address that it comes from, for rate.h; its length. */
size_t pl_call_client(const struct pl_call *, uint8_t name[PL_CLIENT_MAX]);

/* Makes that error its reply. */
void pl_call_fail(struct pl_call *, enum pl_err);

#endif
