/*
 * The agent's session in a browser, for a dashboard that should not keep the
 * token in a script.
 *
 *	POST /api/agent/session {"token": "pla_…"}
 *	200 {"ok": true, "name": "…", "expiresAt": "…"}, and the cookie
 *	DELETE /api/agent/session
 *	200 {"ok": true}, and the cookie is worth nothing any more
 *
 * The cookie is HttpOnly and SameSite=Lax, and Secure under https, which the
 * page's own Origin says too where a proxy has taken the TLS off. Ending a
 * session that is not there is no error: it has ended.
 *
 * 403 to pages of another origin: none may end an agent's session, or begin
 * one in his browser that is not his.
 */
#include <string.h>

#include "app.h"
#include "auth.h"
#include "query.h"

static void
set_cookie(struct pl_call *call, const char *value, int64_t seconds)
{
	bool https =
	    call->req.https || strncmp(call->req.origin, "https://", 8) == 0;

	pl_buf_printf(&call->reply.headers,
	    "Set-Cookie: " PL_COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; "
	    "SameSite=Lax%s\r\n",
	    value, (long long)seconds, https ? "; Secure" : "");
}

static enum pl_err
read_token(struct pl_call *call, const char **token)
{
	struct pl_json_body body;
	enum pl_err err;

	if ((err = pl_call_json(call, &body)) != PL_OK)
		return err;
	err = pl_json_need_str(&body, "token", 256, token);
	call->message = body.message;
	pl_json_free(&body);
	return err;
}

/* The agent of that token; who sends wrong ones waits, longer each time. */
static enum pl_err
check_token(struct pl_call *call, const char *token, struct pl_agent *agent)
{
	struct pl_rates *rates = &call->app->shared.page->rates;
	uint8_t name[PL_CLIENT_MAX];
	size_t len = pl_call_client(call, name);
	enum pl_err err;

	/* Others of this turn may have failed since it was let in. */
	call->wait_ms =
	    pl_rate_delay(rates, PL_RATE_SIGN_IN, name, len, call->now);
	if (call->wait_ms > 0)
		return PL_ERR_RATE;
	err = pl_auth_token(&call->req, call->store, token, agent);
	if (err == PL_ERR_UNAUTHENTICATED)
		pl_rate_fail(rates, PL_RATE_SIGN_IN, name, len,
		    call->app->config.sign_in_failures, call->now);
	return err;
}

static enum pl_err
run_add(struct pl_call *call)
{
	int64_t lasts = call->app->config.agent_session_ms;
	char secret[PL_TOKEN_LEN + 1];
	uint8_t hash[PL_HASH_LEN];
	struct pl_agent agent;
	const char *token = NULL;
	enum pl_err err;

	if ((err = pl_call_check_origin(call)) != PL_OK ||
	    (err = read_token(call, &token)) != PL_OK ||
	    (err = check_token(call, token, &agent)) != PL_OK ||
	    (err = pl_secret_token("plc_", secret)) != PL_OK)
		return err;
	call->company = agent.scope.company;
	pl_secret_hash(secret, hash);
	err = call->store->ops->login_add(
	    call->store, agent.id, hash, call->now + lasts);
	if (err != PL_OK)
		return err;
	set_cookie(call, secret, lasts / 1000);
	pl_json_open(&call->reply.body, '{');
	pl_json_bool(&call->reply.body, "ok", true);
	pl_json_str(&call->reply.body, "name", agent.name);
	pl_json_time(&call->reply.body, "expiresAt", call->now + lasts);
	pl_json_close(&call->reply.body, '}');
	return PL_OK;
}

static enum pl_err
run_end(struct pl_call *call)
{
	const char *secret = pl_request_cookie(&call->req, PL_COOKIE);
	uint8_t hash[PL_HASH_LEN];
	enum pl_err err;

	if ((err = pl_call_check_origin(call)) != PL_OK)
		return err;
	if (secret != NULL) {
		pl_secret_hash(secret, hash);
		err = call->store->ops->login_remove(call->store, hash);
		if (err != PL_OK)
			return err;
	}
	set_cookie(call, "", 0);
	pl_json_open(&call->reply.body, '{');
	pl_json_bool(&call->reply.body, "ok", true);
	pl_json_close(&call->reply.body, '}');
	return PL_OK;
}

const struct pl_endpoint pl_endpoint_session_add = {PL_POST,
    "/api/agent/session", PL_TXN_WRITE, run_add, false, PL_RATE_SIGN_IN};
const struct pl_endpoint pl_endpoint_session_end = {PL_DELETE,
    "/api/agent/session", PL_TXN_WRITE, run_end, false, PL_RATE_NONE};
