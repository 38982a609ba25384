/*
 * Rooms in SQLite: rows in, rules (presence.c), rows out. A plain beat is
 * three look-ups and one row written.
 */
#include <string.h>

#include "log.h"
#include "sqlite.h"

#define SLICE 128 /* due conversations listed at a time */

/* What record() needs to know besides the change. */
struct recorder {
	struct pl_sqlite *s;
	const struct pl_head *head;
};

static struct pl_sqlite *
self(struct pl_store *store)
{
	return (struct pl_sqlite *)store;
}

static enum pl_err
on_change(void *arg, const struct pl_change *change)
{
	struct recorder *r = arg;

	return pl_sqlite_record(r->s, r->head, change);
}

static struct pl_turn
turn(struct pl_sqlite *s, struct recorder *r)
{
	return (struct pl_turn){&s->rules, s->now, &s->seq, on_change, r};
}

static enum pl_err
add_row(struct pl_room *room, sqlite3_stmt *st)
{
	struct pl_session *session = NULL;
	int64_t id = sqlite3_column_int64(st, 0);
	struct pl_tab *tab;

	if (room->nsessions > 0)
		session = &room->sessions[room->nsessions - 1];
	if (session == NULL || session->id != id) {
		if ((session = pl_room_add_session(room)) == NULL)
			return PL_ERR_NOMEM;
		session->id = id;
		memcpy(session->secret, sqlite3_column_blob(st, 1),
		    PL_SESSION_LEN);
		session->online_since = sqlite3_column_int64(st, 2);
		session->event_seq = sqlite3_column_int64(st, 3);
	}
	if ((tab = pl_room_add_tab(room, room->nsessions - 1)) == NULL)
		return PL_ERR_NOMEM;
	tab->stored = true;
	tab->tab = (uint64_t)sqlite3_column_int64(st, 4);
	tab->state = (enum pl_tab_state)sqlite3_column_int(st, 5);
	tab->hidden = sqlite3_column_int(st, 6) != 0;
	tab->message = sqlite3_column_int64(st, 7);
	tab->rev = sqlite3_column_int64(st, 8);
	tab->beat_at = sqlite3_column_int64(st, 9);
	tab->changed_at = sqlite3_column_int64(st, 10);
	tab->expires_at = sqlite3_column_int64(st, 11);
	tab->typing_until = sqlite3_column_int64(st, 12);
	return PL_OK;
}

static enum pl_err
load_tabs(struct pl_sqlite *s, int64_t conversation)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_TABS);
	enum pl_err err;
	bool row;

	pl_bind_int(st, ":id", conversation);
	while ((err = pl_step(s, st, &row)) == PL_OK && row)
		if ((err = add_row(&s->room, st)) != PL_OK) {
			sqlite3_reset(st);
			return err;
		}
	return err;
}

enum pl_err
pl_sqlite_load(struct pl_sqlite *s, sqlite3_stmt *st, struct pl_head *head)
{
	enum pl_err err;
	bool row;

	if ((err = pl_step(s, st, &row)) != PL_OK)
		return err;
	if (!row)
		return PL_ERR_NOT_FOUND;
	*head = (struct pl_head){
	    .id = sqlite3_column_int64(st, 0),
	    .company = sqlite3_column_int64(st, 1),
	    .public_id = pl_text(st, 2),
	    .platform = pl_text(st, 3),
	    .inbox = pl_text(st, 4),
	    .name = pl_text(st, 5),
	    .stmt = st,
	};
	pl_room_clear(&s->room);
	s->room.online_since = sqlite3_column_int64(st, 6);
	s->room.last_beat_at = sqlite3_column_int64(st, 7);
	s->room.due_at = sqlite3_column_int64(st, 8);
	if ((err = load_tabs(s, head->id)) != PL_OK)
		sqlite3_reset(st);
	return err;
}

/*
 * A session's heartbeat, for those who wait, and noted for those who look at
 * all conversations. If it has come or gone with that, its row in change tells
 * it.
 */
static void
touch(struct pl_sqlite *s, const struct pl_head *head, size_t session)
{
	const struct pl_session *which = &s->room.sessions[session];
	const struct pl_tab *tab = pl_room_latest(&s->room, session);
	struct pl_state st;
	struct pl_event e;

	if (tab == NULL || tab->rev <= s->seq_before ||
	    tab->rev <= which->event_seq)
		return;
	pl_sqlite_touch(s, tab->rev, head->id);
	st = pl_room_state(&s->room, PL_ALL_SESSIONS, s->now);
	e = pl_sqlite_heartbeat(head, &st, which, tab);
	pl_draft_add(&s->draft, &e);
}

static enum pl_err
remove_tab(struct pl_sqlite *s, int64_t conversation, const struct pl_tab *tab)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_TAB_REMOVE);

	pl_bind_int(st, ":conversation", conversation);
	pl_bind_int(st, ":session", s->room.sessions[tab->session].id);
	pl_bind_int(st, ":tab", (int64_t)tab->tab);
	return pl_run(s, st);
}

static enum pl_err
save_tab(struct pl_sqlite *s, int64_t conversation, const struct pl_tab *tab)
{
	const int64_t values[] = {tab->state, tab->hidden, tab->message,
	    tab->rev, tab->beat_at, tab->changed_at, tab->expires_at,
	    tab->typing_until, conversation, s->room.sessions[tab->session].id,
	    (int64_t)tab->tab};
	sqlite3_stmt *st =
	    pl_sql(s, tab->stored ? PL_SQL_TAB_UPDATE : PL_SQL_TAB_PUT);

	pl_bind_ints(st, values, sizeof(values) / sizeof(values[0]));
	return pl_run(s, st);
}

static enum pl_err
save_head(struct pl_sqlite *s, int64_t conversation)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_UPDATE);

	pl_bind_int(st, ":id", conversation);
	pl_bind_opt(st, ":online_since", s->room.online_since);
	pl_bind_opt(st, ":last_beat_at", s->room.last_beat_at);
	pl_bind_opt(st, ":due_at", s->room.due_at);
	return pl_run(s, st);
}

static enum pl_err
save_session(
    struct pl_sqlite *s, int64_t conversation, const struct pl_session *session)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_SESSION_UPDATE);

	pl_bind_int(st, ":conversation", conversation);
	pl_bind_int(st, ":id", session->id);
	pl_bind_opt(st, ":online_since", session->online_since);
	pl_bind_int(st, ":event_seq", session->event_seq);
	return pl_run(s, st);
}

/* Writes what the rules have marked as changed. */
static enum pl_err
save(struct pl_sqlite *s, const struct pl_head *head)
{
	struct pl_room *room = &s->room;
	enum pl_err err = PL_OK;
	size_t i;

	for (i = 0; i < room->nsessions && err == PL_OK; i++) {
		if (room->sessions[i].dirty)
			err = save_session(s, head->id, &room->sessions[i]);
		touch(s, head, i);
	}
	for (i = 0; i < room->ntabs && err == PL_OK; i++)
		if (room->tabs[i].forgotten)
			err = remove_tab(s, head->id, &room->tabs[i]);
		else if (room->tabs[i].dirty)
			err = save_tab(s, head->id, &room->tabs[i]);
	if (err == PL_OK && room->dirty)
		err = save_head(s, head->id);
	return err;
}

enum pl_err
pl_sqlite_due(struct pl_store *store, int64_t *at)
{
	struct pl_sqlite *s = self(store);
	enum pl_err err;

	err = pl_run_int(s, pl_sql(s, PL_SQL_DUE_FIRST), at);
	if (err != PL_ERR_NOT_FOUND)
		return err;
	*at = INT64_MAX;
	return PL_OK;
}

static enum pl_err
settle_one(struct pl_sqlite *s, int64_t id)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_BY_ID);
	struct pl_head head;
	struct recorder r = {s, &head};
	struct pl_turn t = turn(s, &r);
	enum pl_err err;

	pl_bind_int(st, ":id", id);
	if ((err = pl_sqlite_load(s, st, &head)) != PL_OK)
		return err;
	if ((err = pl_room_settle(&s->room, &t)) == PL_OK)
		err = save(s, &head);
	sqlite3_reset(st);
	return err;
}

/* Up to `most` ids of due conversations. */
static enum pl_err
list_due(struct pl_sqlite *s, int64_t *ids, size_t most, size_t *n)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_DUE_LIST);
	enum pl_err err;
	bool row;

	*n = 0;
	pl_bind_int(st, ":now", s->now);
	pl_bind_int(st, ":limit", (int64_t)most);
	while ((err = pl_step(s, st, &row)) == PL_OK && row)
		ids[(*n)++] = sqlite3_column_int64(st, 0);
	return err;
}

enum pl_err
pl_sqlite_settle(struct pl_store *store, size_t most, bool *all)
{
	struct pl_sqlite *s = self(store);
	int64_t ids[SLICE];
	size_t i, n, want;
	enum pl_err err;

	*all = false;
	while (most > 0) {
		want = most < SLICE ? most : SLICE;
		if ((err = list_due(s, ids, want, &n)) != PL_OK)
			return err;
		for (i = 0; i < n; i++)
			if ((err = settle_one(s, ids[i])) != PL_OK)
				return err;
		if (n < want) {
			*all = true;
			return PL_OK;
		}
		most -= n;
	}
	return PL_OK;
}

/* The place of a session in the room; it has one even without tabs. */
static enum pl_err
find_session(struct pl_sqlite *s, sqlite3_stmt *st,
    const uint8_t secret[PL_SESSION_LEN], size_t *out)
{
	int64_t id = sqlite3_column_int64(st, 9);
	struct pl_session *session;
	size_t i;

	for (i = 0; i < s->room.nsessions; i++)
		if (s->room.sessions[i].id == id) {
			*out = i;
			return PL_OK;
		}
	if ((session = pl_room_add_session(&s->room)) == NULL)
		return PL_ERR_NOMEM;
	session->id = id;
	memcpy(session->secret, secret, PL_SESSION_LEN);
	session->online_since = sqlite3_column_int64(st, 10);
	session->event_seq = sqlite3_column_int64(st, 11);
	*out = i;
	return PL_OK;
}

/* The rules of a beat on the room at hand. */
static enum pl_err
apply(struct pl_sqlite *s, const struct pl_head *head, size_t session,
    const struct pl_beat *beat)
{
	struct recorder r = {s, head};
	struct pl_turn t = turn(s, &r);
	enum pl_err err;

	if ((err = pl_room_settle(&s->room, &t)) != PL_OK)
		return err;
	err = pl_room_beat(&s->room, session, beat, &t);
	/* A refused beat still saves what ran out before it. */
	if (err != PL_OK && err != PL_ERR_RATE)
		return err;
	if (save(s, head) != PL_OK)
		return PL_ERR_STORE;
	return err;
}

enum pl_err
pl_sqlite_beat(struct pl_store *store, const char *public_id,
    const uint8_t secret[PL_SESSION_LEN], const struct pl_beat *beat,
    struct pl_beat_result *out)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_BY_SESSION);
	struct pl_head head;
	enum pl_err err;
	size_t session;

	pl_bind_blob(st, ":secret", secret, PL_SESSION_LEN);
	err = pl_sqlite_load(s, st, &head);
	if (err != PL_OK)
		return err == PL_ERR_NOT_FOUND ? PL_ERR_FORBIDDEN : err;
	if (strcmp(head.public_id, public_id) != 0 ||
	    strcmp(head.platform, "WIDGET") != 0)
		err = PL_ERR_FORBIDDEN;
	if (err == PL_OK)
		err = find_session(s, st, secret, &session);
	if (err == PL_OK)
		err = apply(s, &head, session, beat);
	if (err == PL_OK) {
		if (beat->kind != PL_LEAVE)
			pl_log(PL_LOG_DEBUG, "💓 Customer heartbeat: %s",
			    head.public_id);
		out->company = head.company;
		out->status = pl_room_state(&s->room, session, s->now).status;
	}
	sqlite3_reset(st);
	return err;
}

static enum pl_err
show(struct pl_sqlite *s, const struct pl_head *head, pl_presence_fn fn,
    void *arg)
{
	struct pl_presence p = {
	    .public_id = head->public_id,
	    .platform = head->platform,
	    .name = head->name,
	    .id = head->id,
	    .room = &s->room,
	};

	return fn(arg, &p);
}

enum pl_err
pl_sqlite_visible(struct pl_store *store, const struct pl_scope *scope,
    const char *ids_json, size_t n)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_CONVERSATION_VISIBLE);
	enum pl_err err;
	int64_t visible;

	pl_bind_int(st, ":company", scope->company);
	pl_bind_text(st, ":ids", ids_json);
	pl_bind_text(st, ":inboxes", scope->inboxes);
	if ((err = pl_run_int(s, st, &visible)) != PL_OK)
		return err;
	return visible == (int64_t)n ? PL_OK : PL_ERR_FORBIDDEN;
}

enum pl_err
pl_sqlite_presence(struct pl_store *store, const struct pl_scope *scope,
    const char *public_id, pl_presence_fn fn, void *arg)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_BY_PUBLIC_ID);
	struct pl_head head;
	enum pl_err err;

	pl_bind_int(st, ":company", scope->company);
	pl_bind_text(st, ":public_id", public_id);
	pl_bind_text(st, ":inboxes", scope->inboxes);
	if ((err = pl_sqlite_load(s, st, &head)) != PL_OK)
		return err == PL_ERR_NOT_FOUND ? PL_ERR_FORBIDDEN : err;
	err = show(s, &head, fn, arg);
	sqlite3_reset(st);
	return err;
}

/* The statement of the list stays open while rooms are loaded beside it. */
enum pl_err
pl_sqlite_online(struct pl_store *store, const struct pl_scope *scope,
    int64_t since, int64_t id, size_t limit, pl_presence_fn fn, void *arg)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_ONLINE), *one;
	struct pl_head head;
	enum pl_err err;
	bool row;

	pl_bind_int(st, ":company", scope->company);
	pl_bind_text(st, ":inboxes", scope->inboxes);
	pl_bind_int(st, ":since", since);
	pl_bind_int(st, ":id", id);
	pl_bind_int(st, ":limit", (int64_t)limit);
	while ((err = pl_step(s, st, &row)) == PL_OK && row) {
		one = pl_sql(s, PL_SQL_ROOM_BY_ID);
		pl_bind_int(one, ":id", sqlite3_column_int64(st, 0));
		if ((err = pl_sqlite_load(s, one, &head)) != PL_OK)
			break;
		err = show(s, &head, fn, arg);
		sqlite3_reset(one);
		if (err != PL_OK)
			break;
	}
	sqlite3_reset(st);
	return err;
}

/* A session leaves with all its tabs, or everybody (PL_ALL_SESSIONS), at once:
 * what a deletion is to those who watch. */
static enum pl_err
empty(struct pl_sqlite *s, const struct pl_head *head, size_t session)
{
	struct recorder r = {s, head};
	struct pl_turn t = turn(s, &r);
	enum pl_err err;
	size_t i;

	if ((err = pl_room_settle(&s->room, &t)) != PL_OK)
		return err;
	for (i = 0; i < s->room.ntabs; i++)
		if (s->room.tabs[i].state != PL_TAB_GONE &&
		    (session == PL_ALL_SESSIONS ||
			s->room.tabs[i].session == session)) {
			s->room.tabs[i].state = PL_TAB_LEFT;
			s->room.tabs[i].expires_at = s->now;
		}
	return pl_room_settle(&s->room, &t);
}

enum pl_err
pl_sqlite_conversation_remove(
    struct pl_store *store, int64_t company, const char *public_id)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_CHANGE_FORGET);
	struct pl_head head;
	enum pl_err err;

	s->draft.is_broken = true;
	pl_bind_int(st, ":company", company);
	pl_bind_text(st, ":public_id", public_id);
	if ((err = pl_run(s, st)) != PL_OK)
		return err;
	st = pl_sql(s, PL_SQL_ROOM_BY_PUBLIC_ID);
	pl_bind_int(st, ":company", company);
	pl_bind_text(st, ":public_id", public_id);
	if ((err = pl_sqlite_load(s, st, &head)) != PL_OK)
		return err == PL_ERR_NOT_FOUND ? PL_ERR_FORBIDDEN : err;
	err = empty(s, &head, PL_ALL_SESSIONS);
	sqlite3_reset(st);
	if (err != PL_OK)
		return err;
	st = pl_sql(s, PL_SQL_CONVERSATION_REMOVE);
	pl_bind_int(st, ":id", head.id);
	return pl_run(s, st);
}

enum pl_err
pl_sqlite_session_remove(struct pl_store *store, int64_t company,
    const uint8_t secret[PL_SESSION_LEN], struct pl_arena *arena,
    const char **public_id)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_BY_SESSION);
	struct pl_head head;
	enum pl_err err;
	int64_t id = 0;
	size_t session;

	pl_bind_blob(st, ":secret", secret, PL_SESSION_LEN);
	if ((err = pl_sqlite_load(s, st, &head)) != PL_OK)
		return err == PL_ERR_NOT_FOUND ? PL_ERR_FORBIDDEN : err;
	if (head.company != company)
		err = PL_ERR_FORBIDDEN;
	if (err == PL_OK)
		err = find_session(s, st, secret, &session);
	if (err == PL_OK && (*public_id = pl_text_copy(st, 2, arena)) == NULL)
		err = PL_ERR_NOMEM;
	if (err == PL_OK)
		err = pl_sqlite_changes_forget(
		    store, company, *public_id, secret);
	if (err == PL_OK && (err = empty(s, &head, session)) == PL_OK)
		err = save(s, &head);
	if (err == PL_OK)
		id = s->room.sessions[session].id;
	sqlite3_reset(st);
	if (err != PL_OK)
		return err;
	st = pl_sql(s, PL_SQL_SESSION_REMOVE);
	pl_bind_int(st, ":conversation", head.id);
	pl_bind_int(st, ":id", id);
	return pl_run(s, st);
}
