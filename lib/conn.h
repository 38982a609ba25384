#ifndef PL_CONN_H
#define PL_CONN_H

#include <stdint.h>

#include "http.h"

/*
 * Where a request came from and its answer goes: a FastCGI connection
 * (fcgi.c), or the standard output of a plain CGI program (cgi.c). A
 * connection is dead after its answer.
 */
struct pl_conn {
	const struct pl_conn_ops *ops;
};

enum pl_wake { PL_WAKE_TIMEOUT, PL_WAKE_GONE };
/* A held connection: its time is up (answer it), or the other side left
 * (the connection is dead when this returns). */
typedef void (*pl_wake_fn)(void *arg, enum pl_wake);

struct pl_conn_ops {
	void (*reply)(struct pl_conn *, const struct pl_reply *);
	enum pl_err (*hold)(
	    struct pl_conn *, int64_t timeout_ms, pl_wake_fn, void *arg);
};

/* A whole request. It is the callee's to close; so is the duty to answer
 * the connection, now or later. */
typedef void (*pl_request_fn)(void *arg, struct pl_conn *, struct pl_request *);

/* Sends the answer. */
static inline void
pl_conn_reply(struct pl_conn *c, const struct pl_reply *reply)
{
	c->ops->reply(c, reply);
}

/* Waits with the answer, for at most timeout_ms. PL_ERR_NOMEM: it is not
 * held, and still to be answered. */
PL_MUST static inline enum pl_err
pl_conn_hold(struct pl_conn *c, int64_t timeout_ms, pl_wake_fn wake, void *arg)
{
	return c->ops->hold(c, timeout_ms, wake, arg);
}

#endif
