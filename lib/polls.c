/*
 * The events program's heart: one look at the stream for all polls it holds.
 *
 *	bell, tick, timer ─▶ look: events after `position`, rendered once
 *	                       └▶ parked: who waits for which of them
 *	                            └▶ answers: cursor, and those events
 *
 * A poll is held on a credential, and ends with it. One that ends by itself
 * ends the waiting by its timer. One that is taken away (an agent revoked, a
 * cookie's session ended, a key or a company removed) counts up a number in
 * the store, and each look that finds it changed asks again for all of them,
 * in the snapshot that the events are read from: what was committed after
 * the end of a right is never told to who had it.
 *
 * All that happened in between is in the answer: a poll that was held since
 * number n gets every event above n that it asked for, because a waiter
 * takes part in each look from the moment its own reading ended.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "polls.h"
#include "query.h"
#include "seats.h"
#include "served.h"

#define LOOK_MOST 500 /* events read at a time */
#define NEWS_MOST 64  /* of those in the shared page; more are read */
#define SLACK_MS 10   /* timers have a clock of their own */

struct pl_polls {
	struct pl_app *app;
	struct pl_parked *parked;
	int64_t position;         /* all waiters have what is up to here */
	struct pl_position store; /* epoch, as last read */
	uint64_t moved;           /* seats taken over, as last seen */
	int64_t rights;           /* of the store, as last looked after */
};

/* A poll whose connection is held. */
struct held {
	struct pl_polls *polls;
	struct pl_conn *conn;
	struct pl_waiter *waiter;
	struct pl_seat_ref seat;
	struct pl_credential credential;
	char *user;    /* the agent's name, if he is known by that */
	char *headers; /* of the answer, whole lines (CORS); NULL: none */
};

/* The events of one look: rows, and as JSON those that somebody waits for. */
struct look {
	struct pl_polls *polls;
	struct pl_arena arena;
	struct pl_event events[LOOK_MOST];
	size_t start[LOOK_MOST], len[LOOK_MOST]; /* of its JSON; 0: not yet */
	size_t n;
	struct pl_buf json;
	bool is_news;    /* not read from the store, which is not open */
	bool is_left;    /* somebody has to be looked for in the store */
	enum pl_err err; /* of that */
};

void
pl_answer_begin(struct pl_reply *reply, const struct pl_position *store,
    int64_t seq, int64_t now)
{
	struct pl_buf *b = &reply->body;
	char cursor[PL_CURSOR_LEN];

	pl_cursor_format(store, seq, cursor);
	pl_json_open(b, '{');
	pl_json_str(b, "cursor", cursor);
	pl_json_time(b, "serverTime", now);
	pl_json_open_in(b, "events", '[');
}

void
pl_answer_event(struct pl_buf *b, const struct pl_event *e)
{
	static const char *const names[] = {
	    [PL_EVENT_OFFLINE] = "customer:offline",
	    [PL_EVENT_ONLINE] = "customer:online",
	    [PL_EVENT_HEARTBEAT] = "customer:heartbeat",
	};

	pl_json_open(b, '{');
	pl_json_str(b, "event", names[e->kind]);
	pl_json_str(b, "conversationId", e->public_id);
	pl_json_hex(b, "sessionId", e->session, PL_SESSION_LEN);
	pl_json_time(b, "timestamp", e->at);
	pl_json_bool(b, "isOnline", e->status != PL_OFFLINE);
	pl_json_str(b, "status", pl_status_name(e->status));
	pl_json_int(b, "connections", e->connections);
	pl_json_time(b, "expiresAt", e->expires_at);
	if (e->kind == PL_EVENT_HEARTBEAT)
		pl_json_bool(b, "typing", e->typing);
	if (e->kind == PL_EVENT_OFFLINE)
		pl_json_str(b, "reason",
		    e->reason == PL_REASON_LEFT ? "left" : "timeout");
	pl_json_close(b, '}');
}

void
pl_answer_end(struct pl_reply *reply)
{
	pl_json_close(&reply->body, ']');
	pl_json_close(&reply->body, '}');
}

enum pl_err
pl_polls_new(struct pl_polls **out, struct pl_app *app)
{
	struct pl_polls *p;
	enum pl_err err;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return PL_ERR_NOMEM;
	p->app = app;
	p->moved = atomic_load(&app->shared.page->moved);
	err = pl_parked_new(&p->parked, app->most_polls);
	if (err != PL_OK) {
		free(p);
		return err;
	}
	*out = p;
	return PL_OK;
}

void
pl_polls_free(struct pl_polls *p)
{
	if (p == NULL)
		return;
	pl_parked_free(p->parked);
	free(p);
}

size_t
pl_polls_count(const struct pl_polls *p)
{
	return pl_parked_count(p->parked);
}

static void
free_held(struct pl_polls *p, struct held *held)
{
	pl_seat_give(&p->app->shared, &held->seat);
	free(held->user);
	free(held->headers);
	free(held);
}

/* Lets go of the waiter, and of its connection. */
static void
release(struct pl_polls *p, struct pl_waiter *w)
{
	struct held *held = w->owner;

	pl_parked_remove(p->parked, w);
	free_held(p, held);
}

/* Sends it and lets go of the waiter. */
static void
send_reply(struct pl_polls *p, struct pl_waiter *w, struct pl_reply *reply)
{
	struct held *held = w->owner;

	if (held->headers != NULL)
		pl_buf_puts(&reply->headers, held->headers);
	pl_metrics_answer(
	    &p->app->shared.page->metrics, PL_EVENTS, reply->status);
	pl_conn_reply(held->conn, reply);
	pl_reply_close(reply);
	release(p, w);
}

static void
refuse(struct pl_polls *p, struct pl_waiter *w)
{
	struct pl_reply reply;

	pl_reply_init(&reply);
	pl_reply_error(&reply, PL_ERR_UNAUTHENTICATED, NULL);
	send_reply(p, w, &reply);
}

static bool
has_expired(const struct pl_polls *p, const struct pl_waiter *w)
{
	const struct held *held = w->owner;

	return p->app->now >= held->credential.expires_at;
}

/* Adds an event, which is rendered once for all who wait for it. */
static void
add_event(struct pl_buf *b, struct look *look, size_t i)
{
	if (look->len[i] == 0) {
		/* After a colon an element stands without a comma. */
		pl_buf_puts(&look->json, ":");
		look->start[i] = look->json.len;
		pl_answer_event(&look->json, &look->events[i]);
		look->len[i] = look->json.len - look->start[i];
	}
	b->failed |= look->json.failed;
	pl_json_raw(b, look->json.data + look->start[i], look->len[i]);
}

/* Answers with what look has for it (yes), or with nothing (NULL). */
static void
answer(
    struct pl_polls *p, struct pl_waiter *w, struct look *look, const bool *yes)
{
	int64_t seq = w->seq > p->position ? w->seq : p->position;
	struct pl_reply reply;
	size_t i;

	if (has_expired(p, w)) {
		refuse(p, w);
		return;
	}
	pl_reply_init(&reply);
	pl_answer_begin(&reply, &p->store, seq, p->app->now);
	for (i = 0; yes != NULL && i < look->n; i++)
		if (yes[i])
			add_event(&reply.body, look, i);
	pl_answer_end(&reply);
	send_reply(p, w, &reply);
}

static void
on_wake(void *arg, enum pl_wake why)
{
	struct held *held = arg;
	struct pl_polls *p = held->polls;

	if (why == PL_WAKE_TIMEOUT) {
		p->app->now = pl_clock_now();
		answer(p, held->waiter, NULL, NULL);
	} else
		release(p, held->waiter);
}

void
pl_polls_supersede(
    struct pl_polls *p, int64_t agent, const char *client, bool anywhere)
{
	struct pl_waiter *w = pl_parked_find(p->parked, agent, client);

	if (w != NULL)
		answer(p, w, NULL, NULL);
	else if (anywhere && pl_seat_end(&p->app->shared, agent, client))
		pl_doorbell_ring(&p->app->bell);
}

/* A place for it among those of all processes. */
static enum pl_err
take_seat(struct pl_polls *p, struct held *held, const struct pl_call *call)
{
	const struct pl_watch *watch = &call->hold->watch;
	int64_t most = pl_mode_waiters(
	    &p->app->config, pl_mode_of(&call->req, p->app->cgi != NULL));
	enum pl_err err;
	bool moved;

	err = pl_seat_take(&p->app->shared, (size_t)most, watch->agent->id,
	    watch->client, &held->seat, &moved);
	if (err == PL_OK && moved)
		pl_doorbell_ring(&p->app->bell);
	return err;
}

static enum pl_err
new_held(struct pl_polls *p, struct pl_call *call, struct held **out)
{
	const struct pl_poll *poll = call->hold;
	const struct pl_buf *headers = &call->reply.headers;
	struct held *held = calloc(1, sizeof(*held));

	if (held == NULL)
		return PL_ERR_NOMEM;
	held->polls = p;
	held->conn = call->conn;
	held->credential = *poll->credential;
	if (poll->credential->by == PL_BY_USER)
		held->user = strdup(poll->watch.agent->name);
	if (headers->len > 0)
		held->headers = strndup(headers->data, headers->len);
	if ((poll->credential->by == PL_BY_USER && held->user == NULL) ||
	    (headers->len > 0 && held->headers == NULL)) {
		free_held(p, held);
		return PL_ERR_NOMEM;
	}
	*out = held;
	return PL_OK;
}

/* How long to wait: not beyond the credential's end, but up to it. */
static int64_t
patience(const struct pl_poll *poll)
{
	int64_t left = poll->credential->expires_at - pl_clock_now();

	if (left < 0)
		return 0;
	return left < poll->timeout_ms ? left + SLACK_MS : poll->timeout_ms;
}

enum pl_err
pl_polls_hold(struct pl_polls *p, struct pl_call *call)
{
	struct held *held = NULL;
	enum pl_err err = new_held(p, call, &held);

	if (err != PL_OK)
		return err;
	/* The first one: nothing before it has to be looked at. */
	err = call->store->ops->position(call->store, &p->store);
	if (err == PL_OK && pl_parked_count(p->parked) == 0) {
		p->position = call->hold->watch.seq;
		p->rights = p->store.rights;
	}
	/* Two that came in the same turn: the later one stays. */
	if (call->hold->watch.client != NULL)
		pl_polls_supersede(p, call->hold->watch.agent->id,
		    call->hold->watch.client, false);
	call->hold->watch.owner = held;
	if (err == PL_OK)
		err = take_seat(p, held, call);
	if (err == PL_OK)
		err =
		    pl_parked_add(p->parked, &call->hold->watch, &held->waiter);
	if (err != PL_OK) {
		free_held(p, held);
		return err;
	}
	err = pl_conn_hold(call->conn, patience(call->hold), on_wake, held);
	if (err != PL_OK)
		release(p, held->waiter);
	return err;
}

static enum pl_err
on_event(void *arg, const struct pl_event *e)
{
	struct look *look = arg;
	struct pl_event *copy = &look->events[look->n];

	*copy = *e;
	copy->public_id =
	    pl_arena_copy(&look->arena, e->public_id, strlen(e->public_id));
	if (copy->public_id == NULL)
		return PL_ERR_NOMEM;
	look->len[look->n++] = 0;
	return PL_OK;
}

/* Puts the events that this waiter may see into the reply. */
struct own {
	struct pl_reply *reply;
	size_t n;
};

static enum pl_err
on_own_event(void *arg, const struct pl_event *e)
{
	struct own *own = arg;

	pl_answer_event(&own->reply->body, e);
	own->n++;
	return PL_OK;
}

/* What is new for this waiter alone, in the inboxes that it may see. */
static enum pl_err
read_own(struct pl_polls *p, const struct pl_waiter *w, struct own *own,
    int64_t *upto)
{
	struct pl_store *store = p->app->store;
	struct pl_scope scope = {w->company, w->inboxes};
	struct pl_event_query q = {.scope = &scope,
	    .heartbeats = w->heartbeats,
	    .after = w->seq,
	    .limit = LOOK_MOST};
	const char *ids[PL_IDS_MAX];

	if (!w->all) {
		q.ids = ids;
		q.nids = pl_parked_ids(w, ids, PL_IDS_MAX);
	}
	return store->ops->events(store, &q, on_own_event, own, upto);
}

/* Who is limited to inboxes is given its own reading. */
static enum pl_err
look_for_itself(struct pl_polls *p, struct pl_waiter *w)
{
	struct pl_reply reply, events;
	struct own own = {&events, 0};
	enum pl_err err;
	int64_t upto;

	if (has_expired(p, w)) {
		refuse(p, w);
		return PL_OK;
	}
	pl_reply_init(&events);
	pl_buf_puts(&events.body, "[");
	err = read_own(p, w, &own, &upto);
	if (err == PL_OK && own.n == 0)
		w->seq = upto; /* nothing of that has to be read again */
	if (err != PL_OK || own.n == 0) {
		pl_reply_close(&events);
		return err;
	}
	pl_reply_init(&reply);
	pl_answer_begin(&reply, &p->store, upto, p->app->now);
	pl_buf_add(&reply.body, events.body.data + 1, events.body.len - 1);
	pl_answer_end(&reply);
	send_reply(p, w, &reply);
	pl_reply_close(&events);
	return PL_OK;
}

static void
on_woken(void *arg, struct pl_waiter *w, const bool *yes)
{
	struct look *look = arg;

	if (yes != NULL)
		answer(look->polls, w, look, yes);
	else if (look->is_news)
		look->is_left = true;
	else if (look->err == PL_OK)
		look->err = look_for_itself(look->polls, w);
}

/* One reading; *more: there is more to read. Whom an error keeps from being
 * told is told by the next one, from the same place. */
static enum pl_err
look_once(struct pl_polls *p, struct look *look, bool *more)
{
	struct pl_store *store = p->app->store;
	struct pl_event_query q = {
	    .heartbeats = pl_parked_heartbeats(p->parked),
	    .after = p->position,
	    .limit = LOOK_MOST,
	};
	int64_t before = p->position, upto;
	enum pl_err err;

	look->n = 0;
	pl_arena_init(&look->arena);
	err = store->ops->events(store, &q, on_event, look, &upto);
	if (err == PL_OK) {
		p->position = upto;
		*more = upto < p->store.seq;
		err = pl_parked_wake(
		    p->parked, look->events, look->n, on_woken, look);
	}
	if (err == PL_OK)
		err = look->err;
	if (err != PL_OK)
		p->position = before;
	pl_arena_close(&look->arena);
	look->json.len = 0;
	return err;
}

/* A review of all held polls: an error of the store ends it. */
struct review {
	struct pl_polls *polls;
	enum pl_err err;
};

static bool
sees_the_same(const struct pl_waiter *w, const struct pl_agent *agent)
{
	const char *now = agent->scope.inboxes;

	if (w->inboxes == NULL || now == NULL)
		return w->inboxes == now;
	return strcmp(w->inboxes, now) == 0;
}

/* Who may see more or less than before asks anew, and is told by that. */
static void
review_one(void *arg, struct pl_waiter *w)
{
	struct review *review = arg;
	struct pl_polls *p = review->polls;
	const struct held *held = w->owner;
	struct pl_agent agent = {.id = w->agent,
	    .name = held->user,
	    .scope = {w->company, w->inboxes}};
	struct pl_arena arena;
	enum pl_err err;

	if (review->err != PL_OK)
		return;
	pl_arena_init(&arena);
	err = pl_auth_again(
	    p->app->store, &p->app->config, &held->credential, &arena, &agent);
	if (err == PL_ERR_UNAUTHENTICATED)
		refuse(p, w);
	else if (err == PL_OK && !sees_the_same(w, &agent))
		answer(p, w, NULL, NULL);
	else
		review->err = err;
	pl_arena_close(&arena);
}

/* Asks again for everybody if rights have changed since the last time. */
static enum pl_err
review_all(struct pl_polls *p)
{
	struct review review = {p, PL_OK};

	if (p->rights == p->store.rights)
		return PL_OK;
	pl_parked_each(p->parked, review_one, &review);
	if (review.err == PL_OK)
		p->rights = p->store.rights;
	return review.err;
}

/* NULL without memory. */
static struct look *
new_look(struct pl_polls *p)
{
	struct look *look = malloc(sizeof(*look));

	if (look == NULL)
		return NULL;
	look->polls = p;
	look->n = 0;
	look->json = PL_BUF_EMPTY;
	look->is_news = look->is_left = false;
	look->err = PL_OK;
	return look;
}

static void
free_look(struct look *look)
{
	pl_buf_free(&look->json);
	free(look);
}

/*
 * Nobody is told what he has lost the right to: that takes a number too, which
 * the news do not go beyond. Whoever is not told now, for he needs the store,
 * is told by the look that follows, from the same place.
 */
bool
pl_polls_tell_news(struct pl_polls *p, int64_t *due_at)
{
	struct pl_news_item items[NEWS_MOST];
	int64_t before = p->position, upto, due;
	struct look *look;
	enum pl_err err;
	size_t i, n;
	bool is_all;

	if (!pl_news_read(&p->app->shared.page->news, p->store.epoch, before,
		items, NEWS_MOST, &n, &upto, &due) ||
	    (look = new_look(p)) == NULL)
		return false;
	look->is_news = true;
	for (i = 0; i < n; i++) {
		look->events[i] = pl_news_event(&items[i]);
		look->len[i] = 0;
	}
	look->n = n;
	p->position = upto;
	err = pl_parked_wake(p->parked, look->events, n, on_woken, look);
	is_all = err == PL_OK && !look->is_left;
	free_look(look);
	if (is_all)
		*due_at = due;
	else
		p->position = before;
	return is_all;
}

enum pl_err
pl_polls_look(struct pl_polls *p)
{
	struct pl_store *store = p->app->store;
	struct pl_position before = p->store;
	struct look *look;
	enum pl_err err;
	bool more = true;

	if ((err = store->ops->position(store, &p->store)) != PL_OK)
		return err;
	if (strcmp(before.epoch, p->store.epoch) != 0)
		p->rights = -1; /* another store */
	if ((err = review_all(p)) != PL_OK)
		return err;
	/* Nobody waits, or the numbers went back (another store): from here. */
	if (pl_parked_count(p->parked) == 0 || p->store.seq < p->position)
		p->position = p->store.seq;
	if (p->position == p->store.seq)
		return PL_OK;
	if ((look = new_look(p)) == NULL)
		return PL_ERR_NOMEM;
	while (err == PL_OK && more)
		err = look_once(p, look, &more);
	free_look(look);
	return err;
}

static void
answer_superseded(void *arg, struct pl_waiter *w)
{
	const struct held *held = w->owner;
	struct pl_polls *p = arg;

	if (!pl_seat_is_ours(&p->app->shared, &held->seat))
		answer(p, w, NULL, NULL);
}

void
pl_polls_make_way(struct pl_polls *p)
{
	uint64_t moved = atomic_load(&p->app->shared.page->moved);

	if (moved == p->moved)
		return;
	p->moved = moved;
	pl_parked_each(p->parked, answer_superseded, p);
}

static void
answer_empty(void *arg, struct pl_waiter *w)
{
	answer(arg, w, NULL, NULL);
}

void
pl_polls_answer_all(struct pl_polls *p)
{
	pl_parked_each(p->parked, answer_empty, p);
}
