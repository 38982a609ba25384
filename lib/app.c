/*
 * A program from its start to its end: config, loop, signals, the events
 * that wake it. What happens when it is awake is in turn.c.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app.h"
#include "cgi.h"
#include "clock.h"
#include "fcgi.h"
#include "log.h"
#include "polls.h"
#include "served.h"

#define LAST_WORDS_MS 2000 /* for answers still to be written at the end */
#define BASE_FDS 64

extern char **environ;

static void
on_request(void *arg, struct pl_conn *conn, struct pl_request *req)
{
	struct pl_app *app = arg;
	struct pl_call *call = pl_call_new(app, conn, req);
	struct pl_reply reply;

	pl_served_note(&app->shared, app->program, &app->config, req,
	    app->cgi != NULL, pl_clock_now());
	if (call == NULL) {
		pl_reply_init(&reply);
		pl_reply_error(&reply, PL_ERR_NOMEM, NULL);
		pl_conn_reply(conn, &reply);
		pl_reply_close(&reply);
		pl_request_close(req);
		return;
	}
	*app->last = call;
	app->last = &call->next;
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

/*
 * Answers everything, for at most LAST_WORDS_MS. Whoever has connected by now
 * is answered too; then the socket is closed before anything that takes time,
 * or the web server would go on handing us requests.
 */
static void
finish(struct pl_app *app)
{
	int64_t until = pl_clock_now() + LAST_WORDS_MS;
	size_t accepted = 0, writing = 0;

	if (app->fcgi != NULL)
		pl_fcgi_end_rest(app->fcgi);
	do {
		if (app->fcgi != NULL)
			accepted = pl_fcgi_accept(app->fcgi);
		pl_app_turn(app);
		if (app->polls != NULL)
			pl_polls_answer_all(app->polls);
		event_base_loop(app->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		if (app->fcgi != NULL)
			writing = pl_fcgi_writing(app->fcgi);
	} while ((accepted > 0 || app->first != NULL || writing > 0) &&
		 pl_clock_now() < until);
	if (app->fcgi != NULL)
		pl_fcgi_stop(app->fcgi);
}

static void
loop(struct pl_app *app)
{
	while (!app->stopping) {
		event_base_loop(app->base,
		    app->again ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE);
		pl_app_turn(app);
	}
	finish(app);
}

/* As many descriptors as we may have: a poll is one. Beyond that none is held,
 * or nobody could be answered any more, not even that there is no room. */
static void
raise_limits(struct pl_app *app)
{
	const struct pl_config *config = &app->config;
	rlim_t most = (rlim_t)config->max_waiters;
	struct rlimit rl, all;

	app->most_polls = (size_t)most;
	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	all = (struct rlimit){rl.rlim_max, rl.rlim_max};
	if (setrlimit(RLIMIT_NOFILE, &all) == 0)
		rl = all;
	if (rl.rlim_cur >= most + BASE_FDS)
		return;
	most = rl.rlim_cur > BASE_FDS ? rl.rlim_cur - BASE_FDS : 0;
	app->most_polls = (size_t)most;
	if (app->program == PL_EVENTS && config->max_waiters_set)
		pl_log(PL_LOG_WARN,
		    "maxWaiters is %lld, but only %llu files may be open: "
		    "holds %llu polls at the most",
		    (long long)config->max_waiters,
		    (unsigned long long)rl.rlim_cur, (unsigned long long)most);
}

static enum pl_err
open_polls(struct pl_app *app)
{
	enum pl_err err = pl_polls_new(&app->polls, app);

	if (err != PL_OK)
		return err;
	return add_poll_events(app) ? PL_OK : PL_ERR_NOMEM;
}

static enum pl_err
open_all(struct pl_app *app)
{
	bool holds_polls = app->program == PL_EVENTS;
	const char *database = app->config.database;
	enum pl_err err;

	err = pl_shared_open(&app->shared, database,
	    holds_polls ? (size_t)app->config.max_waiters : 0);
	if (err != PL_OK)
		return err;
	if (pl_doorbell_open(&app->bell, database, holds_polls) != PL_OK)
		pl_log(PL_LOG_WARN, "no doorbell: dashboards wait for the "
				    "slow tick");
	if ((app->base = event_base_new()) == NULL)
		return PL_ERR_NOMEM;
	return holds_polls ? open_polls(app) : PL_OK;
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
		pl_call_free(c);
	}
	pl_fcgi_free(app->fcgi);
	pl_cgi_free(app->cgi);
	pl_polls_free(app->polls);
	free_event(app->due);
	free_event(app->tick);
	free_event(app->bell_event);
	pl_doorbell_close(&app->bell);
	pl_shared_close(&app->shared);
	if (app->store != NULL)
		pl_app_drop_store(app);
	if (app->base != NULL)
		event_base_free(app->base);
	libevent_global_shutdown();
}

static void
on_cgi_end(void *arg)
{
	struct pl_app *app = arg;

	app->stopping = true;
}

/* Opens where requests come from. Each process of plain CGI sees one: its
 * coming and going is nothing to write home about. */
static enum pl_err
listen_to(struct pl_app *app, int in, int out)
{
	if (pl_cgi_is_listening(in)) {
		pl_log(PL_LOG_INFO, "serves %s", app->config.database);
		return pl_fcgi_new(&app->fcgi, app->base, in, on_request, app);
	}
	app->again = true; /* it is there already */
	return pl_cgi_new(&app->cgi, app->base, in, out, environ, on_request,
	    on_cgi_end, app);
}

static enum pl_err
serve(struct pl_app *app)
{
	static const int stops[] = {SIGTERM, SIGINT, SIGUSR1};
	struct event *signals[3] = {NULL};
	enum pl_err err = open_all(app);
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	if (err == PL_OK)
		err = listen_to(app, STDIN_FILENO, STDOUT_FILENO);
	/* After libfcgi, which has installed handlers of its own. */
	for (i = 0; i < 3 && err == PL_OK; i++)
		if (!on_signal(app, &signals[i], stops[i]))
			err = PL_ERR_NOMEM;
	if (err == PL_OK) {
		if (app->config.sandbox) {
			pl_sqlite_warm_up();
			pl_sandbox_enter(&app->sandbox, app->config.database);
		}
		loop(app);
		if (app->fcgi != NULL)
			pl_log(PL_LOG_INFO, "ends");
	}
	for (i = 0; i < 3; i++)
		free_event(signals[i]);
	return err;
}

enum pl_err
pl_app_run(enum pl_program program, const struct pl_endpoint *const *endpoints)
{
	const char *name = pl_programs[program];
	struct pl_app *app = calloc(1, sizeof(*app));
	enum pl_err err;

	if (app == NULL)
		return PL_ERR_NOMEM;
	pl_log_init(name, PL_LOG_INFO);
	app->last = &app->first;
	app->program = program;
	app->endpoints = endpoints;
	app->opened_at = INT64_MIN / 2;
	app->bell.file = app->bell.watch = app->shared.fd = -1;
	err = pl_config_load(&app->config, NULL, environ);
	if (err != PL_OK)
		pl_log(PL_LOG_ERROR, "%s", app->config.error);
	else {
		pl_log_init(name, (enum pl_log_level)app->config.log);
		app->rules = (struct pl_rules){app->config.timeout_ms,
		    app->config.hidden_timeout_ms, app->config.leave_grace_ms,
		    app->config.min_beat_ms};
		if (app->config.sandbox)
			pl_sandbox_keep_private();
		raise_limits(app);
		err = serve(app);
	}
	close_all(app);
	free(app);
	return err;
}
