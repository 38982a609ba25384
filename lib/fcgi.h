#ifndef PL_FCGI_H
#define PL_FCGI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

/*
 * The FastCGI side: connections of the web server, in the loop. Whole
 * requests come out, answers go in; nothing here blocks.
 */
struct event_base;
struct pl_fcgi;
struct pl_conn; /* one request on its way; dead after its answer */

/* A whole request. It is the callee's to close; so is the duty to answer
 * the connection, now or later. */
typedef void (*pl_request_fn)(void *arg, struct pl_conn *, struct pl_request *);

enum pl_wake { PL_WAKE_TIMEOUT, PL_WAKE_GONE };
/* A held connection: its time is up (answer it), or the other side left
 * (the connection is dead when this returns). */
typedef void (*pl_wake_fn)(void *arg, enum pl_wake);

/* Listens on fd, which is the caller's until pl_fcgi_stop(). PL_ERR_NOMEM,
 * PL_ERR_SYSTEM. */
enum pl_err pl_fcgi_new(struct pl_fcgi **, struct event_base *, int fd,
    pl_request_fn, void *arg) PL_MUST;
void pl_fcgi_free(struct pl_fcgi *);

/* Takes in what waits to be accepted; returns how many it was. */
size_t pl_fcgi_accept(struct pl_fcgi *);
/* Accepts no more: closes the listen socket. */
void pl_fcgi_stop(struct pl_fcgi *);
/* Connections with an answer not yet out. */
size_t pl_fcgi_writing(const struct pl_fcgi *);

/* Sends the answer, and closes or reuses the connection. */
void pl_conn_reply(struct pl_conn *, const struct pl_reply *);

/* Waits with the answer, for at most timeout_ms. */
enum pl_err pl_conn_hold(
    struct pl_conn *, int64_t timeout_ms, pl_wake_fn, void *arg) PL_MUST;

#endif
