/*
 * A turn of the loop, and what stands around it.
 *
 *	wait ─▶ requests are read, whole ones queue up
 *	     ─▶ WRITE: what ran out is settled, then all beats of this turn
 *	     ─▶ COMMIT, the doorbell
 *	     ─▶ READ: a look at the stream for held polls; presence, new polls
 *	     ─▶ answers, then a checkpoint if one is due, and round again
 *
 * All beats that came in one turn share one transaction: idle, a beat is
 * committed at once; under load the group grows by itself. They are answered
 * after the commit, so nothing is promised that could be lost. If the store
 * fails in the middle, each request is tried again by itself, so that one
 * cannot take the others along.
 */
#include <event2/event.h>
#include <sched.h>
#include <stdlib.h>

#include "app.h"
#include "clock.h"
#include "fcgi.h"
#include "log.h"
#include "polls.h"

#define SETTLE_MOST 128  /* conversations in one turn: a few ms */
#define SETTLE_BESIDE 16 /* where nobody has come for it */
#define OVERDUE_MS 1000  /* since it ran out */
#define RETRY_MS 500     /* between two tries at a store that fails */
#define SEEN_MS 100      /* between two looks whether its file is there */
#define LONG_MS 2        /* what ran out was much, if it took as long */
#define GATHER_MS 20     /* then more of it is let come together */
#define CROWD 64         /* polls told at a time */
#define TOLD_US 30       /* to pass on each of their answers */

static bool
waits_for(const struct pl_call *call, enum pl_txn txn)
{
	return !call->done && call->endpoint->txn == txn;
}

static bool
any(const struct pl_app *app, enum pl_txn txn)
{
	const struct pl_call *c;

	for (c = app->first; c != NULL; c = c->next)
		if (waits_for(c, txn))
			return true;
	return false;
}

static void
fail_all(struct pl_app *app, enum pl_txn txn, enum pl_err err)
{
	struct pl_call *c;

	for (c = app->first; c != NULL; c = c->next)
		if (waits_for(c, txn))
			pl_call_fail(c, err);
}

/*
 * Commits, and rings the bell if somebody may wait for what changed. Whom it
 * wakes goes first, if he has no other CPU: an agent looks at what he is told,
 * and nobody at a beat's answer.
 */
static enum pl_err
commit(struct pl_app *app)
{
	bool changed;
	enum pl_err err = app->store->ops->commit(app->store, &changed);

	if (err == PL_OK && changed) {
		pl_doorbell_ring(&app->bell);
		sched_yield();
		app->look = true;
	}
	return err;
}

/* One call in a transaction of its own, after a group that failed. */
static void
run_alone(struct pl_app *app, struct pl_call *call, enum pl_txn txn)
{
	struct pl_store *store = app->store;
	enum pl_err err = store->ops->begin(store, txn, app->now);

	if (err == PL_OK && (err = pl_call_run(call)) == PL_OK)
		err = commit(app);
	if (err != PL_OK) {
		store->ops->rollback(store);
		pl_reply_close(&call->reply);
		pl_call_fail(call, err);
	}
	call->done = true;
}

/* All calls of that kind, in the transaction that is open. */
static void
run_group(struct pl_app *app, enum pl_txn txn)
{
	enum pl_err err = PL_OK;
	struct pl_call *c;

	for (c = app->first; c != NULL && err == PL_OK; c = c->next)
		if (waits_for(c, txn))
			err = pl_call_run(c);
	if (err == PL_OK)
		err = commit(app);
	else
		app->store->ops->rollback(app->store);
	for (c = app->first; c != NULL; c = c->next) {
		if (!waits_for(c, txn))
			continue;
		if (err == PL_OK)
			c->done = true;
		else
			run_alone(app, c, txn);
	}
}

/* A store that fails is closed, and opened again a little later. */
void
pl_app_drop_store(struct pl_app *app)
{
	if (pl_sqlite_is_outdated(app->store)) {
		pl_log(PL_LOG_WARN,
		    "%s is a newer version's now: ends, to be started again "
		    "as that",
		    app->config.database);
		app->stopping = true;
	}
	app->store->ops->close(app->store);
	app->store = NULL;
	app->due_at = 0;
}

/*
 * Many that run out one after the other cost less together, and so do the
 * answers that tell of them: where that took long, the next ones wait for a
 * moment, and who would have to be told of them too. (Only where a timer will
 * come for them.)
 */
static void
gather(struct pl_app *app)
{
	int64_t now = pl_clock_now();

	if (app->polls != NULL && now - app->now >= LONG_MS)
		app->gather_until = now + GATHER_MS;
}

static bool
is_gathering(const struct pl_app *app)
{
	return app->now < app->gather_until &&
	       app->gather_until - app->now <= GATHER_MS;
}

/*
 * Nobody here waits to hear of what ran out. Who does elsewhere has a timer
 * for it, and many at a time cost less; what nobody has come for is done bit
 * by bit, so that it is not much when somebody comes.
 */
static enum pl_err
settle_beside(struct pl_app *app)
{
	struct pl_store *store = app->store;
	struct pl_position position;
	enum pl_err err;
	bool all;

	if ((err = store->ops->position(store, &position)) != PL_OK ||
	    position.due_at > app->now - OVERDUE_MS)
		return err;
	return store->ops->settle(store, SETTLE_BESIDE, &all);
}

/*
 * What ran out, and the writes of this turn. *settled: nothing is left that a
 * reader would have to wait for. What ran out and cannot be written down is
 * unknown, not offline: those who could not be heard may well be here.
 */
static void
write_phase(struct pl_app *app, bool due, bool *settled)
{
	struct pl_store *store = app->store;
	enum pl_err err = store->ops->begin(store, PL_TXN_WRITE, app->now);

	app->due_at = 0;
	app->is_set_back = false;
	if (err == PL_OK)
		err = due ? store->ops->settle(store, SETTLE_MOST, settled)
			  : settle_beside(app);
	if (err == PL_OK) {
		run_group(app, PL_TXN_WRITE);
		if (due && *settled)
			gather(app);
		return;
	}
	*settled = true;
	store->ops->rollback(store);
	fail_all(app, PL_TXN_WRITE, err);
	if (due) {
		app->retry_at = app->now + RETRY_MS;
		fail_all(app, PL_TXN_READ, err);
	}
	if (err == PL_ERR_STORE)
		pl_app_drop_store(app);
}

/* Was it tried just now, in vain? The clock may have been set back. */
static bool
is_too_soon(const struct pl_app *app)
{
	return app->now < app->retry_at && app->now > app->retry_at - RETRY_MS;
}

static bool
wants_look(const struct pl_app *app)
{
	return app->look && app->polls != NULL &&
	       pl_polls_count(app->polls) > 0;
}

/*
 * Who waits is told what the shared page has, at once. Where that is not all,
 * the stream itself is read: it has everything, and knows what runs out next.
 */
static void
tell(struct pl_app *app)
{
	struct pl_store *store = app->store;
	struct pl_position position;
	enum pl_err err;

	if (pl_polls_tell_news(app->polls, &app->due_at)) {
		app->look = false;
		return;
	}
	err = store->ops->begin(store, PL_TXN_READ, app->now);
	if (err == PL_OK)
		err = store->ops->position(store, &position);
	if (err == PL_OK) {
		app->due_at = position.due_at;
		err = pl_polls_look(app->polls);
	}
	store->ops->rollback(store); /* nothing to commit */
	if (err == PL_OK)
		app->look = false;
	else
		pl_log(PL_LOG_WARN, "cannot look: %s", pl_strerror(err));
}

/*
 * Each one of a crowd that is told asks anew at once. While the web server is
 * still passing on what the others are told, that can wait: it would take the
 * time from them.
 */
static void
look(struct pl_app *app)
{
	size_t held, told;

	if (!wants_look(app))
		return;
	held = pl_polls_count(app->polls);
	tell(app);
	told = held - pl_polls_count(app->polls);
	if (told >= CROWD && app->fcgi != NULL && !app->stopping)
		pl_fcgi_rest(app->fcgi, (int)(told * TOLD_US / 1000));
}

/* Of the last write, in the transaction that is open: is it yet to come? Then
 * leases would last for as long as the step, if nobody wrote. */
static bool
is_set_back(const struct pl_app *app)
{
	struct pl_position position;

	return app->store->ops->position(app->store, &position) == PL_OK &&
	       position.at > app->now + PL_CLOCK_SLACK_MS;
}

/* Where the clock was set back, the next turn writes first. */
static void
read_phase(struct pl_app *app, bool *settled)
{
	struct pl_store *store = app->store;
	enum pl_err err;

	if (!any(app, PL_TXN_READ))
		return;
	err = store->ops->begin(store, PL_TXN_READ, app->now);
	if (err == PL_OK && is_set_back(app)) {
		store->ops->rollback(store);
		app->is_set_back = true;
		*settled = false;
		return;
	}
	if (err == PL_OK) {
		run_group(app, PL_TXN_READ);
		return;
	}
	fail_all(app, PL_TXN_READ, err);
	if (err == PL_ERR_STORE)
		pl_app_drop_store(app);
}

/* Once in the life of a process; those of plain CGI live for one request. */
static void
tell_of_network(struct pl_app *app)
{
	const char *netfs = pl_sqlite_netfs(app->store);

	if (netfs != NULL && app->cgi == NULL && !app->told)
		pl_log(PL_LOG_WARN,
		    "%s lies on %s: a rollback journal instead of the "
		    "write-ahead log, which is not safe there; a local disk is "
		    "faster, and one host only may use it",
		    app->config.database, netfs);
	app->told = true;
}

/*
 * Is the store not the file of that name any more? Whoever puts another in its
 * place loses what went to this one before, and a moment more of it: to ask for
 * each beat costs all of them.
 */
static bool
is_replaced(struct pl_app *app)
{
	if (app->store == NULL ||
	    (app->now >= app->seen_at && app->now - app->seen_at < SEEN_MS))
		return false;
	app->seen_at = app->now;
	return pl_sqlite_is_stale(app->store);
}

/* Opens the store if it is not open, or another file has taken its place. */
static bool
have_store(struct pl_app *app)
{
	if (is_replaced(app)) {
		pl_log(PL_LOG_WARN, "%s is not the file that was opened",
		    app->config.database);
		pl_app_drop_store(app);
	}
	if (app->store != NULL)
		return true;
	if (app->now >= app->opened_at && app->now - app->opened_at < RETRY_MS)
		return false;
	app->opened_at = app->now;
	pl_sandbox_confine(&app->sandbox, app->config.database);
	if (pl_sandbox_is_stale(&app->sandbox, app->config.database)) {
		pl_log(PL_LOG_ERROR,
		    "the folder of %s is another one now: ends, to be started "
		    "again and use it",
		    app->config.database);
		app->stopping = true;
		return false;
	}
	/* The page that all share went with it, as a rule. */
	if (pl_doorbell_is_stale(&app->bell, app->config.database)) {
		pl_log(PL_LOG_ERROR,
		    "%s-bell was deleted: ends, to be started again and share "
		    "the one that is there",
		    app->config.database);
		app->stopping = true;
		return false;
	}
	if (pl_sqlite_open(&app->store, app->config.database, false,
		&app->rules, app->config.retention_ms, app->now) != PL_OK)
		return false;
	if (pl_sqlite_set_news(app->store, &app->shared.page->news) != PL_OK) {
		pl_app_drop_store(app);
		return false;
	}
	pl_sqlite_set_retention(app->store, app->config.keep_ms);
	if (app->cgi != NULL)
		pl_sqlite_set_brief(app->store);
	tell_of_network(app);
	app->look = true;
	return true;
}

/*
 * The next moment at which something runs out; INT64_MAX if that is not
 * known. Where the bell is heard it is as of the last look, for whatever else
 * came to be rang it; else it is asked for once a turn.
 */
static int64_t
due_at(struct pl_app *app)
{
	struct pl_store *store = app->store;

	if (app->due_at == 0 && store->ops->due(store, &app->due_at) != PL_OK)
		app->due_at = INT64_MAX;
	return app->due_at;
}

/* Has something run out that somebody here would see? */
static bool
is_due(struct pl_app *app)
{
	if (!any(app, PL_TXN_READ) &&
	    (app->polls == NULL || pl_polls_count(app->polls) == 0))
		return false;
	return app->is_set_back || due_at(app) <= app->now;
}

/* Everything of this turn that needs the store. */
static void
work(struct pl_app *app, bool *settled)
{
	bool due = is_due(app), later = due && is_gathering(app);
	int64_t begun;

	if (any(app, PL_TXN_WRITE) || (due && !later && !is_too_soon(app))) {
		begun = pl_clock_us();
		write_phase(app, due, settled);
		pl_metrics_write(
		    &app->shared.page->metrics, pl_clock_us() - begun);
	} else if (due && !later)
		fail_all(app, PL_TXN_READ, PL_ERR_LOCKED);
	/* First the polls that are held, then those that may come to be: one
	 * that was read before the look, and held after it, would miss what
	 * was committed in between. */
	if (app->store != NULL)
		look(app);
	if (app->store != NULL && *settled && !later)
		read_phase(app, settled);
}

static void
answer(struct pl_app *app, struct pl_call *call)
{
	enum pl_err err;

	if (call->hold != NULL) {
		err = pl_polls_hold(app->polls, call);
		if (err == PL_OK) {
			pl_call_free(call);
			return;
		}
		pl_call_fail(call, err);
	}
	pl_metrics_answer(
	    &app->shared.page->metrics, app->program, call->reply.status);
	pl_conn_reply(call->conn, &call->reply);
	pl_call_free(call);
}

/* Answers what is done; the rest stays for the next turn. */
static void
answer_all(struct pl_app *app)
{
	struct pl_call *c, *next, *calls = app->first;

	app->first = NULL;
	app->last = &app->first;
	for (c = calls; c != NULL; c = next) {
		next = c->next;
		c->next = NULL;
		if (c->done)
			answer(app, c);
		else {
			*app->last = c;
			app->last = &c->next;
		}
	}
}

/* Wakes up at the next moment at which something runs out. */
static void
set_timer(struct pl_app *app)
{
	struct timeval tv;
	int64_t at, wait;

	if (app->polls == NULL || app->store == NULL)
		return;
	if ((pl_polls_count(app->polls) == 0 && app->first == NULL) ||
	    (at = due_at(app)) == INT64_MAX) {
		event_del(app->due);
		return;
	}
	if (is_gathering(app) && at < app->gather_until)
		at = app->gather_until;
	wait = at - pl_clock_now();
	if (wait < 0)
		wait = app->retry_at > app->now ? RETRY_MS : 0;
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	event_add(app->due, &tv);
}

void
pl_app_turn(struct pl_app *app)
{
	bool settled = true;

	app->now = pl_clock_now();
	app->again = false;
	if (app->bell.watch < 0 || (app->look && !wants_look(app)))
		app->due_at = 0;
	if (app->first == NULL && !app->look && !app->woken)
		return;
	app->woken = false;
	if (app->polls != NULL)
		pl_polls_make_way(app->polls);
	if (have_store(app))
		work(app, &settled);
	if (app->store == NULL) {
		fail_all(app, PL_TXN_WRITE, PL_ERR_STORE);
		fail_all(app, PL_TXN_READ, PL_ERR_STORE);
	}
	answer_all(app);
	app->again = !settled;
	app->woken = !settled;
	set_timer(app);
	if (app->store != NULL)
		app->store->ops->tidy(app->store, !settled);
}
