/*
 * What the migrations of sql/migrate call that SQL itself has not.
 */
#include <string.h>

#include "sqlite.h"

/* What pack_step() is given, in this order. */
enum {
	SECRET,
	ONLINE_SINCE,
	EVENT_SEQ,
	TAB,
	STATE,
	HIDDEN,
	MESSAGE,
	REV,
	BEAT_AT,
	CHANGED_AT,
	EXPIRES_AT,
	TYPING_UNTIL,
	ARGS
};

static bool
add_session(struct pl_room *room, sqlite3_value **v)
{
	const void *secret = sqlite3_value_blob(v[SECRET]);
	struct pl_session *session;

	if (room->nsessions > 0 &&
	    memcmp(room->sessions[room->nsessions - 1].secret, secret,
		PL_SESSION_LEN) == 0)
		return true;
	if ((session = pl_room_add_session(room)) == NULL)
		return false;
	memcpy(session->secret, secret, PL_SESSION_LEN);
	session->online_since = sqlite3_value_int64(v[ONLINE_SINCE]);
	session->event_seq = sqlite3_value_int64(v[EVENT_SEQ]);
	return true;
}

static bool
add_tab(struct pl_room *room, sqlite3_value **v)
{
	struct pl_tab *tab;

	if (sqlite3_value_type(v[TAB]) == SQLITE_NULL) /* it has none */
		return true;
	if ((tab = pl_room_add_tab(room, room->nsessions - 1)) == NULL)
		return false;
	tab->tab = (uint64_t)sqlite3_value_int64(v[TAB]);
	tab->state = (enum pl_tab_state)sqlite3_value_int(v[STATE]);
	tab->hidden = sqlite3_value_int(v[HIDDEN]) != 0;
	tab->message = sqlite3_value_int64(v[MESSAGE]);
	tab->rev = sqlite3_value_int64(v[REV]);
	tab->beat_at = sqlite3_value_int64(v[BEAT_AT]);
	tab->changed_at = sqlite3_value_int64(v[CHANGED_AT]);
	tab->expires_at = sqlite3_value_int64(v[EXPIRES_AT]);
	tab->typing_until = sqlite3_value_int64(v[TYPING_UNTIL]);
	return true;
}

/* pl_pack(secret, …): the rooms of version 5 out of the rows of version 4,
 * session by session. */
static void
pack_step(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	struct pl_room *room = sqlite3_aggregate_context(ctx, sizeof(*room));

	(void)n;
	if (room == NULL || !add_session(room, v) || !add_tab(room, v))
		sqlite3_result_error_nomem(ctx);
}

static void
pack_final(sqlite3_context *ctx)
{
	struct pl_room *room = sqlite3_aggregate_context(ctx, 0);
	struct pl_buf buf = PL_BUF_EMPTY;

	if (room == NULL) /* no sessions */
		return;
	pl_room_pack(room, &buf);
	if (buf.failed)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_blob(
		    ctx, buf.data, (int)buf.len, SQLITE_TRANSIENT);
	pl_buf_free(&buf);
	pl_room_close(room);
}

/* pl_session_name(secret): as of version 5 */
static void
session_name(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	(void)n;
	sqlite3_result_int64(
	    ctx, (int64_t)pl_sqlite_session_bits(sqlite3_value_blob(v[0])));
}

/* pl_conversation_name(epoch, company, public_id) */
static void
conversation_name(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	const char *epoch = (const char *)sqlite3_value_text(v[0]);
	const char *id = (const char *)sqlite3_value_text(v[2]);

	(void)n;
	if (epoch == NULL || id == NULL)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_int64(ctx,
		    pl_sqlite_name_in(epoch, sqlite3_value_int64(v[1]), id));
}

enum pl_err
pl_sqlite_migrate_functions(struct pl_sqlite *s)
{
	int rc = sqlite3_create_function(s->db, "pl_pack", ARGS, SQLITE_UTF8,
	    NULL, NULL, pack_step, pack_final);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(s->db, "pl_session_name", 1,
		    SQLITE_UTF8, NULL, session_name, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(s->db, "pl_conversation_name", 3,
		    SQLITE_UTF8, NULL, conversation_name, NULL, NULL);
	return rc == SQLITE_OK ? PL_OK : pl_sqlite_err(s, rc, "functions");
}
