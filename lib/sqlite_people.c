/*
 * Companies, agents and conversations in SQLite: look-ups and lists, a
 * statement each.
 */
#include <string.h>

#include "sqlite.h"

#define SESSIONS_MAX 200 /* of one conversation; the oldest make room */

static struct pl_sqlite *
self(struct pl_store *store)
{
	return (struct pl_sqlite *)store;
}

/* Held polls are to hear of it at once, and to be asked again. */
static void
change_rights(struct pl_sqlite *s)
{
	s->rights = true;
	s->seq++;
}

enum pl_err
pl_sqlite_company_add(struct pl_store *store, const char *name,
    const uint8_t api_key[PL_HASH_LEN], const char *site_key, int64_t *id)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_COMPANY_ADD);
	enum pl_err err;

	pl_bind_text(st, ":name", name);
	pl_bind_blob(st, ":api_key", api_key, PL_HASH_LEN);
	pl_bind_text(st, ":site_key", site_key);
	pl_bind_int(st, ":now", s->now);
	if ((err = pl_run(s, st)) == PL_OK)
		*id = sqlite3_last_insert_rowid(s->db);
	return err;
}

enum pl_err
pl_sqlite_company_list(struct pl_store *store, pl_company_fn fn, void *arg)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_COMPANY_LIST);
	struct pl_company_row c;
	enum pl_err err;
	bool row;

	while ((err = pl_step(s, st, &row)) == PL_OK && row) {
		c.id = sqlite3_column_int64(st, 0);
		c.name = pl_text(st, 1);
		c.site_key = pl_text(st, 2);
		c.created_at = sqlite3_column_int64(st, 3);
		if ((err = fn(arg, &c)) != PL_OK)
			break;
	}
	sqlite3_reset(st);
	return err;
}

enum pl_err
pl_sqlite_company_by_name(struct pl_store *store, const char *name, int64_t *id)
{
	sqlite3_stmt *st = pl_sql(self(store), PL_SQL_COMPANY_BY_NAME);

	pl_bind_text(st, ":name", name);
	return pl_run_int(self(store), st, id);
}

enum pl_err
pl_sqlite_company_by_api_key(
    struct pl_store *store, const uint8_t key[PL_HASH_LEN], int64_t *id)
{
	sqlite3_stmt *st = pl_sql(self(store), PL_SQL_COMPANY_BY_API_KEY);

	pl_bind_blob(st, ":api_key", key, PL_HASH_LEN);
	return pl_run_int(self(store), st, id);
}

enum pl_err
pl_sqlite_company_by_site_key(
    struct pl_store *store, const char *key, int64_t *id)
{
	sqlite3_stmt *st = pl_sql(self(store), PL_SQL_COMPANY_BY_SITE_KEY);

	pl_bind_text(st, ":site_key", key);
	return pl_run_int(self(store), st, id);
}

/* Some of a company's conversations; *all: those were the last. */
static enum pl_err
drop_conversations(struct pl_sqlite *s, int64_t company, size_t most, bool *all)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_CONVERSATION_SOME);
	enum pl_err err;
	size_t n;

	if (most > PL_SQLITE_SLICE)
		most = PL_SQLITE_SLICE;
	pl_bind_int(st, ":company", company);
	pl_bind_int(st, ":limit", (int64_t)most);
	err = pl_sqlite_drop_all(s, st, false, &n);
	*all = err == PL_OK && n < most;
	return err;
}

static enum pl_err
drop_changes(struct pl_sqlite *s, int64_t company, size_t most, bool *all)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_CHANGE_LEAVE);
	enum pl_err err;

	pl_bind_int(st, ":company", company);
	pl_bind_int(st, ":limit", (int64_t)most);
	err = pl_run(s, st);
	*all = err == PL_OK && (size_t)sqlite3_changes(s->db) < most;
	return err;
}

enum pl_err
pl_sqlite_company_remove(
    struct pl_store *store, int64_t company, size_t most, bool *all)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_AGENT_FORGET);
	bool conversations, changes;
	enum pl_err err;

	change_rights(s);
	pl_bind_int(st, ":company", company);
	if ((err = pl_run(s, st)) != PL_OK)
		return err;
	st = pl_sql(s, PL_SQL_SIGNING_KEY_FORGET);
	pl_bind_int(st, ":company", company);
	if ((err = pl_run(s, st)) != PL_OK ||
	    (err = drop_conversations(s, company, most, &conversations)) !=
		PL_OK ||
	    (err = drop_changes(s, company, most, &changes)) != PL_OK)
		return err;
	*all = conversations && changes;
	if (!*all)
		return PL_OK;
	st = pl_sql(s, PL_SQL_COMPANY_REMOVE);
	pl_bind_int(st, ":company", company);
	return pl_run(s, st);
}

enum pl_err
pl_sqlite_origin_add(
    struct pl_store *store, int64_t company, const char *origin)
{
	sqlite3_stmt *st = pl_sql(self(store), PL_SQL_ORIGIN_ADD);

	pl_bind_int(st, ":company", company);
	pl_bind_text(st, ":origin", origin);
	return pl_run(self(store), st);
}

enum pl_err
pl_sqlite_origin_allowed(
    struct pl_store *store, int64_t company, const char *origin, bool *allowed)
{
	sqlite3_stmt *st = pl_sql(self(store), PL_SQL_ORIGIN_ALLOWED);
	enum pl_err err;
	int64_t one;

	pl_bind_text(st, ":origin", origin);
	pl_bind_int(st, ":company", company);
	err = pl_run_int(self(store), st, &one);
	if (err != PL_OK && err != PL_ERR_NOT_FOUND)
		return err;
	*allowed = err == PL_OK;
	return PL_OK;
}

enum pl_err
pl_sqlite_agent_add(struct pl_store *store, const struct pl_agent *agent,
    const uint8_t token[PL_HASH_LEN])
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_AGENT_ADD);

	pl_bind_int(st, ":company", agent->scope.company);
	pl_bind_text(st, ":name", agent->name);
	pl_bind_blob(st, ":token", token, PL_HASH_LEN);
	pl_bind_text(st, ":inboxes", agent->scope.inboxes);
	pl_bind_int(st, ":now", s->now);
	/* Of a user whom the web server knows it says what he may see. */
	change_rights(s);
	return pl_run(s, st);
}

enum pl_err
pl_sqlite_agent_list(
    struct pl_store *store, int64_t company, pl_agent_fn fn, void *arg)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_AGENT_LIST);
	struct pl_agent_row a;
	enum pl_err err;
	bool row;

	pl_bind_int(st, ":company", company);
	while ((err = pl_step(s, st, &row)) == PL_OK && row) {
		a.company = pl_text(st, 0);
		a.name = pl_text(st, 1);
		a.inboxes = pl_text(st, 2);
		a.created_at = sqlite3_column_int64(st, 3);
		a.revoked_at = sqlite3_column_int64(st, 4);
		if ((err = fn(arg, &a)) != PL_OK)
			break;
	}
	sqlite3_reset(st);
	return err;
}

enum pl_err
pl_sqlite_agent_revoke(
    struct pl_store *store, int64_t company, const char *name)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_AGENT_REVOKE);
	int64_t id;

	pl_bind_int(st, ":company", company);
	pl_bind_text(st, ":name", name);
	pl_bind_int(st, ":now", s->now);
	change_rights(s);
	return pl_run_int(s, st, &id);
}

enum pl_err
pl_sqlite_agent_inboxes(struct pl_store *store, int64_t company,
    const char *name, const char *inboxes)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_AGENT_INBOXES);
	int64_t id;

	pl_bind_int(st, ":company", company);
	pl_bind_text(st, ":name", name);
	pl_bind_text(st, ":inboxes", inboxes);
	change_rights(s);
	return pl_run_int(s, st, &id);
}

/* The agent of the row at hand. */
static enum pl_err
read_agent(sqlite3_stmt *st, struct pl_arena *arena, struct pl_agent *out)
{
	struct pl_agent a;

	a.id = sqlite3_column_int64(st, 0);
	a.scope.company = sqlite3_column_int64(st, 1);
	a.name = pl_text_copy(st, 2, arena);
	a.scope.inboxes = pl_text_copy(st, 3, arena);
	a.expires_at = sqlite3_column_int64(st, 4);
	sqlite3_reset(st);
	/* Inboxes that could not be copied must not read as "all". */
	if (arena->failed)
		return PL_ERR_NOMEM;
	*out = a;
	return PL_OK;
}

static enum pl_err
get_agent(struct pl_sqlite *s, sqlite3_stmt *st, struct pl_arena *arena,
    struct pl_agent *out)
{
	enum pl_err err;
	bool row;

	if ((err = pl_step(s, st, &row)) != PL_OK)
		return err;
	return row ? read_agent(st, arena, out) : PL_ERR_NOT_FOUND;
}

/* Only this one finds those who have been revoked, too. */
enum pl_err
pl_sqlite_agent_by_name(struct pl_store *store, int64_t company,
    const char *name, struct pl_arena *arena, struct pl_agent *out)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_AGENT_BY_NAME);
	enum pl_err err;
	bool row;

	pl_bind_int(st, ":company", company);
	pl_bind_text(st, ":name", name);
	if ((err = pl_step(s, st, &row)) != PL_OK)
		return err;
	if (!row)
		return PL_ERR_NOT_FOUND;
	if (sqlite3_column_type(st, 5) == SQLITE_NULL)
		return read_agent(st, arena, out);
	sqlite3_reset(st);
	return PL_ERR_FORBIDDEN;
}

enum pl_err
pl_sqlite_agent_by_token(struct pl_store *store,
    const uint8_t token[PL_HASH_LEN], struct pl_arena *arena,
    struct pl_agent *out)
{
	sqlite3_stmt *st = pl_sql(self(store), PL_SQL_AGENT_BY_TOKEN);

	pl_bind_blob(st, ":token", token, PL_HASH_LEN);
	return get_agent(self(store), st, arena, out);
}

enum pl_err
pl_sqlite_agent_by_login(struct pl_store *store,
    const uint8_t secret[PL_HASH_LEN], struct pl_arena *arena,
    struct pl_agent *out)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_AGENT_BY_LOGIN);

	pl_bind_blob(st, ":secret", secret, PL_HASH_LEN);
	pl_bind_int(st, ":now", s->now);
	return get_agent(s, st, arena, out);
}

enum pl_err
pl_sqlite_login_add(struct pl_store *store, int64_t agent,
    const uint8_t secret[PL_HASH_LEN], int64_t expires_at)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_LOGIN_PRUNE);
	enum pl_err err;

	pl_bind_int(st, ":now", s->now);
	if ((err = pl_run(s, st)) != PL_OK)
		return err;
	st = pl_sql(s, PL_SQL_LOGIN_ADD);
	pl_bind_blob(st, ":secret", secret, PL_HASH_LEN);
	pl_bind_int(st, ":agent", agent);
	pl_bind_int(st, ":expires_at", expires_at);
	return pl_run(s, st);
}

enum pl_err
pl_sqlite_login_remove(
    struct pl_store *store, const uint8_t secret[PL_HASH_LEN])
{
	sqlite3_stmt *st = pl_sql(self(store), PL_SQL_LOGIN_REMOVE);

	pl_bind_blob(st, ":secret", secret, PL_HASH_LEN);
	change_rights(self(store));
	return pl_run(self(store), st);
}

enum pl_err
pl_sqlite_key_add(
    struct pl_store *store, int64_t company, const char *secret, int64_t *id)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_SIGNING_KEY_ADD);

	pl_bind_int(st, ":company", company);
	pl_bind_text(st, ":secret", secret);
	pl_bind_int(st, ":now", s->now);
	return pl_run_int(s, st, id);
}

enum pl_err
pl_sqlite_key_list(
    struct pl_store *store, int64_t company, pl_key_fn fn, void *arg)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_SIGNING_KEY_LIST);
	struct pl_key_row k;
	enum pl_err err;
	bool row;

	pl_bind_int(st, ":company", company);
	while ((err = pl_step(s, st, &row)) == PL_OK && row) {
		k.id = sqlite3_column_int64(st, 0);
		k.secret = pl_text(st, 1);
		k.created_at = sqlite3_column_int64(st, 2);
		if ((err = fn(arg, &k)) != PL_OK)
			break;
	}
	sqlite3_reset(st);
	return err;
}

enum pl_err
pl_sqlite_key_remove(struct pl_store *store, int64_t company, int64_t id)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_SIGNING_KEY_REMOVE);

	pl_bind_int(st, ":company", company);
	pl_bind_int(st, ":id", id);
	change_rights(s);
	return pl_run_int(s, st, &id);
}

static enum pl_err
make_id(struct pl_sqlite *s, struct pl_conversation *c)
{
	int64_t next;
	enum pl_err err =
	    pl_run_int(s, pl_sql(s, PL_SQL_CONVERSATION_NEXT), &next);

	c->public_id = c->own;
	return err == PL_OK ? pl_sqlite_own_id(s, next, c->own) : err;
}

/* The number of the conversation, made if it is not there. */
static enum pl_err
ensure(
    struct pl_sqlite *s, struct pl_conversation *c, int64_t *id, bool *created)
{
	const struct pl_scope scope = {.company = c->company};
	enum pl_err err = PL_ERR_NOT_FOUND;
	sqlite3_stmt *st;

	if (c->public_id != NULL)
		err = pl_sqlite_find(s, &scope, c->public_id, id);
	*created = err == PL_ERR_NOT_FOUND;
	if (!*created)
		return err;
	if (c->public_id == NULL && (err = make_id(s, c)) != PL_OK)
		return err;
	/* AUTOINCREMENT: it is the number that make_id() was told. */
	st = pl_sql(s, PL_SQL_CONVERSATION_ADD);
	pl_bind_int(st, ":company", c->company);
	pl_bind_text(st, ":public_id", c->public_id);
	pl_bind_text(st, ":platform", c->platform);
	pl_bind_text(st, ":inbox", c->inbox);
	pl_bind_text(st, ":name", c->name);
	pl_bind_text(st, ":email", c->email);
	pl_bind_int(st, ":now", s->now);
	if ((err = pl_run_int(s, st, id)) != PL_OK ||
	    !pl_sqlite_is_named(s, *id, c->public_id))
		return err;
	return pl_sqlite_name_add(
	    s, pl_sqlite_conversation_name(s, c->company, c->public_id), *id);
}

enum pl_err
pl_sqlite_conversation_add(struct pl_store *store, struct pl_conversation *c,
    const uint8_t secret[PL_SESSION_LEN], bool *created)
{
	struct pl_sqlite *s = self(store);
	enum pl_err err;
	int64_t id;

	if ((err = ensure(s, c, &id, created)) != PL_OK)
		return err;
	return pl_sqlite_session_add(s, id, secret, SESSIONS_MAX);
}

enum pl_err
pl_sqlite_conversation_list(struct pl_store *store, int64_t company,
    size_t limit, pl_conversation_fn fn, void *arg)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_CONVERSATION_LIST);
	struct pl_conversation_row c;
	enum pl_err err;
	bool row;

	pl_bind_int(st, ":company", company);
	pl_bind_int(st, ":limit", (int64_t)limit);
	while ((err = pl_step(s, st, &row)) == PL_OK && row) {
		c.company = pl_text(st, 0);
		c.public_id = pl_text(st, 1);
		c.platform = pl_text(st, 2);
		c.inbox = pl_text(st, 3);
		c.name = pl_text(st, 4);
		c.created_at = sqlite3_column_int64(st, 5);
		c.online_since = sqlite3_column_int64(st, 6);
		c.last_beat_at = sqlite3_column_int64(st, 7);
		if ((err = fn(arg, &c)) != PL_OK)
			break;
	}
	sqlite3_reset(st);
	return err;
}

enum pl_err
pl_sqlite_online_count(struct pl_store *store, size_t most, int64_t *n)
{
	struct pl_sqlite *s = self(store);
	sqlite3_stmt *st = pl_sql(s, PL_SQL_ROOM_COUNT);

	pl_bind_int(st, ":most", (int64_t)most);
	return pl_run_int(s, st, n);
}

struct tally {
	const struct pl_room *room;
	int64_t tabs;
};

static enum pl_err
count_tabs(void *arg, int64_t conversation)
{
	struct tally *tally = arg;
	size_t i;

	(void)conversation;
	for (i = 0; i < tally->room->ntabs; i++)
		tally->tabs += tally->room->tabs[i].state != PL_TAB_GONE;
	return PL_OK;
}

enum pl_err
pl_sqlite_counts(struct pl_store *store, struct pl_counts *out)
{
	struct pl_sqlite *s = self(store);
	struct tally tally = {&s->room, 0};
	sqlite3_stmt *st;
	enum pl_err err;
	bool row;

	if ((err = pl_sqlite_each_live(s, count_tabs, &tally)) != PL_OK)
		return err;
	st = pl_sql(s, PL_SQL_STATUS_COUNTS);
	if ((err = pl_step(s, st, &row)) != PL_OK)
		return err;
	if (!row)
		return PL_ERR_STORE;
	out->companies = sqlite3_column_int64(st, 0);
	out->agents = sqlite3_column_int64(st, 1);
	out->conversations = sqlite3_column_int64(st, 2);
	out->online = sqlite3_column_int64(st, 3);
	out->tabs = tally.tabs;
	out->changes = sqlite3_column_int64(st, 4);
	sqlite3_reset(st);
	return PL_OK;
}
