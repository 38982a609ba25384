/*
 * What is SQLite's alone: the file, its schema, the plans of the statements.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "news.h"
#include "sql.h"
#include "store.h"
#include "../lib/stage.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

#define PLATFORM 16

TestSuite(store_sqlite, .init = stage_open, .fini = stage_close);

static enum pl_err
open_at(const char *path, bool create, struct pl_store **out)
{
	return pl_sqlite_open(
	    out, path, create, &stage_rules, STAGE_RETENTION_MS, T0);
}

static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s",
	    sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int64_t
ask_sql(const char *path, const char *sql)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	int64_t n;

	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

/* Refusals are told in the log; here they are what is wanted. */
static void
be_quiet(void)
{
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
}

static void
expect_same(const struct pl_event *one, struct pl_event other)
{
	cr_assert_eq(one->seq, other.seq);
	cr_assert_eq(one->kind, other.kind);
	cr_assert_eq(one->reason, other.reason);
	cr_assert_eq(one->company, other.company);
	cr_assert_str_eq(one->public_id, other.public_id);
	cr_assert_eq(memcmp(one->session, other.session, PL_SESSION_LEN), 0);
	cr_assert_eq(one->at, other.at);
	cr_assert_eq(one->status, other.status);
	cr_assert_eq(one->connections, other.connections);
	cr_assert_eq(one->expires_at, other.expires_at);
	cr_assert_eq(one->typing, other.typing);
}

/* ---- making and opening ---- */

/* From nothing to the newest schema; once more changes nothing. */
Test(store_sqlite, makes_the_newest_schema_from_nothing)
{
	const char *path = tmpdir_path("new.db");
	struct pl_store *s;
	int64_t version, objects;
	int known = 0;

	while (pl_sql_migration[known] != NULL)
		known++;
	cr_assert_eq(open_at(path, true, &s), PL_OK);
	s->ops->close(s);
	version = ask_sql(path, "PRAGMA user_version");
	objects = ask_sql(path, "SELECT count(*) FROM sqlite_schema");
	cr_expect_eq(version, known);
	cr_expect_gt(objects, 8);
	cr_expect_eq(ask_sql(path, "SELECT count(*) FROM counter"), 1);
	cr_assert_eq(open_at(path, true, &s), PL_OK);
	s->ops->close(s);
	cr_assert_eq(open_at(path, false, &s), PL_OK);
	s->ops->close(s);
	cr_expect_eq(
	    ask_sql(path, "SELECT count(*) FROM sqlite_schema"), objects);
	cr_expect_eq(ask_sql(path, "SELECT count(*) FROM counter"), 1);
}

/* All tables are STRICT: a text in a number's place is refused. */
Test(store_sqlite, tables_are_strict)
{
	cr_expect_eq(ask_sql(stage_path(),
			 "SELECT count(*) FROM pragma_table_list "
			 "WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' "
			 "AND NOT strict"),
	    0);
}

/* Without `create` neither a file nor a schema is made. */
Test(store_sqlite, makes_nothing_unless_told_to)
{
	const char *path = tmpdir_path("none.db");
	struct pl_store *s = NULL;
	struct stat st;

	be_quiet();
	cr_expect_eq(open_at(path, false, &s), PL_ERR_STORE);
	cr_expect_neq(stat(path, &st), 0, "no file");
	tmpdir_write("empty.db", "");
	path = tmpdir_path("empty.db");
	cr_expect_eq(open_at(path, false, &s), PL_ERR_STORE);
	cr_expect_eq(ask_sql(path, "SELECT count(*) FROM sqlite_schema"), 0);
	cr_expect_null(s);
}

/* A file that is no database, a directory, no such folder: told, not made. */
Test(store_sqlite, refuses_what_is_no_database)
{
	struct pl_store *s = NULL;
	const char *path;
	char text[4096];

	be_quiet();
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	path = tmpdir_write("text.db", text);
	cr_expect_eq(open_at(path, false, &s), PL_ERR_STORE);
	cr_expect_eq(open_at(path, true, &s), PL_ERR_STORE);
	cr_expect_eq(open_at(tmpdir(), true, &s), PL_ERR_STORE);
	cr_expect_eq(open_at("/nowhere/at/all.db", true, &s), PL_ERR_STORE);
	cr_expect_null(s);
}

/* Nothing is written to what a newer version has brought forward meanwhile. */
Test(store_sqlite, ends_where_a_newer_version_has_come)
{
	stage_write(T0);
	stage_commit();
	run_sql(stage_path(), "CREATE TABLE look (x); DROP TABLE look");
	stage_write(T0);
	stage_commit();
	run_sql(stage_path(), "BEGIN; CREATE TABLE look (x); DROP TABLE look;"
			      "PRAGMA user_version = 9999; COMMIT");
	cr_expect_eq(stage->ops->begin(stage, PL_TXN_WRITE, T0), PL_ERR_STORE);
	cr_expect_eq(stage->ops->begin(stage, PL_TXN_READ, T0), PL_ERR_STORE);
}

/* What a newer version made is left alone. */
Test(store_sqlite, refuses_what_a_newer_version_made)
{
	const char *path = tmpdir_path("new.db");
	struct pl_store *s = NULL;

	be_quiet();
	cr_assert_eq(open_at(path, true, &s), PL_OK);
	s->ops->close(s);
	s = NULL;
	run_sql(path, "PRAGMA user_version = 9999");
	cr_expect_eq(open_at(path, false, &s), PL_ERR_STORE);
	cr_expect_eq(open_at(path, true, &s), PL_ERR_STORE);
	cr_expect_null(s);
	cr_expect_eq(ask_sql(path, "PRAGMA user_version"), 9999);
}

static char *
read_bytes(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *bytes = malloc(1 << 20);

	cr_assert(f != NULL && bytes != NULL);
	*n = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	return bytes;
}

/* Somebody else's database is refused, and not a byte of it is changed. */
Test(store_sqlite, refuses_a_foreign_database_untouched)
{
	const char *path = tmpdir_path("foreign.db");
	char *before, *after;
	struct pl_store *s = NULL;
	size_t n, m;

	be_quiet();
	run_sql(path, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
	before = read_bytes(path, &n);
	cr_expect_eq(open_at(path, false, &s), PL_ERR_STORE);
	after = read_bytes(path, &m);
	cr_assert_eq(n, m);
	cr_expect_arr_eq(before, after, n);
	free(before);
	free(after);
}

/* A migration that fails half-way leaves what was there. */
Test(store_sqlite, migration_is_whole_or_not_at_all)
{
	const char *path = tmpdir_path("half.db");
	struct pl_store *s = NULL;

	be_quiet();
	/* In the way of the last table of the first schema. */
	run_sql(path, "CREATE TABLE change (x)");
	cr_expect_eq(open_at(path, true, &s), PL_ERR_STORE);
	cr_expect_null(s);
	cr_expect_eq(ask_sql(path, "SELECT count(*) FROM sqlite_schema"), 1);
	cr_expect_eq(ask_sql(path, "PRAGMA user_version"), 0);
}

/* The room of the database below, when its second session has beaten. */
static enum pl_err
is_old(void *arg, const struct pl_presence *p)
{
	const struct pl_tab *tab = p->room->tabs;

	(void)arg;
	cr_assert_eq(p->room->nsessions, 2);
	cr_assert_eq(p->room->ntabs, 3);
	cr_expect_eq(p->room->sessions[0].secret[0], 1);
	cr_expect_eq(p->room->sessions[0].online_since, 2);
	cr_expect_eq(p->room->sessions[0].event_seq, 4);
	cr_expect_eq(p->room->sessions[1].event_seq, 5);
	cr_expect_eq(tab[0].tab, UINT64_MAX);
	cr_expect_eq(tab[0].state, PL_TAB_GONE);
	cr_expect(tab[0].hidden);
	cr_expect_eq(tab[0].message, -1);
	cr_expect_eq(tab[0].rev, 5);
	cr_expect_eq(tab[0].changed_at, 3);
	cr_expect_eq(tab[1].tab, 7);
	cr_expect_eq(tab[1].state, PL_TAB_LIVE);
	cr_expect_eq(tab[1].rev, 6);
	cr_expect_eq(tab[1].beat_at, 1);
	cr_expect_eq(tab[1].expires_at, 67001, "no longer than a lease");
	cr_expect_eq(tab[2].session, 1);
	cr_expect_eq(tab[2].tab, 8);
	cr_expect_eq(tab[2].rev, 41);
	return PL_OK;
}

/* An empty database of version 3 or 4, which had the number 40 last. */
static const char *
make_version(int version)
{
	const char *path = tmpdir_path("old.db");
	char pragma[64];
	int i;

	for (i = 0; i < version; i++)
		run_sql(path, pl_sql_migration[i]);
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", version);
	run_sql(path, pragma);
	run_sql(path,
	    "INSERT INTO counter VALUES (1, '0123456789abcdef', 40, 1, 0, 0, "
	    "0)");
	return path;
}

/* Such an id said no number then. */
#define OLD_OWN "conv_0123456789abcdef01234567"

/* A database of version 3, in which three sessions are online. */
static const char *
make_old(void)
{
	const char *path = make_version(3);

	run_sql(path,
	    "INSERT INTO company VALUES (1, 'a', zeroblob(32), 'k', 1);"
	    "INSERT INTO conversation (id, company, public_id, platform, "
	    "created_at, online_since) VALUES (5, 1, 'c', 'WIDGET', 1, 2),"
	    "(6, 1, '" OLD_OWN "', 'WIDGET', 1, 2),"
	    "(7, 1, 'e', 'EMAIL', 1, NULL);"
	    "INSERT INTO session VALUES (70, 6, "
	    "x'ff112233445566778899aabbccddeeff', 1, 2, 3),"
	    "(71, 5, x'01112233445566778899aabbccddeeff', 1, 2, 4),"
	    "(72, 5, x'02112233445566778899aabbccddeeff', 1, 2, 5);"
	    "INSERT INTO session VALUES (73, 6, zeroblob(16), 1, NULL, 0);"
	    "INSERT INTO tab VALUES (5, 71, 7, 1, 0, 0, 6, 1, 1, 99999, 0),"
	    "(5, 71, -1, 0, 1, -1, 5, 0, 3, 4, 0),"
	    "(5, 72, 8, 1, 0, 0, 7, 1, 1, 99999, 0),"
	    "(6, 70, 9, 1, 0, 0, 8, 1, 1, 99999, 0);"
	    "INSERT INTO change VALUES (5, 1, '', 'c', zeroblob(16), 1, 0, 2, "
	    "2, 2, 1, 9)");
	return path;
}

/* Sessions and tabs of an older schema are still there: the second session of
 * a conversation beats in its own tab, and the stream goes on from now. */
Test(store_sqlite, migration_keeps_who_is_here)
{
	const char *path = make_old();
	struct pl_beat beat = {.tab = 8, .seq = -1};
	struct pl_beat_result result;
	struct pl_position now;
	struct pl_store *s;
	bool changed;

	cr_assert_eq(open_at(path, false, &s), PL_OK);
	cr_assert_eq(s->ops->begin(s, PL_TXN_WRITE, 7001), PL_OK);
	cr_assert_eq(s->ops->position(s, &now), PL_OK);
	cr_expect_eq(now.seq, 40);
	cr_expect_eq(now.pruned, 40, "nobody goes on from before the list");
	cr_expect_eq(s->ops->beat(s, "c",
			 (const uint8_t *)"\x02\x11\x22\x33\x44\x55\x66\x77"
					  "\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
			 &beat, &result),
	    PL_OK);
	cr_expect_eq(result.status, PL_ONLINE);
	cr_assert_eq(s->ops->commit(s, &changed), PL_OK);
	cr_assert_eq(s->ops->begin(s, PL_TXN_READ, 7001), PL_OK);
	cr_expect_eq(s->ops->presence(s, &(struct pl_scope){.company = 1}, "c",
			 is_old, NULL),
	    PL_OK);
	s->ops->rollback(s);
	s->ops->close(s);
	cr_expect_eq(ask_sql(path, "SELECT count(*) FROM name"), 7);
	cr_expect_eq(ask_sql(path, "SELECT count(*) FROM change"), 1);
	cr_expect_eq(
	    ask_sql(path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static enum pl_err
copy_platform(void *arg, const struct pl_presence *p)
{
	snprintf(arg, PLATFORM, "%s", p->platform);
	return PL_OK;
}

static void
expect_platform(struct pl_store *s, const char *id, const char *platform)
{
	const struct pl_scope scope = {.company = 1};
	char found[PLATFORM] = "";

	cr_expect_eq(
	    s->ops->presence(s, &scope, id, copy_platform, found), PL_OK);
	cr_expect_str_eq(found, platform, "%s: %s", id, found);
}

static void
beat_at(struct pl_store *s, const char *id, int first)
{
	struct pl_beat beat = {.tab = 1, .seq = -1};
	struct pl_beat_result result;
	uint8_t secret[PL_SESSION_LEN] = "\x01\x11\x22\x33\x44\x55\x66\x77"
					 "\x88\x99\xaa\xbb\xcc\xdd\xee\xff";

	secret[0] = (uint8_t)first;
	cr_expect_eq(
	    s->ops->beat(s, id, secret, &beat, &result), PL_OK, "%d", first);
}

/* All of its conversations and sessions are found by their new names. */
Test(store_sqlite, migration_finds_everybody_again)
{
	struct pl_conversation c = {
	    .company = 1, .public_id = "c", .platform = "WIDGET", .inbox = ""};
	struct pl_store *s;
	bool created = true;

	cr_assert_eq(open_at(make_old(), false, &s), PL_OK);
	cr_assert_eq(s->ops->begin(s, PL_TXN_WRITE, 7001), PL_OK);
	beat_at(s, "c", 1);
	beat_at(s, "c", 2);
	beat_at(s, OLD_OWN, 255);
	expect_platform(s, "c", "WIDGET");
	expect_platform(s, OLD_OWN, "WIDGET");
	expect_platform(s, "e", "EMAIL");
	cr_expect_eq(
	    s->ops->conversation_add(s, &c, stage_secret(9), &created), PL_OK);
	cr_expect(!created);
	s->ops->rollback(s);
	s->ops->close(s);
}

/* What the stream of an older schema has for those eyes. */
static void
old_stream(const char *path, const char *where, struct stage_page *out)
{
	struct stage_event *one;
	char text[300];
	sqlite3_stmt *st;
	sqlite3 *db;

	snprintf(text, sizeof(text),
	    "SELECT seq, company, public_id, session, kind, reason, at, status,"
	    " connections, expires_at FROM change WHERE %s ORDER BY seq",
	    where);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	for (out->n = 0; sqlite3_step(st) == SQLITE_ROW; out->n++) {
		one = &out->events[out->n];
		snprintf(one->id, sizeof(one->id), "%s",
		    (const char *)sqlite3_column_text(st, 2));
		one->e = (struct pl_event){
		    .seq = sqlite3_column_int64(st, 0),
		    .company = sqlite3_column_int64(st, 1),
		    .public_id = one->id,
		    .kind = sqlite3_column_int(st, 4) != 0 ? PL_EVENT_ONLINE
							   : PL_EVENT_OFFLINE,
		    .reason = (enum pl_reason)sqlite3_column_int(st, 5),
		    .at = sqlite3_column_int64(st, 6),
		    .status = (enum pl_status)sqlite3_column_int(st, 7),
		    .connections = sqlite3_column_int(st, 8),
		    .expires_at = sqlite3_column_int64(st, 9),
		};
		memcpy(
		    one->e.session, sqlite3_column_blob(st, 3), PL_SESSION_LEN);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* Who reads, and what that was in the older schema. */
static const struct reader {
	struct pl_scope scope; /* company 0: all of them */
	const char *id;
	const char *where;
	size_t n;
} readers[] = {
    {{0, NULL}, NULL, "1", 7},
    {{1, NULL}, NULL, "company = 1", 6},
    {{1, "[\"sales\"]"}, NULL, "company = 1 AND inbox = 'sales'", 3},
    {{1, "[\"\"]"}, NULL, "company = 1 AND inbox = ''", 3},
    {{2, NULL}, NULL, "company = 2", 1},
    {{1, NULL}, "c", "company = 1 AND public_id = 'c'", 3},
    {{1, NULL}, "gone", "company = 1 AND public_id = 'gone'", 2},
    {{1, "[\"sales\"]"}, "moved",
	"company = 1 AND public_id = 'moved' AND inbox = 'sales'", 1},
    {{2, NULL}, "gone", "company = 2 AND public_id = 'gone'", 0},
};

static void
read_as(struct pl_store *s, const struct reader *r, struct stage_page *out)
{
	struct pl_store *kept = stage;
	struct pl_event_query q = {.limit = 100};

	if (r->scope.company != 0)
		q.scope = &r->scope;
	if (r->id != NULL) {
		q.ids = &r->id;
		q.nids = 1;
	}
	stage = s;
	stage_events(&q, T0, out);
	stage = kept;
}

/* Everybody is told the same by the stream of an older schema as before: of
 * who is there, who is gone, and who came again in another inbox. */
Test(store_sqlite, migration_keeps_the_stream)
{
	static struct stage_page before[LENGTH(readers)], after;
	const char *path = make_version(4);
	struct pl_store *s;
	size_t i, j;

	run_sql(path,
	    "INSERT INTO company VALUES (1, 'a', zeroblob(32), 'k', 1),"
	    "(2, 'b', randomblob(32), 'l', 1);"
	    "INSERT INTO conversation (id, company, public_id, platform, "
	    "inbox, created_at) VALUES (5, 1, 'c', 'WIDGET', '', 1),"
	    "(6, 1, 'moved', 'WIDGET', 'help', 1), (7, 2, 'c', 'WIDGET', '', "
	    "1);"
	    "INSERT INTO change VALUES "
	    "(3, 1, 'sales', 'gone', randomblob(16), 1, 0, 2, 2, 2, 1, 60002),"
	    "(5, 1, '', 'c', randomblob(16), 1, 0, 3, 3, 1, 1, 60003),"
	    "(6, 1, '', 'c', randomblob(16), 0, 1, 4, 4, 2, 300, 70004),"
	    "(7, 2, '', 'c', randomblob(16), 1, 0, 4, 4, 2, 1, 60004),"
	    "(8, 1, 'sales', 'moved', randomblob(16), 0, 1, 5, 5, 0, 0, NULL),"
	    "(9, 1, 'sales', 'gone', randomblob(16), 0, 1, 5, 5, 0, 0, NULL),"
	    "(40, 1, '', 'c', randomblob(16), 0, 2, 70004, 99999, 0, 0, NULL)");
	for (i = 0; i < LENGTH(readers); i++)
		old_stream(path, readers[i].where, &before[i]);
	cr_assert_eq(open_at(path, false, &s), PL_OK);
	for (i = 0; i < LENGTH(readers); i++) {
		read_as(s, &readers[i], &after);
		cr_expect_eq(before[i].n, readers[i].n, "%zu", i);
		cr_assert_eq(after.n, before[i].n, "%zu: %zu", i, after.n);
		for (j = 0; j < after.n; j++)
			expect_same(&after.events[j].e, before[i].events[j].e);
	}
	s->ops->close(s);
	cr_expect_eq(
	    ask_sql(path, "SELECT delay FROM change WHERE seq = 40"), 29995);
	cr_expect_eq(
	    ask_sql(path, "SELECT count(*) FROM change WHERE delay = 0"), 6);
}

/* ---- the file ---- */

/* Sessions' secrets lie in it: it and what stands beside is the owner's. */
Test(store_sqlite, files_are_the_owners_alone)
{
	static const char *const names[] = {"", "-lock", "-wal", "-shm"};
	struct stat st;
	char path[1200];
	size_t i;

	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	for (i = 0; i < LENGTH(names); i++) {
		snprintf(path, sizeof(path), "%s%s", stage_path(), names[i]);
		cr_assert_eq(stat(path, &st), 0, "%s", path);
		cr_expect_eq(st.st_mode & 0777, 0600, "%s is %o", path,
		    (unsigned int)st.st_mode & 0777);
	}
}

/* Whatever the umask is. */
Test(store_sqlite, files_are_the_owners_alone_whatever_the_umask)
{
	const char *path = tmpdir_path("open.db");
	struct pl_store *s;
	struct stat st;

	umask(0);
	cr_assert_eq(open_at(path, true, &s), PL_OK);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	s->ops->close(s);
}

/* Renamed, deleted, replaced: the open store knows that it is not it. */
Test(store_sqlite, knows_when_its_file_is_not_there_any_more)
{
	const char *path = tmpdir_path("a.db"), *aside = tmpdir_path("b.db");
	struct pl_store *s, *other;

	cr_assert_eq(open_at(path, true, &s), PL_OK);
	cr_expect(!pl_sqlite_is_stale(s));
	cr_assert_eq(rename(path, aside), 0);
	cr_expect(pl_sqlite_is_stale(s), "gone");
	cr_assert_eq(rename(aside, path), 0);
	cr_expect(!pl_sqlite_is_stale(s), "back");
	cr_assert_eq(rename(path, aside), 0);
	cr_assert_eq(open_at(path, true, &other), PL_OK);
	cr_expect(pl_sqlite_is_stale(s), "replaced");
	cr_expect(!pl_sqlite_is_stale(other));
	other->ops->close(other);
	s->ops->close(s);
}

/* Writers do not let the WAL grow for ever. */
Test(store_sqlite, checkpoints_keep_the_wal_small)
{
	struct stat st;
	char wal[1200];
	unsigned int i;

	snprintf(wal, sizeof(wal), "%s-wal", stage_path());
	for (i = 0; i < 20; i++) {
		char id[16];

		snprintf(id, sizeof(id), "conv_%u", i);
		stage_conversation(acme, id, i);
	}
	for (i = 0; i < 5000; i++) { /* 15 MB of log, if it were kept */
		char id[16];

		snprintf(id, sizeof(id), "conv_%u", i % 20);
		stage_beat(id, i % 20, i / 20 % 50, T0 + i * 10);
		stage->ops->tidy(stage, false);
	}
	cr_assert_eq(stat(wal, &st), 0);
	cr_expect_lt(st.st_size, 8000000, "%lld bytes", (long long)st.st_size);
}

/* One damaged room is empty, and nobody else's trouble. */
Test(store_sqlite, a_damaged_room_does_not_stop_the_others)
{
	const struct pl_scope all = {.company = acme};
	struct pl_state st;

	stage_conversation(acme, "a", 1);
	stage_conversation(acme, "b", 2);
	stage_beat("a", 1, 1, T0);
	stage_beat("b", 2, 1, T0);
	run_sql(stage_path(),
	    "UPDATE conversation SET room = x'00' WHERE public_id = 'a'");
	be_quiet();
	stage_settle(T0 + 60000);
	cr_expect_eq(stage_presence(&all, "a", T0 + 60000, &st), PL_OK);
	cr_expect_eq(st.status, PL_OFFLINE);
	cr_expect_eq(stage_presence(&all, "b", T0 + 60000, &st), PL_OK);
	cr_expect_eq(st.status, PL_OFFLINE);
	stage_beat("b", 2, 1, T0 + 60001);
	cr_expect_eq(stage_result.status, PL_ONLINE);
	cr_expect_eq(ask_sql(stage_path(),
			 "SELECT count(*) FROM conversation "
			 "WHERE public_id = 'a' AND room = x'' "
			 "AND online_since IS NULL AND due_at IS NULL"),
	    1);
}

/* ---- names ---- */

static int64_t
count_names(void)
{
	return ask_sql(stage_path(), "SELECT count(*) FROM name");
}

/* Every name is everybody's: what is found by it is still the right one. */
Test(store_sqlite, names_that_clash_mix_up_nobody)
{
	const struct pl_scope scope = {.company = acme};
	struct pl_conversation c = {.company = acme,
	    .public_id = "two",
	    .platform = "WIDGET",
	    .inbox = ""};
	struct pl_state st;
	bool created = true;

	stage_conversation(acme, "one", 1);
	stage_conversation(acme, "two", 2);
	stage_conversation(globex, "two", 3);
	run_sql(stage_path(),
	    "INSERT OR IGNORE INTO name "
	    "SELECT n.name, c.id FROM name n, conversation c");
	cr_assert_eq(count_names(), 18);
	stage_beat("two", 2, 7, T0);
	cr_expect_eq(stage_presence(&scope, "one", T0, &st), PL_OK);
	cr_expect_eq(st.status, PL_OFFLINE);
	cr_expect_eq(stage_presence(&scope, "two", T0, &st), PL_OK);
	cr_expect_eq(st.connections, 1);
	stage_beat("two", 3, 7, T0);
	cr_expect_eq(stage_presence(&scope, "two", T0, &st), PL_OK);
	cr_expect_eq(st.connections, 1, "that was another company's");
	stage_write(T0);
	cr_expect_eq(
	    stage->ops->conversation_add(stage, &c, stage_secret(4), &created),
	    PL_OK);
	cr_expect(!created);
	cr_expect_eq(
	    stage->ops->conversation_remove(stage, acme, "one"), PL_OK);
	stage_commit();
	cr_expect_eq(stage_presence(&scope, "one", T0, &st), PL_ERR_FORBIDDEN);
	stage_beat("two", 2, 7, T0 + 10000);
	stage_beat("two", 4, 7, T0 + 10000);
	cr_expect_eq(stage_presence(&scope, "two", T0 + 10000, &st), PL_OK);
	cr_expect_eq(st.devices, 2);
}

/* No name is left of what is gone. */
Test(store_sqlite, names_go_with_what_they_name)
{
	bool all;

	stage_conversation(acme, "one", 1);
	stage_conversation(acme, "one", 2);
	stage_conversation(acme, "two", 3);
	stage_conversation(globex, "two", 4);
	cr_expect_eq(count_names(), 7);
	stage_write(T0);
	cr_expect_eq(
	    stage->ops->session_remove(stage, acme, "one", stage_secret(1)),
	    PL_OK);
	stage_commit();
	cr_expect_eq(count_names(), 6);
	stage_remove(acme, "one", T0);
	cr_expect_eq(count_names(), 4);
	stage_write(T0);
	cr_expect_eq(stage->ops->company_remove(stage, acme, 100, &all), PL_OK);
	stage_commit();
	cr_expect_eq(count_names(), 2);
	pl_sqlite_set_retention(stage, 1000);
	stage_write(T0 + 2000);
	cr_expect_eq(stage->ops->check(stage), PL_OK);
	stage_commit();
	cr_expect_eq(count_names(), 0);
}

/* An id of our own says which row it is: there is nothing else to keep. */
Test(store_sqlite, own_ids_need_no_name)
{
	const struct pl_scope scope = {.company = acme};
	struct pl_conversation again = {
	    .company = acme, .platform = "WIDGET", .inbox = ""};
	static struct stage_page page;
	char one[PL_CONVERSATION_ID_LEN + 1], two[PL_CONVERSATION_ID_LEN + 1];
	const char *ids[] = {one};
	struct pl_event_query q = {
	    .scope = &scope, .ids = ids, .nids = 1, .limit = 100};
	struct pl_state st;
	bool created;

	stage_own(acme, 1, one);
	stage_own(acme, 2, two);
	cr_expect_str_neq(one, two);
	again.public_id = one;
	stage_write(T0);
	cr_expect_eq(stage->ops->conversation_add(
			 stage, &again, stage_secret(3), &created),
	    PL_OK);
	stage_commit();
	cr_expect(!created);
	stage_beat(one, 1, 7, T0);
	stage_beat(one, 3, 7, T0);
	cr_expect_eq(stage_presence(&scope, one, T0, &st), PL_OK);
	cr_expect_eq(st.devices, 2);
	cr_expect_eq(stage_presence(&scope, two, T0, &st), PL_OK);
	cr_expect_eq(st.devices, 0);
	stage_events(&q, T0, &page);
	cr_assert_eq(page.n, 2);
	cr_expect_str_eq(page.events[1].e.public_id, one);
	cr_expect_eq(count_names(), 0);

	stage_write(T0);
	cr_expect_eq(
	    stage->ops->session_remove(stage, acme, one, stage_secret(3)),
	    PL_OK);
	stage_commit();
	stage_remove(acme, one, T0);
	cr_expect_eq(stage_presence(&scope, one, T0, &st), PL_ERR_FORBIDDEN);
	stage_events(&q, T0, &page);
	cr_expect_eq(page.n, 1, "who waited for it sees it go");
	stage_own(acme, 1, one);
	stage_beat(one, 1, 7, T0);
	cr_expect_eq(count_names(), 0);
}

/* Who gives a conversation an id that we made for another's has one of that
 * name, and neither sees the other. So it is with one that looks like ours. */
Test(store_sqlite, own_ids_may_be_taken_by_others)
{
	const struct pl_scope ours = {.company = acme},
			      theirs = {.company = globex};
	const char *const made_up = "conv_0123456789abcdef01234567";
	struct pl_beat beat = {.tab = 7, .seq = -1};
	char id[PL_CONVERSATION_ID_LEN + 1];
	struct pl_state st;

	stage_own(acme, 1, id);
	stage_conversation(globex, id, 2);
	stage_conversation(globex, made_up, 3);
	cr_expect_eq(count_names(), 4);
	stage_beat(id, 2, 7, T0);
	cr_expect_eq(stage_presence(&theirs, id, T0, &st), PL_OK);
	cr_expect_eq(st.connections, 1);
	cr_expect_eq(stage_presence(&ours, id, T0, &st), PL_OK);
	cr_expect_eq(st.connections, 0);
	stage_beat(id, 1, 7, T0 + 1);
	stage_beat(id, 1, 8, T0 + 1);
	cr_expect_eq(stage_presence(&ours, id, T0 + 1, &st), PL_OK);
	cr_expect_eq(st.connections, 2);
	stage_beat(made_up, 3, 7, T0);
	cr_expect_eq(stage_presence(&theirs, made_up, T0, &st), PL_OK);
	cr_expect_eq(st.connections, 1);
	cr_expect_eq(stage_presence(&ours, made_up, T0, &st), PL_ERR_FORBIDDEN);
	stage_write(T0 + 2);
	cr_expect_eq(
	    stage->ops->beat(stage, id, stage_secret(3), &beat, &stage_result),
	    PL_ERR_FORBIDDEN);
	cr_expect_eq(
	    stage->ops->session_remove(stage, globex, id, stage_secret(1)),
	    PL_ERR_FORBIDDEN);
	stage_commit();
	stage_remove(acme, id, T0 + 3);
	cr_expect_eq(stage_presence(&theirs, id, T0 + 3, &st), PL_OK);
	cr_expect_eq(count_names(), 4);
	stage_remove(globex, id, T0 + 3);
	cr_expect_eq(count_names(), 2);
}

/* What a beat is found by takes SQLite 6 bytes, and never 8. */
Test(store_sqlite, names_have_47_bits)
{
	uint8_t secret[PL_SESSION_LEN];
	struct pl_conversation c = {.company = acme,
	    .public_id = "one",
	    .platform = "WIDGET",
	    .inbox = ""};
	bool created;

	memset(secret, 0xff, sizeof(secret));
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->conversation_add(stage, &c, secret, &created), PL_OK);
	stage_commit();
	cr_expect_eq(ask_sql(stage_path(), "SELECT max(name) FROM name"),
	    (INT64_C(1) << 47) - 1);
}

/* What happened under a number is nobody's when another has it. */
Test(store_sqlite, a_number_tells_nothing_of_who_had_it_before)
{
	static struct stage_page page;
	struct pl_scope scope = {globex, NULL};
	struct pl_event_query q = {.scope = &scope, .limit = 100};

	stage_conversation(acme, "a", 1);
	stage_conversation(globex, "b", 2);
	stage_beat("a", 1, 1, T0);
	run_sql(stage_path(),
	    "DELETE FROM conversation WHERE public_id = 'a';"
	    "UPDATE conversation SET id = (SELECT conversation FROM change)");
	stage_events(&q, T0, &page);
	cr_expect_eq(page.n, 0);
	scope.company = acme;
	stage_events(&q, T0, &page);
	cr_expect_eq(page.n, 0);
	stage_changes(0, T0, &page);
	cr_expect_eq(page.n, 0);
	cr_expect_eq(page.upto, stage_position(T0).seq, "it was all read");
}

/* ---- what is erased ---- */

/* How often these bytes stand in the database, or in its log. */
static int
count_bytes(const void *bytes, size_t n)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	static char text[16 << 20];
	char name[1200], *p, *end;
	int found = 0;
	size_t i;
	FILE *f;

	for (i = 0; i < LENGTH(suffixes); i++) {
		snprintf(name, sizeof(name), "%s%s", stage_path(), suffixes[i]);
		if ((f = fopen(name, "r")) == NULL)
			continue;
		end = text + fread(text, 1, sizeof(text), f);
		cr_assert(feof(f) || fgetc(f) == EOF);
		fclose(f);
		for (p = text;
		     (p = memmem(p, (size_t)(end - p), bytes, n)) != NULL; p++)
			found++;
	}
	return found;
}

static void
add_customer(unsigned int n)
{
	char id[40], name[100], email[100];
	struct pl_conversation c = {.company = acme,
	    .public_id = id,
	    .platform = "WIDGET",
	    .inbox = "",
	    .name = name,
	    .email = email};
	bool created;

	snprintf(id, sizeof(id), "conv_%04u_id", n);
	snprintf(name, sizeof(name), "Name of %04u %*s.", n, (int)(n % 40), "");
	snprintf(email, sizeof(email), "mail_%04u@shop.example", n);
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->conversation_add(stage, &c, stage_secret(n), &created),
	    PL_OK);
	stage_commit();
	stage_beat(id, n, n, T0);
	stage->ops->tidy(stage, false);
}

static int
count_customer(unsigned int n)
{
	char id[40], name[40], email[40];

	snprintf(id, sizeof(id), "conv_%04u_id", n);
	snprintf(name, sizeof(name), "Name of %04u", n);
	snprintf(email, sizeof(email), "mail_%04u@", n);
	return count_bytes(id, strlen(id)) + count_bytes(name, strlen(name)) +
	       count_bytes(email, strlen(email)) +
	       count_bytes(stage_secret(n), PL_SESSION_LEN);
}

/* Not a byte of a customer is left in any file, wherever his rows lay. */
Test(store_sqlite, who_is_forgotten_is_out_of_the_files)
{
	unsigned int n;
	char id[40];

	for (n = 0; n < 600; n++)
		add_customer(n);
	for (n = 0; n < 600; n += 7) {
		cr_assert_gt(count_customer(n), 3);
		snprintf(id, sizeof(id), "conv_%04u_id", n);
		stage_write(T0 + 1000);
		cr_assert_eq(
		    stage->ops->conversation_remove(stage, acme, id), PL_OK);
		cr_assert_eq(
		    stage->ops->changes_forget(stage, acme, id, NULL), PL_OK);
		stage_commit();
		if (n % 70 == 0)
			cr_assert_eq(stage->ops->purge(stage), PL_OK);
	}
	cr_assert_eq(stage->ops->purge(stage), PL_OK);
	for (n = 0; n < 600; n += 7)
		cr_expect_eq(
		    count_customer(n), 0, "%u: %d times", n, count_customer(n));
	cr_expect_gt(count_customer(1), 3, "others stay");
}

/* ---- the plans ---- */

/* Read whole tables by intent: the operator's lists, one row, a bounded
 * front of the stream, what was taken out of JSON. */
static const struct {
	const char *statement, *step;
} may_scan[] = {
    {"company.list.sql", "SCAN company"},
    {"agent.list.sql", "SCAN c"},
    {"agent.list.sql", "SCAN a"},
    {"agent.forget.sql", "SCAN agent"},
    {"conversation.list.sql", "SCAN v"},
    {"counter.create.sql", "SCAN counter"},
    {"change.some.sql", "SCAN counter"},
    {"touch.create.sql", "SCAN touch"},
    {"counter.get.sql", "SCAN counter"},
    {"counter.get.sql", "SCAN touch"}, /* the last row */
    {"counter.get.sql", "SCAN conversation USING COVERING INDEX"},
    {"counter.rights.sql", "SCAN counter"},
    {"counter.pruned.sql", "SCAN counter"},
    {"counter.swept.sql", "SCAN counter"},
    {"sweep.next.sql", "SCAN counter"},
    {"sweep.next.sql", "SCAN (subquery"},
    {"change.prune.sql", "SCAN change"},
    {"change.prune.sql", "SCAN (subquery"},
    {"change.recall.sql", "SCAN change"}, /* the clock was set back */
    {"status.counts.sql", "SCAN "},
    {"due.first.sql", "SCAN conversation USING COVERING INDEX"},
    {"room.live.sql", "SCAN conversation"},
    {"room.count.sql", "SCAN o"}, /* the companies */
    {"room.count.sql", "SCAN (subquery"},
};

static bool
is_meant(const char *statement, const char *step)
{
	size_t i;

	if (strstr(step, "json_each") != NULL ||
	    strcmp(step, "SCAN CONSTANT ROW") == 0 ||
	    strstr(step, "VIRTUAL TABLE") != NULL)
		return true;
	for (i = 0; i < LENGTH(may_scan); i++)
		if (strcmp(statement, may_scan[i].statement) == 0 &&
		    strncmp(step, may_scan[i].step, strlen(may_scan[i].step)) ==
			0)
			return true;
	return false;
}

static void
nothing(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	(void)n;
	(void)v;
	sqlite3_result_null(ctx);
}

/* The database, where all statements can be prepared. */
static sqlite3 *
open_for_statements(void)
{
	static const char *const functions[] = {"pl_pack_id", "pl_id"};
	sqlite3 *db;
	size_t i;

	cr_assert_eq(sqlite3_open(stage_path(), &db), SQLITE_OK);
	for (i = 0; i < LENGTH(functions); i++)
		cr_assert_eq(sqlite3_create_function(db, functions[i], -1,
				 SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
				 nothing, NULL, NULL),
		    SQLITE_OK);
	return db;
}

static void
check_plan(sqlite3 *db, enum pl_sql which)
{
	char text[8192];
	sqlite3_stmt *st;
	const char *step;

	snprintf(
	    text, sizeof(text), "EXPLAIN QUERY PLAN %s", pl_sql_text[which]);
	cr_assert_eq(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK,
	    "%s: %s", pl_sql_name[which], sqlite3_errmsg(db));
	while (sqlite3_step(st) == SQLITE_ROW) {
		step = (const char *)sqlite3_column_text(st, 3);
		if (strncmp(step, "SCAN ", 5) == 0)
			cr_expect(is_meant(pl_sql_name[which], step), "%s: %s",
			    pl_sql_name[which], step);
		if (strstr(step, "TEMP B-TREE") != NULL)
			cr_expect(strstr(pl_sql_name[which], "list") != NULL ||
				      is_meant(pl_sql_name[which], step),
			    "%s: %s", pl_sql_name[which], step);
	}
	sqlite3_finalize(st);
}

/* No statement of the hot paths reads a whole table or sorts one. */
Test(store_sqlite, statements_find_their_rows_by_index)
{
	sqlite3 *db = open_for_statements();
	enum pl_sql which;

	for (which = (enum pl_sql)0; which < PL_SQL__MAX; which++)
		if (strncmp(pl_sql_text[which], "PRAGMA", 6) != 0)
			check_plan(db, which);
	sqlite3_close(db);
}

/* No statement takes a text apart: each is one statement, with its names. */
Test(store_sqlite, statements_are_one_each_and_bound_by_name)
{
	sqlite3 *db = open_for_statements();
	enum pl_sql which;
	sqlite3_stmt *st;
	const char *tail;
	int i;

	for (which = (enum pl_sql)0; which < PL_SQL__MAX; which++) {
		cr_assert_eq(
		    sqlite3_prepare_v2(db, pl_sql_text[which], -1, &st, &tail),
		    SQLITE_OK, "%s", pl_sql_name[which]);
		cr_expect_eq(strspn(tail, " \t\n"), strlen(tail), "%s: %s",
		    pl_sql_name[which], tail);
		for (i = 1; i <= sqlite3_bind_parameter_count(st); i++)
			cr_expect_not_null(sqlite3_bind_parameter_name(st, i),
			    "%s", pl_sql_name[which]);
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
}

/* ---- the news ---- */

static struct pl_news news;
static char own[PL_CONVERSATION_ID_LEN + 1]; /* of a third conversation */

/* Something that may happen: a beat, a leave, typing, or that time passes. */
static void
happen(unsigned int dice, int64_t now)
{
	const char *const ids[] = {"one", "two", own};
	unsigned int session = dice % 5, kind = dice / 5 % 6;
	struct pl_beat beat = {.kind = kind == 0   ? PL_LEAVE
				       : kind == 1 ? PL_TYPING
						   : PL_BEAT,
	    .tab = dice / 30 % 3,
	    .hidden = dice / 90 % 4 == 0,
	    .typing = kind == 1,
	    .seq = -1};
	bool all;

	stage_write(now);
	if (kind == 2)
		cr_assert_eq(stage->ops->settle(stage, 100, &all), PL_OK);
	else
		cr_assert_eq(stage->ops->beat(stage, ids[session % LENGTH(ids)],
				 stage_secret(session), &beat, &stage_result),
		    PL_OK);
	stage_commit();
}

/* Whoever is told by the news is told what the stream would have told, and not
 * to wait beyond the moment at which something runs out. */
Test(store_sqlite, news_are_what_the_stream_says)
{
	static struct pl_news_item items[PL_NEWS_MAX];
	static struct stage_page page;
	struct pl_event_query q = {.heartbeats = true, .limit = 100};
	struct pl_position p = stage_position(T0);
	unsigned int dice = 1, i, told = 0, known = 0;
	int64_t now = T0, upto, due, first;
	size_t j, n;

	stage_conversation(acme, "one", 0);
	stage_conversation(acme, "one", 3);
	stage_conversation(globex, "two", 1);
	stage_conversation(globex, "two", 4);
	stage_own(acme, 2, own);
	cr_assert_eq(pl_sqlite_set_news(stage, &news), PL_OK);
	for (i = 0; i < 2000; i++) { /* less than the retention */
		dice = dice * 1664525 + 1013904223;
		now += dice % 64 == 0 ? 60000 : (int64_t)(dice >> 8) % 1000;
		q.after = stage_position(now).seq;
		happen(dice >> 8, now);
		stage_events(&q, now, &page);
		if (!pl_news_read(&news, p.epoch, q.after, items, LENGTH(items),
			&n, &upto, &due)) {
			cr_assert_eq(page.n, 0);
			continue;
		}
		cr_assert_eq(stage->ops->due(stage, &first), PL_OK);
		cr_assert_leq(
		    due, first, "%lld ms late", (long long)(due - first));
		known += due != 0;
		cr_assert_eq(upto, page.upto);
		cr_assert_eq(n, page.n);
		for (j = 0; j < n; j++)
			expect_same(
			    &page.events[j].e, pl_news_event(&items[j]));
		told += (unsigned int)n;
	}
	cr_expect_gt(told, 1000);
	cr_expect_gt(known, 100, "%u", known);
}

/* Who lost a right, and what was removed, is not in what others are told. */
Test(store_sqlite, news_end_where_something_is_taken_back)
{
	struct pl_agent agent = {.name = "Ann", .scope = {acme, NULL}};
	struct pl_news_item items[8];
	uint8_t token[PL_HASH_LEN] = {1};
	struct pl_position p;
	int64_t due;
	size_t n;

	stage_conversation(acme, "one", 1);
	stage_conversation(acme, "two", 2);
	cr_assert_eq(pl_sqlite_set_news(stage, &news), PL_OK);
	stage_write(T0);
	cr_assert_eq(stage->ops->agent_add(stage, &agent, token), PL_OK);
	stage_commit();
	p = stage_position(T0);
	stage_beat("one", 1, 1, T0);
	stage_write(T0);
	cr_assert_eq(stage->ops->agent_revoke(stage, acme, "Ann"), PL_OK);
	stage_commit();
	cr_expect_not(pl_news_read(
	    &news, p.epoch, p.seq, items, LENGTH(items), &n, &p.at, &due));

	p = stage_position(T0);
	stage_beat("two", 2, 1, T0);
	cr_expect(pl_news_read(
	    &news, p.epoch, p.seq, items, LENGTH(items), &n, &p.at, &due));
	stage_remove(acme, "two", T0);
	cr_expect_not(pl_news_read(
	    &news, p.epoch, p.seq, items, LENGTH(items), &n, &p.at, &due));
	cr_expect_null(memmem(&news, sizeof(news), "two", strlen("two")));
}

/* Nor does anything of who is forgotten stay there who had left before. */
Test(store_sqlite, news_end_where_who_had_left_is_forgotten)
{
	static const char *const names[] = {"deleted", "forgotten", "device"};
	size_t i;

	cr_assert_eq(pl_sqlite_set_news(stage, &news), PL_OK);
	for (i = 0; i < LENGTH(names); i++)
		stage_conversation(acme, names[i], (unsigned int)i);
	for (i = 0; i < LENGTH(names); i++) {
		stage_beat(names[i], (unsigned int)i, 7, T0);
		stage_settle(T0 + 60000);
		cr_assert_not_null(
		    memmem(&news, sizeof(news), names[i], strlen(names[i])));
		stage_write(T0 + 60000);
		cr_assert_eq(i == 0 ? stage->ops->conversation_remove(
					  stage, acme, names[i])
			     : i == 1 ? stage->ops->changes_forget(
					    stage, acme, names[i], NULL)
				      : stage->ops->session_remove(stage, acme,
					    names[i], stage_secret(2)),
		    PL_OK);
		stage_commit();
		cr_expect_null(
		    memmem(&news, sizeof(news), names[i], strlen(names[i])),
		    "%s", names[i]);
	}
}
