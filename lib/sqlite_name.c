/*
 * What conversations are found by. An id of our own says the number of its row
 * (store.h). One with any other has names: one for the public id (of its hash)
 * and one for each session (of its secret), as numbers in one small table. They
 * are not unique: whoever looks one up compares the whole with each row that
 * has it. So all that a clash costs is another row to look at; and so with a
 * number, which somebody may have made up.
 *
 * And what they are called: an id of our own ("conv_" and 24 hex digits) is
 * kept as its 12 bytes, any other as it is.
 */
#include <string.h>

#include "sqlite.h"

#define ID_START 5   /* "conv_" */
#define NAME_BITS 47 /* SQLite keeps as many in 6 bytes */

/* Big-endian, so that a database may move to another machine. */
uint64_t
pl_sqlite_session_bits(const uint8_t secret[PL_SESSION_LEN])
{
	uint64_t bits = 0;
	size_t i;

	for (i = 0; i < sizeof(bits); i++)
		bits = bits << 8 | secret[i];
	return bits;
}

int64_t
pl_sqlite_session_name(const uint8_t secret[PL_SESSION_LEN])
{
	return (int64_t)(pl_sqlite_session_bits(secret) >> (64 - NAME_BITS));
}

/* FNV-1a, begun with what only this database knows: a company chooses its ids,
 * and is not to choose their names, or others of that name would be slow to
 * find. (SHA-256 would be more than all else of finding one.) */
int64_t
pl_sqlite_name_in(const char *epoch, int64_t company, const char *public_id)
{
	uint64_t h = pl_fnv1a(epoch, PL_FNV1A_START);

	h = pl_fnv1a(public_id, h ^ (uint64_t)company);
	return (int64_t)(h >> (64 - NAME_BITS));
}

int64_t
pl_sqlite_conversation_name(
    const struct pl_sqlite *s, int64_t company, const char *public_id)
{
	return pl_sqlite_name_in(s->position.epoch, company, public_id);
}

static bool
is_ours(const char *id, uint8_t bytes[PL_OWN_ID])
{
	return strncmp(id, "conv_", ID_START) == 0 &&
	       pl_unhex(id + ID_START, bytes, PL_OWN_ID) == PL_OK;
}

static void
spell(const uint8_t bytes[PL_OWN_ID], char out[PL_CONVERSATION_ID_LEN + 1])
{
	memcpy(out, "conv_", ID_START);
	pl_hex(bytes, PL_OWN_ID, out + ID_START);
}

enum pl_err
pl_sqlite_own_id(const struct pl_sqlite *s, int64_t conversation,
    char out[PL_CONVERSATION_ID_LEN + 1])
{
	uint8_t bytes[PL_OWN_ID];
	enum pl_err err = pl_own_id_make(&s->position, conversation, bytes);

	if (err == PL_OK)
		spell(bytes, out);
	return err;
}

int64_t
pl_sqlite_number(const struct pl_sqlite *s, const char *public_id)
{
	uint8_t bytes[PL_OWN_ID];

	return is_ours(public_id, bytes) ? pl_own_id_number(&s->position, bytes)
					 : 0;
}

bool
pl_sqlite_is_named(
    const struct pl_sqlite *s, int64_t conversation, const char *public_id)
{
	return pl_sqlite_number(s, public_id) != conversation;
}

/* pl_pack_id(public_id): as its column has it. */
static void
pack_id(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	const char *id = (const char *)sqlite3_value_text(v[0]);
	uint8_t bytes[PL_OWN_ID];

	(void)n;
	if (id == NULL)
		sqlite3_result_error_nomem(ctx);
	else if (is_ours(id, bytes))
		sqlite3_result_blob(ctx, bytes, PL_OWN_ID, SQLITE_TRANSIENT);
	else
		sqlite3_result_value(ctx, v[0]);
}

/* pl_id(column): the public id; NULL for NULL. */
static void
unpack_id(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	char id[PL_CONVERSATION_ID_LEN + 1];

	(void)n;
	if (sqlite3_value_type(v[0]) != SQLITE_BLOB ||
	    sqlite3_value_bytes(v[0]) != PL_OWN_ID) {
		sqlite3_result_value(ctx, v[0]);
		return;
	}
	spell(sqlite3_value_blob(v[0]), id);
	sqlite3_result_text(ctx, id, PL_CONVERSATION_ID_LEN, SQLITE_TRANSIENT);
}

/* No schema may use them: others have to read the file, too. */
enum pl_err
pl_sqlite_functions(struct pl_sqlite *s)
{
	static const struct {
		const char *name;
		int args;
		void (*fn)(sqlite3_context *, int, sqlite3_value **);
	} all[] = {
	    {"pl_pack_id", 1, pack_id},
	    {"pl_id", 1, unpack_id},
	};
	int rc = SQLITE_OK;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_create_function(s->db, all[i].name, all[i].args,
		    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
		    NULL, all[i].fn, NULL, NULL);
	return rc == SQLITE_OK ? PL_OK : pl_sqlite_err(s, rc, "functions");
}

void
pl_sqlite_bind_id(sqlite3_stmt *st, const char *id)
{
	int i = sqlite3_bind_parameter_index(st, ":public_id");
	uint8_t bytes[PL_OWN_ID];

	if (st == NULL)
		return;
	if (is_ours(id, bytes))
		sqlite3_bind_blob(st, i, bytes, PL_OWN_ID, SQLITE_TRANSIENT);
	else
		sqlite3_bind_text(st, i, id, -1, SQLITE_STATIC);
}

sqlite3_stmt *
pl_sqlite_by_name(struct pl_sqlite *s, enum pl_sql which,
    const struct pl_scope *scope, const char *public_id)
{
	sqlite3_stmt *st = pl_sql_scoped(s, which, scope);

	pl_bind_int(st, ":name",
	    pl_sqlite_conversation_name(s, scope->company, public_id));
	pl_sqlite_bind_id(st, public_id);
	return st;
}

enum pl_err
pl_sqlite_find(struct pl_sqlite *s, const struct pl_scope *scope,
    const char *public_id, int64_t *id)
{
	int64_t number = pl_sqlite_number(s, public_id);
	sqlite3_stmt *st;
	enum pl_err err;

	if (number != 0) {
		st = pl_sql_scoped(s, PL_SQL_CONVERSATION_NUMBERED, scope);
		pl_bind_int(st, ":id", number);
		pl_sqlite_bind_id(st, public_id);
		if ((err = pl_run_int(s, st, id)) != PL_ERR_NOT_FOUND)
			return err;
	}
	st = pl_sqlite_by_name(s, PL_SQL_CONVERSATION_NAMED, scope, public_id);
	return pl_run_int(s, st, id);
}

static enum pl_err
run(struct pl_sqlite *s, enum pl_sql which, int64_t name, int64_t conversation)
{
	sqlite3_stmt *st = pl_sql(s, which);

	pl_bind_int(st, ":name", name);
	pl_bind_int(st, ":conversation", conversation);
	return pl_run(s, st);
}

enum pl_err
pl_sqlite_name_add(struct pl_sqlite *s, int64_t name, int64_t conversation)
{
	return run(s, PL_SQL_NAME_ADD, name, conversation);
}

enum pl_err
pl_sqlite_name_remove(struct pl_sqlite *s, int64_t name, int64_t conversation)
{
	return run(s, PL_SQL_NAME_REMOVE, name, conversation);
}
