/*
 * What conversations are found by: a name for the public id (of its hash) and
 * one for each session (of its secret), as numbers in one small table. They are
 * not unique: whoever looks one up compares the whole with each row that has
 * it. So all that a clash costs is another row to look at.
 *
 * And what they are called: an id of our own ("conv_" and 24 hex digits) is kept
 * as its 12 bytes, any other as it is.
 */
#include <nettle/sha2.h>
#include <string.h>

#include "conversation.h"
#include "sqlite.h"

#define ID_LEN ((PL_CONVERSATION_ID_LEN - ID_START) / 2)
#define ID_START 5
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

/* Is it the one that those bytes are of? Their digits are small letters. */
static bool
is_ours(const char *id, uint8_t bytes[ID_LEN])
{
	char digits[2 * ID_LEN + 1];

	if (strlen(id) != PL_CONVERSATION_ID_LEN ||
	    memcmp(id, "conv_", ID_START) != 0 ||
	    pl_unhex(id + ID_START, bytes, ID_LEN) != PL_OK)
		return false;
	pl_hex(bytes, ID_LEN, digits);
	return strcmp(id + ID_START, digits) == 0;
}

/* pl_pack_id(public_id): as its column has it. */
static void
pack_id(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	const char *id = (const char *)sqlite3_value_text(v[0]);
	uint8_t bytes[ID_LEN];

	(void)n;
	if (id == NULL)
		sqlite3_result_error_nomem(ctx);
	else if (is_ours(id, bytes))
		sqlite3_result_blob(ctx, bytes, ID_LEN, SQLITE_TRANSIENT);
	else
		sqlite3_result_value(ctx, v[0]);
}

/* pl_id(column): the public id; NULL for NULL. */
static void
unpack_id(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	char id[PL_CONVERSATION_ID_LEN + 1] = "conv_";

	(void)n;
	if (sqlite3_value_type(v[0]) != SQLITE_BLOB ||
	    sqlite3_value_bytes(v[0]) != ID_LEN) {
		sqlite3_result_value(ctx, v[0]);
		return;
	}
	pl_hex(sqlite3_value_blob(v[0]), ID_LEN, id + ID_START);
	sqlite3_result_text(ctx, id, PL_CONVERSATION_ID_LEN, SQLITE_TRANSIENT);
}

/* pl_conversation_name(company, public_id) */
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
	    {"pl_conversation_name", 2, conversation_name},
	};
	int rc = SQLITE_OK;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_create_function(s->db, all[i].name, all[i].args,
		    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
		    NULL, all[i].fn, NULL, NULL);
	return rc == SQLITE_OK ? PL_OK : pl_sqlite_err(s, rc, "functions");
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
