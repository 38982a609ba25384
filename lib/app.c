/*
 * A turn of the loop, and what stands around it.
 *
 *	wait ─▶ requests are read, whole ones queue up
 *	     ─▶ WRITE: what ran out is settled, then all beats of this turn
 *	     ─▶ COMMIT, the doorbell
 *	     ─▶ READ: presence, new polls, a look at the stream for held ones
 *	     ─▶ answers, then a checkpoint if one is due, and round again
 *
 * All beats that came in one turn share one transaction: idle, a beat is
 * committed at once; under load the group grows by itself. They are answered
 * after the commit, so nothing is promised that could be lost. If the store
 * fails in the middle, each request is tried again by itself, so that one
 * cannot take the others along.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "app.h"
#include "clock.h"
#include "log.h"
#include "polls.h"

#define SETTLE_MOST 256    /* conversations in one turn: a few ms */
#define RETRY_MS 500       /* between two tries at a store that fails */
#define LAST_WORDS_MS 2000 /* for answers still to be written at the end */
#define BASE_FDS 64

extern char **environ;

bool
pl_app_is_fault(enum pl_err err)
{
	return err == PL_ERR_STORE || err == PL_ERR_LOCKED ||
	       err == PL_ERR_NOMEM || err == PL_ERR_EXISTS ||
	       err == PL_ERR_SYSTEM;
}

static void
call_free(struct pl_call *call)
{
	pl_request_close(&call->req);
	pl_reply_close(&call->reply);
	free(call);
}

/* Which endpoint is meant; *allow: the methods that the path has. */
static const struct pl_endpoint *
route(const struct pl_app *app, const struct pl_call *call, int *allow)
{
	const struct pl_endpoint *found = NULL, *e;
	size_t i, len;

	*allow = 0;
	for (i = 0; (e = app->endpoints[i]) != NULL; i++) {
		len = strlen(e->path);
		if (e->path[len - 1] == '/'
			? strncmp(call->path, e->path, len) != 0 ||
			      call->path[len] == '\0'
			: strcmp(call->path, e->path) != 0)
			continue;
		*allow |= e->method;
		if (e->method == call->req.method)
			found = e;
	}
	return found;
}

static void
add_allow(struct pl_reply *reply, const char *header, int methods)
{
	pl_buf_printf(&reply->headers, "%s: %s%s%sOPTIONS\r\n", header,
	    methods & PL_GET ? "GET, HEAD, " : "",
	    methods & PL_POST ? "POST, " : "",
	    methods & PL_DELETE ? "DELETE, " : "");
}

/* The origin of another site that calls; NULL: it is our own, or none. */
static const char *
foreign_origin(const struct pl_call *call)
{
	const char *origin = call->req.origin;
	const char *host = strstr(origin, "://");

	if (origin[0] == '\0' || strlen(origin) > 300 ||
	    (host != NULL && strcmp(host + 3, call->req.host) == 0))
		return NULL;
	return origin;
}

/* Lets pages of the company's own sites read the answer. */
static enum pl_err
add_cors(struct pl_call *call, bool *allowed)
{
	const char *origin = foreign_origin(call);
	enum pl_err err;

	*allowed = false;
	if (origin == NULL)
		return PL_OK;
	err = call->store->ops->origin_allowed(
	    call->store, call->company, origin, allowed);
	if (err == PL_OK && *allowed)
		pl_buf_printf(&call->reply.headers,
		    "Access-Control-Allow-Origin: %s\r\n", origin);
	return err;
}

/* A preflight: nobody has said yet which company it is about. */
static enum pl_err
run_options(struct pl_call *call)
{
	bool allowed;
	enum pl_err err;
	int allow;

	route(call->app, call, &allow);
	call->reply.status = 204;
	call->reply.type = NULL;
	add_allow(&call->reply, "Allow", allow);
	if ((err = add_cors(call, &allowed)) != PL_OK || !allowed)
		return err;
	add_allow(&call->reply, "Access-Control-Allow-Methods", allow);
	pl_buf_puts(&call->reply.headers,
	    "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"
	    "Access-Control-Max-Age: 86400\r\n");
	return PL_OK;
}

static const struct pl_endpoint preflight = {
    .method = PL_OPTIONS, .txn = PL_TXN_READ, .run = run_options};

static void
fail(struct pl_call *call, enum pl_err err)
{
	if (pl_app_is_fault(err) && call->endpoint != NULL &&
	    call->endpoint->is_presence)
		pl_reply_unknown(&call->reply, err);
	else
		pl_reply_error(&call->reply, err, call->message);
	call->done = true;
}

/* What can be said about a request before anything is looked up. */
static void
triage(struct pl_app *app, struct pl_call *call)
{
	int allow = 0;

	if (call->req.fault != PL_OK) {
		fail(call, call->req.fault);
		return;
	}
	if (strlen(call->req.uri) > PL_URI_MAX) {
		fail(call, PL_ERR_TOO_LARGE);
		return;
	}
	if ((call->path = pl_request_path(&call->req)) == NULL) {
		fail(call, PL_ERR_NOT_FOUND);
		return;
	}
	call->endpoint = route(app, call, &allow);
	if (call->endpoint == NULL && allow != 0) {
		if (call->req.method == PL_OPTIONS) {
			call->endpoint = &preflight;
			return;
		}
		add_allow(&call->reply, "Allow", allow);
		fail(call, PL_ERR_METHOD);
	} else if (call->endpoint == NULL)
		fail(call, PL_ERR_NOT_FOUND);
}

static void
on_request(void *arg, struct pl_conn *conn, struct pl_request *req)
{
	struct pl_app *app = arg;
	struct pl_call *call = calloc(1, sizeof(*call));
	struct pl_reply reply;

	if (call == NULL) {
		pl_reply_init(&reply);
		pl_reply_error(&reply, PL_ERR_NOMEM, NULL);
		pl_conn_reply(conn, &reply);
		pl_reply_close(&reply);
		pl_request_close(req);
		return;
	}
	call->app = app;
	call->conn = conn;
	call->req = *req;
	pl_reply_init(&call->reply);
	*app->last = call;
	app->last = &call->next;
	triage(app, call);
}

/* Runs one call inside the transaction. Returns faults, which undo it. */
static enum pl_err
run(struct pl_app *app, struct pl_call *call)
{
	enum pl_err err;
	bool allowed;

	pl_reply_close(&call->reply);
	call->store = app->store;
	call->now = app->now;
	call->message = NULL;
	call->hold = NULL;
	call->company = 0;
	err = call->endpoint->run(call);
	if (call->req.arena.failed)
		err = PL_ERR_NOMEM;
	if (pl_app_is_fault(err))
		return err;
	if (call->company != 0 && add_cors(call, &allowed) != PL_OK)
		return PL_ERR_STORE;
	if (err != PL_OK)
		fail(call, err);
	return PL_OK;
}

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
			fail(c, err);
}

/* Commits, and rings the bell if somebody may wait for what changed. */
static enum pl_err
commit(struct pl_app *app)
{
	bool changed;
	enum pl_err err = app->store->ops->commit(app->store, &changed);

	if (err == PL_OK && changed) {
		pl_doorbell_ring(&app->bell);
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

	if (err == PL_OK && (err = run(app, call)) == PL_OK)
		err = commit(app);
	if (err != PL_OK) {
		store->ops->rollback(store);
		pl_reply_close(&call->reply);
		fail(call, err);
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
			err = run(app, c);
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
static void
drop_store(struct pl_app *app)
{
	app->store->ops->close(app->store);
	app->store = NULL;
}

/* What ran out, and the writes of this turn. *settled: nothing is left that
 * a reader would have to wait for. */
static void
write_phase(struct pl_app *app, bool *settled)
{
	struct pl_store *store = app->store;
	enum pl_err err = store->ops->begin(store, PL_TXN_WRITE, app->now);

	*settled = true;
	if (err == PL_OK)
		err = store->ops->settle(store, SETTLE_MOST, settled);
	if (err == PL_OK) {
		run_group(app, PL_TXN_WRITE);
		return;
	}
	*settled = true; /* readers go by the rule, not by the record */
	store->ops->rollback(store);
	app->retry_at = app->now + RETRY_MS;
	fail_all(app, PL_TXN_WRITE, err);
	if (err == PL_ERR_STORE)
		drop_store(app);
}

static bool
wants_look(const struct pl_app *app)
{
	return app->look && app->polls != NULL &&
	       pl_polls_count(app->polls) > 0;
}

static void
look(struct pl_app *app)
{
	struct pl_store *store = app->store;
	enum pl_err err;

	if (!wants_look(app))
		return;
	err = store->ops->begin(store, PL_TXN_READ, app->now);
	if (err == PL_OK)
		err = pl_polls_look(app->polls);
	store->ops->rollback(store); /* nothing to commit */
	if (err == PL_OK)
		app->look = false;
	else
		pl_log(PL_LOG_WARN, "cannot look: %s", pl_strerror(err));
}

static void
read_phase(struct pl_app *app)
{
	struct pl_store *store = app->store;
	enum pl_err err;

	if (!any(app, PL_TXN_READ))
		return;
	err = store->ops->begin(store, PL_TXN_READ, app->now);
	if (err == PL_OK) {
		run_group(app, PL_TXN_READ);
		return;
	}
	fail_all(app, PL_TXN_READ, err);
	if (err == PL_ERR_STORE)
		drop_store(app);
}

/* Opens the store if it is not open, or not the file of that name any more. */
static bool
have_store(struct pl_app *app)
{
	if (app->store != NULL && pl_sqlite_is_stale(app->store)) {
		pl_log(PL_LOG_WARN, "%s is not the file that was opened",
		    app->config.database);
		drop_store(app);
	}
	if (app->store != NULL)
		return true;
	if (app->now >= app->opened_at && app->now - app->opened_at < RETRY_MS)
		return false;
	app->opened_at = app->now;
	if (pl_sqlite_open(&app->store, app->config.database, false,
		&app->rules, app->config.retention_ms, app->now) != PL_OK)
		return false;
	app->look = true;
	return true;
}

/* Has something run out that somebody here would see? */
static bool
is_due(struct pl_app *app)
{
	int64_t at;

	if (app->now < app->retry_at && app->now > app->retry_at - RETRY_MS)
		return false;
	if (!any(app, PL_TXN_READ) &&
	    (app->polls == NULL || pl_polls_count(app->polls) == 0))
		return false;
	return app->store->ops->due(app->store, &at) == PL_OK && at <= app->now;
}

static void
answer(struct pl_app *app, struct pl_call *call)
{
	enum pl_err err;

	if (call->hold != NULL) {
		err = pl_polls_hold(app->polls, call);
		if (err == PL_OK) {
			call_free(call);
			return;
		}
		fail(call, err);
	}
	pl_conn_reply(call->conn, &call->reply);
	call_free(call);
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
	if (pl_polls_count(app->polls) == 0 ||
	    app->store->ops->due(app->store, &at) != PL_OK || at == INT64_MAX) {
		event_del(app->due);
		return;
	}
	wait = at - pl_clock_now();
	if (wait < 0)
		wait = app->retry_at > app->now ? RETRY_MS : 0;
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	event_add(app->due, &tv);
}

static void
turn(struct pl_app *app)
{
	bool settled = true;

	app->now = pl_clock_now();
	app->again = false;
	if (app->first == NULL && !app->look && !app->woken)
		return;
	app->woken = false;
	if (have_store(app)) {
		if (any(app, PL_TXN_WRITE) || is_due(app))
			write_phase(app, &settled);
		if (app->store != NULL && settled)
			read_phase(app);
		if (app->store != NULL)
			look(app);
	}
	if (app->store == NULL) {
		fail_all(app, PL_TXN_WRITE, PL_ERR_STORE);
		fail_all(app, PL_TXN_READ, PL_ERR_STORE);
	}
	answer_all(app);
	app->again = !settled;
	app->woken = !settled;
	set_timer(app);
	if (app->store != NULL)
		app->store->ops->tidy(app->store);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct pl_app *app = arg;

	(void)fd;
	(void)what;
	app->woken = true;
}

static void
on_bell(evutil_socket_t fd, short what, void *arg)
{
	struct pl_app *app = arg;

	(void)fd;
	(void)what;
	pl_doorbell_answer(&app->bell);
	app->look = true;
}

/* The safety net under the doorbell: has another process written? */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct pl_app *app = arg;
	int64_t version;

	(void)fd;
	(void)what;
	app->woken = true;
	if (app->store == NULL ||
	    app->store->ops->version(app->store, &version) != PL_OK ||
	    version == app->version)
		return;
	app->version = version;
	app->look = true;
}

static void
on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct pl_app *app = arg;

	(void)fd;
	(void)what;
	app->stopping = true;
}

/* Adds a handler for a signal; libfcgi has installed its own before. */
static bool
on_signal(struct pl_app *app, struct event **ev, int sig)
{
	*ev = evsignal_new(app->base, sig, on_stop, app);
	return *ev != NULL && event_add(*ev, NULL) == 0;
}

static bool
add_poll_events(struct pl_app *app)
{
	struct timeval tick = {(time_t)(app->config.slow_tick_ms / 1000),
	    (suseconds_t)(app->config.slow_tick_ms % 1000 * 1000)};

	app->due = evtimer_new(app->base, on_due, app);
	app->tick = event_new(app->base, -1, EV_PERSIST, on_tick, app);
	if (app->due == NULL || app->tick == NULL ||
	    event_add(app->tick, &tick) != 0)
		return false;
	if (app->bell.watch < 0)
		return true;
	app->bell_event = event_new(
	    app->base, app->bell.watch, EV_READ | EV_PERSIST, on_bell, app);
	return app->bell_event != NULL && event_add(app->bell_event, NULL) == 0;
}

/* Answers everything, for at most LAST_WORDS_MS. */
static void
finish(struct pl_app *app)
{
	int64_t until = pl_clock_now() + LAST_WORDS_MS;

	pl_fcgi_stop(app->fcgi);
	do {
		turn(app);
		if (app->polls != NULL)
			pl_polls_answer_all(app->polls);
		event_base_loop(app->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	} while ((app->first != NULL || pl_fcgi_writing(app->fcgi) > 0) &&
		 pl_clock_now() < until);
}

static void
loop(struct pl_app *app)
{
	while (!app->stopping) {
		event_base_loop(app->base,
		    app->again ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE);
		turn(app);
	}
	finish(app);
}

/* As many descriptors as we may have: a poll is one. */
static void
raise_limits(const struct pl_config *config)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) != 0 ||
	    rl.rlim_cur < (rlim_t)config->max_waiters + BASE_FDS)
		pl_log(PL_LOG_WARN,
		    "maxWaiters is %lld, but only %llu files "
		    "may be open",
		    (long long)config->max_waiters,
		    (unsigned long long)rl.rlim_cur);
}

static enum pl_err
open_all(struct pl_app *app, int fd, bool holds_polls)
{
	enum pl_err err;

	if (pl_doorbell_open(&app->bell, app->config.database, holds_polls) !=
	    PL_OK)
		pl_log(PL_LOG_WARN, "no doorbell: dashboards wait for the "
				    "slow tick");
	if ((app->base = event_base_new()) == NULL)
		return PL_ERR_NOMEM;
	err = pl_fcgi_new(&app->fcgi, app->base, fd, on_request, app);
	if (err != PL_OK)
		return err;
	if (!holds_polls)
		return PL_OK;
	if ((err = pl_polls_new(&app->polls, app)) != PL_OK)
		return err;
	return add_poll_events(app) ? PL_OK : PL_ERR_NOMEM;
}

static void
free_event(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

static void
close_all(struct pl_app *app)
{
	struct pl_call *c;

	while ((c = app->first) != NULL) {
		app->first = c->next;
		call_free(c);
	}
	pl_fcgi_free(app->fcgi);
	pl_polls_free(app->polls);
	free_event(app->due);
	free_event(app->tick);
	free_event(app->bell_event);
	pl_doorbell_close(&app->bell);
	if (app->store != NULL)
		drop_store(app);
	if (app->base != NULL)
		event_base_free(app->base);
	libevent_global_shutdown();
}

static enum pl_err
serve(struct pl_app *app, int fd, bool holds_polls)
{
	static const int stops[] = {SIGTERM, SIGINT, SIGUSR1};
	struct event *signals[3] = {NULL};
	enum pl_err err = open_all(app, fd, holds_polls);
	size_t i;

	for (i = 0; i < 3 && err == PL_OK; i++)
		if (!on_signal(app, &signals[i], stops[i]))
			err = PL_ERR_NOMEM;
	if (err == PL_OK) {
		signal(SIGPIPE, SIG_IGN);
		pl_log(PL_LOG_INFO, "serves %s", app->config.database);
		loop(app);
		pl_log(PL_LOG_INFO, "ends");
	}
	for (i = 0; i < 3; i++)
		free_event(signals[i]);
	return err;
}

enum pl_err
pl_app_run(const char *name, int fd, const struct pl_endpoint *const *endpoints,
    bool holds_polls)
{
	struct pl_app *app = calloc(1, sizeof(*app));
	enum pl_err err;

	if (app == NULL)
		return PL_ERR_NOMEM;
	pl_log_init(name, PL_LOG_INFO);
	app->last = &app->first;
	app->endpoints = endpoints;
	app->opened_at = INT64_MIN / 2;
	app->bell.file = app->bell.watch = -1;
	err = pl_config_load(&app->config, NULL, environ);
	if (err != PL_OK)
		pl_log(PL_LOG_ERROR, "%s", app->config.error);
	else {
		pl_log_init(name, (enum pl_log_level)app->config.log);
		app->rules = (struct pl_rules){app->config.timeout_ms,
		    app->config.hidden_timeout_ms, app->config.leave_grace_ms,
		    app->config.min_beat_ms};
		raise_limits(&app->config);
		err = serve(app, fd, holds_polls);
	}
	close_all(app);
	free(app);
	return err;
}
