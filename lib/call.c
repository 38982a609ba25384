/*
 * A request on its way to its endpoint: what can be said before anything is
 * looked up, running it, turning errors into answers, and CORS.
 */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "clock.h"

void
pl_call_free(struct pl_call *call)
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

/*
 * Is it the origin that we are served at ourselves? A page that came without
 * TLS is another one than we, who came with it. The other way round cannot be
 * told: a proxy before the web server may have taken the TLS off.
 */
static bool
is_own_origin(const struct pl_call *call)
{
	const char *origin = call->req.origin;
	const char *host = strstr(origin, "://");

	return host != NULL && strcmp(host + 3, call->req.host) == 0 &&
	       (!call->req.https || strncmp(origin, "https://", 8) == 0);
}

/* The origin of another site that calls; NULL: it is our own, or none. */
static const char *
foreign_origin(const struct pl_call *call)
{
	const char *origin = call->req.origin;

	if (origin[0] == '\0' || strlen(origin) > 300 || is_own_origin(call))
		return NULL;
	return origin;
}

/*
 * Browsers say it themselves (Sec-Fetch-Site), and no page can make them lie;
 * it holds behind any proxy, whatever that makes of scheme and host. Those
 * from before 2023 send Origin with every POST and DELETE. Who sends neither
 * is no browser: nothing is sent for him that he did not mean to. A page of
 * the same site but another origin is turned away too: it could not read the
 * answer anyway, as credentials are never allowed across origins.
 */
enum pl_err
pl_call_check_origin(const struct pl_call *call)
{
	const char *site = call->req.fetch_site;

	if (site[0] != '\0')
		return strcmp(site, "same-origin") == 0 ||
			       strcmp(site, "none") == 0
			   ? PL_OK
			   : PL_ERR_FORBIDDEN;
	return call->req.origin[0] == '\0' || is_own_origin(call)
		   ? PL_OK
		   : PL_ERR_FORBIDDEN;
}

/*
 * Lets pages of the company's own sites read the answer. While no company is
 * known, as in a preflight or where a conversation is not there, those of any
 * company's sites: else a widget could not tell "no more" from a dead network.
 */
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
		    "Access-Control-Allow-Origin: %s\r\n"
		    "Access-Control-Expose-Headers: Retry-After\r\n",
		    origin);
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

/* Too often: told in a turn of its own, so that pages of the sites that we
 * know can read for how long. */
static enum pl_err
run_limited(struct pl_call *call)
{
	(void)call;
	return PL_ERR_RATE;
}

static const struct pl_endpoint limited = {
    .txn = PL_TXN_READ, .run = run_limited};

size_t
pl_call_client(const struct pl_call *call, uint8_t name[PL_CLIENT_MAX])
{
	const struct pl_request *r = &call->req;

	return pl_address_client(&call->app->config.proxies, r->remote_addr,
	    r->x_forwarded_for, r->forwarded, name);
}

/* For how long that address has to wait, in ms. */
static int64_t
wait_for(const struct pl_call *call, enum pl_rate_kind kind)
{
	const struct pl_config *c = &call->app->config;
	struct pl_rates *rates = &call->app->shared.page->rates;
	uint8_t name[PL_CLIENT_MAX];
	size_t len = pl_call_client(call, name);
	int64_t now = pl_clock_now();

	if (kind == PL_RATE_SIGN_IN)
		return pl_rate_delay(rates, kind, name, len, now);
	return pl_rate_take(rates, kind, name, len,
	    kind == PL_RATE_FORM ? c->forms_per_minute
				 : c->address_beats_per_minute,
	    now);
}

void
pl_call_fail(struct pl_call *call, enum pl_err err)
{
	if (err == PL_ERR_RATE)
		pl_buf_printf(&call->reply.headers, "Retry-After: %lld\r\n",
		    (long long)(call->wait_ms > 0 ? (call->wait_ms + 999) / 1000
						  : 60));
	if (pl_err_is_fault(err) && call->endpoint != NULL &&
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
		pl_call_fail(call, call->req.fault);
		return;
	}
	if (strlen(call->req.uri) > PL_URI_MAX) {
		pl_call_fail(call, PL_ERR_TOO_LARGE);
		return;
	}
	if ((call->path = pl_request_path(&call->req)) == NULL) {
		pl_call_fail(call, PL_ERR_NOT_FOUND);
		return;
	}
	call->endpoint = route(app, call, &allow);
	if (call->endpoint == NULL && allow != 0) {
		if (call->req.method == PL_OPTIONS) {
			call->endpoint = &preflight;
			return;
		}
		add_allow(&call->reply, "Allow", allow);
		pl_call_fail(call, PL_ERR_METHOD);
	} else if (call->endpoint == NULL)
		pl_call_fail(call, PL_ERR_NOT_FOUND);
	else if (call->endpoint->limit != PL_RATE_NONE &&
		 (call->wait_ms = wait_for(call, call->endpoint->limit)) > 0)
		call->endpoint = &limited;
}

struct pl_call *
pl_call_new(struct pl_app *app, struct pl_conn *conn, struct pl_request *req)
{
	struct pl_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->app = app;
	call->conn = conn;
	call->req = *req;
	pl_reply_init(&call->reply);
	triage(app, call);
	return call;
}

enum pl_err
pl_call_run(struct pl_call *call)
{
	struct pl_app *app = call->app;
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
	if (pl_err_is_fault(err))
		return err;
	if ((call->company != 0 || err != PL_OK) &&
	    add_cors(call, &allowed) != PL_OK)
		return PL_ERR_STORE;
	if (err != PL_OK)
		pl_call_fail(call, err);
	return PL_OK;
}
