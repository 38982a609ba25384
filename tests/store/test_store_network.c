/*
 * A database on a network file system: a rollback journal instead of the WAL,
 * and all else as always. The file system is what the test says it is
 * (fault.h); a real one is mounted by tests/e2e/doctor.test.js.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"
#include "../lib/fault.h"
#include "../lib/stage.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

#define NFS 0x6969

static void
open_on_nfs(void)
{
	fault_install();
	fault_file_system(NFS);
	stage_open();
}

TestSuite(store_network, .init = open_on_nfs, .fini = stage_close);

static struct pl_store *
open_again(bool on_network)
{
	fault_file_system(on_network ? NFS : 0);
	return stage_again(T0);
}

static enum pl_err
try_open(struct pl_store **out)
{
	return pl_sqlite_open(
	    out, stage_path(), false, &stage_rules, STAGE_RETENTION_MS, T0);
}

/* Refusals are told in the log; what they say is in this file. */
static const char *
log_to_file(void)
{
	const char *path = tmpdir_path("log");

	cr_assert_not_null(freopen(path, "w", stderr));
	return path;
}

static void
expect_log(const char *path, const char *words)
{
	char text[4096] = "";
	FILE *f = fopen(path, "r");

	cr_assert_not_null(f);
	cr_assert_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	fclose(f);
	cr_expect_not_null(strstr(text, words), "%s", text);
}

static bool
beside(const char *suffix)
{
	char path[1200];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", stage_path(), suffix);
	return stat(path, &st) == 0;
}

static int64_t
changes(int64_t now)
{
	static struct stage_page page;

	stage_changes(0, now, &page);
	return (int64_t)page.n;
}

/* No index in shared memory is ever made, and the journal is the owner's. */
Test(store_network, has_a_rollback_journal_and_no_wal)
{
	struct pl_beat beat = {.tab = 7, .seq = -1};
	struct pl_beat_result r;
	struct stat st;
	char path[1200];

	cr_expect_str_eq(pl_sqlite_netfs(stage), "NFS");
	stage_conversation(acme, "conv_1", 1);
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &r),
	    PL_OK);
	snprintf(path, sizeof(path), "%s-journal", stage_path());
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	stage_commit();
	stage->ops->tidy(stage, false);
	cr_expect(!beside("-journal"));
	cr_expect(!beside("-wal"));
	cr_expect(!beside("-shm"));
}

Test(store_network, says_nothing_on_a_disk)
{
	struct pl_store *s;

	stage->ops->close(stage);
	stage = NULL;
	s = open_again(false);
	cr_expect_null(pl_sqlite_netfs(s));
	s->ops->close(s);
}

/* The safety net of the polls: version() changes when another has written. */
Test(store_network, others_see_what_one_has_written)
{
	struct pl_store *other = open_again(true);
	int64_t before, after;

	stage_conversation(acme, "conv_1", 1);
	cr_assert_eq(other->ops->version(other, &before), PL_OK);
	cr_assert_eq(other->ops->version(other, &after), PL_OK);
	cr_expect_eq(before, after, "nothing happened");
	stage_beat("conv_1", 1, 7, T0);
	cr_assert_eq(other->ops->version(other, &after), PL_OK);
	cr_expect_neq(before, after);
	stage->ops->close(stage);
	stage = other;
	cr_expect_eq(changes(T0), 1);
}

/* What a crash left in the WAL is taken over with it. */
Test(store_network, takes_over_a_wal_that_nobody_has_open)
{
	struct pl_store *s;

	stage->ops->close(stage);
	stage = open_again(false);
	stage_conversation(acme, "conv_1", 1);
	pl_sqlite_set_brief(stage); /* closes without a checkpoint */
	stage_beat("conv_1", 1, 7, T0);
	stage->ops->close(stage);
	cr_assert(beside("-wal"), "there is something in the WAL");
	stage = open_again(true);
	cr_expect(!beside("-wal"));
	cr_expect(!beside("-shm"));
	cr_expect_eq(changes(T0), 1);
	/* And it is not held any longer than that takes. */
	s = open_again(true);
	cr_assert_eq(s->ops->begin(s, PL_TXN_WRITE, T0), PL_OK);
	s->ops->rollback(s);
	s->ops->close(s);
	stage_beat("conv_1", 1, 8, T0 + 10000);
}

/* Somebody may have its index in memory: it is refused, and is as it was. */
Test(store_network, refuses_a_wal_that_others_have_open)
{
	struct pl_store *s = NULL;
	const char *log = log_to_file();

	stage->ops->close(stage);
	stage = open_again(false);
	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	fault_file_system(NFS);
	cr_expect_eq(try_open(&s), PL_ERR_STORE);
	cr_expect_null(s);
	expect_log(log, "lies on NFS");
	expect_log(log, "end them all");
	cr_expect(beside("-wal"));
	stage_beat("conv_1", 1, 8, T0 + 10000);
	cr_expect_eq(changes(T0 + 10000), 1);
	stage->ops->close(stage);
	cr_assert_eq(try_open(&stage), PL_OK, "now that they have ended");
	cr_expect_eq(changes(T0 + 10000), 1);
}

/* Moved back to a disk, it has its WAL again. */
Test(store_network, has_its_wal_again_on_a_disk)
{
	stage_conversation(acme, "conv_1", 1);
	stage->ops->close(stage);
	stage = open_again(false);
	stage_beat("conv_1", 1, 7, T0);
	cr_expect(beside("-wal"));
	cr_expect_eq(changes(T0), 1);
}

/* A database of somebody else's is refused, and left in its WAL. */
Test(store_network, does_not_convert_a_foreign_database)
{
	const char *path = tmpdir_path("foreign.db");
	struct pl_store *s = NULL;
	sqlite3_stmt *st;
	sqlite3 *db;

	log_to_file();
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db,
			 "PRAGMA journal_mode = WAL; CREATE TABLE theirs (x)",
			 NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	cr_expect_eq(pl_sqlite_open(
			 &s, path, false, &stage_rules, STAGE_RETENTION_MS, T0),
	    PL_ERR_STORE);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(
	    sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &st, NULL),
	    SQLITE_OK);
	cr_assert_eq(sqlite3_step(st), SQLITE_ROW);
	cr_expect_str_eq((const char *)sqlite3_column_text(st, 0), "wal");
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* Who reads waits as who writes does; SQLite alone would retry at random. */
Test(store_network, readers_wait_for_their_turn)
{
	struct pl_store *other = open_again(true);

	stage_write(T0);
	cr_expect_eq(other->ops->begin(other, PL_TXN_READ, T0), PL_ERR_LOCKED);
	stage_commit();
	cr_expect_eq(other->ops->begin(other, PL_TXN_READ, T0), PL_OK);
	other->ops->rollback(other);
	stage_read(T0);
	stage_commit();
	other->ops->close(other);
}

#define PROCESSES 4
#define ROUNDS 50

/* Beats and looks, in turn with the others; exits with the first error. */
static void
work(unsigned int number)
{
	struct pl_store *s = NULL;
	struct pl_beat_result r;
	enum pl_err err = PL_OK;
	char id[16];
	int64_t n;
	bool yes;
	unsigned int i;

	snprintf(id, sizeof(id), "conv_%u", number);
	if (try_open(&s) != PL_OK)
		_exit(100);
	for (i = 0; i < ROUNDS && err == PL_OK; i++) {
		struct pl_beat beat = {.tab = i, .seq = -1};

		if ((err = s->ops->begin(s, PL_TXN_WRITE, T0 + i)) != PL_OK)
			break;
		err = s->ops->beat(s, id, stage_secret(number), &beat, &r);
		if (err == PL_OK)
			err = s->ops->commit(s, &yes);
		s->ops->rollback(s);
		if (err == PL_OK)
			err = s->ops->version(s, &n);
		if (err == PL_OK)
			err = s->ops->due(s, &n);
		if (err == PL_OK)
			err = s->ops->begin(s, PL_TXN_READ, T0 + i);
		if (err == PL_OK)
			err = s->ops->commit(s, &yes);
	}
	s->ops->close(s);
	_exit((int)err);
}

/* They keep each other out, and nobody is told "locked" for it. */
Test(store_network, several_processes_read_and_write)
{
	pid_t pids[PROCESSES];
	char id[16];
	unsigned int i;
	int status;

	for (i = 0; i < PROCESSES; i++) {
		snprintf(id, sizeof(id), "conv_%u", i);
		stage_conversation(acme, id, i);
	}
	/* A child must not close a database that its parent has open. */
	stage->ops->close(stage);
	stage = NULL;
	for (i = 0; i < PROCESSES; i++) {
		cr_assert_geq(pids[i] = fork(), 0);
		if (pids[i] == 0)
			work(i);
	}
	for (i = 0; i < PROCESSES; i++) {
		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "process %u: %s", i,
		    pl_strerror((enum pl_err)WEXITSTATUS(status)));
	}
	stage = stage_again(T0);
	cr_expect_eq(changes(T0 + ROUNDS), PROCESSES);
}

/* One turn with one failing write: it has happened or it has not. */
Test(store_network, turn_is_whole_whatever_write_fails)
{
	struct pl_beat beat = {.tab = 1, .seq = -1};
	struct pl_beat_result r;
	int64_t before, after;
	enum pl_err err;
	bool changed;
	char id[16];
	unsigned int n;

	log_to_file();
	for (n = 1;; n++) {
		snprintf(id, sizeof(id), "conv_%u", n);
		stage_conversation(acme, id, n);
		before = changes(T0);
		stage_write(T0);
		fault_disk(n, 1);
		err = stage->ops->beat(stage, id, stage_secret(n), &beat, &r);
		if (err == PL_OK)
			err = stage->ops->commit(stage, &changed);
		stage->ops->rollback(stage);
		if (!fault_hit())
			break;
		fault_disk(0, 0);
		after = changes(T0);
		cr_assert_eq(after, err == PL_OK ? before + 1 : before,
		    "write %u: %s", n, pl_strerror(err));
		if (err != PL_OK)
			stage_beat(id, n, 1, T0);
	}
	cr_expect_eq(err, PL_OK);
	cr_expect_gt(n, 5, "only %u writes", n);
}
