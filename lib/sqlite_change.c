/*
 * What is written to the stream of changes in SQLite: a row for each coming
 * and going. Rows older than the retention go after a write, when its answers
 * are out, so nothing has to be run for it.
 */
#include <assert.h>
#include <string.h>

#include "log.h"
#include "sqlite.h"

#define PRUNE_EVERY_MS 1000
#define PRUNE_MOST 500
#define BRIEF_EVERY 64 /* writes, of plain CGI */
#define SWEEP_MOST 100 /* conversations looked at, a second: within a slice */

static void
tell(struct pl_sqlite *s, const struct pl_head *head, const struct pl_change *c)
{
	struct pl_event e = {
	    .seq = c->seq,
	    .kind = c->online ? PL_EVENT_ONLINE : PL_EVENT_OFFLINE,
	    .reason = c->reason,
	    .company = head->company,
	    .public_id = head->public_id,
	    .at = c->at,
	    .status = c->status,
	    .connections = c->connections,
	    .expires_at = c->expires_at,
	};

	memcpy(e.session, c->session->secret, PL_SESSION_LEN);
	pl_draft_add(&s->draft, &e);
}

enum pl_err
pl_sqlite_record(
    struct pl_sqlite *s, const struct pl_head *head, const struct pl_change *c)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_CHANGE_ADD);

	tell(s, head, c);
	pl_log(PL_LOG_DEBUG, "%s: %s",
	    c->online                        ? "🟢 Customer came online"
	    : c->reason == PL_REASON_TIMEOUT ? "⏰ Customer heartbeat timeout"
					     : "🔴 Customer went offline",
	    head->public_id);
	pl_bind_int(st, ":seq", c->seq);
	pl_bind_int(st, ":company", head->company);
	pl_bind_int(st, ":conversation", head->id);
	pl_bind_blob(st, ":session", c->session->secret, PL_SESSION_LEN);
	pl_bind_int(st, ":kind", c->online);
	pl_bind_int(st, ":reason", c->reason);
	pl_bind_int(st, ":at", c->at);
	pl_bind_int(st, ":delay", s->now - c->at);
	pl_bind_int(st, ":status", c->status);
	pl_bind_int(st, ":connections", c->connections);
	if (c->expires_at != 0)
		pl_bind_int(st, ":lease", c->expires_at - c->at);
	return pl_run(s, st);
}

enum pl_err
pl_sqlite_keep_last(struct pl_sqlite *s, const struct pl_head *head)
{
	enum pl_err err = PL_OK;
	sqlite3_stmt *st;
	size_t i;

	for (i = 0; i < s->room.nsessions && err == PL_OK; i++) {
		if (s->room.sessions[i].event_seq <= s->position.pruned)
			continue;
		st = pl_sql(s, PL_SQL_CHANGE_KEEP);
		pl_bind_int(st, ":seq", s->room.sessions[i].event_seq);
		pl_bind_int(st, ":conversation", head->id);
		pl_bind_text(st, ":public_id", head->public_id);
		pl_bind_text(st, ":inbox", head->inbox);
		err = pl_run(s, st);
	}
	return err;
}

void
pl_sqlite_take_back(struct pl_sqlite *s)
{
	s->draft.is_broken = true;
	s->seq++;
}

/*
 * Conversations that nobody comes to any more: looks at the next few, and
 * starts over after the last. No index is kept for it, which each coming and
 * going would have to pay for.
 */
static enum pl_err
sweep(struct pl_sqlite *s)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_SWEEP_NEXT);
	int64_t after, upto;
	enum pl_err err;
	size_t n;
	bool row;

	pl_bind_int(st, ":limit", SWEEP_MOST);
	if ((err = pl_step(s, st, &row)) != PL_OK)
		return err;
	if (!row)
		return PL_ERR_STORE;
	after = sqlite3_column_int64(st, 0);
	upto = sqlite3_column_int64(st, 1);
	sqlite3_reset(st);
	if (after == upto) /* there are none */
		return PL_OK;
	st = pl_sql(s, PL_SQL_SWEEP_LIST);
	pl_bind_int(st, ":after", after);
	pl_bind_int(st, ":upto", upto);
	pl_bind_int(st, ":horizon", s->now - s->conversation_retention_ms);
	if ((err = pl_sqlite_drop_all(s, st, true, &n)) != PL_OK)
		return err;
	if (n > 0)
		pl_sqlite_take_back(s);
	st = pl_sql(s, PL_SQL_COUNTER_SWEPT);
	pl_bind_int(st, ":swept", upto);
	return pl_run(s, st);
}

static enum pl_err
prune_logins(struct pl_sqlite *s)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_LOGIN_PRUNE);

	pl_bind_int(st, ":now", s->now);
	return pl_run(s, st);
}

sqlite3_stmt *
pl_sqlite_forget(struct pl_sqlite *s, int64_t company, const char *public_id,
    int64_t conversation)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_CHANGE_FORGET);

	pl_bind_int(st, ":company", company);
	if (public_id != NULL)
		pl_sqlite_bind_id(st, public_id);
	pl_bind_opt(st, ":conversation", conversation);
	return st;
}

enum pl_err
pl_sqlite_changes_forget(struct pl_store *store, int64_t company,
    const char *public_id, const uint8_t *session)
{
	struct pl_sqlite *s = (struct pl_sqlite *)store;
	const struct pl_scope scope = {.company = company};
	int64_t pruned = 0, id = 0;
	sqlite3_stmt *st;
	enum pl_err err;
	bool row;

	pl_sqlite_take_back(s);
	assert(public_id != NULL || session != NULL);
	if (public_id != NULL &&
	    (err = pl_sqlite_find(s, &scope, public_id, &id)) != PL_OK &&
	    err != PL_ERR_NOT_FOUND)
		return err;
	st = pl_sqlite_forget(s, company, public_id, id);
	if (session != NULL)
		pl_bind_blob(st, ":session", session, PL_SESSION_LEN);
	while ((err = pl_step(s, st, &row)) == PL_OK && row)
		if (sqlite3_column_int64(st, 0) > pruned)
			pruned = sqlite3_column_int64(st, 0);
	if (err != PL_OK || pruned == 0)
		return err;
	/* Who has not read that far takes the presence anew. */
	st = pl_sql(s, PL_SQL_COUNTER_PRUNED);
	pl_bind_int(st, ":pruned", pruned);
	return pl_run(s, st);
}

bool
pl_sqlite_wants_prune(const struct pl_sqlite *s)
{
	if (s->is_brief)
		return s->seq / BRIEF_EVERY != s->seq_before / BRIEF_EVERY;
	return s->now < s->pruned_at || s->now - s->pruned_at >= PRUNE_EVERY_MS;
}

enum pl_err
pl_sqlite_prune(struct pl_sqlite *s)
{
	sqlite3_stmt *st;
	int64_t pruned = 0;
	enum pl_err err;
	bool row;
	int n = 0;

	if ((err = prune_logins(s)) != PL_OK ||
	    (s->conversation_retention_ms > 0 && (err = sweep(s)) != PL_OK))
		return err;
	st = pl_sql(s, PL_SQL_CHANGE_PRUNE);
	pl_bind_int(st, ":horizon", s->now - s->retention_ms);
	pl_bind_int(st, ":limit", PRUNE_MOST);
	for (; (err = pl_step(s, st, &row)) == PL_OK && row; n++)
		if (sqlite3_column_int64(st, 0) > pruned)
			pruned = sqlite3_column_int64(st, 0);
	if (err != PL_OK)
		return err;
	if (n < PRUNE_MOST)
		s->pruned_at = s->now;
	if (n == 0)
		return PL_OK;
	pl_sqlite_take_back(s);
	st = pl_sql(s, PL_SQL_COUNTER_PRUNED);
	pl_bind_int(st, ":pruned", pruned);
	return pl_run(s, st);
}
