/*
 * GET /api/metrics: how it goes, for monitoring.
 *
 *	200, text of Prometheus: what was answered, how long writes took, who
 *	is online, what polls are held, how big the files are
 *
 * For the addresses of metricsFrom alone, which is loopback if it is not set;
 * 403 for all others, and where a proxy that nobody knows has handed it on.
 */
#include <sqlite3.h>

#include "app.h"
#include "files.h"
#include "metrics.h"
#include "seats.h"

#define ONLINE_MOST 100000 /* counted, in some ms; more are not told */

static bool
is_allowed(const struct pl_call *call)
{
	const struct pl_config *c = &call->app->config;
	const struct pl_request *r = &call->req;

	return pl_address_is_in(&c->metrics_from, &c->proxies, r->remote_addr,
	    r->x_forwarded_for, r->forwarded);
}

static void
print_build(struct pl_buf *b)
{
	pl_metrics_head(b, "build_info", "gauge", "What is running.");
	pl_buf_printf(b,
	    "porchlight_build_info{version=\"%s\",sqlite=\"%s\"} 1\n",
	    PACKAGE_VERSION, sqlite3_libversion());
}

static enum pl_err
print_store(struct pl_call *call, struct pl_buf *b)
{
	struct pl_store *store = call->store;
	struct pl_position position;
	enum pl_err err;
	int64_t online;

	if ((err = store->ops->position(store, &position)) != PL_OK ||
	    (err = store->ops->online_count(store, ONLINE_MOST + 1, &online)) !=
		PL_OK)
		return err;
	pl_metrics_one(b, "changes_total", "counter",
	    "Beats, comings and goings that were written.", position.seq);
	if (online <= ONLINE_MOST)
		pl_metrics_one(b, "conversations_online", "gauge",
		    "Conversations with a customer in them.", online);
	return PL_OK;
}

static void
print_sizes(struct pl_call *call, struct pl_buf *b)
{
	const char *database = call->app->config.database;

	pl_metrics_one(b, "database_bytes", "gauge", "Size of the database.",
	    pl_files_size(database, ""));
	pl_metrics_one(b, "log_bytes", "gauge", "Size of its write-ahead log.",
	    pl_files_size(database, "-wal"));
}

/* The seats are the other program's; ours may have been started before it. */
static void
print_polls(struct pl_call *call, struct pl_buf *b)
{
	struct pl_shared shared;

	if (pl_shared_open(
		&shared, call->app->config.database, PL_SEATS_THERE) != PL_OK)
		return;
	pl_metrics_one(b, "polls", "gauge", "Dashboards that wait.",
	    (int64_t)pl_seats_taken(&shared));
	pl_metrics_one(b, "polls_max", "gauge", "As many as may.",
	    shared.page->served[PL_EVENTS].waiters);
	pl_shared_close(&shared);
}

static enum pl_err
run_metrics(struct pl_call *call)
{
	struct pl_buf *b = &call->reply.body;
	enum pl_err err;

	if (!is_allowed(call))
		return PL_ERR_FORBIDDEN;
	call->reply.type = "text/plain; version=0.0.4; charset=utf-8";
	print_build(b);
	pl_metrics_print(&call->app->shared.page->metrics, b);
	if ((err = print_store(call, b)) != PL_OK)
		return err;
	print_polls(call, b);
	print_sizes(call, b);
	return b->failed ? PL_ERR_NOMEM : PL_OK;
}

const struct pl_endpoint pl_endpoint_metrics = {
    PL_GET, "/api/metrics", PL_TXN_READ, run_metrics, false, PL_RATE_NONE};
