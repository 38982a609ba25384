/*
 * The thin layer over SQLite's statements: by enumerator, bound by name,
 * prepared once. A name that a statement does not have is our bug.
 */
#include <assert.h>
#include <string.h>

#include "log.h"
#include "sqlite.h"

enum pl_err
pl_sqlite_err(struct pl_sqlite *s, int rc, const char *what)
{
	static int64_t logged_at;

	if (rc == SQLITE_NOMEM)
		return PL_ERR_NOMEM;
	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		return PL_ERR_EXISTS;
	/* A store that is gone fails at every request: one line a second. */
	if (s->now / 1000 != logged_at || s->now == 0) {
		logged_at = s->now / 1000;
		pl_log(PL_LOG_ERROR, "%s: %.60s: %s (%d)", s->path, what,
		    s->db != NULL ? sqlite3_errmsg(s->db) : "not open", rc);
	}
	return rc == SQLITE_BUSY ? PL_ERR_LOCKED : PL_ERR_STORE;
}

sqlite3_stmt *
pl_sql(struct pl_sqlite *s, enum pl_sql which)
{
	sqlite3_stmt *st = s->stmt[which];
	int rc;

	if (st != NULL) {
		sqlite3_reset(st);
		sqlite3_clear_bindings(st);
		return st;
	}
	rc = sqlite3_prepare_v3(s->db, pl_sql_text[which], -1,
	    SQLITE_PREPARE_PERSISTENT, &st, NULL);
	if (rc != SQLITE_OK) {
		if (pl_sqlite_err(s, rc, pl_sql_name[which]) != PL_OK)
			return NULL;
	}
	return s->stmt[which] = st;
}

static int
parameter(sqlite3_stmt *st, const char *name)
{
	int i = sqlite3_bind_parameter_index(st, name);

	assert(i > 0);
	return i;
}

void
pl_bind_int(sqlite3_stmt *st, const char *name, int64_t v)
{
	if (st != NULL)
		sqlite3_bind_int64(st, parameter(st, name), v);
}

void
pl_bind_opt(sqlite3_stmt *st, const char *name, int64_t v)
{
	if (v != 0)
		pl_bind_int(st, name, v);
}

void
pl_bind_text(sqlite3_stmt *st, const char *name, const char *v)
{
	if (st != NULL && v != NULL)
		sqlite3_bind_text(
		    st, parameter(st, name), v, -1, SQLITE_STATIC);
}

void
pl_bind_blob(sqlite3_stmt *st, const char *name, const void *v, size_t n)
{
	if (st != NULL)
		sqlite3_bind_blob(
		    st, parameter(st, name), v, (int)n, SQLITE_STATIC);
}

sqlite3_stmt *
pl_sql_scoped(
    struct pl_sqlite *s, enum pl_sql which, const struct pl_scope *scope)
{
	sqlite3_stmt *st = pl_sql(s, which);

	if (scope != NULL) {
		pl_bind_int(st, ":company", scope->company);
		pl_bind_text(st, ":inboxes", scope->inboxes);
	}
	return st;
}

enum pl_err
pl_step(struct pl_sqlite *s, sqlite3_stmt *st, bool *row)
{
	enum pl_err err;
	int rc;

	*row = false;
	if (st == NULL)
		return PL_ERR_STORE;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*row = true;
		return PL_OK;
	}
	if (rc == SQLITE_DONE) {
		sqlite3_reset(st);
		return PL_OK;
	}
	err = pl_sqlite_err(s, rc, "step");
	sqlite3_reset(st);
	return err;
}

enum pl_err
pl_run(struct pl_sqlite *s, sqlite3_stmt *st)
{
	enum pl_err err;
	bool row;

	do
		err = pl_step(s, st, &row);
	while (err == PL_OK && row);
	return err;
}

enum pl_err
pl_run_int(struct pl_sqlite *s, sqlite3_stmt *st, int64_t *out)
{
	enum pl_err err;
	bool row;

	if ((err = pl_step(s, st, &row)) != PL_OK)
		return err;
	if (!row)
		return PL_ERR_NOT_FOUND;
	*out = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return PL_OK;
}

const char *
pl_text(sqlite3_stmt *st, int column)
{
	return (const char *)sqlite3_column_text(st, column);
}

char *
pl_text_copy(sqlite3_stmt *st, int column, struct pl_arena *arena)
{
	const char *text = pl_text(st, column);

	if (text == NULL)
		return NULL;
	return pl_arena_copy(arena, text, strlen(text));
}
