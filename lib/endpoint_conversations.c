/*
 * The host application's conversations, with its API key.
 *
 *	POST /api/conversations {"id": "42", "platform": "WIDGET",
 *	                         "inbox": "sales", "name": "John Doe"}
 *	201 {"conversationId": "42", "sessionId": "…"}
 *
 * All members may be missing. The same id again: 200, and one more session
 * (another device); the rest of it stays as it was.
 *
 *	DELETE /api/conversations/42
 *	200 {"ok": true}
 *
 * forgets it and all its presence; who watches it sees it go. 403 if there is
 * none: the same as for one of another company.
 */
#include <string.h>

#include "app.h"
#include "auth.h"
#include "conversation.h"
#include "query.h"

static enum pl_err
read_platform(struct pl_json_body *body, struct pl_conversation *c)
{
	enum pl_err err;

	c->platform = "WIDGET";
	err = pl_json_want_str(body, "platform", PL_PLATFORM_MAX, &c->platform);
	if (err == PL_OK && !pl_platform_valid(c->platform))
		return pl_json_refuse(
		    body, "platform", "capitals, like WIDGET or FACEBOOK");
	return err;
}

static enum pl_err
read_conversation(struct pl_call *call, struct pl_conversation *c)
{
	struct pl_json_body body;
	enum pl_err err;

	if ((err = pl_call_json(call, &body)) != PL_OK)
		return err;
	c->inbox = "";
	if ((err = read_platform(&body, c)) == PL_OK &&
	    (err = pl_json_want_str(&body, "id", PL_ID_MAX, &c->public_id)) ==
		PL_OK &&
	    (err = pl_json_want_str(&body, "inbox", PL_ID_MAX, &c->inbox)) ==
		PL_OK)
		err = pl_json_want_str(&body, "name", PL_NAME_MAX, &c->name);
	call->message = body.message;
	pl_json_free(&body);
	return err;
}

static enum pl_err
run_add(struct pl_call *call)
{
	struct pl_conversation c = {0};
	enum pl_err err;

	err = pl_auth_company(&call->req, call->store, &c.company);
	if (err != PL_OK)
		return err;
	call->company = c.company;
	if ((err = read_conversation(call, &c)) != PL_OK)
		return err;
	return pl_conversation_answer(call, &c);
}

static enum pl_err
run_remove(struct pl_call *call)
{
	const char *id = call->path + strlen(call->endpoint->path);
	int64_t company;
	enum pl_err err;

	err = pl_auth_company(&call->req, call->store, &company);
	if (err != PL_OK)
		return err;
	call->company = company;
	err = call->store->ops->conversation_remove(call->store, company, id);
	if (err != PL_OK)
		return err;
	pl_json_open(&call->reply.body, '{');
	pl_json_bool(&call->reply.body, "ok", true);
	pl_json_close(&call->reply.body, '}');
	return PL_OK;
}

const struct pl_endpoint pl_endpoint_conversation_add = {
    PL_POST, "/api/conversations", PL_TXN_WRITE, run_add, false, PL_RATE_NONE};
const struct pl_endpoint pl_endpoint_conversation_remove = {PL_DELETE,
    "/api/conversations/", PL_TXN_WRITE, run_remove, false, PL_RATE_NONE};
