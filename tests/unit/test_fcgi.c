/*
 * Connections, and when they are read. What a request is, and all that goes
 * wrong with one, is tested on the programs themselves (tests/e2e).
 */
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi.h"
#include "fcgi_record.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct event_base *base;
static struct pl_fcgi *fcgi;
static struct pl_conn *asked[4]; /* by whom, in order */
static size_t nasked;

static void
on_request(void *arg, struct pl_conn *conn, struct pl_request *req)
{
	(void)arg;
	asked[nasked++] = conn;
	pl_request_close(req);
}

static void
open_fcgi(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tmpdir_make();
	strcpy(address.sun_path, tmpdir_path("socket"));
	base = event_base_new();
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(pl_fcgi_new(&fcgi, base, fd, on_request, NULL), PL_OK);
	nasked = 0;
}

static void
close_fcgi(void)
{
	pl_fcgi_stop(fcgi);
	pl_fcgi_free(fcgi);
	event_base_free(base);
	libevent_global_shutdown();
	tmpdir_remove();
}

TestSuite(fcgi, .init = open_fcgi, .fini = close_fcgi, .timeout = 60);

/* Sends a whole request; the connection. */
static int
ask(void)
{
	static const unsigned char begin[8] = {0, 1};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pl_buf b = PL_BUF_EMPTY;

	pl_fcgi_add_record(&b, PL_FCGI_BEGIN, 1, begin, sizeof(begin));
	pl_fcgi_add_record(&b, PL_FCGI_PARAMS, 1, NULL, 0);
	pl_fcgi_add_record(&b, PL_FCGI_STDIN, 1, NULL, 0);
	cr_assert_eq(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(send(fd, b.data, b.len, 0), (ssize_t)b.len);
	pl_buf_free(&b);
	return fd;
}

static void
answer(struct pl_conn *conn)
{
	struct pl_reply reply;

	pl_reply_init(&reply);
	pl_conn_reply(conn, &reply);
	pl_reply_close(&reply);
}

static bool
is_answered(int fd)
{
	char bytes[1000];

	return recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0;
}

/* Who is there is answered, and who comes is heard after the rest. */
Test(fcgi, reads_what_comes_at_rest_afterwards)
{
	int one = ask(), two;

	event_base_loop(base, EVLOOP_ONCE);
	cr_assert_eq(nasked, 1);
	pl_fcgi_rest(fcgi, 50);
	two = ask();
	event_base_loop(base, EVLOOP_ONCE); /* lets him in */
	cr_expect_eq(nasked, 1);
	answer(asked[0]);
	cr_expect(is_answered(one));
	while (nasked < 2)
		event_base_loop(base, EVLOOP_ONCE);
	answer(asked[1]);
	cr_expect(is_answered(two));
	close(one);
	close(two);
}

/* All that were put off are, in as many turns as it takes. */
Test(fcgi, ends_its_rest)
{
	int one, two;

	pl_fcgi_rest(fcgi, 100);
	one = ask();
	event_base_loop(base, EVLOOP_ONCE);
	two = ask();
	cr_expect_eq(nasked, 0);
	pl_fcgi_end_rest(fcgi);
	cr_expect_eq(pl_fcgi_accept(fcgi), 2);
	cr_expect_eq(nasked, 2);
	answer(asked[0]);
	answer(asked[1]);
	cr_expect(is_answered(one));
	cr_expect(is_answered(two));
	close(one);
	close(two);
}

/* A rest that is made longer lasts, but not for as long as is asked. */
Test(fcgi, does_not_rest_for_ever)
{
	int i, fd = ask();

	for (i = 0; i < 1000; i++)
		pl_fcgi_rest(fcgi, 1000);
	for (i = 0; nasked == 0; i++)
		event_base_loop(base, EVLOOP_ONCE);
	cr_expect_eq(i, 20, "%d", i);
	answer(asked[0]);
	close(fd);
}

/* Whoever is still put off at the end goes with it. */
Test(fcgi, ends_at_rest)
{
	int fd;

	pl_fcgi_rest(fcgi, 100);
	fd = ask();
	event_base_loop(base, EVLOOP_ONCE);
	cr_expect_eq(nasked, 0);
	close(fd);
}
