/*
 * Memory that runs out at every single allocation, and a disk that fails at
 * every single write: an error comes out, nothing leaks, nothing is half,
 * and afterwards everything works.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "store.h"
#include "../lib/fault.h"
#include "../lib/stage.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

static void
open_faulty(void)
{
	fault_install();
	tmpdir_make();
	pl_log_init("test", PL_LOG_ERROR);
	/* Errors are told in the log: here they are what is wanted. */
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
}

TestSuite(store_faults, .init = open_faulty, .fini = tmpdir_remove);

static enum pl_err
open_at(const char *path, struct pl_store **out)
{
	static const struct pl_rules rules = {60000, 150000, 2000, 5000};

	return pl_sqlite_open(out, path, true, &rules, 1000, T0);
}

/* ---- a scenario that touches everything ---- */

static enum pl_err
no_company(void *arg, const struct pl_company_row *row)
{
	(void)arg;
	(void)row;
	return PL_OK;
}

static enum pl_err
no_agent(void *arg, const struct pl_agent_row *row)
{
	(void)arg;
	(void)row;
	return PL_OK;
}

static enum pl_err
no_conversation(void *arg, const struct pl_conversation_row *row)
{
	(void)arg;
	(void)row;
	return PL_OK;
}

static enum pl_err
no_presence(void *arg, const struct pl_presence *p)
{
	(void)p;
	++*(size_t *)arg;
	return PL_OK;
}

static enum pl_err
no_event(void *arg, const struct pl_event *e)
{
	(void)e;
	++*(size_t *)arg;
	return PL_OK;
}

#define TRY(call)                                                              \
	do                                                                     \
		if ((err = (call)) != PL_OK)                                   \
			return err;                                            \
	while (0)

/* The people of one round: all names bear its number. */
static enum pl_err
add_people(struct pl_store *s, unsigned int round, struct pl_arena *arena)
{
	struct pl_conversation c = {.platform = "WIDGET", .inbox = "sales"};
	struct pl_agent agent = {.name = "anna"};
	uint8_t hash[PL_HASH_LEN];
	char name[32];
	enum pl_err err;
	bool yes;

	snprintf(name, sizeof(name), "company_%u", round);
	pl_secret_hash(name, hash);
	TRY(s->ops->company_add(s, name, hash, name, &c.company));
	TRY(s->ops->company_by_name(s, name, &c.company));
	TRY(s->ops->company_by_api_key(s, hash, &c.company));
	TRY(s->ops->company_by_site_key(s, name, &c.company));
	TRY(s->ops->origin_add(s, c.company, name));
	TRY(s->ops->origin_allowed(s, c.company, name, &yes));
	agent.scope = (struct pl_scope){c.company, "[\"sales\"]"};
	TRY(s->ops->agent_add(s, &agent, hash));
	TRY(s->ops->agent_by_token(s, hash, arena, &agent));
	TRY(s->ops->login_add(s, agent.id, hash, T0 + 100000));
	TRY(s->ops->agent_by_login(s, hash, arena, &agent));
	TRY(s->ops->login_remove(s, hash));
	c.public_id = "conv_1";
	TRY(s->ops->conversation_add(s, &c, stage_secret(2 * round), &yes));
	TRY(s->ops->conversation_add(s, &c, stage_secret(2 * round + 1), &yes));
	TRY(s->ops->agent_revoke(s, c.company, "anna"));
	TRY(s->ops->company_list(s, no_company, NULL));
	TRY(s->ops->agent_list(s, 0, no_agent, NULL));
	return s->ops->conversation_list(s, 0, 10, no_conversation, NULL);
}

static enum pl_err
beat_all(struct pl_store *s, unsigned int round, int64_t now)
{
	struct pl_beat_result r;
	enum pl_err err;
	uint64_t tab;
	bool changed;

	TRY(s->ops->begin(s, PL_TXN_WRITE, now));
	for (tab = 0; tab < 10; tab++)
		TRY(s->ops->beat(s, "conv_1",
		    stage_secret(2 * round + (unsigned int)tab % 2),
		    &(struct pl_beat){.tab = tab, .seq = -1}, &r));
	return s->ops->commit(s, &changed);
}

static enum pl_err
look(struct pl_store *s, unsigned int round, int64_t now)
{
	static const char *const ids[] = {"conv_1"};
	struct pl_scope scope = {0, "[\"sales\"]"};
	struct pl_event_query q = {
	    .scope = &scope, .heartbeats = true, .limit = 5};
	struct pl_counts counts;
	enum pl_err err;
	size_t n = 0;
	char name[32];
	bool changed;
	int64_t at;

	snprintf(name, sizeof(name), "company_%u", round);
	TRY(s->ops->begin(s, PL_TXN_READ, now));
	TRY(s->ops->company_by_name(s, name, &scope.company));
	TRY(s->ops->presence(s, &scope, "conv_1", no_presence, &n));
	TRY(s->ops->online(s, &scope, INT64_MAX, 0, 10, no_presence, &n));
	TRY(s->ops->events(s, &q, no_event, &n, &at));
	q.ids = ids;
	q.nids = 1;
	TRY(s->ops->events(s, &q, no_event, &n, &at));
	TRY(s->ops->due(s, &at));
	TRY(s->ops->counts(s, &counts));
	TRY(s->ops->online_count(s, 10, &at));
	TRY(s->ops->version(s, &at));
	return s->ops->commit(s, &changed);
}

static enum pl_err
run_out_and_remove(struct pl_store *s, unsigned int round, int64_t now)
{
	enum pl_err err;
	int64_t company;
	bool changed, all;
	char name[32];

	TRY(s->ops->begin(s, PL_TXN_WRITE, now));
	TRY(s->ops->settle(s, 100, &all));
	TRY(s->ops->check(s));
	snprintf(name, sizeof(name), "company_%u", round);
	TRY(s->ops->company_by_name(s, name, &company));
	TRY(s->ops->conversation_remove(s, company, "conv_1"));
	return s->ops->commit(s, &changed);
}

static enum pl_err
scenario(struct pl_store *s, unsigned int round, struct pl_arena *arena)
{
	enum pl_err err;
	bool changed;

	TRY(s->ops->begin(s, PL_TXN_WRITE, T0));
	TRY(add_people(s, round, arena));
	TRY(s->ops->commit(s, &changed));
	TRY(beat_all(s, round, T0));
	TRY(beat_all(s, round, T0 + 20000));
	TRY(look(s, round, T0 + 20000));
	TRY(run_out_and_remove(s, round, T0 + 70000));
	s->ops->tidy(s, false);
	/* The clock goes back to where the next round begins. */
	TRY(s->ops->begin(s, PL_TXN_WRITE, T0));
	return s->ops->commit(s, &changed);
}

/* As a program does: an error ends the turn. */
static enum pl_err
play(struct pl_store *s, unsigned int round)
{
	struct pl_arena arena;
	enum pl_err err;

	pl_arena_init(&arena);
	err = scenario(s, round, &arena);
	s->ops->rollback(s);
	pl_arena_close(&arena);
	return err;
}

static void
expect_sound(const char *path)
{
	sqlite3_stmt *st;
	sqlite3 *db;

	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(
	    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL),
	    SQLITE_OK);
	cr_assert_eq(sqlite3_step(st), SQLITE_ROW);
	cr_assert_str_eq((const char *)sqlite3_column_text(st, 0), "ok");
	sqlite3_finalize(st);
	cr_assert_eq(
	    sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &st, NULL),
	    SQLITE_OK);
	cr_assert_eq(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* ---- memory ---- */

/* Opening: it opens or says why not, and then opens at the next try. */
Test(store_faults, opening_survives_failing_allocations)
{
	const char *path = tmpdir_path("a.db");
	struct pl_store *s;
	enum pl_err err;
	long before;
	size_t n;

	cr_assert_eq(open_at(path, &s), PL_OK);
	s->ops->close(s);
	before = fault_blocks();
	for (n = 1;; n++) {
		unlink(path);
		fault_memory(n, 1);
		err = open_at(path, &s);
		if (!fault_hit())
			break;
		fault_memory(0, 0);
		if (err == PL_OK)
			s->ops->close(s);
		else
			cr_expect(err == PL_ERR_NOMEM || err == PL_ERR_STORE,
			    "%s", pl_strerror(err));
		cr_assert_eq(fault_blocks(), before,
		    "allocation %zu: %ld blocks leaked", n,
		    fault_blocks() - before);
		cr_assert_eq(
		    open_at(path, &s), PL_OK, "after allocation %zu", n);
		s->ops->close(s);
		cr_assert_eq(fault_blocks(), before);
	}
	s->ops->close(s);
	cr_expect_gt(n, 100, "only %zu allocations", n);
}

static void
copy_file(const char *from, const char *to)
{
	static char bytes[1 << 20];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t n;

	cr_assert(in != NULL && out != NULL);
	n = fread(bytes, 1, sizeof(bytes), in);
	cr_assert_lt(n, sizeof(bytes));
	cr_assert_eq(fwrite(bytes, 1, n, out), n);
	fclose(in);
	cr_assert_eq(fclose(out), 0);
}

/*
 * Everything else, each time with a young store and new statements: an
 * error, and after it all works. Every step-th allocation is the first of
 * `times` that fail.
 */
static void
fail_each_allocation(size_t step, size_t times)
{
	const char *young = tmpdir_path("young.db"),
		   *path = tmpdir_path("a.db");
	struct pl_store *s;
	enum pl_err err;
	long before;
	size_t n, errors = 0;

	cr_assert_eq(open_at(young, &s), PL_OK);
	cr_assert_eq(play(s, 0), PL_OK);
	s->ops->close(s);
	before = fault_blocks();
	for (n = 1;; n += step) {
		copy_file(young, path);
		cr_assert_eq(open_at(path, &s), PL_OK);
		fault_memory(n, times);
		err = play(s, 1);
		if (!fault_hit())
			break;
		fault_memory(0, 0);
		errors += err != PL_OK;
		cr_assert_eq(play(s, 2), PL_OK, "after allocation %zu: %s", n,
		    pl_strerror(err));
		s->ops->close(s);
		cr_assert_eq(fault_blocks(), before,
		    "allocation %zu: %ld blocks leaked", n,
		    fault_blocks() - before);
		if (n % 100 < step)
			expect_sound(path);
	}
	cr_expect_eq(err, PL_OK);
	s->ops->close(s);
	cr_expect_gt(errors, 50, "only %zu errors of %zu", errors, n);
}

Test(store_faults, scenario_survives_every_failing_allocation)
{
	fail_each_allocation(1, 1);
}

/* Three in a row: what is done about the first meets the next. */
Test(store_faults, scenario_survives_memory_that_stays_short)
{
	fail_each_allocation(3, 3);
}

static enum pl_err
remove_company(struct pl_store *s, const char *name)
{
	enum pl_err err;
	int64_t company;
	bool all, changed;

	TRY(s->ops->begin(s, PL_TXN_WRITE, T0));
	TRY(s->ops->company_by_name(s, name, &company));
	TRY(s->ops->company_remove(s, company, 100, &all));
	return s->ops->commit(s, &changed);
}

/* A company is there as it was, or it is gone. */
Test(store_faults, removing_a_company_survives_every_failing_allocation)
{
	const char *young = tmpdir_path("young.db"),
		   *path = tmpdir_path("a.db");
	struct pl_counts before, after;
	struct pl_arena arena;
	struct pl_store *s;
	enum pl_err err;
	bool changed;
	size_t n;

	cr_assert_eq(open_at(young, &s), PL_OK);
	pl_arena_init(&arena);
	cr_assert_eq(s->ops->begin(s, PL_TXN_WRITE, T0), PL_OK);
	cr_assert_eq(add_people(s, 1, &arena), PL_OK);
	cr_assert_eq(s->ops->commit(s, &changed), PL_OK);
	pl_arena_close(&arena);
	cr_assert_eq(beat_all(s, 1, T0), PL_OK);
	cr_assert_eq(s->ops->begin(s, PL_TXN_READ, T0), PL_OK);
	cr_assert_eq(s->ops->counts(s, &before), PL_OK);
	s->ops->rollback(s);
	s->ops->close(s);
	for (n = 1;; n++) {
		copy_file(young, path);
		cr_assert_eq(open_at(path, &s), PL_OK);
		fault_memory(n, 1);
		err = remove_company(s, "company_1");
		s->ops->rollback(s);
		if (!fault_hit())
			break;
		fault_memory(0, 0);
		cr_assert_eq(s->ops->begin(s, PL_TXN_READ, T0), PL_OK);
		cr_assert_eq(s->ops->counts(s, &after), PL_OK);
		s->ops->rollback(s);
		cr_assert_eq(after.companies, err == PL_OK ? 0 : 1);
		cr_assert_eq(after.tabs, err == PL_OK ? 0 : before.tabs);
		if (err != PL_OK)
			cr_assert_eq(remove_company(s, "company_1"), PL_OK);
		s->ops->close(s);
	}
	cr_expect_eq(err, PL_OK);
	s->ops->close(s);
	cr_expect_gt(n, 20, "only %zu allocations", n);
}

/* ---- the disk ---- */

/* Opening: likewise. */
Test(store_faults, opening_survives_every_failing_write)
{
	const char *path = tmpdir_path("a.db");
	struct pl_store *s;
	char wal[1100];
	size_t n;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	for (n = 1;; n++) {
		unlink(path);
		unlink(wal);
		fault_disk(n, 1);
		if (open_at(path, &s) == PL_OK)
			s->ops->close(s);
		if (!fault_hit())
			break;
		fault_disk(0, 0);
		cr_assert_eq(open_at(path, &s), PL_OK, "after write %zu", n);
		cr_assert_eq(play(s, 0), PL_OK, "after write %zu", n);
		s->ops->close(s);
		expect_sound(path);
	}
	cr_expect_gt(n, 5, "only %zu writes", n);
}

static enum pl_err
count_changes(struct pl_store *s, int64_t *changes)
{
	struct pl_counts counts;
	enum pl_err err;
	bool changed;

	TRY(s->ops->begin(s, PL_TXN_READ, T0));
	TRY(s->ops->counts(s, &counts));
	*changes = counts.changes;
	return s->ops->commit(s, &changed);
}

/* One turn with one failing write: it has happened or it has not. */
Test(store_faults, turn_is_whole_whatever_write_fails)
{
	const char *path = tmpdir_path("a.db");
	unsigned int round = 0;
	int64_t before, after;
	struct pl_arena arena;
	struct pl_store *s;
	enum pl_err err;
	bool changed;
	size_t n;

	cr_assert_eq(open_at(path, &s), PL_OK);
	for (n = 1;; n++) {
		round++;
		pl_arena_init(&arena);
		cr_assert_eq(s->ops->begin(s, PL_TXN_WRITE, T0), PL_OK);
		cr_assert_eq(add_people(s, round, &arena), PL_OK);
		cr_assert_eq(s->ops->commit(s, &changed), PL_OK);
		pl_arena_close(&arena);
		cr_assert_eq(count_changes(s, &before), PL_OK);
		fault_disk(n, 1);
		err = beat_all(s, round, T0);
		s->ops->rollback(s);
		if (!fault_hit())
			break;
		fault_disk(0, 0);
		cr_assert_eq(count_changes(s, &after), PL_OK);
		cr_assert_eq(after, err == PL_OK ? before + 2 : before,
		    "write %zu: %s, and %lld rows", n, pl_strerror(err),
		    (long long)(after - before));
		if (err != PL_OK)
			cr_assert_eq(beat_all(s, round, T0), PL_OK);
		expect_sound(path);
	}
	cr_expect_eq(err, PL_OK);
	cr_expect_gt(n, 2, "only %zu writes", n);
	s->ops->close(s);
	expect_sound(path);
}

/* Checkpoints and all: errors come out, then everything works. */
Test(store_faults, scenario_survives_every_failing_write)
{
	const char *path = tmpdir_path("a.db");
	unsigned int round = 0;
	struct pl_store *s;
	size_t n, errors = 0;
	enum pl_err err;

	for (n = 1;; n++) {
		cr_assert_eq(open_at(path, &s), PL_OK);
		fault_disk(n, 2);
		err = play(s, round++);
		if (fault_hit() && n % 2 == 0) {
			/* closing checkpoints: that may fail, too */
			s->ops->close(s);
			fault_disk(0, 0);
			cr_assert_eq(open_at(path, &s), PL_OK);
		}
		if (!fault_hit() && n % 2 != 0)
			break;
		fault_disk(0, 0);
		errors += err != PL_OK;
		cr_assert_eq(play(s, round++), PL_OK, "after write %zu: %s", n,
		    pl_strerror(err));
		s->ops->close(s);
		expect_sound(path);
	}
	s->ops->close(s);
	cr_expect_gt(errors, 10, "only %zu errors of %zu", errors, n);
}

/* A disk that stays broken: check() says so, reading goes on. */
Test(store_faults, broken_disk_is_told_by_check)
{
	struct pl_store *s;
	bool changed;
	int64_t n;

	cr_assert_eq(open_at(tmpdir_path("a.db"), &s), PL_OK);
	cr_assert_eq(play(s, 0), PL_OK);
	fault_disk(1, SIZE_MAX - 1);
	cr_assert_eq(s->ops->begin(s, PL_TXN_WRITE, T0 + 1), PL_OK);
	cr_expect_eq(s->ops->check(s), PL_OK);
	cr_expect_eq(s->ops->commit(s, &changed), PL_ERR_STORE);
	cr_expect(!changed);
	cr_expect_eq(count_changes(s, &n), PL_OK, "reading goes on");
	fault_disk(0, 0);
	cr_assert_eq(s->ops->begin(s, PL_TXN_WRITE, T0 + 2), PL_OK);
	cr_expect_eq(s->ops->check(s), PL_OK);
	cr_expect_eq(s->ops->commit(s, &changed), PL_OK);
	s->ops->close(s);
}
