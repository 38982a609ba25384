/*
 * FastCGI in an event loop, over libfcgi: the only file with FCGX_ calls.
 *
 *	accept ─▶ READING ─ whole ─▶ TAKEN ─ hold ─▶ HELD
 *	            ▲  │               │ reply         │ reply
 *	  keep-conn │  └ too large ──▶ WRITING ◀───────┘
 *	            └──────────────────┤ ├─▶ closed
 *	                               ▼ DRAINING (a body nobody reads)
 *
 * libfcgi reads with blocking reads, and more than the request if more has
 * come, so it is never let near a connection: the bytes are collected until
 * the empty STDIN record is there, then the request, and not a byte more,
 * goes to libfcgi through a pipe. It reads variables and body, and is freed
 * at once: a held poll keeps nothing but a descriptor, its request id and an
 * event. The answer is framed here, for libfcgi would block on a slow reader,
 * and for two seconds in its own close of a connection.
 *
 * The listen socket given to libfcgi is -1: a request that it finds broken
 * returns an error, instead of falling into accept().
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi.h"
#include "fcgi_record.h"
#include "log.h"

#define BACKLOG 4096
#define TURN_MOST 64 /* read in one turn, of those that come at once */
#define PEEK_MS 10   /* between two looks at who has come, at rest */
#define REST_MOST 200
#define ROOM PL_FCGI_REQUEST_MAX
#define READ_SECONDS 10        /* for a request to arrive whole */
#define WRITE_SECONDS 30       /* for a slow reader */
#define DRAIN_MOST (64u << 20) /* bytes of a refused body */
#define NO_ROOM_MS 100         /* to wait for descriptors */

enum state { READING, TAKEN, HELD, WRITING, DRAINING };

struct conn {
	struct pl_conn base; /* first: a pl_conn of ours is a conn */
	struct pl_fcgi *fcgi;
	struct conn *next, **prev; /* of all connections, or of the late */
	struct event ev;
	int fd;
	struct pl_fcgi_head head; /* of the request at hand */
	bool too_large;
	uint8_t state; /* enum state */
	pl_wake_fn wake;
	void *arg;
	char *in; /* what has come of the next request; mostly nothing */
	size_t in_len;
	char *out; /* what is still to be written */
	size_t out_len, out_pos;
	size_t drained;
};

struct pl_fcgi {
	struct event_base *base;
	struct event *listen, *resume;
	int fd;
	pl_request_fn request;
	void *arg;
	struct conn *conns;
	struct conn *late; /* to be read after the rest */
	int rest_ms;       /* what is left of it */
	size_t writing;
	int feed[2]; /* to libfcgi: it reads here, write there; or -1 */
	unsigned char in[ROOM]; /* of the connection at hand */
};

static void on_event(evutil_socket_t, short, void *);

static void
enlist(struct conn *c, struct conn **list)
{
	if ((c->next = *list) != NULL)
		c->next->prev = &c->next;
	c->prev = list;
	*list = c;
}

static void
delist(struct conn *c)
{
	if ((*c->prev = c->next) != NULL)
		c->next->prev = c->prev;
}

static void
conn_free(struct conn *c)
{
	delist(c);
	if (c->state == WRITING)
		c->fcgi->writing--;
	event_del(&c->ev);
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

/* Waits for `what`; false (and the connection is gone) if that fails. */
static bool
await(struct conn *c, short what, int64_t timeout_ms)
{
	struct timeval tv = {(time_t)(timeout_ms / 1000),
	    (suseconds_t)(timeout_ms % 1000 * 1000)};

	event_del(&c->ev);
	if (event_assign(&c->ev, c->fcgi->base, c->fd, what | EV_PERSIST,
		on_event, c) == 0 &&
	    event_add(&c->ev, timeout_ms < 0 ? NULL : &tv) == 0)
		return true;
	return false;
}

/* Small answers of our own to the server; those to a full socket are lost,
 * and the server's with them. */
static void
send_small(struct conn *c, struct pl_buf *b)
{
	if (!b->failed &&
	    send(c->fd, b->data, b->len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		pl_log(PL_LOG_DEBUG, "fd %d: %s", c->fd, strerror(errno));
	pl_buf_free(b);
}

/* Brings what was put by back to the room; how much it is. */
static size_t
bring(struct conn *c)
{
	size_t n = c->in_len;

	if (n > 0)
		memcpy(c->fcgi->in, c->in, n);
	free(c->in);
	c->in = NULL;
	c->in_len = 0;
	return n;
}

/* Puts n bytes by, until more comes or it is their turn. */
static bool
put_by(struct conn *c, const unsigned char *p, size_t n)
{
	if (n == 0)
		return true;
	if ((c->in = malloc(n)) == NULL)
		return false;
	memcpy(c->in, p, n);
	c->in_len = n;
	return true;
}

/* Takes the first n of *len bytes out of the room. */
static void
drop(struct conn *c, size_t n, size_t *len)
{
	*len -= n;
	memmove(c->fcgi->in, c->fcgi->in + n, *len);
}

/* Adds what the socket has. 1: there was something; 0: nothing more yet; -1:
 * the other side is gone. */
static int
receive(struct conn *c, size_t *len)
{
	ssize_t n = recv(c->fd, c->fcgi->in + *len, ROOM - *len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	*len += (size_t)n;
	return 1;
}

/* GET_VALUES is answered; what is not known, by saying so. */
static void
answer_management(struct conn *c, const struct pl_fcgi_record *r)
{
	static const char values[] = "\x0e\x05"
				     "FCGI_MAX_CONNS"
				     "10000"
				     "\x0d\x05"
				     "FCGI_MAX_REQS"
				     "10000"
				     "\x0f\x01"
				     "FCGI_MPXS_CONNS"
				     "0";
	unsigned char unknown[8] = {(unsigned char)r->type};
	struct pl_buf b = PL_BUF_EMPTY;

	if (r->type == PL_FCGI_GET_VALUES)
		pl_fcgi_add_record(&b, PL_FCGI_GET_VALUES_RESULT, 0, values,
		    sizeof(values) - 1);
	else
		pl_fcgi_add_record(
		    &b, PL_FCGI_UNKNOWN_TYPE, 0, unknown, sizeof(unknown));
	send_small(c, &b);
}

static void
refuse(struct conn *c, uint16_t id, enum pl_fcgi_end status)
{
	struct pl_buf b = PL_BUF_EMPTY;

	pl_fcgi_add_end(&b, id, status);
	send_small(c, &b);
}

/* The body, which is all there, of len bytes; PL_ERR_REQUEST if it is not what
 * the variables say. */
static enum pl_err
take_body(FCGX_Request *f, struct pl_request *req, size_t len, int64_t said)
{
	char *body = pl_arena_alloc(&req->arena, len + 1);
	size_t got = 0;
	int n;

	if (body == NULL)
		return PL_ERR_NOMEM;
	while (got < len &&
	       (n = FCGX_GetStr(body + got, (int)(len - got), f->in)) > 0)
		got += (size_t)n;
	/* Reads the end record too, so that nothing of it stays behind. */
	if (got < len || FCGX_GetChar(f->in) != EOF ||
	    FCGX_GetError(f->in) != 0 || (said >= 0 && said != (int64_t)len))
		return PL_ERR_REQUEST;
	req->body = body;
	req->body_len = len;
	return PL_OK;
}

static void
feed_close(struct pl_fcgi *f)
{
	if (f->feed[0] >= 0)
		close(f->feed[0]);
	if (f->feed[1] >= 0)
		close(f->feed[1]);
	f->feed[0] = f->feed[1] = -1;
}

/* Puts the request, which lies in the room, where libfcgi reads it. */
static bool
feed(struct pl_fcgi *f, size_t len)
{
	if (f->feed[0] < 0) {
		if (pipe2(f->feed, O_NONBLOCK | O_CLOEXEC) != 0)
			return false;
		/* What the system allows is enough, or write() says so. */
		(void)fcntl(f->feed[1], F_SETPIPE_SZ, ROOM);
	}
	return write(f->feed[1], f->in, len) == (ssize_t)len;
}

/* Lets libfcgi read the request, and go. False: it is broken. */
static bool
take(struct conn *c, struct pl_request *req)
{
	struct pl_fcgi *fcgi = c->fcgi;
	int64_t length;
	FCGX_Request f;
	enum pl_err err;

	if (!feed(fcgi, c->head.len)) {
		pl_log(PL_LOG_ERROR, "request: %s", strerror(errno));
		feed_close(fcgi);
		return false;
	}
	FCGX_InitRequest(&f, -1, 0);
	f.ipcFd = fcgi->feed[0];
	f.keepConnection = 1; /* or accept closes it first */
	if (FCGX_Accept_r(&f) != 0) {
		fcgi->feed[0] = -1; /* it has closed that */
		feed_close(fcgi);
		return false;
	}
	length = pl_request_env(req, f.envp);
	err = take_body(&f, req, c->head.body, length);
	if (err == PL_OK && req->arena.failed)
		err = PL_ERR_NOMEM;
	if (req->fault == PL_OK)
		req->fault = err;
	f.ipcFd = -1; /* ours */
	FCGX_Free(&f, 0);
	if (err != PL_OK)
		feed_close(fcgi); /* and with it what was not read */
	return true;
}

static void
deliver(struct conn *c, struct pl_request *req)
{
	event_del(&c->ev);
	c->state = TAKEN;
	c->fcgi->request(c->fcgi->arg, &c->base, req);
}

static void
on_whole(struct conn *c, size_t n)
{
	struct pl_request req;

	event_del(&c->ev);
	pl_request_init(&req);
	if (!put_by(c, c->fcgi->in + c->head.len, n - c->head.len) ||
	    !take(c, &req)) {
		pl_request_close(&req);
		conn_free(c);
		return;
	}
	deliver(c, &req);
}

/* The body will never be read: answer, then let it run into the sand. */
static void
on_too_large(struct conn *c)
{
	struct pl_request req;

	pl_request_init(&req);
	req.fault = PL_ERR_TOO_LARGE;
	c->too_large = true;
	deliver(c, &req);
}

/* Nothing more has come: waits for it. */
static void
await_more(struct conn *c, size_t n)
{
	if (put_by(c, c->fcgi->in, n) &&
	    (event_pending(&c->ev, EV_READ, NULL) != 0 ||
		await(c, EV_READ | EV_ET, READ_SECONDS * 1000)))
		return;
	conn_free(c);
}

static void
on_readable(struct conn *c)
{
	struct pl_fcgi_record first = {0};
	size_t n = bring(c);
	int more;

	for (;;) {
		switch (pl_fcgi_scan(
		    c->fcgi->in, n, PL_BODY_MAX, &c->head, &first)) {
		case PL_SCAN_WHOLE:
			on_whole(c, n);
			return;
		case PL_SCAN_TOO_LARGE:
			on_too_large(c);
			return;
		case PL_SCAN_MANAGEMENT:
			answer_management(c, &first);
			/* FALLTHROUGH */
		case PL_SCAN_STRAY:
			drop(c, first.total, &n);
			break;
		case PL_SCAN_ROLE:
			refuse(c, c->head.id, PL_FCGI_UNKNOWN_ROLE);
			/* FALLTHROUGH */
		case PL_SCAN_BROKEN:
			conn_free(c);
			return;
		case PL_SCAN_MORE:
			if ((more = receive(c, &n)) > 0)
				break;
			if (more == 0)
				await_more(c, n);
			else
				conn_free(c);
			return;
		}
	}
}

/* While held: the other side leaves, gives up, or talks out of turn. */
static void
on_held_readable(struct conn *c)
{
	struct pl_fcgi_record r;
	size_t n = bring(c);
	int rc, more;

	for (;;) {
		if ((rc = pl_fcgi_parse(c->fcgi->in, n, &r)) == 0) {
			if ((more = receive(c, &n)) > 0)
				continue;
			if (more == 0 && put_by(c, c->fcgi->in, n))
				return;
		}
		if (rc != 1 ||
		    (r.type == PL_FCGI_ABORT && r.id == c->head.id)) {
			c->wake(c->arg, PL_WAKE_GONE);
			conn_free(c);
			return;
		}
		if (r.id == 0)
			answer_management(c, &r);
		else if (r.type == PL_FCGI_BEGIN)
			refuse(c, r.id, PL_FCGI_CANT_MPX);
		drop(c, r.total, &n);
	}
}

/* After the answer: on to the next request, or the end. */
static void
finish(struct conn *c)
{
	bool gone = false;

	free(c->out);
	c->out = NULL;
	if (c->state == WRITING)
		c->fcgi->writing--;
	c->state = READING;
	if (c->too_large) {
		c->state = DRAINING;
		shutdown(c->fd, SHUT_WR);
		gone = !await(c, EV_READ, READ_SECONDS * 1000);
	} else if (c->head.keep) {
		gone = !await(c, EV_READ | EV_ET, -1);
		if (!gone && c->in_len > 0) /* it has come already */
			event_active(&c->ev, EV_READ, 0);
	} else
		gone = true;
	if (gone)
		conn_free(c);
}

static void
on_writable(struct conn *c)
{
	ssize_t n = send(c->fd, c->out + c->out_pos, c->out_len - c->out_pos,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_free(c);
		return;
	}
	if (n > 0)
		c->out_pos += (size_t)n;
	if (c->out_pos == c->out_len) {
		finish(c);
		return;
	}
	if (c->state == WRITING)
		return;
	c->state = WRITING;
	c->fcgi->writing++;
	if (!await(c, EV_WRITE, WRITE_SECONDS * 1000))
		conn_free(c);
}

static void
on_drain(struct conn *c)
{
	ssize_t n = recv(c->fd, c->fcgi->in, ROOM, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->drained += (size_t)n;
	if (n <= 0 || c->drained > DRAIN_MOST)
		conn_free(c);
}

/* At rest it waits for its turn in another list. */
static void
read_or_put_off(struct conn *c)
{
	struct pl_fcgi *f = c->fcgi;

	delist(c);
	enlist(c, f->rest_ms > 0 ? &f->late : &f->conns);
	if (f->rest_ms == 0)
		on_readable(c);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	if (what & EV_TIMEOUT && c->state != HELD) {
		conn_free(c);
		return;
	}
	switch ((enum state)c->state) {
	case READING:
		read_or_put_off(c);
		break;
	case HELD:
		if (what & EV_TIMEOUT)
			c->wake(c->arg, PL_WAKE_TIMEOUT);
		else
			on_held_readable(c);
		break;
	case WRITING:
		on_writable(c);
		break;
	case DRAINING:
		on_drain(c);
		break;
	case TAKEN:
		break;
	}
}

static struct conn *
conn_of(struct pl_conn *base)
{
	return (struct conn *)(void *)base;
}

static void
reply_to(struct pl_conn *base, const struct pl_reply *reply)
{
	struct conn *c = conn_of(base);
	struct pl_buf head = PL_BUF_EMPTY, out = PL_BUF_EMPTY;

	pl_reply_head(reply, &head);
	pl_buf_add(&head, reply->body.data, reply->body.len);
	pl_fcgi_add_stdout(&out, c->head.id, head.data, head.len);
	pl_fcgi_add_record(&out, PL_FCGI_STDOUT, c->head.id, NULL, 0);
	pl_fcgi_add_end(&out, c->head.id, PL_FCGI_COMPLETE);
	if (head.failed || out.failed || reply->body.failed) {
		pl_log(PL_LOG_ERROR, "out of memory for an answer");
		pl_buf_free(&head);
		pl_buf_free(&out);
		conn_free(c);
		return;
	}
	pl_buf_free(&head);
	c->out_pos = 0;
	c->state = TAKEN;
	pl_buf_take(&out, &c->out, &c->out_len);
	on_writable(c);
}

static enum pl_err
hold(struct pl_conn *base, int64_t timeout_ms, pl_wake_fn wake, void *arg)
{
	struct conn *c = conn_of(base);

	c->wake = wake;
	c->arg = arg;
	c->state = HELD;
	if (!await(c, EV_READ | EV_ET, timeout_ms)) {
		c->state = TAKEN;
		return PL_ERR_NOMEM;
	}
	if (c->in_len > 0)
		event_active(&c->ev, EV_READ, 0);
	return PL_OK;
}

static const struct pl_conn_ops conn_ops = {reply_to, hold};

static void
new_conn(struct pl_fcgi *f, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL || event_assign(&c->ev, f->base, fd,
			     EV_READ | EV_ET | EV_PERSIST, on_event, c) != 0) {
		free(c);
		close(fd);
		return;
	}
	c->base.ops = &conn_ops;
	c->fcgi = f;
	c->fd = fd;
	c->state = READING;
	enlist(c, &f->conns);
	read_or_put_off(c);
}

static void
pause_listening(struct pl_fcgi *f, int ms)
{
	struct timeval tv = {0, ms * 1000};

	event_del(f->listen);
	event_add(f->resume, &tv);
}

/* At rest only now and then somebody is let in: to be woken for each takes
 * time too. How long it is until the next time. */
static int
next_peek(const struct pl_fcgi *f)
{
	return f->rest_ms < PEEK_MS ? f->rest_ms : PEEK_MS;
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct pl_fcgi *f = arg;

	(void)fd;
	(void)what;
	if (f->listen == NULL)
		return;
	f->rest_ms -= next_peek(f);
	event_add(f->listen, NULL);
	pl_fcgi_accept(f);
}

/* Lets in whoever waits, up to most; how many it was. False: no room. */
static bool
let_in(struct pl_fcgi *f, size_t most, size_t *n)
{
	int conn;

	for (; *n < most; (*n)++) {
		conn = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (conn < 0)
			return errno != EMFILE && errno != ENFILE &&
			       errno != ENOMEM;
		new_conn(f, conn);
	}
	return true;
}

size_t
pl_fcgi_accept(struct pl_fcgi *f)
{
	bool rests = f->rest_ms > 0;
	size_t n = 0;

	for (; !rests && n < TURN_MOST && f->late != NULL; n++)
		read_or_put_off(f->late);
	if (!let_in(f, rests ? BACKLOG : TURN_MOST, &n)) {
		/* A moment's pause, or this would spin. */
		pl_log(PL_LOG_ERROR, "accept: %s", strerror(errno));
		pause_listening(f, NO_ROOM_MS);
	} else if (rests)
		pause_listening(f, next_peek(f));
	else if (f->late != NULL)
		pause_listening(f, 0);
	return n;
}

void
pl_fcgi_rest(struct pl_fcgi *f, int ms)
{
	bool rested = f->rest_ms == 0;

	f->rest_ms = ms < REST_MOST - f->rest_ms ? f->rest_ms + ms : REST_MOST;
	if (rested && ms > 0)
		pause_listening(f, next_peek(f));
}

void
pl_fcgi_end_rest(struct pl_fcgi *f)
{
	f->rest_ms = 0;
}

static void
on_listen(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pl_fcgi_accept(arg);
}

enum pl_err
pl_fcgi_new(struct pl_fcgi **out, struct event_base *base, int fd,
    pl_request_fn request, void *arg)
{
	struct pl_fcgi *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return PL_ERR_NOMEM;
	f->base = base;
	f->fd = fd;
	f->feed[0] = f->feed[1] = -1;
	f->request = request;
	f->arg = arg;
	/* The web server's own backlog is too short for a crowd. */
	if (FCGX_Init() != 0 || evutil_make_socket_nonblocking(fd) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		free(f);
		return PL_ERR_SYSTEM;
	}
	f->listen = event_new(base, fd, EV_READ | EV_PERSIST, on_listen, f);
	f->resume = evtimer_new(base, on_resume, f);
	if (f->listen == NULL || f->resume == NULL ||
	    event_add(f->listen, NULL) != 0) {
		pl_fcgi_free(f);
		return PL_ERR_NOMEM;
	}
	*out = f;
	return PL_OK;
}

void
pl_fcgi_stop(struct pl_fcgi *f)
{
	if (f->listen == NULL)
		return;
	event_free(f->listen);
	f->listen = NULL;
	close(f->fd);
}

size_t
pl_fcgi_writing(const struct pl_fcgi *f)
{
	return f->writing;
}

void
pl_fcgi_free(struct pl_fcgi *f)
{
	if (f == NULL)
		return;
	if (f->listen != NULL)
		event_free(f->listen);
	if (f->resume != NULL)
		event_free(f->resume);
	while (f->conns != NULL)
		conn_free(f->conns);
	while (f->late != NULL)
		conn_free(f->late);
	feed_close(f);
	free(f);
}
