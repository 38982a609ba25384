#ifndef PL_FCGI_H
#define PL_FCGI_H

#include <stddef.h>

#include "conn.h"

/*
 * The FastCGI side: connections of the web server, in the loop. Whole
 * requests come out, answers go in; nothing here blocks.
 */
struct event_base;
struct pl_fcgi;

/* Listens on fd, which is the caller's until pl_fcgi_stop(). PL_ERR_NOMEM,
 * PL_ERR_SYSTEM. */
enum pl_err pl_fcgi_new(struct pl_fcgi **, struct event_base *, int fd,
    pl_request_fn, void *arg) PL_MUST;
void pl_fcgi_free(struct pl_fcgi *);

/* Takes in what waits to be accepted; returns how many it was. */
size_t pl_fcgi_accept(struct pl_fcgi *);
/*
 * For that many ms (200 at most) what comes is accepted and not read yet, while
 * what is there goes on. They add up, and can be ended.
 */
void pl_fcgi_rest(struct pl_fcgi *, int ms);
void pl_fcgi_end_rest(struct pl_fcgi *);
/* Accepts no more: closes the listen socket. */
void pl_fcgi_stop(struct pl_fcgi *);
/* Connections with an answer not yet out. */
size_t pl_fcgi_writing(const struct pl_fcgi *);

#endif
