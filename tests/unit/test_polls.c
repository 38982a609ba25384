/*
 * Held polls and a store that fails while it is asked for one of them: what
 * it could not tell is told by the next look.
 */
#include <stdlib.h>
#include <string.h>

#include "polls.h"
#include "../lib/stage.h"
#include "../lib/test.h"

static struct pl_app app;
static struct pl_store_ops ops;
static const struct pl_store_ops *real_ops;
static bool fails; /* the reading of one's own events */
static char *answered;

static enum pl_err
events(struct pl_store *store, const struct pl_event_query *q, pl_event_fn fn,
    void *arg, int64_t *upto)
{
	if (fails && q->scope != NULL)
		return PL_ERR_STORE;
	return real_ops->events(store, q, fn, arg, upto);
}

static void
reply(struct pl_conn *conn, const struct pl_reply *r)
{
	(void)conn;
	answered = strndup(r->body.data, r->body.len);
}

static enum pl_err
hold(struct pl_conn *conn, int64_t timeout_ms, pl_wake_fn wake, void *arg)
{
	(void)conn;
	(void)timeout_ms;
	(void)wake;
	(void)arg;
	return PL_OK;
}

static const struct pl_conn_ops conn_ops = {reply, hold};

static void
open_polls(void)
{
	stage_open();
	stage_conversation_as(acme, "conv_1", 1, "WIDGET", "sales");
	real_ops = stage->ops;
	ops = *real_ops;
	ops.events = events;
	stage->ops = &ops;
	app.store = stage;
	app.now = T0;
	app.bell.file = -1;
	app.config.max_waiters = 4;
	app.config.max_waiters_set = true;
	app.most_polls = 4;
	app.shared = (struct pl_shared){.nseats = 4, .fd = -1, .process = -1};
	app.shared.page = calloc(
	    1, sizeof(struct pl_shared_page) + 4 * sizeof(struct pl_seat));
	cr_assert_not_null(app.shared.page);
	cr_assert_eq(pl_polls_new(&app.polls, &app), PL_OK);
}

static void
close_polls(void)
{
	pl_polls_free(app.polls);
	free(app.shared.page);
	free(answered);
	stage_close();
}

TestSuite(polls, .init = open_polls, .fini = close_polls);

static enum pl_err
look(void)
{
	enum pl_err err;

	stage_read(T0 + 1000);
	err = pl_polls_look(app.polls);
	stage_commit();
	return err;
}

Test(polls, what_one_could_not_be_told_is_told_by_the_next_look)
{
	struct pl_agent agent = {
	    .id = 1, .name = "anna", .scope = {acme, "[\"sales\"]"}};
	struct pl_credential credential = {.expires_at = INT64_MAX};
	struct pl_poll poll = {.watch = {.agent = &agent},
	    .credential = &credential,
	    .timeout_ms = 20000};
	struct pl_conn conn = {&conn_ops};
	struct pl_call call = {
	    .app = &app, .conn = &conn, .store = stage, .hold = &poll};

	pl_request_init(&call.req);
	poll.watch.seq = stage_position(T0).seq;
	stage_read(T0);
	cr_assert_eq(pl_polls_hold(app.polls, &call), PL_OK);
	stage_commit();
	stage_beat("conv_1", 1, 1, T0 + 1000);
	fails = true;
	cr_expect_eq(look(), PL_ERR_STORE);
	cr_expect_null(answered);
	fails = false;
	cr_expect_eq(look(), PL_OK);
	cr_assert_not_null(answered);
	cr_expect_not_null(strstr(answered, "customer:online"));
}
