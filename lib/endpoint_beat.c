/*
 * POST /api/widget/online, heartbeat, offline, typing: what a widget says.
 *
 *	{"conversationId": "conv_123", "sessionId": "32 hex digits",
 *	 "tabId": "made at page load", "visibility": "visible" | "hidden",
 *	 "seq": 7, "typing": true}
 *
 * visibility ("visible") and seq may be missing; typing is for typing alone.
 * Answer, which the widget obeys:
 *
 *	200 {"ok": true, "status": "online", "leaseMs": 60000,
 *	     "heartbeatIntervalMs": 30000, "serverTime": "…"}
 *
 * 403 for a conversation that is not there, a session that is not its own,
 * a platform that is no widget: the very same answer. status is the
 * session's own: whether anybody else is here is not told.
 */
#include <string.h>

#include "app.h"
#include "json.h"
#include "query.h"

#define ID_MAX 128
#define SEQ_MAX INT64_C(9007199254740991) /* the largest JavaScript counts */

struct message {
	const char *conversation;
	const char *session;
	const char *tab;
	const char *visibility;
	struct pl_beat beat;
};

static enum pl_err
read_visibility(struct pl_json_body *body, struct message *m)
{
	enum pl_err err;

	m->visibility = "visible";
	err = pl_json_want_str(body, "visibility", 16, &m->visibility);
	if (err != PL_OK)
		return err;
	m->beat.hidden = strcmp(m->visibility, "hidden") == 0;
	if (!m->beat.hidden && strcmp(m->visibility, "visible") != 0)
		return pl_json_refuse(
		    body, "visibility", "\"visible\" or \"hidden\"");
	return PL_OK;
}

static enum pl_err
read_members(struct pl_json_body *body, struct message *m)
{
	enum pl_err err;

	m->beat.seq = -1;
	if ((err = pl_json_need_str(
		 body, "conversationId", ID_MAX, &m->conversation)) != PL_OK ||
	    (err = pl_json_need_str(body, "sessionId", ID_MAX, &m->session)) !=
		PL_OK ||
	    (err = pl_json_need_str(body, "tabId", ID_MAX, &m->tab)) != PL_OK ||
	    (err = read_visibility(body, m)) != PL_OK)
		return err;
	if (m->beat.kind == PL_TYPING &&
	    (err = pl_json_need_bool(body, "typing", &m->beat.typing)) != PL_OK)
		return err;
	m->beat.tab = pl_fnv1a(m->tab, PL_FNV1A_START);
	return pl_json_want_int(body, "seq", 0, SEQ_MAX, &m->beat.seq);
}

static enum pl_err
read_message(struct pl_call *call, struct message *m)
{
	struct pl_json_body body;
	enum pl_err err;

	if ((err = pl_call_json(call, &body)) != PL_OK)
		return err;
	err = read_members(&body, m);
	call->message = body.message;
	pl_json_free(&body);
	return err;
}

static void
write_answer(struct pl_call *call, const struct message *m,
    const struct pl_beat_result *result)
{
	struct pl_buf *b = &call->reply.body;

	pl_json_open(b, '{');
	pl_json_bool(b, "ok", true);
	pl_json_str(b, "status", pl_status_name(result->status));
	pl_json_int(b, "leaseMs", pl_lease(&call->app->rules, m->beat.hidden));
	pl_json_int(
	    b, "heartbeatIntervalMs", call->app->config.heartbeat_interval_ms);
	pl_json_time(b, "serverTime", call->now);
	pl_json_close(b, '}');
}

static enum pl_err
take(struct pl_call *call, enum pl_message kind)
{
	struct message m = {.beat.kind = kind};
	uint8_t session[PL_SESSION_LEN];
	struct pl_beat_result result;
	enum pl_err err;

	if ((err = read_message(call, &m)) != PL_OK)
		return err;
	/* What is no session's id at all is no session of this one either. */
	if (pl_unhex(m.session, session, sizeof(session)) != PL_OK)
		return PL_ERR_FORBIDDEN;
	call->wait_ms = pl_rate_take(&call->app->shared.page->rates,
	    PL_RATE_SESSION, session, sizeof(session),
	    call->app->config.beats_per_minute, call->now);
	if (call->wait_ms > 0)
		return PL_ERR_RATE;
	err = call->store->ops->beat(
	    call->store, m.conversation, session, &m.beat, &result);
	if (err != PL_OK)
		return err;
	call->company = result.company;
	write_answer(call, &m, &result);
	return PL_OK;
}

static enum pl_err
run_beat(struct pl_call *call)
{
	return take(call, PL_BEAT);
}

static enum pl_err
run_offline(struct pl_call *call)
{
	return take(call, PL_LEAVE);
}

static enum pl_err
run_typing(struct pl_call *call)
{
	return take(call, PL_TYPING);
}

const struct pl_endpoint pl_endpoint_online = {PL_POST, "/api/widget/online",
    PL_TXN_WRITE, run_beat, false, PL_RATE_ADDRESS};
const struct pl_endpoint pl_endpoint_heartbeat = {PL_POST,
    "/api/widget/heartbeat", PL_TXN_WRITE, run_beat, false, PL_RATE_ADDRESS};
const struct pl_endpoint pl_endpoint_offline = {PL_POST, "/api/widget/offline",
    PL_TXN_WRITE, run_offline, false, PL_RATE_ADDRESS};
const struct pl_endpoint pl_endpoint_typing = {PL_POST, "/api/widget/typing",
    PL_TXN_WRITE, run_typing, false, PL_RATE_ADDRESS};
