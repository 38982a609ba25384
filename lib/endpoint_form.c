/*
 * POST /api/widget/conversations: the widget's first form.
 *
 *	{"siteKey": "pls_…", "name": "John Doe", "email": "john@example.com"}
 *	201 {"conversationId": "conv_…", "sessionId": "…"}
 *
 * name and email may be missing. Anybody who sees the page can call this, so
 * each address has formsPerMinute of them; 429 beyond. 403: no such site.
 */

#include "app.h"
#include "conversation.h"
#include "query.h"

static enum pl_err
read_form(struct pl_call *call, const char **key, struct pl_conversation *c)
{
	struct pl_json_body body;
	enum pl_err err;

	if ((err = pl_call_json(call, &body)) != PL_OK)
		return err;
	if ((err = pl_json_need_str(&body, "siteKey", 128, key)) == PL_OK &&
	    (err = pl_json_want_str(&body, "name", PL_NAME_MAX, &c->name)) ==
		PL_OK)
		err = pl_json_want_str(&body, "email", 254, &c->email);
	call->message = body.message;
	pl_json_free(&body);
	return err;
}

static enum pl_err
run_form(struct pl_call *call)
{
	struct pl_conversation c = {.platform = "WIDGET", .inbox = ""};
	const char *key = NULL;
	enum pl_err err;

	if ((err = read_form(call, &key, &c)) != PL_OK)
		return err;
	err =
	    call->store->ops->company_by_site_key(call->store, key, &c.company);
	if (err != PL_OK)
		return err == PL_ERR_NOT_FOUND ? PL_ERR_FORBIDDEN : err;
	call->company = c.company;
	return pl_conversation_answer(call, &c);
}

const struct pl_endpoint pl_endpoint_form = {PL_POST,
    "/api/widget/conversations", PL_TXN_WRITE, run_form, false, PL_RATE_FORM};
