/*
 * The other floor: Porchlight's own event loop with no store behind it. It
 * answers each beat at once, and holds polls until their customer beats.
 *
 * As with the real ones there are two programs, told apart by name, and the
 * doorbell between them. What the store would say is in one shared page: the
 * conversations that beat last. Who reads it looks at nothing else: no rights,
 * no time, no place in the stream. So this is the least that two processes
 * with a bell can cost.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "answers.h"
#include "config.h"
#include "doorbell.h"
#include "fcgi.h"
#include "files.h"
#include "secret.h"

#define ID_MAX 64
#define BEATS 1024   /* remembered; more in one turn are lost */
#define BUCKETS 4096 /* of polls */

struct page {
	_Atomic unsigned int n; /* beats so far */
	char beat[BEATS][ID_MAX];
};

struct poll {
	struct poll *next, **prev; /* in its bucket */
	struct pl_conn *conn;
	char id[ID_MAX];
};

static struct page *page;
static unsigned int seen;
static struct pl_doorbell bell;
static struct poll *polls[BUCKETS];
static bool rings; /* after this turn */

extern char **environ;

static struct poll **
bucket(const char *id)
{
	return &polls[pl_fnv1a(id, PL_FNV1A_START) % BUCKETS];
}

static void
say(struct pl_conn *conn, int status, const char *body)
{
	struct pl_reply reply;

	pl_reply_init(&reply);
	reply.status = status;
	pl_buf_puts(&reply.body, body);
	pl_conn_reply(conn, &reply);
	pl_reply_close(&reply);
}

/* The text behind `name` up to `end`. */
static bool
find(const char *text, const char *name, char end, char id[ID_MAX])
{
	const char *p = strstr(text, name);
	size_t n;

	if (p == NULL)
		return false;
	p += strlen(name);
	n = (size_t)(strchrnul(p, end) - p);
	if (n >= ID_MAX)
		return false;
	memcpy(id, p, n);
	id[n] = '\0';
	return true;
}

static void
forget(struct poll *p)
{
	if ((*p->prev = p->next) != NULL)
		p->next->prev = p->prev;
	free(p);
}

static void
on_wake(void *arg, enum pl_wake why)
{
	struct poll *p = arg;

	if (why == PL_WAKE_TIMEOUT)
		say(p->conn, 200, "{\"events\":[]}");
	forget(p);
}

static void
hold(struct pl_conn *conn, const char id[ID_MAX])
{
	struct poll *p = calloc(1, sizeof(*p)), **first = bucket(id);

	if (p == NULL)
		exit(EXIT_FAILURE);
	p->conn = conn;
	strcpy(p->id, id);
	if ((p->next = *first) != NULL)
		p->next->prev = &p->next;
	p->prev = first;
	*first = p;
	if (pl_conn_hold(conn, 55000, on_wake, p) != PL_OK)
		exit(EXIT_FAILURE);
}

static void
on_request(void *arg, struct pl_conn *conn, struct pl_request *req)
{
	unsigned int n;
	char id[ID_MAX];

	(void)arg;
	if (strstr(req->uri, "/events") != NULL) {
		if (find(req->uri, "conversationId=", '&', id))
			hold(conn, id);
		else
			say(conn, 401, "{}");
	} else {
		if (find(req->body, "\"conversationId\":\"", '"', id)) {
			n = atomic_load(&page->n);
			memcpy(page->beat[n % BEATS], id, ID_MAX);
			atomic_store(&page->n, n + 1);
			rings = true;
		}
		say(conn, 200, ANSWER_BEAT);
	}
	pl_request_close(req);
}

static void
tell(const char *id)
{
	struct poll *p, *next;
	char body[512];

	snprintf(body, sizeof(body), ANSWER_EVENT, id);
	for (p = *bucket(id); p != NULL; p = next) {
		next = p->next;
		if (strcmp(p->id, id) != 0)
			continue;
		say(p->conn, 200, body);
		forget(p);
	}
}

static void
on_bell(evutil_socket_t fd, short what, void *arg)
{
	unsigned int n;

	(void)fd;
	(void)what;
	(void)arg;
	pl_doorbell_answer(&bell);
	for (n = atomic_load(&page->n); seen != n; seen++)
		tell(page->beat[seen % BEATS]);
}

static bool
open_page(const char *database)
{
	int fd = pl_files_open_beside(database, "-floor");

	if (fd < 0 || ftruncate(fd, sizeof(*page)) != 0)
		return false;
	page = mmap(
	    NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return page != MAP_FAILED;
}

int
main(int argc, char *argv[])
{
	bool events = argc > 0 && strstr(argv[0], "events.fcgi") != NULL;
	struct event_base *base = event_base_new();
	struct pl_config config;
	struct pl_fcgi *fcgi;
	struct event *ev;

	if (base == NULL || pl_config_load(&config, NULL, environ) != PL_OK ||
	    !open_page(config.database) ||
	    pl_doorbell_open(&bell, config.database, events) != PL_OK ||
	    pl_fcgi_new(&fcgi, base, STDIN_FILENO, on_request, NULL) != PL_OK)
		return EXIT_FAILURE;
	signal(SIGTERM, SIG_DFL); /* libfcgi has taken it */
	seen = atomic_load(&page->n);
	if (events) {
		ev = event_new(
		    base, bell.watch, EV_READ | EV_PERSIST, on_bell, NULL);
		if (ev == NULL || event_add(ev, NULL) != 0)
			return EXIT_FAILURE;
	}
	for (;;) {
		if (event_base_loop(base, EVLOOP_ONCE) != 0)
			return EXIT_FAILURE;
		if (rings)
			pl_doorbell_ring(&bell);
		rings = false;
	}
}
