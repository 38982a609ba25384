/*
 * Plain CGI (RFC 3875), for hosts that have nothing else. The program is the
 * same: its loop runs for one request, and a held poll hears the doorbell
 * like those of a FastCGI process do.
 *
 * Reading and writing may block here, within limits: nobody else waits.
 */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cgi.h"
#include "clock.h"
#include "log.h"

#define READ_MS 10000          /* for the body to arrive */
#define WRITE_MS 30000         /* for a slow reader */
#define DRAIN_MOST (64u << 20) /* bytes of a refused body */

struct pl_cgi {
	struct pl_conn base; /* first: it is the connection */
	struct event_base *event_base;
	struct event *timer, *gone;
	int out;
	void (*end)(void *arg);
	void *arg;
	pl_wake_fn wake;
	void *wake_arg;
};

bool
pl_cgi_is_listening(int fd)
{
	int yes = 0;
	socklen_t len = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 &&
	       yes != 0;
}

/* Waits until fd is ready for that, until then at the latest. */
static bool
ready(int fd, short what, int64_t until)
{
	struct pollfd p = {.fd = fd, .events = what};
	int64_t left;
	int n;

	do {
		left = until - pl_clock_now();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* Reads up to size bytes, or less where they end; -1: not in time. */
static ssize_t
read_all(int fd, char *data, size_t size)
{
	int64_t until = pl_clock_now() + READ_MS;
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		if (!ready(fd, POLLIN, until))
			return -1;
		n = read(fd, data + len, size - len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
	}
	return (ssize_t)len;
}

/* A body that nobody wants is let run into the sand: a server that cannot
 * hand it on would not read the answer. */
static void
drain(int fd)
{
	int64_t until = pl_clock_now() + READ_MS;
	size_t drained = 0;
	char sand[16384];
	ssize_t n = 1;

	while (n != 0 && drained < DRAIN_MOST && ready(fd, POLLIN, until)) {
		n = read(fd, sand, sizeof(sand));
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0)
			drained += (size_t)n;
	}
}

/* length is -1 if it was not said: then the body ends where the input does. */
static enum pl_err
read_body(int in, struct pl_request *req, int64_t length)
{
	size_t size = length < 0 ? PL_BODY_MAX + 1 : (size_t)length;
	char *body;
	ssize_t n;

	if (length > PL_BODY_MAX)
		return PL_ERR_TOO_LARGE;
	if (length < 0 && req->method != PL_POST)
		return PL_OK;
	if ((body = pl_arena_alloc(&req->arena, PL_BODY_MAX + 2)) == NULL)
		return PL_ERR_NOMEM;
	n = read_all(in, body, size);
	if (n > PL_BODY_MAX)
		return PL_ERR_TOO_LARGE;
	if (n < 0 || (length >= 0 && n != length))
		return PL_ERR_REQUEST;
	req->body = body;
	req->body_len = (size_t)n;
	return PL_OK;
}

static void
write_all(int fd, const char *data, size_t len)
{
	int64_t until = pl_clock_now() + WRITE_MS;
	ssize_t n;

	while (len > 0 && ready(fd, POLLOUT, until)) {
		n = write(fd, data, len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			break;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	if (len > 0)
		pl_log(PL_LOG_DEBUG, "the answer found no reader");
}

/* The server has its answer; what is still to be done here is not for it. */
static void
finish(struct pl_cgi *c)
{
	if (c->gone != NULL)
		event_free(c->gone);
	c->gone = NULL;
	c->wake = NULL;
	close(c->out);
	c->end(c->arg);
}

static void
reply(struct pl_conn *base, const struct pl_reply *r)
{
	struct pl_cgi *c = (struct pl_cgi *)(void *)base;
	struct pl_buf out = PL_BUF_EMPTY;

	pl_reply_head(r, &out);
	pl_buf_add(&out, r->body.data, r->body.len);
	if (out.failed || r->body.failed)
		pl_log(PL_LOG_ERROR, "out of memory for an answer");
	else
		write_all(c->out, out.data, out.len);
	pl_buf_free(&out);
	finish(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pl_cgi *c = arg;

	(void)fd;
	(void)what;
	if (c->wake != NULL)
		c->wake(c->wake_arg, PL_WAKE_TIMEOUT);
}

/* A pipe without a reader is told as readable. */
static void
on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	struct pl_cgi *c = arg;

	(void)what;
	if (poll(&p, 1, 0) <= 0 || (p.revents & (POLLERR | POLLHUP)) == 0)
		return;
	if (c->wake != NULL)
		c->wake(c->wake_arg, PL_WAKE_GONE);
	finish(c);
}

static enum pl_err
hold(struct pl_conn *base, int64_t timeout_ms, pl_wake_fn wake, void *arg)
{
	struct pl_cgi *c = (struct pl_cgi *)(void *)base;
	struct timeval tv = {(time_t)(timeout_ms / 1000),
	    (suseconds_t)(timeout_ms % 1000 * 1000)};

	c->timer = evtimer_new(c->event_base, on_timer, c);
	if (c->timer == NULL || event_add(c->timer, &tv) != 0)
		return PL_ERR_NOMEM;
	/* Not every server gives a pipe that can be watched; the timer ends
	 * the poll all the same. */
	c->gone = event_new(
	    c->event_base, c->out, EV_READ | EV_ET | EV_PERSIST, on_gone, c);
	if (c->gone != NULL)
		(void)event_add(c->gone, NULL);
	c->wake = wake;
	c->wake_arg = arg;
	return PL_OK;
}

static const struct pl_conn_ops conn_ops = {reply, hold};

enum pl_err
pl_cgi_new(struct pl_cgi **made, struct event_base *base, int in, int out,
    char *const env[], pl_request_fn request, void (*end)(void *), void *arg)
{
	struct pl_cgi *c = calloc(1, sizeof(*c));
	struct pl_request req;
	int64_t length;
	enum pl_err err;

	if (c == NULL)
		return PL_ERR_NOMEM;
	c->base.ops = &conn_ops;
	c->event_base = base;
	c->out = out;
	c->end = end;
	c->arg = arg;
	*made = c;
	pl_request_init(&req);
	length = pl_request_env(&req, env);
	err = read_body(in, &req, length);
	if (err == PL_ERR_TOO_LARGE)
		drain(in);
	if (err == PL_OK && req.arena.failed)
		err = PL_ERR_NOMEM;
	req.fault = err;
	request(arg, &c->base, &req);
	return PL_OK;
}

void
pl_cgi_free(struct pl_cgi *c)
{
	if (c == NULL)
		return;
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->gone != NULL)
		event_free(c->gone);
	free(c);
}
