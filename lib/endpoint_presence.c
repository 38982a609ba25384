/*
 * GET /api/widget/presence: who is here, for an agent.
 *
 *	?conversationId=ID			one object
 *	?conversationId=ID&conversationId=ID…	{"presences": […], "next": null,
 *…} (none) ?limit=100&after=NEXT		all online ones, the latest to
 *						come first, page by page
 *
 * One snapshot, with the cursor from which the stream goes on: presence, then
 * events from its cursor, misses nothing and repeats nothing. One id that the
 * agent may not see, or that is not there, makes it 403, as if there were
 * nothing else.
 */
#include <string.h>

#include "app.h"
#include "auth.h"
#include "json.h"
#include "query.h"
#include "text.h"

#define LIMIT_MAX 500
#define LIMIT_PRESET 100

struct page {
	struct pl_call *call;
	struct pl_buf *out;
	struct pl_position position;
	bool single;
	size_t limit, n;
	int64_t since, id; /* of the last one written */
	bool more;
};

static void
write_session(
    struct pl_buf *b, const struct pl_room *room, size_t i, int64_t now)
{
	struct pl_state st = pl_room_state(room, i, now);

	if (st.connections == 0)
		return;
	pl_json_open(b, '{');
	pl_json_hex(b, "sessionId", room->sessions[i].secret, PL_SESSION_LEN);
	pl_json_str(b, "status", pl_status_name(st.status));
	pl_json_int(b, "connections", st.connections);
	pl_json_time(b, "onlineSince", room->sessions[i].online_since);
	pl_json_time(b, "lastHeartbeat", st.last_beat_at);
	pl_json_close(b, '}');
}

static void
write_state(
    struct pl_buf *b, const struct pl_presence *p, bool supported, int64_t now)
{
	struct pl_state st = pl_room_state(p->room, PL_ALL_SESSIONS, now);
	bool online = st.status != PL_OFFLINE;
	size_t i;

	pl_json_bool(b, "supported", supported);
	pl_json_bool(b, "isOnline", online);
	pl_json_str(b, "status", supported ? pl_status_name(st.status) : NULL);
	pl_json_time(b, "lastHeartbeat", st.last_beat_at);
	pl_json_int(b, "socketsInRoom", st.connections);
	pl_json_time(b, "onlineSince", online ? p->room->online_since : 0);
	pl_json_time(b, "expiresAt", st.expires_at);
	pl_json_bool(b, "typing", st.typing);
	pl_json_int(b, "devices", st.devices);
	pl_json_open_in(b, "sessions", '[');
	for (i = 0; i < p->room->nsessions; i++)
		write_session(b, p->room, i, now);
	pl_json_close(b, ']');
}

static void
write_end(struct page *page)
{
	char cursor[PL_CURSOR_LEN];

	pl_cursor_format(&page->position, page->position.seq, cursor);
	pl_json_time(page->out, "serverTime", page->call->now);
	pl_json_str(page->out, "cursor", cursor);
	pl_json_int(page->out, "pollTimeoutMs",
	    page->call->app->config.poll_timeout_ms);
}

/* One conversation; another platform's has no tabs, so all is 0 or empty. */
static enum pl_err
on_presence(void *arg, const struct pl_presence *p)
{
	struct page *page = arg;

	if (!page->single && page->n == page->limit) {
		page->more = true;
		return PL_OK;
	}
	pl_json_open(page->out, '{');
	pl_json_str(page->out, "conversationId", p->public_id);
	pl_json_str(page->out, "platform", p->platform);
	pl_json_str(page->out, "name", p->name);
	write_state(
	    page->out, p, strcmp(p->platform, "WIDGET") == 0, page->call->now);
	if (page->single)
		write_end(page);
	pl_json_close(page->out, '}');
	page->n++;
	page->since = p->room->online_since;
	page->id = p->id;
	return page->out->failed ? PL_ERR_NOMEM : PL_OK;
}

static enum pl_err
parse(struct pl_call *call, struct pl_query *q, struct page *page)
{
	int64_t limit = LIMIT_PRESET;
	enum pl_err err;

	if ((err = pl_query_read(call, q)) != PL_OK ||
	    (err = call->store->ops->position(call->store, &page->position)) !=
		PL_OK)
		return err;
	if (q->limit != NULL &&
	    pl_parse_int(q->limit, 1, LIMIT_MAX, &limit) != PL_OK) {
		call->message = "limit: expected 1 to 500";
		return PL_ERR_REQUEST;
	}
	if (q->after != NULL && pl_next_parse(&page->position, q->after,
				    &page->since, &page->id) != PL_OK) {
		call->message = "after: expected the next of an earlier page";
		return PL_ERR_REQUEST;
	}
	page->limit = (size_t)limit;
	return PL_OK;
}

static enum pl_err
write_some(struct pl_call *call, const struct pl_scope *scope,
    const struct pl_query *q, struct page *page)
{
	const struct pl_store_ops *ops = call->store->ops;
	enum pl_err err = PL_OK;
	size_t i;

	page->limit = SIZE_MAX;
	for (i = 0; i < q->nids && err == PL_OK; i++)
		err = ops->presence(
		    call->store, scope, q->ids[i], on_presence, page);
	return err;
}

static void
write_next(struct page *page)
{
	char next[PL_CURSOR_LEN];

	pl_next_format(&page->position, page->since, page->id, next);
	pl_json_close(page->out, ']');
	pl_json_str(page->out, "next", page->more ? next : NULL);
}

static enum pl_err
write_list(struct pl_call *call, const struct pl_scope *scope,
    const struct pl_query *q, struct page *page)
{
	enum pl_err err;

	pl_json_open(page->out, '{');
	pl_json_open_in(page->out, "presences", '[');
	if (q->nids > 0)
		err = write_some(call, scope, q, page);
	else
		err = call->store->ops->online(call->store, scope, page->since,
		    page->id, page->limit + 1, on_presence, page);
	if (err != PL_OK)
		return err;
	write_next(page);
	write_end(page);
	pl_json_close(page->out, '}');
	return PL_OK;
}

static enum pl_err
run_presence(struct pl_call *call)
{
	struct page page = {.call = call,
	    .out = &call->reply.body,
	    .since = INT64_MAX,
	    .id = INT64_MAX};
	struct pl_query q;
	struct pl_who who;
	enum pl_err err;

	err = pl_auth_agent(
	    &call->req, call->store, &call->app->config, call->now, &who);
	if (err != PL_OK)
		return err;
	call->company = who.agent.scope.company;
	if ((err = parse(call, &q, &page)) != PL_OK)
		return err;
	page.single = q.nids == 1;
	if (page.single)
		return call->store->ops->presence(call->store, &who.agent.scope,
		    q.ids[0], on_presence, &page);
	return write_list(call, &who.agent.scope, &q, &page);
}

const struct pl_endpoint pl_endpoint_presence = {PL_GET, "/api/widget/presence",
    PL_TXN_READ, run_presence, true, PL_RATE_NONE};
