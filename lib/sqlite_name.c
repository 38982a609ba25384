/*
 * What conversations are found by: a name for the public id (of its hash) and
 * one for each session (of its secret), as numbers in one small table. They are
 * not unique: whoever looks one up compares the whole with each row that has
 * it. So all that a clash costs is another row to look at.
 */
#include <nettle/sha2.h>
#include <string.h>

#include "sqlite.h"

#define NAME 6 /* bytes, which SQLite keeps a number of 47 bits in */

/* The first 47 bits. Big-endian, so that a database may move to another
 * machine. */
static int64_t
first_bits(const uint8_t *p)
{
	int64_t name = 0;
	size_t i;

	for (i = 0; i < NAME; i++)
		name = name << 8 | p[i];
	return name >> 1;
}

int64_t
pl_sqlite_session_name(const uint8_t secret[PL_SESSION_LEN])
{
	return first_bits(secret);
}

/* Of SHA-256: a company chooses its ids, and is not to choose their names, or
 * others of that name would be slow to find. */
int64_t
pl_sqlite_conversation_name(int64_t company, const char *public_id)
{
	uint8_t bytes[sizeof(company)], hash[PL_HASH_LEN];
	struct sha256_ctx ctx;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((uint64_t)company >> (56 - 8 * i));
	sha256_init(&ctx);
	sha256_update(&ctx, sizeof(bytes), bytes);
	sha256_update(&ctx, strlen(public_id), (const uint8_t *)public_id);
	sha256_digest(&ctx, sizeof(hash), hash);
	return first_bits(hash);
}

/* pl_conversation_name(company, public_id), for statements that have a list of
 * ids. No schema may use it: others have to read the file, too. */
static void
conversation_name(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	const char *id = (const char *)sqlite3_value_text(v[1]);

	(void)n;
	if (id == NULL)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_int64(ctx,
		    pl_sqlite_conversation_name(sqlite3_value_int64(v[0]), id));
}

enum pl_err
pl_sqlite_name_function(struct pl_sqlite *s)
{
	int rc = sqlite3_create_function(s->db, "pl_conversation_name", 2,
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
	    conversation_name, NULL, NULL);

	return rc == SQLITE_OK ? PL_OK : pl_sqlite_err(s, rc, "function");
}

sqlite3_stmt *
pl_sqlite_by_public_id(struct pl_sqlite *s, enum pl_sql which, int64_t company,
    const char *public_id)
{
	sqlite3_stmt *st = pl_sql(s, which);

	pl_bind_int(
	    st, ":name", pl_sqlite_conversation_name(company, public_id));
	pl_bind_int(st, ":company", company);
	pl_bind_text(st, ":public_id", public_id);
	return st;
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
