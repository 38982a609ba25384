/*
 * A client's connection. The sockets are edge-triggered and watched for both
 * directions all the time, so that a request costs two system calls beside
 * epoll's: one to send, one to receive.
 *
 * Only what web servers in front of chat widgets do is understood: answers
 * with Content-Length, chunked, or ended by closing; text messages in one
 * frame, pings, and the pings that engine.io puts in messages of its own.
 * Whatever else comes fails the request.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "load_client.h"

#define READ_MIN 2048 /* room to receive into */

uint64_t client_repeats;

static int epoll_fd;

/* How far what has come is an answer or a message. */
enum whole { PART, WHOLE, BROKEN };

struct answer {
	int status;
	bool closes; /* the server, after it */
	bool chunked;
	long length;  /* of the body; -1: until the end */
	size_t head;  /* bytes before the body */
	size_t total; /* bytes of it all, once it is dechunked */
};

struct frame {
	int opcode;
	bool last;
	size_t head;
	size_t len;
};

enum { WS_TEXT = 1, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

int64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
clients_init(int epoll)
{
	epoll_fd = epoll;
}

/* Room for at least `room` bytes at its end, and a terminator. */
static void
make_room(struct pl_buf *b, size_t room)
{
	size_t cap = b->cap;

	while (cap < b->len + room + 1)
		cap = cap == 0 ? READ_MIN + 1 : cap * 2;
	if (cap == b->cap)
		return;
	b->data = realloc(b->data, cap);
	if (b->data == NULL)
		abort();
	b->cap = cap;
}

static void
drop_front(struct pl_buf *b, size_t n)
{
	b->len -= n;
	if (b->len > 0)
		memmove(b->data, b->data + n, b->len);
}

/* ---- HTTP ---- */

/* Its value, if the line is that header. */
static const char *
header(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) != 0)
		return NULL;
	line += n;
	return line + strspn(line, " ");
}

static void
read_header(const char *line, struct answer *a)
{
	const char *value;

	switch (*line | ' ') {
	case 'c':
		if ((value = header(line, "content-length:")) != NULL)
			a->length = strtol(value, NULL, 10);
		else if ((value = header(line, "connection:")) != NULL)
			a->closes = strncasecmp(value, "close", 5) == 0;
		break;
	case 't':
		if ((value = header(line, "transfer-encoding:")) != NULL)
			a->chunked = strncasecmp(value, "chunked", 7) == 0;
		break;
	}
}

/* The text is terminated. */
static enum whole
read_head(const struct pl_buf *in, struct answer *a)
{
	const char *end = memmem(in->data, in->len, "\r\n\r\n", 4), *line;

	if (end == NULL)
		return PART;
	if (in->len < 12 || strncmp(in->data, "HTTP/1.", 7) != 0)
		return BROKEN;
	*a = (struct answer){.status = atoi(in->data + 9),
	    .closes = in->data[7] == '0',
	    .length = -1,
	    .head = (size_t)(end + 4 - in->data)};
	for (line = strchr(in->data, '\n') + 1; line < end;
	     line = strchr(line, '\n') + 1)
		read_header(line, a);
	if (a->status == 204 || a->status == 304)
		a->length = 0;
	return WHOLE;
}

/*
 * Walks the chunks of a body, terminated, of len bytes. When the last one is
 * there, its frames are taken out (`move`) and *size is how long the body is.
 */
static enum whole
walk_chunks(char *body, size_t len, bool move, size_t *size)
{
	size_t at = 0, chunk;
	const char *end;
	char *number_end;

	*size = 0;
	for (;;) {
		end = memmem(body + at, len - at, "\r\n", 2);
		if (end == NULL)
			return PART;
		chunk = strtoul(body + at, &number_end, 16);
		if (number_end == body + at)
			return BROKEN;
		at = (size_t)(end + 2 - body);
		if (len - at < chunk + 2)
			return PART;
		if (chunk == 0)
			return len - at == 2 ? WHOLE : BROKEN; /* no trailer */
		if (move)
			memmove(body + *size, body + at, chunk);
		*size += chunk;
		at += chunk + 2;
	}
}

static enum whole
read_chunks(struct pl_buf *in, struct answer *a)
{
	char *body = in->data + a->head;
	size_t len = in->len - a->head, size;
	enum whole whole = walk_chunks(body, len, false, &size);

	if (whole != WHOLE)
		return whole;
	walk_chunks(body, len, true, &size);
	in->len = a->total = a->head + size;
	return WHOLE;
}

/* ended: the server has closed. */
static enum whole
read_answer(struct pl_buf *in, bool ended, struct answer *a)
{
	enum whole whole = read_head(in, a);

	if (whole != WHOLE)
		return whole;
	if (a->chunked)
		return read_chunks(in, a);
	if (a->length < 0) {
		a->closes = true;
		a->total = in->len;
		return ended ? WHOLE : PART;
	}
	a->total = a->head + (size_t)a->length;
	if (in->len > a->total)
		return BROKEN;
	return in->len == a->total ? WHOLE : PART;
}

/* ---- WebSocket ---- */

static enum whole
read_frame(const struct pl_buf *in, struct frame *f)
{
	const uint8_t *p = (const uint8_t *)in->data;
	size_t i, extra;

	if (in->len < 2)
		return PART;
	if ((p[1] & 0x80) != 0) /* a server does not mask */
		return BROKEN;
	f->last = (p[0] & 0x80) != 0;
	f->opcode = p[0] & 0x0f;
	f->len = p[1] & 0x7f;
	extra = f->len == 127 ? 8 : f->len == 126 ? 2 : 0;
	f->head = 2 + extra;
	if (in->len < f->head)
		return PART;
	for (i = 0; i < extra; i++)
		f->len = (i == 0 ? 0 : f->len << 8) | p[2 + i];
	return in->len - f->head >= f->len ? WHOLE : PART;
}

/* Masked by 0, which leaves the text as it is. */
static void
add_frame(struct pl_buf *out, int opcode, struct text text)
{
	uint8_t head[8] = {(uint8_t)(0x80 | opcode)};
	size_t n = 2;

	if (text.len < 126) {
		head[1] = (uint8_t)(0x80 | text.len);
	} else {
		head[1] = 0x80 | 126;
		head[2] = (uint8_t)(text.len >> 8);
		head[3] = (uint8_t)text.len;
		n = 4;
	}
	pl_buf_add(out, head, n + 4);
	pl_buf_add(out, text.at, text.len);
}

/* ---- the connection ---- */

static void
fail(struct client *c, const char *why)
{
	if (c->state != CLIENT_CLOSED)
		close(c->fd);
	c->state = CLIENT_CLOSED;
	c->in.len = c->out.len = c->sent = 0;
	c->waits = false;
	c->server->failed(c, why);
}

static void
flush(struct client *c)
{
	ssize_t n;

	if (c->out.len == 0 || c->state == CLIENT_CONNECTING)
		return;
	n = send(
	    c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
	if (n > 0)
		c->sent += (size_t)n; /* an error is heard of by receiving */
	if (c->sent == c->out.len)
		c->out.len = c->sent = 0;
}

void
client_open(struct client *c)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)c->server->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event e = {
	    .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		fail(c, "no socket");
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->state = CLIENT_CONNECTING;
	c->connects++;
	c->answers = 0;
	c->step = 0;
	c->in.len = 0;
	if ((connect(c->fd, (struct sockaddr *)&a, sizeof(a)) != 0 &&
		errno != EINPROGRESS) ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) != 0)
		fail(c, "cannot connect");
}

/* Sends the next of hello that has a text; open when all was answered. */
static void
greet(struct client *c)
{
	json_object *step, *say;

	c->state = CLIENT_OPEN;
	if (c->hello == NULL || c->step == json_object_array_length(c->hello))
		return;
	c->state = CLIENT_GREETING;
	step = json_object_array_get_idx(c->hello, c->step);
	say = json_object_array_get_idx(step, 0);
	if (json_object_get_string_len(say) > 0)
		add_frame(&c->out, WS_TEXT,
		    (struct text){json_object_get_string(say),
			(size_t)json_object_get_string_len(say)});
	flush(c);
}

static void
connected(struct client *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err != 0) {
		fail(c, strerror(err));
		return;
	}
	c->state = CLIENT_OPEN;
	if (c->server->ws) {
		c->state = CLIENT_UPGRADING;
		pl_buf_puts(&c->out, c->server->upgrade);
	}
	flush(c);
}

void
client_ask(struct client *c, struct text text)
{
	if (c->server->ws) {
		add_frame(&c->out, WS_TEXT, text);
	} else {
		c->request = text;
		c->waits = true;
		pl_buf_add(&c->out, text.at, text.len);
		if (c->state == CLIENT_CLOSED)
			client_open(c);
	}
	flush(c);
}

bool
client_is_ready(const struct client *c)
{
	return c->state == CLIENT_OPEN && c->out.len == 0;
}

/* Gives false where it is not whole yet. */
static bool
take_answer(struct client *c, bool ended)
{
	struct answer a;
	enum whole whole = read_answer(&c->in, ended, &a);

	if (whole == BROKEN || (whole == WHOLE && !c->waits)) {
		fail(c, "no HTTP answer");
		return true;
	}
	if (whole == PART)
		return false;
	c->waits = false;
	c->answers++;
	if (a.closes || ended) {
		close(c->fd);
		c->state = CLIENT_CLOSED;
	}
	c->in.len = 0; /* its bytes stay until the next are received */
	c->server->answer(
	    c, (struct text){c->in.data, a.total}, a.status / 100 == 2);
	return true;
}

static void
take_message(struct client *c, struct text text)
{
	json_object *step;
	const char *awaited;

	if (text.len == 1 && *text.at == '2') { /* engine.io: ping, pong */
		client_ask(c, (struct text){"3", 1});
		return;
	}
	if (c->state == CLIENT_OPEN) {
		c->server->answer(c, text, true);
		return;
	}
	step = json_object_array_get_idx(c->hello, c->step);
	awaited = json_object_get_string(json_object_array_get_idx(step, 1));
	if (memmem(text.at, text.len, awaited, strlen(awaited)) == NULL)
		return;
	c->step++;
	greet(c);
}

static void
take_upgrade(struct client *c)
{
	struct answer a;
	enum whole whole = read_head(&c->in, &a);

	if (whole == PART)
		return;
	if (whole == BROKEN || a.status != 101) {
		fail(c, "no WebSocket");
		return;
	}
	drop_front(&c->in, a.head);
	greet(c);
}

static void
take_frames(struct client *c)
{
	struct frame f;
	size_t at = 0;
	struct pl_buf rest = c->in;
	struct text text;

	while (read_frame(&rest, &f) == WHOLE) {
		text = (struct text){rest.data + f.head, f.len};
		at += f.head + f.len;
		if (f.opcode == WS_PING) {
			add_frame(&c->out, WS_PONG, text);
			flush(c);
		} else if (f.opcode == WS_TEXT && f.last) {
			take_message(c, text);
		} else if (f.opcode != WS_PONG) {
			fail(c, "a frame that is no message");
		}
		if (c->state == CLIENT_CLOSED)
			return;
		rest.data = c->in.data + at;
		rest.len = c->in.len - at;
	}
	if (read_frame(&rest, &f) == BROKEN)
		fail(c, "no WebSocket frame");
	else
		drop_front(&c->in, at);
}

static void
take(struct client *c)
{
	if (c->state == CLIENT_UPGRADING)
		take_upgrade(c);
	if (!c->server->ws)
		take_answer(c, false);
	else if (c->state > CLIENT_UPGRADING)
		take_frames(c);
}

/* A server may close a connection that is idle, and a request that meets that
 * is sent again on a new one, as a browser does it. */
static void
ended(struct client *c)
{
	if (!c->server->ws && c->waits && c->in.len > 0 && take_answer(c, true))
		return;
	if (c->server->ws || (c->waits && (c->answers == 0 || c->in.len > 0))) {
		fail(c, "closed without a whole answer");
		return;
	}
	close(c->fd);
	c->state = CLIENT_CLOSED;
	c->out.len = c->sent = 0;
	if (c->waits) {
		client_repeats++;
		client_ask(c, c->request);
	}
}

/* hangup: the end has come, so read up to it. */
static void
receive(struct client *c, bool hangup)
{
	unsigned connects = c->connects;
	size_t room;
	ssize_t n;

	do {
		make_room(&c->in, READ_MIN);
		room = c->in.cap - c->in.len - 1;
		n = recv(c->fd, c->in.data + c->in.len, room, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			ended(c);
			return;
		}
		c->in.len += (size_t)n;
		c->in.data[c->in.len] = '\0';
		take(c);
		if (c->state == CLIENT_CLOSED || c->connects != connects)
			return;
	} while (hangup || (size_t)n == room);
}

void
client_event(struct client *c, uint32_t events)
{
	bool hangup = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

	if (c->state == CLIENT_CLOSED)
		return;
	if (c->state == CLIENT_CONNECTING)
		connected(c);
	else if ((events & EPOLLOUT) != 0)
		flush(c);
	if (c->state > CLIENT_CONNECTING && (hangup || (events & EPOLLIN) != 0))
		receive(c, hangup);
}
