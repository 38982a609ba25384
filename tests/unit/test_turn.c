/*
 * Turns of a program whose clock is set: it is the test's own.
 */
#include <sqlite3.h>
#include <stdlib.h>

#include "app.h"
#include "clock.h"
#include "../lib/stage.h"
#include "../lib/test.h"

int64_t __wrap_pl_clock_now(void);

static struct pl_app app;
static int64_t now;
static int answered;
static bool is_online;

int64_t
__wrap_pl_clock_now(void)
{
	return now;
}

static enum pl_err
on_presence(void *arg, const struct pl_presence *p)
{
	const struct pl_call *call = arg;

	is_online = pl_room_state(p->room, PL_ALL_SESSIONS, call->now).status !=
		    PL_OFFLINE;
	return PL_OK;
}

static enum pl_err
run(struct pl_call *call)
{
	const struct pl_scope scope = {.company = acme};

	return call->store->ops->presence(
	    call->store, &scope, "conv_1", on_presence, call);
}

static void
reply(struct pl_conn *conn, const struct pl_reply *r)
{
	(void)conn;
	answered = r->status;
}

static const struct pl_conn_ops conn_ops = {.reply = reply};
static const struct pl_endpoint look = {
    PL_GET, "/api/look", PL_TXN_READ, run, false, PL_RATE_NONE};
static const struct pl_endpoint *const endpoints[] = {&look, NULL};

static void
open_app(void)
{
	stage_open();
	stage_conversation(acme, "conv_1", 1);
	app.endpoints = endpoints;
	app.last = &app.first;
	app.store = stage;
	app.bell.file = app.bell.watch = -1;
	app.shared.page = calloc(1, sizeof(struct pl_shared_page));
	cr_assert_not_null(app.shared.page);
	now = T0;
}

static void
close_app(void)
{
	free(app.shared.page);
	stage_close();
}

TestSuite(turn, .init = open_app, .fini = close_app);

/* Somebody asks: the turns that it takes, to the status. */
static int
ask(void)
{
	struct pl_conn conn = {&conn_ops};
	struct pl_request req;
	int i;

	pl_request_init(&req);
	pl_request_set(&req, "REQUEST_METHOD", "GET");
	pl_request_set(&req, "REQUEST_URI", "/api/look");
	app.first = pl_call_new(&app, &conn, &req);
	cr_assert_not_null(app.first);
	app.last = &app.first->next;
	answered = 0;
	for (i = 0; i < 3 && answered == 0; i++)
		pl_app_turn(&app);
	return answered;
}

/* Nobody writes any more, and whoever reads, expires. */
Test(turn, a_clock_set_back_keeps_nobody_online_for_who_only_reads)
{
	stage_beat("conv_1", 1, 1, T0);
	cr_assert_eq(ask(), 200);
	cr_expect(is_online);
	now = T0 - 3600000;
	cr_assert_eq(ask(), 200);
	cr_expect(is_online);
	now += 59999;
	cr_assert_eq(ask(), 200);
	cr_expect(is_online);
	now += 1;
	cr_assert_eq(ask(), 200);
	cr_expect(!is_online);
}

/* Its rows may mean something else now. Whoever is started next is of the new
 * version, or does not open it. */
Test(turn, a_database_of_a_newer_version_ends_it)
{
	sqlite3 *db;

	app.store = stage_again(T0);
	cr_assert_eq(ask(), 200);
	cr_assert_eq(sqlite3_open(stage_path(), &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db,
			 "BEGIN; CREATE TABLE look (x); DROP TABLE look;"
			 "PRAGMA user_version = 9999; COMMIT",
			 NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	cr_expect_eq(ask(), 503);
	cr_expect_null(app.store);
	cr_expect(app.stopping);
}
