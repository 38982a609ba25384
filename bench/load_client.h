#ifndef PL_BENCH_CLIENT_H
#define PL_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct json_object;

struct text {
	const char *at;
	size_t len;
};

/*
 * A connection to a server on 127.0.0.1, by HTTP/1.1 or as a WebSocket. By
 * HTTP there is one request at a time, and its answer. Where the server has
 * closed since the last answer, the next request opens a connection anew. A
 * WebSocket is opened once; its messages may come at any time.
 */
struct client;

struct server {
	int port;
	bool ws;
	const char *upgrade; /* ws: the request that makes it one */
	/* An answer, whole and not of status 2xx if !good; or a message. */
	void (*answer)(struct client *, struct text, bool good);
	/* No answer will come. */
	void (*failed)(struct client *, const char *why);
};

enum client_state {
	CLIENT_CLOSED,
	CLIENT_CONNECTING,
	CLIENT_UPGRADING, /* ws */
	CLIENT_GREETING,  /* ws: says hello */
	CLIENT_OPEN
};

struct client {
	const struct server *server;
	struct json_object *hello; /* [[text, awaited answer], ...] or NULL */
	enum client_state state;
	int fd;
	unsigned connects; /* how often it was connected */
	unsigned answers;  /* on this connection */
	size_t step;       /* of hello */
	bool waits;        /* http: for the answer of `request` */
	struct text request;
	struct pl_buf in, out;
	size_t sent; /* of `out` */
};

/* How often a request met a connection that was just being closed, and was
 * sent again. */
extern uint64_t client_repeats;

/* Nanoseconds of a clock that only goes forward. */
int64_t clock_ns(void);

void clients_init(int epoll);
void client_open(struct client *);
/* The text must stay until it is answered. */
void client_ask(struct client *, struct text);
/* Is it connected (and hello said), and all that it had to say sent? */
bool client_is_ready(const struct client *);
void client_event(struct client *, uint32_t events);

#endif
