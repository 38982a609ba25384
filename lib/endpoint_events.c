/*
 * GET /api/widget/events: the long poll.
 *
 *	?cursor=C		after that place; without: from now on
 *	&conversationId=ID…	only those; without: all that the agent may see
 *	&timeout=20		seconds to wait, 0 to 55; 0: ask and go
 *	&heartbeats=0|1		with ids 1, else 0, if it is not said
 *	&client=NAME		a newer poll of the same agent and client ends
 *				the older one at once, empty
 *
 * Always 200, always with the next cursor:
 *
 *	{"cursor": "…", "serverTime": "…", "events": […]}
 *
 * A cursor that is too old, of another store, or none of ours at all:
 * {"reset": true, "cursor": …, "events": []}. 503 busy: no room to wait.
 */
#include <string.h>

#include "auth.h"
#include "polls.h"
#include "query.h"
#include "text.h"

#define EVENTS_MOST 500 /* in one answer */
#define TIMEOUT_MAX 55  /* seconds */

/* A poll, as it was asked. */
struct ask {
	struct pl_query q;
	struct pl_who who;
	struct pl_position store;
	int64_t after;
	int64_t timeout_ms;
	bool heartbeats;
	bool reset;
};

static enum pl_err
parse_timeout(struct pl_call *call, struct ask *ask)
{
	int64_t seconds;

	ask->timeout_ms = call->app->config.poll_timeout_ms;
	if (ask->q.timeout == NULL)
		return PL_OK;
	if (pl_parse_int(ask->q.timeout, 0, TIMEOUT_MAX, &seconds) != PL_OK) {
		call->message = "timeout: expected 0 to 55 seconds";
		return PL_ERR_REQUEST;
	}
	ask->timeout_ms = seconds * 1000;
	return PL_OK;
}

static enum pl_err
parse_heartbeats(struct pl_call *call, struct ask *ask)
{
	const char *s = ask->q.heartbeats;

	ask->heartbeats = s == NULL ? ask->q.nids > 0 : strcmp(s, "1") == 0;
	if (s == NULL || strcmp(s, "1") == 0 || strcmp(s, "0") == 0)
		return PL_OK;
	call->message = "heartbeats: expected 0 or 1";
	return PL_ERR_REQUEST;
}

static void
parse_cursor(struct ask *ask)
{
	ask->after = ask->store.seq;
	if (ask->q.cursor != NULL)
		ask->reset = pl_cursor_parse(&ask->store, ask->q.cursor,
				 &ask->after) != PL_OK;
	/* Nobody is to make us search through all the tabs there are. */
	if (ask->heartbeats && ask->q.nids == 0 &&
	    ask->after < ask->store.touched)
		ask->reset = true;
}

/* All of them, or none: which one is not his is not told. */
static enum pl_err
check_ids(struct pl_call *call, struct ask *ask)
{
	if (ask->q.nids == 0)
		return PL_OK;
	return call->store->ops->visible(
	    call->store, &ask->who.agent.scope, ask->q.ids, ask->q.nids);
}

static enum pl_err
parse(struct pl_call *call, struct ask *ask)
{
	enum pl_err err;

	if ((err = pl_query_read(call, &ask->q)) != PL_OK ||
	    (err = parse_timeout(call, ask)) != PL_OK ||
	    (err = parse_heartbeats(call, ask)) != PL_OK ||
	    (err = check_ids(call, ask)) != PL_OK)
		return err;
	err = call->store->ops->position(call->store, &ask->store);
	if (err == PL_OK)
		parse_cursor(ask);
	return err;
}

struct answer {
	struct pl_buf events;
	size_t n;
};

static enum pl_err
on_event(void *arg, const struct pl_event *e)
{
	struct answer *a = arg;

	pl_answer_event(&a->events, e);
	a->n++;
	return a->events.failed ? PL_ERR_NOMEM : PL_OK;
}

static enum pl_err
read_events(struct pl_call *call, const struct ask *ask, struct answer *a,
    int64_t *upto)
{
	struct pl_event_query q = {
	    .scope = &ask->who.agent.scope,
	    .ids = ask->q.nids > 0 ? ask->q.ids : NULL,
	    .nids = ask->q.nids,
	    .heartbeats = ask->heartbeats,
	    .after = ask->after,
	    .limit = EVENTS_MOST,
	};

	return call->store->ops->events(call->store, &q, on_event, a, upto);
}

/* To be held after this turn. */
static enum pl_err
hold(struct pl_call *call, const struct ask *ask, int64_t seq)
{
	struct pl_poll *poll = pl_arena_alloc(&call->req.arena, sizeof(*poll));
	struct pl_who *who = pl_arena_alloc(&call->req.arena, sizeof(*who));

	if (poll == NULL || who == NULL)
		return PL_ERR_NOMEM;
	*who = ask->who;
	*poll = (struct pl_poll){
	    .credential = &who->credential,
	    .watch = {.agent = &who->agent,
		.client = ask->q.client,
		.ids = ask->q.nids > 0 ? ask->q.ids : NULL,
		.nids = ask->q.nids,
		.heartbeats = ask->heartbeats,
		.seq = seq},
	    .timeout_ms = ask->timeout_ms,
	};
	call->hold = poll;
	return PL_OK;
}

static enum pl_err
answer_reset(struct pl_call *call, const struct ask *ask)
{
	struct pl_buf *b = &call->reply.body;

	pl_answer_begin(&call->reply, &ask->store, ask->store.seq, call->now);
	pl_json_close(b, ']');
	pl_json_bool(b, "reset", true);
	pl_json_close(b, '}');
	return PL_OK;
}

static enum pl_err
answer_or_hold(struct pl_call *call, const struct ask *ask)
{
	struct answer a = {PL_BUF_EMPTY, 0};
	int64_t upto;
	enum pl_err err;

	pl_buf_puts(&a.events, "["); /* no comma before the first */
	err = read_events(call, ask, &a, &upto);
	if (err == PL_OK && a.n == 0 && ask->timeout_ms > 0 &&
	    upto == ask->store.seq && !call->app->stopping)
		err = hold(call, ask, upto);
	else if (err == PL_OK) {
		pl_answer_begin(&call->reply, &ask->store, upto, call->now);
		pl_buf_add(
		    &call->reply.body, a.events.data + 1, a.events.len - 1);
		pl_answer_end(&call->reply);
		if (upto < ask->store.seq)
			call->app->gather_until = 0; /* he asks on at once */
	}
	pl_buf_free(&a.events);
	return err;
}

static enum pl_err
run_events(struct pl_call *call)
{
	struct ask ask = {.reset = false};
	enum pl_err err;

	err = pl_auth_agent(
	    &call->req, call->store, &call->app->config, call->now, &ask.who);
	if (err != PL_OK)
		return err;
	call->company = ask.who.agent.scope.company;
	if ((err = parse(call, &ask)) != PL_OK)
		return err;
	err = ask.reset ? answer_reset(call, &ask) : answer_or_hold(call, &ask);
	if (err == PL_OK && ask.q.client != NULL)
		pl_polls_supersede(call->app->polls, ask.who.agent.id,
		    ask.q.client, call->hold == NULL);
	return err;
}

const struct pl_endpoint pl_endpoint_events = {
    PL_GET, "/api/widget/events", PL_TXN_READ, run_events, false, PL_RATE_NONE};
