/*
 * Rooms in SQLite: a row in, the rules (presence.c), the row out. A plain beat
 * is one row read, and written.
 */
#include <nettle/memops.h>
#include <string.h>

#include "log.h"
#include "sqlite.h"

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

/*
 * Sessions and tabs of a cleared room. One that cannot be read is empty, and
 * written so by the next who writes it: it must not stop the others, as it
 * would if it were due for ever.
 */
static enum pl_err
unpack(struct pl_sqlite *s, sqlite3_stmt *st, int column, int64_t id)
{
	const void *data = sqlite3_column_blob(st, column);
	enum pl_err err = pl_room_unpack(
	    &s->room, data, (size_t)sqlite3_column_bytes(st, column));

	if (err != PL_ERR_STORE)
		return err;
	pl_log(PL_LOG_ERROR,
	    "%s: the sessions of conversation %lld are damaged", s->path,
	    (long long)id);
	pl_room_clear(&s->room);
	s->room.head_dirty = true;
	return PL_OK;
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
	if ((err = unpack(s, st, 9, head->id)) != PL_OK)
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

/* Writes the room at hand back, if the rules have changed it. */
static enum pl_err
write_room(struct pl_sqlite *s, int64_t conversation)
{
	struct pl_room *room = &s->room;
	sqlite3_stmt *st;

	if (!room->dirty && !room->head_dirty)
		return PL_OK;
	s->packed.len = 0;
	s->packed.failed = false;
	pl_room_pack(room, &s->packed);
	if (s->packed.failed)
		return PL_ERR_NOMEM;
	st =
	    pl_sql(s, room->head_dirty ? PL_SQL_ROOM_UPDATE : PL_SQL_ROOM_BEAT);
	pl_bind_int(st, ":id", conversation);
	pl_bind_blob(st, ":room", s->packed.data, s->packed.len);
	if (room->head_dirty) {
		pl_bind_opt(st, ":online_since", room->online_since);
		pl_bind_opt(st, ":last_beat_at", room->last_beat_at);
		pl_bind_opt(st, ":due_at", room->due_at);
		if (room->due_at != 0)
			pl_draft_due(&s->draft, room->due_at);
	}
	return pl_run(s, st);
}

/* The same, and tells its heartbeats. */
static enum pl_err
save(struct pl_sqlite *s, const struct pl_head *head)
{
	size_t i;

	for (i = 0; i < s->room.nsessions; i++)
		touch(s, head, i);
	return write_room(s, head->id);
}

/* The row that a public id says it is of, if it is. */
static enum pl_err
load_numbered(struct pl_sqlite *s, const struct pl_scope *scope,
    const char *public_id, struct pl_head *head)
{
	int64_t number = pl_sqlite_number(s, public_id);
	sqlite3_stmt *st;
	enum pl_err err;

	if (number == 0)
		return PL_ERR_NOT_FOUND;
	st = pl_sql_scoped(s, PL_SQL_ROOM_BY_ID, scope);
	pl_bind_int(st, ":id", number);
	if ((err = pl_sqlite_load(s, st, head)) != PL_OK ||
	    strcmp(head->public_id, public_id) == 0)
		return err;
	sqlite3_reset(st);
	return PL_ERR_NOT_FOUND;
}

enum pl_err
pl_sqlite_load_one(struct pl_sqlite *s, const struct pl_scope *scope,
    const char *public_id, struct pl_head *head)
{
	enum pl_err err = load_numbered(s, scope, public_id, head);

	if (err != PL_ERR_NOT_FOUND)
		return err;
	return pl_sqlite_load(
	    s, pl_sqlite_by_name(s, PL_SQL_ROOM_NAMED, scope, public_id), head);
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
load_by_id(struct pl_sqlite *s, int64_t id, struct pl_head *head)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_BY_ID);

	pl_bind_int(st, ":id", id);
	return pl_sqlite_load(s, st, head);
}

static enum pl_err
settle_one(struct pl_sqlite *s, int64_t id)
{
	struct pl_head head;
	struct recorder r = {s, &head};
	struct pl_turn t = turn(s, &r);
	enum pl_err err;

	if ((err = load_by_id(s, id, &head)) != PL_OK)
		return err;
	if ((err = pl_room_settle(&s->room, &t)) == PL_OK)
		err = save(s, &head);
	sqlite3_reset(head.stmt);
	return err;
}

/* The ids that a statement lists, PL_SQLITE_SLICE at most. */
static enum pl_err
list_ids(struct pl_sqlite *s, sqlite3_stmt *st, int64_t *ids, size_t *n)
{
	enum pl_err err;
	bool row;

	*n = 0;
	while ((err = pl_step(s, st, &row)) == PL_OK && row &&
	       *n < PL_SQLITE_SLICE)
		ids[(*n)++] = sqlite3_column_int64(st, 0);
	if (err == PL_OK && row)
		sqlite3_reset(st);
	return err;
}

static enum pl_err
list_due(struct pl_sqlite *s, int64_t *ids, size_t most, size_t *n)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_DUE_LIST);

	pl_bind_int(st, ":now", s->now);
	pl_bind_int(st, ":limit", (int64_t)most);
	return list_ids(s, st, ids, n);
}

enum pl_err
pl_sqlite_settle(struct pl_store *store, size_t most, bool *all)
{
	struct pl_sqlite *s = self(store);
	int64_t ids[PL_SQLITE_SLICE];
	size_t i, n, want;
	enum pl_err err;

	*all = false;
	while (most > 0) {
		want = most < PL_SQLITE_SLICE ? most : PL_SQLITE_SLICE;
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

/* The place of a session in the room at hand; false: it has no such one. */
static bool
find_session(
    struct pl_sqlite *s, const uint8_t secret[PL_SESSION_LEN], size_t *out)
{
	size_t i;

	for (i = 0; i < s->room.nsessions; i++)
		if (memeql_sec(
			s->room.sessions[i].secret, secret, PL_SESSION_LEN)) {
			*out = i;
			return true;
		}
	return false;
}

/* The first of what a statement finds that has that public id (NULL: any) and
 * that session. */
static enum pl_err
load_with_session(struct pl_sqlite *s, sqlite3_stmt *st, const char *public_id,
    const uint8_t secret[PL_SESSION_LEN], struct pl_head *head, size_t *session)
{
	enum pl_err err;

	while ((err = pl_sqlite_load(s, st, head)) == PL_OK)
		if ((public_id == NULL ||
			strcmp(head->public_id, public_id) == 0) &&
		    find_session(s, secret, session))
			return PL_OK;
	return err == PL_ERR_NOT_FOUND ? PL_ERR_FORBIDDEN : err;
}

/* The conversation that a customer says he is in, of whichever company.
 * PL_ERR_FORBIDDEN: he is not. */
static enum pl_err
load_customer(struct pl_sqlite *s, const char *public_id,
    const uint8_t secret[PL_SESSION_LEN], struct pl_head *head, size_t *session)
{
	enum pl_err err = load_numbered(s, NULL, public_id, head);
	sqlite3_stmt *st;

	if (err == PL_OK && find_session(s, secret, session))
		return PL_OK;
	if (err == PL_OK)
		sqlite3_reset(head->stmt);
	else if (err != PL_ERR_NOT_FOUND)
		return err;
	st = pl_sql(s, PL_SQL_ROOM_BY_SESSION);
	pl_bind_int(st, ":name", pl_sqlite_session_name(secret));
	return load_with_session(s, st, public_id, secret, head, session);
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
	struct pl_head head;
	enum pl_err err;
	size_t session;

	err = load_customer(s, public_id, secret, &head, &session);
	if (err != PL_OK)
		return err;
	if (strcmp(head.platform, "WIDGET") != 0)
		err = PL_ERR_FORBIDDEN;
	else
		err = apply(s, &head, session, beat);
	if (err == PL_OK) {
		if (beat->kind != PL_LEAVE)
			pl_log(PL_LOG_DEBUG, "💓 Customer heartbeat: %s",
			    head.public_id);
		out->company = head.company;
		out->status = pl_room_state(&s->room, session, s->now).status;
	}
	sqlite3_reset(head.stmt);
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
    const char *const *ids, size_t n)
{
	struct pl_sqlite *s = self(store);
	enum pl_err err = PL_OK;
	int64_t id;
	size_t i;

	for (i = 0; i < n && err == PL_OK; i++)
		err = pl_sqlite_find(s, scope, ids[i], &id);
	return err == PL_ERR_NOT_FOUND ? PL_ERR_FORBIDDEN : err;
}

enum pl_err
pl_sqlite_presence(struct pl_store *store, const struct pl_scope *scope,
    const char *public_id, pl_presence_fn fn, void *arg)
{
	struct pl_sqlite *s = self(store);
	struct pl_head head;
	enum pl_err err;

	if ((err = pl_sqlite_load_one(s, scope, public_id, &head)) != PL_OK)
		return err == PL_ERR_NOT_FOUND ? PL_ERR_FORBIDDEN : err;
	err = show(s, &head, fn, arg);
	sqlite3_reset(head.stmt);
	return err;
}

/* The statement of the list stays open while rooms are loaded beside it. */
enum pl_err
pl_sqlite_online(struct pl_store *store, const struct pl_scope *scope,
    int64_t since, int64_t id, size_t limit, pl_presence_fn fn, void *arg)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql_scoped(s, PL_SQL_ROOM_ONLINE, scope), *one;
	struct pl_head head;
	enum pl_err err;
	bool row;

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

static bool
is_named(const struct pl_sqlite *s, const struct pl_head *head)
{
	return pl_sqlite_is_named(s, head->id, head->public_id);
}

/* Of a session of the room at hand. */
static enum pl_err
remove_name(struct pl_sqlite *s, const struct pl_head *head, size_t session)
{
	const uint8_t *secret = s->room.sessions[session].secret;

	return pl_sqlite_name_remove(
	    s, pl_sqlite_session_name(secret), head->id);
}

/* A session of the room at hand, which has yet to be saved. */
static enum pl_err
drop_session(struct pl_sqlite *s, const struct pl_head *head, size_t session)
{
	enum pl_err err =
	    is_named(s, head) ? remove_name(s, head, session) : PL_OK;

	pl_room_drop_session(&s->room, session);
	s->room.dirty = true;
	return err;
}

static enum pl_err
remove_names(struct pl_sqlite *s, const struct pl_head *head)
{
	int64_t name =
	    pl_sqlite_conversation_name(s, head->company, head->public_id);
	enum pl_err err = pl_sqlite_name_remove(s, name, head->id);
	size_t i;

	for (i = 0; i < s->room.nsessions && err == PL_OK; i++)
		err = remove_name(s, head, i);
	return err;
}

/* The room at hand with its conversation, and all their names. */
static enum pl_err
drop_room(struct pl_sqlite *s, const struct pl_head *head)
{
	sqlite3_stmt *st;
	enum pl_err err;

	if (is_named(s, head) && (err = remove_names(s, head)) != PL_OK)
		return err;
	st = pl_sql(s, PL_SQL_CONVERSATION_REMOVE);
	pl_bind_int(st, ":id", head->id);
	return pl_run(s, st);
}

enum pl_err
pl_sqlite_drop_all(
    struct pl_sqlite *s, sqlite3_stmt *list, bool keep, size_t *n)
{
	int64_t ids[PL_SQLITE_SLICE];
	struct pl_head head;
	enum pl_err err;
	size_t i;

	if ((err = list_ids(s, list, ids, n)) != PL_OK)
		return err;
	for (i = 0; i < *n; i++) {
		if ((err = load_by_id(s, ids[i], &head)) != PL_OK)
			return err;
		if (keep)
			err = pl_sqlite_keep_last(s, &head);
		if (err == PL_OK)
			err = drop_room(s, &head);
		sqlite3_reset(head.stmt);
		if (err != PL_OK)
			return err;
	}
	return PL_OK;
}

/* Which session makes room for another: the oldest of those that are away. */
static bool
find_oldest(const struct pl_room *room, size_t *out)
{
	size_t i;

	for (i = 0; i < room->nsessions; i++)
		if (room->sessions[i].online_since == 0) {
			*out = i;
			return true;
		}
	return false;
}

/* To the room at hand. */
static enum pl_err
add_session(struct pl_sqlite *s, const struct pl_head *head,
    const uint8_t secret[PL_SESSION_LEN], size_t most)
{
	int64_t name = pl_sqlite_session_name(secret);
	struct pl_session *session;
	size_t oldest = 0, known;
	enum pl_err err;

	if (find_session(s, secret, &known))
		return PL_ERR_EXISTS;
	if (s->room.nsessions >= most && !find_oldest(&s->room, &oldest))
		return PL_ERR_RATE; /* who is here stays */
	while (s->room.nsessions >= most && find_oldest(&s->room, &oldest))
		if ((err = drop_session(s, head, oldest)) != PL_OK)
			return err;
	if (is_named(s, head) &&
	    (err = pl_sqlite_name_add(s, name, head->id)) != PL_OK)
		return err;
	if ((session = pl_room_add_session(&s->room)) == NULL)
		return PL_ERR_NOMEM;
	memcpy(session->secret, secret, PL_SESSION_LEN);
	s->room.dirty = true;
	return PL_OK;
}

enum pl_err
pl_sqlite_session_add(struct pl_sqlite *s, int64_t conversation,
    const uint8_t secret[PL_SESSION_LEN], size_t most)
{
	struct pl_head head;
	struct recorder r = {s, &head};
	struct pl_turn t = turn(s, &r);
	enum pl_err err = load_by_id(s, conversation, &head);

	if (err != PL_OK)
		return err;
	if ((err = pl_room_settle(&s->room, &t)) == PL_OK)
		err = add_session(s, &head, secret, most);
	/* What ran out before it is saved though it be refused. */
	if ((err == PL_OK || err == PL_ERR_RATE) && save(s, &head) != PL_OK)
		err = PL_ERR_STORE;
	sqlite3_reset(head.stmt);
	return err;
}

enum pl_err
pl_sqlite_each_live(struct pl_sqlite *s, pl_sqlite_room_fn fn, void *arg)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_LIVE);
	enum pl_err err;
	int64_t id;
	bool row;

	while ((err = pl_step(s, st, &row)) == PL_OK && row) {
		id = sqlite3_column_int64(st, 0);
		pl_room_clear(&s->room);
		if ((err = unpack(s, st, 1, id)) != PL_OK ||
		    (err = fn(arg, id)) != PL_OK) {
			sqlite3_reset(st);
			return err;
		}
	}
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
	const struct pl_scope scope = {.company = company};
	struct pl_head head;
	enum pl_err err;

	if ((err = pl_sqlite_load_one(s, &scope, public_id, &head)) != PL_OK)
		return err == PL_ERR_NOT_FOUND ? PL_ERR_FORBIDDEN : err;
	pl_sqlite_take_back(s);
	if ((err = empty(s, &head, PL_ALL_SESSIONS)) == PL_OK)
		err = pl_sqlite_keep_last(s, &head);
	if (err == PL_OK) /* what is kept is not its any more */
		err = pl_run(s, pl_sqlite_forget(s, company, NULL, head.id));
	if (err == PL_OK)
		err = drop_room(s, &head);
	sqlite3_reset(head.stmt);
	return err;
}

enum pl_err
pl_sqlite_session_find(struct pl_store *store, int64_t company,
    const uint8_t secret[PL_SESSION_LEN], struct pl_arena *arena,
    const char **public_id)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_OF_COMPANY);
	struct pl_head head;
	enum pl_err err;
	size_t session;

	pl_bind_int(st, ":company", company);
	err = load_with_session(s, st, NULL, secret, &head, &session);
	if (err != PL_OK)
		return err;
	*public_id = pl_text_copy(st, 2, arena);
	sqlite3_reset(st);
	return *public_id != NULL ? PL_OK : PL_ERR_NOMEM;
}

enum pl_err
pl_sqlite_session_remove(struct pl_store *store, int64_t company,
    const char *public_id, const uint8_t secret[PL_SESSION_LEN])
{
	struct pl_sqlite *s = self(store);
	struct pl_head head;
	enum pl_err err;
	size_t session;

	err = load_customer(s, public_id, secret, &head, &session);
	if (err != PL_OK)
		return err;
	if (head.company != company)
		err = PL_ERR_FORBIDDEN;
	if (err == PL_OK)
		err =
		    pl_sqlite_changes_forget(store, company, public_id, secret);
	if (err == PL_OK && (err = empty(s, &head, session)) == PL_OK)
		err = drop_session(s, &head, session);
	if (err == PL_OK)
		err = save(s, &head);
	sqlite3_reset(head.stmt);
	return err;
}
