/*
 * The stream of changes: what every back end must do.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"
#include "../lib/stage.h"
#include "../lib/test.h"

TestSuite(store_stream, .init = stage_open, .fini = stage_close);

static struct stage_page page;

static struct pl_event_query
query_of(const struct pl_scope *scope, int64_t after)
{
	return (struct pl_event_query){
	    .scope = scope, .heartbeats = true, .after = after, .limit = 100};
}

static void
expect_event(size_t i, enum pl_event_kind kind, const char *id, int64_t at)
{
	cr_assert_lt(i, page.n, "only %zu events", page.n);
	cr_expect_eq(page.events[i].e.kind, kind, "event %zu: kind", i);
	cr_expect_str_eq(page.events[i].id, id, "event %zu", i);
	cr_expect_eq(page.events[i].e.at, at, "event %zu: at", i);
}

/* ---- comings and goings ---- */

/* An event bears all that the contract shows. */
Test(store_stream, event_bears_the_state_after_it)
{
	const struct pl_event *e;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_1", 2);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_1", 2, 8, T0 + 1000);
	stage_leave("conv_1", 1, 7, T0 + 2000);
	stage_settle(T0 + 4000);
	stage_changes(0, T0 + 4000, &page);
	cr_assert_eq(page.n, 3);
	expect_event(0, PL_EVENT_ONLINE, "conv_1", T0);
	expect_event(1, PL_EVENT_ONLINE, "conv_1", T0 + 1000);
	expect_event(2, PL_EVENT_OFFLINE, "conv_1", T0 + 4000);
	e = &page.events[1].e;
	cr_expect_eq(e->connections, 2);
	cr_expect_eq(e->status, PL_ONLINE);
	cr_expect_eq(e->expires_at, T0 + 61000);
	cr_expect_eq(e->reason, PL_REASON_NONE);
	cr_expect_eq(e->company, acme);
	cr_expect_arr_eq(e->session, stage_secret(2), PL_SESSION_LEN);
	e = &page.events[2].e;
	cr_expect_eq(e->connections, 1);
	cr_expect_eq(e->status, PL_ONLINE, "the other device is here");
	cr_expect_eq(e->reason, PL_REASON_LEFT);
	cr_expect_eq(e->expires_at, T0 + 61000);
	cr_expect_arr_eq(e->session, stage_secret(1), PL_SESSION_LEN);
}

/* After a number come those above it, and upto is the last there is. */
Test(store_stream, tells_what_comes_after_a_number)
{
	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_beat("conv_1", 1, 7, T0);
	stage_changes(0, T0, &page);
	cr_assert_eq(page.n, 1);
	cr_expect_eq(page.upto, page.events[0].e.seq);
	stage_changes(page.upto, T0, &page);
	cr_expect_eq(page.n, 0);
	stage_beat("conv_2", 2, 7, T0 + 1);
	stage_changes(page.upto, T0 + 1, &page);
	cr_expect_eq(page.n, 1);
	expect_event(0, PL_EVENT_ONLINE, "conv_2", T0 + 1);
	cr_expect_eq(page.upto, stage_position(T0).seq);
}

/* ---- heartbeats ---- */

/* Beats of a session are one heartbeat, with the latest of them. */
Test(store_stream, heartbeats_are_folded_into_the_latest)
{
	struct pl_scope all = {acme, NULL};
	struct pl_event_query q;
	int64_t at;

	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	stage_changes(0, T0, &page);
	q = query_of(&all, page.upto);
	for (at = T0 + 20000; at <= T0 + 100000; at += 20000)
		stage_beat("conv_1", 1, 7, at);
	stage_beat("conv_1", 1, 8, T0 + 101000);
	stage_events(&q, T0 + 102000, &page);
	cr_assert_eq(page.n, 1);
	expect_event(0, PL_EVENT_HEARTBEAT, "conv_1", T0 + 101000);
	cr_expect_eq(page.events[0].e.connections, 2);
	cr_expect_eq(page.events[0].e.status, PL_ONLINE);
	cr_expect_eq(page.events[0].e.expires_at, T0 + 161000);
	q.after = page.upto;
	stage_events(&q, T0 + 102000, &page);
	cr_expect_eq(page.n, 0, "told once");
}

/* Only to those who want them; a coming is no heartbeat beside. */
Test(store_stream, heartbeats_come_only_if_wanted)
{
	struct pl_scope all = {acme, NULL};
	struct pl_event_query q = query_of(&all, 0);

	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	stage_events(&q, T0, &page);
	cr_expect_eq(page.n, 1, "the coming alone");
	stage_beat("conv_1", 1, 7, T0 + 20000);
	q.heartbeats = false;
	stage_events(&q, T0 + 20000, &page);
	cr_expect_eq(page.n, 1);
	q.heartbeats = true;
	stage_events(&q, T0 + 20000, &page);
	cr_expect_eq(page.n, 2);
}

/* Hiding, typing, its end, a goodbye beside others: each is a heartbeat. */
Test(store_stream, small_changes_are_heartbeats)
{
	struct pl_scope all = {acme, NULL};
	struct pl_event_query q = query_of(&all, 0);
	struct pl_beat typing = {
	    .kind = PL_TYPING, .tab = 7, .typing = true, .seq = -1};
	struct pl_beat hidden = {.tab = 7, .hidden = true, .seq = -1};
	struct pl_beat_result r;

	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_1", 1, 8, T0 + 1);
	stage_events(&q, T0 + 1, &page);

	stage_write(T0 + 10);
	cr_assert_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &typing, &r),
	    PL_OK);
	stage_commit();
	q.after = page.upto;
	stage_events(&q, T0 + 10, &page);
	cr_assert_eq(page.n, 1);
	cr_expect(page.events[0].e.typing);

	stage_settle(T0 + 6010);
	q.after = page.upto;
	stage_events(&q, T0 + 6010, &page);
	cr_assert_eq(page.n, 1, "typing wore off");
	cr_expect(!page.events[0].e.typing);
	cr_expect_eq(page.events[0].e.at, T0 + 6010);

	stage_leave("conv_1", 1, 8, T0 + 7000);
	stage_settle(T0 + 9000);
	q.after = page.upto;
	stage_events(&q, T0 + 9000, &page);
	cr_assert_eq(page.n, 1, "one tab less");
	cr_expect_eq(page.events[0].e.connections, 1);

	stage_write(T0 + 9001);
	cr_assert_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &hidden, &r),
	    PL_OK);
	stage_commit();
	q.after = page.upto;
	stage_events(&q, T0 + 9001, &page);
	cr_assert_eq(page.n, 1);
	cr_expect_eq(page.events[0].e.status, PL_AWAY);
}

/* A going covers the beats before it. */
Test(store_stream, going_covers_the_beats_before_it)
{
	struct pl_scope all = {acme, NULL};
	struct pl_event_query q;

	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	q = query_of(&all, stage_position(T0).seq);
	stage_beat("conv_1", 1, 7, T0 + 20000);
	stage_leave("conv_1", 1, 7, T0 + 30000);
	stage_settle(T0 + 32000);
	stage_events(&q, T0 + 32000, &page);
	cr_assert_eq(page.n, 1);
	expect_event(0, PL_EVENT_OFFLINE, "conv_1", T0 + 32000);
}

/* ---- whose eyes ---- */

static void
two_companies(void)
{
	stage_conversation_as(acme, "conv_s", 1, "WIDGET", "sales");
	stage_conversation_as(acme, "conv_h", 2, "WIDGET", "help");
	stage_conversation_as(globex, "conv_g", 3, "WIDGET", "sales");
	stage_beat("conv_s", 1, 7, T0);
	stage_beat("conv_h", 2, 7, T0 + 1);
	stage_beat("conv_g", 3, 7, T0 + 2);
	stage_beat("conv_s", 1, 7, T0 + 20000);
	stage_beat("conv_h", 2, 7, T0 + 20001);
	stage_beat("conv_g", 3, 7, T0 + 20002);
}

/* Another company sees nothing: no coming, no heartbeat. */
Test(store_stream, companies_see_their_own)
{
	struct pl_scope scope = {globex, NULL}, nobody = {9999, NULL};
	struct pl_event_query q = query_of(&scope, 0);

	two_companies();
	stage_events(&q, T0 + 20002, &page);
	cr_expect_eq(page.n, 2);
	expect_event(0, PL_EVENT_ONLINE, "conv_g", T0 + 2);
	expect_event(1, PL_EVENT_HEARTBEAT, "conv_g", T0 + 20002);
	q.scope = &nobody;
	stage_events(&q, T0 + 20002, &page);
	cr_expect_eq(page.n, 0);
	cr_expect_eq(page.upto, stage_position(T0).seq, "it was all read");
}

/* An agent of some inboxes sees those, heartbeats too. */
Test(store_stream, inboxes_limit_what_is_seen)
{
	struct pl_scope sales = {acme, "[\"sales\"]"}, none = {acme, "[]"};
	struct pl_event_query q = query_of(&sales, 0);

	two_companies();
	stage_events(&q, T0 + 20002, &page);
	cr_expect_eq(page.n, 2);
	expect_event(0, PL_EVENT_ONLINE, "conv_s", T0);
	expect_event(1, PL_EVENT_HEARTBEAT, "conv_s", T0 + 20000);
	q.scope = &none;
	stage_events(&q, T0 + 20002, &page);
	cr_expect_eq(page.n, 0);
}

/* Named conversations: those, of the own company, in one's inboxes. */
Test(store_stream, named_conversations_only)
{
	static const char *const ids[] = {"conv_h", "conv_g", "nowhere"};
	struct pl_scope all = {acme, NULL};
	struct pl_event_query q = query_of(&all, 0);

	two_companies();
	q.ids = ids;
	q.nids = 3;
	stage_events(&q, T0 + 20002, &page);
	cr_expect_eq(page.n, 2);
	expect_event(0, PL_EVENT_ONLINE, "conv_h", T0 + 1);
	expect_event(1, PL_EVENT_HEARTBEAT, "conv_h", T0 + 20001);
	q.heartbeats = false;
	stage_events(&q, T0 + 20002, &page);
	cr_expect_eq(page.n, 1);
}

/* Whatever it is called. */
Test(store_stream, named_conversation_with_any_name)
{
	static const char *const ids[] = {"\"],[\"", "\\", "caf\xc3\xa9 %_*"};
	struct pl_scope all = {acme, NULL};
	struct pl_event_query q = query_of(&all, 0);
	unsigned int i;

	for (i = 0; i < LENGTH(ids); i++) {
		stage_conversation(acme, ids[i], i + 1);
		stage_beat(ids[i], i + 1, 7, T0);
	}
	for (i = 0; i < LENGTH(ids); i++) {
		q.ids = &ids[i];
		q.nids = 1;
		stage_events(&q, T0 + 1, &page);
		cr_assert_eq(page.n, 1);
		expect_event(0, PL_EVENT_ONLINE, ids[i], T0);
	}
}

enum { NAMED = 20 };
static char named[NAMED][16];
static const char *named_ids[NAMED];

/* conv_0 to conv_19, of which all are here, and somebody whom nobody names. */
static struct pl_event_query
name_many(const struct pl_scope *scope)
{
	struct pl_event_query q;
	size_t i;

	for (i = 0; i < NAMED; i++) {
		snprintf(named[i], sizeof(named[i]), "conv_%zu", i);
		named_ids[i] = named[i];
		stage_conversation(acme, named[i], (unsigned int)i);
		stage_beat(named[i], (unsigned int)i, 7, T0);
	}
	stage_conversation(acme, "other", 100);
	stage_beat("other", 100, 7, T0);
	q = query_of(scope, stage_position(T0).seq);
	q.ids = named_ids;
	q.nids = NAMED;
	return q;
}

/* Of many that are named: what was touched, and of that what is named. */
Test(store_stream, of_many_named_those_that_were_touched)
{
	struct pl_scope all = {acme, NULL}, sales = {acme, "[\"sales\"]"};
	struct pl_event_query q = name_many(&all);

	stage_events(&q, T0 + 20000, &page);
	cr_expect_eq(page.n, 0);
	stage_beat("conv_3", 3, 7, T0 + 20000);
	stage_beat("other", 100, 7, T0 + 20001);
	stage_beat("conv_17", 17, 7, T0 + 20002);
	stage_beat("conv_3", 3, 7, T0 + 30000);
	stage_events(&q, T0 + 30000, &page);
	cr_assert_eq(page.n, 2, "%zu events", page.n);
	expect_event(0, PL_EVENT_HEARTBEAT, "conv_17", T0 + 20002);
	expect_event(1, PL_EVENT_HEARTBEAT, "conv_3", T0 + 30000);
	cr_expect_eq(page.upto, stage_position(T0).seq);
	q.scope = &sales;
	stage_events(&q, T0 + 30000, &page);
	cr_expect_eq(page.n, 0, "not one's inbox");
}

/* More was touched than is named: none of those that are is forgotten. */
Test(store_stream, of_many_named_all_that_were_touched)
{
	struct pl_scope all = {acme, NULL};
	struct pl_event_query q = name_many(&all);
	int64_t at = T0 + 20000;
	unsigned int i;

	for (i = 0; i < NAMED; i++) {
		stage_beat("other", 100, 8 + i, ++at);
		stage_beat(named[i], i, 7, at);
	}
	stage_events(&q, at, &page);
	cr_expect_eq(page.n, NAMED, "%zu events", page.n);
}

/* The list of what was touched goes back so far; who is further behind is told
 * the same, from the tabs themselves. */
Test(store_stream, who_is_far_behind_misses_nothing)
{
	struct pl_event_query q = {.heartbeats = true, .limit = 10};
	struct pl_position now;
	sqlite3 *db;

	stage_conversation(acme, "conv_far", 200);
	stage_beat("conv_far", 200, 7, T0);
	q.after = stage_position(T0).seq;
	stage_beat("conv_far", 200, 7, T0 + 20000);
	cr_assert_eq(sqlite3_open(stage_path(), &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db,
			 "UPDATE touch SET seq = seq + 70000 "
			 "WHERE seq = (SELECT max(seq) FROM touch)",
			 NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	now = stage_position(T0 + 20000);
	cr_assert_gt(now.touched, q.after);
	stage_events(&q, T0 + 20000, &page);
	cr_assert_eq(page.n, 1);
	expect_event(0, PL_EVENT_HEARTBEAT, "conv_far", T0 + 20000);
	cr_expect_eq(page.upto, now.seq);
}

static enum pl_err
ask_for(const char *inboxes, const char *one, const char *other)
{
	const char *const ids[] = {one, other};
	struct pl_scope scope = {acme, inboxes};
	enum pl_err err;

	stage_read(T0);
	err = stage->ops->visible(stage, &scope, ids, other != NULL ? 2 : 1);
	stage_commit();
	return err;
}

/* Of those that are named, one that is not for those eyes is one too many. */
Test(store_stream, who_names_conversations_may_see_all_of_them_or_none)
{
	static const char sales[] = "[\"sales\"]";

	stage_conversation_as(acme, "conv_1", 1, "WIDGET", "sales");
	stage_conversation_as(acme, "a \"quote\"", 2, "WIDGET", "support");
	stage_conversation(globex, "conv_3", 3);
	cr_expect_eq(ask_for(NULL, "conv_1", "a \"quote\""), PL_OK);
	cr_expect_eq(ask_for(sales, "conv_1", NULL), PL_OK);
	cr_expect_eq(ask_for(sales, "conv_1", "a \"quote\""), PL_ERR_FORBIDDEN);
	cr_expect_eq(ask_for(NULL, "conv_1", "conv_3"), PL_ERR_FORBIDDEN);
	cr_expect_eq(ask_for(NULL, "none", "conv_1"), PL_ERR_FORBIDDEN);
}

/* Named, but in an inbox that is not one's own: nothing of it. */
Test(store_stream, naming_does_not_open_an_inbox)
{
	static const char *const ids[] = {"conv_h"};
	struct pl_scope sales = {acme, "[\"sales\"]"};
	struct pl_event_query q = query_of(&sales, 0);

	two_companies();
	q.ids = ids;
	q.nids = 1;
	stage_events(&q, T0 + 20002, &page);
	cr_expect_eq(page.n, 0, "%zu events", page.n);
}

/* ---- pages ---- */

static uint64_t dice;

/* splitmix64, https://prng.di.unimi.it/splitmix64.c: same numbers everywhere */
static unsigned int
roll(unsigned int sides)
{
	uint64_t z = (dice += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned int)((z ^ (z >> 31)) % sides);
}

#define CROWD 12

/* A busy hour of two companies: beats, goodbyes, silence. */
static void
busy(unsigned int turns, int64_t *at)
{
	unsigned int i, who;
	char id[16];

	for (i = 0; i < turns; i++) {
		who = roll(CROWD);
		snprintf(id, sizeof(id), "conv_%u", who);
		*at += roll(6000);
		if (roll(5) == 0)
			stage_leave(id, who, roll(2), *at);
		else
			stage_beat(id, who, roll(2), *at);
		if (roll(4) == 0)
			stage_settle(*at);
	}
}

static void
make_crowd(void)
{
	unsigned int i;
	char id[16];

	for (i = 0; i < CROWD; i++) {
		snprintf(id, sizeof(id), "conv_%u", i);
		stage_conversation(i % 3 ? acme : globex, id, i);
	}
}

struct reader {
	struct pl_event_query q;
	int64_t seen[2000];
	size_t n;
	bool here[CROWD];
};

/* Reads on to the end: numbers rise, comings and goings take turns. */
static void
read_on(struct reader *r, int64_t now, bool whole)
{
	size_t i, rounds = 0;
	int64_t before;
	int who;

	do {
		before = r->q.after;
		stage_events(&r->q, now, &page);
		cr_assert_leq(page.n, r->q.limit);
		cr_assert_geq(page.upto, before);
		for (i = 0; i < page.n; i++) {
			const struct pl_event *e = &page.events[i].e;

			cr_assert_gt(e->seq, before, "told again");
			cr_assert_leq(e->seq, page.upto, "told too early");
			if (i > 0)
				cr_assert_gt(e->seq, page.events[i - 1].e.seq);
			who = atoi(e->public_id + 5);
			if (e->kind == PL_EVENT_HEARTBEAT) {
				cr_assert(r->here[who], "beat of one away");
				continue;
			}
			cr_assert_neq(r->here[who], e->kind == PL_EVENT_ONLINE,
			    "conv_%d", who);
			r->here[who] = e->kind == PL_EVENT_ONLINE;
			r->seen[r->n++] = e->seq;
		}
		r->q.after = page.upto;
		cr_assert_lt(rounds++, 3000, "no end of it");
	} while (whole && r->q.after < stage_position(now).seq);
}

/* Pages of every small size, read while more comes: the stream is the same. */
Test(store_stream, pages_lose_and_repeat_nothing)
{
	static struct reader readers[8];
	struct pl_scope scope = {acme, NULL};
	int64_t at = T0;
	unsigned int round;
	size_t i;

	dice = 42;
	make_crowd();
	for (i = 0; i < LENGTH(readers); i++) {
		readers[i].q = query_of(i < 6 ? &scope : NULL, 0);
		readers[i].q.limit = (size_t[]){1, 2, 3, 7, 50, 1, 1, 5}[i];
		readers[i].q.heartbeats = i != 5;
	}
	for (round = 0; round < 12; round++) {
		busy(15, &at);
		for (i = 0; i < LENGTH(readers); i++)
			if (roll(2) == 0)
				read_on(&readers[i], at, roll(2) == 0);
	}
	for (i = 0; i < LENGTH(readers); i++)
		read_on(&readers[i], at, true);
	cr_assert_gt(readers[0].n, 40, "too quiet a test: %zu", readers[0].n);
	for (i = 1; i < 6; i++) {
		cr_assert_eq(readers[i].n, readers[0].n, "reader %zu", i);
		cr_assert_arr_eq(readers[i].seen, readers[0].seen,
		    readers[0].n * sizeof(readers[0].seen[0]));
	}
	cr_assert_gt(readers[6].n, readers[0].n, "all companies are more");
	cr_assert_eq(readers[6].n, readers[7].n);
	cr_assert_arr_eq(readers[6].seen, readers[7].seen,
	    readers[6].n * sizeof(readers[0].seen[0]));
}

/* ---- retention ---- */

/* What is older than the retention goes with a write, and `pruned` says so. */
Test(store_stream, old_changes_are_pruned_by_writes)
{
	int64_t later = T0 + STAGE_RETENTION_MS, first;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_beat("conv_1", 1, 7, T0);
	stage_settle(T0 + 60000);
	stage_changes(0, T0 + 60000, &page);
	cr_assert_eq(page.n, 2);
	first = page.events[0].e.seq;
	cr_expect_eq(stage_position(T0).pruned, 0);
	stage_beat("conv_2", 2, 7, later + 1);
	cr_expect_eq(stage_position(T0).pruned, first);
	stage_changes(0, later + 1, &page);
	cr_assert_eq(page.n, 2, "the old coming is gone, the going is not");
	expect_event(0, PL_EVENT_OFFLINE, "conv_1", T0 + 60000);
	stage_beat("conv_2", 2, 7, later + 60000);
	stage_changes(0, later + 60000, &page);
	cr_expect_eq(page.n, 2, "not older than the retention: exactly as old");
	stage_beat("conv_2", 2, 7, later + 65001);
	stage_changes(0, later + 65001, &page);
	cr_expect_eq(page.n, 1);
	cr_expect_eq(stage_position(T0).pruned, first + 1);
}

/* What was written while the clock was ahead is not kept until that time. */
Test(store_stream, changes_of_a_clock_that_was_ahead_are_pruned)
{
	int64_t ahead = T0 + 10 * INT64_C(31536000000), later;
	int i;

	stage_conversation(acme, "conv_1", 1);
	for (i = 0; i < 300; i++) {
		stage_beat("conv_1", 1, 7, ahead + i * 3000);
		stage_leave("conv_1", 1, 7, ahead + i * 3000);
		stage_settle(ahead + i * 3000 + 2000);
	}
	for (i = 0; i < 6; i++) {
		later = T0 + i * (STAGE_RETENTION_MS + 1000);
		stage_beat("conv_1", 1, 7, later);
	}
	stage_changes(0, later, &page);
	cr_expect_leq(page.n, 4, "%zu", page.n);
}

/* As it is now: nothing is tidied. */
static int64_t
pruned(int64_t now)
{
	struct pl_position p;

	stage_read(now);
	cr_assert_eq(stage->ops->position(stage, &p), PL_OK);
	stage->ops->rollback(stage);
	return p.pruned;
}

/* No beat waits for it: it comes after the answers, in its own transaction. */
Test(store_stream, old_changes_are_pruned_after_the_beat)
{
	int64_t later = T0 + STAGE_RETENTION_MS + 1;
	struct pl_beat beat = {.tab = 7, .seq = -1};
	struct pl_beat_result result;
	bool changed;

	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	stage_write(later);
	cr_assert_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &result),
	    PL_OK);
	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
	cr_expect_eq(pruned(later), 0);
	stage->ops->tidy(stage, true);
	cr_expect_eq(pruned(later), 0, "answers come first");
	stage->ops->tidy(stage, false);
	cr_expect_gt(pruned(later), 0);
}

/* By then another process may have written: that is no clock set back, after
 * which every lease would be looked at anew. */
Test(store_stream, pruning_late_is_no_clock_set_back)
{
	int64_t now = T0 + STAGE_RETENTION_MS + 1, later = now + 3500;
	struct pl_beat beat = {.tab = 8, .seq = -1};
	struct pl_beat_result result;
	struct pl_position before, after;
	struct pl_store *other;
	bool changed;

	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	stage_write(now);
	cr_assert_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &result),
	    PL_OK);
	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
	other = stage_again(later);
	cr_assert_eq(other->ops->begin(other, PL_TXN_WRITE, later), PL_OK);
	cr_assert_eq(
	    other->ops->beat(other, "conv_1", stage_secret(1), &beat, &result),
	    PL_OK);
	cr_assert_eq(other->ops->check(other), PL_OK);
	cr_assert_eq(other->ops->commit(other, &changed), PL_OK);
	other->ops->close(other);
	stage_read(later);
	cr_assert_eq(stage->ops->position(stage, &before), PL_OK);
	stage->ops->rollback(stage);
	cr_assert_eq(before.at, later);
	cr_assert_gt(before.due_at, later);
	stage_read(now); /* the turn that wrote goes on: at its own time */
	stage->ops->rollback(stage);
	stage->ops->tidy(stage, false);
	stage_read(later);
	cr_assert_eq(stage->ops->position(stage, &after), PL_OK);
	stage->ops->rollback(stage);
	cr_expect_gt(after.pruned, 0);
	cr_expect_eq(after.at, later);
	cr_expect_eq(after.due_at, before.due_at);
}

/* ---- cursors ---- */

/* There and back; 0 is the start of a store that has lost nothing. */
Test(store_stream, cursor_goes_there_and_back)
{
	struct pl_position p = stage_position(T0);
	char text[PL_CURSOR_LEN];
	int64_t seq = -1;

	p.seq = 1000;
	p.pruned = 10;
	pl_cursor_format(&p, 999, text);
	cr_expect_eq(pl_cursor_parse(&p, text, &seq), PL_OK);
	cr_expect_eq(seq, 999);
	pl_cursor_format(&p, 1000, text);
	cr_expect_eq(pl_cursor_parse(&p, text, &seq), PL_OK);
	pl_cursor_format(&p, 10, text);
	cr_expect_eq(pl_cursor_parse(&p, text, &seq), PL_OK);
}

/* Too old, from the future, of another store, no cursor: all need a reset. */
Test(store_stream, cursor_that_is_no_good_is_told)
{
	struct pl_position p = stage_position(T0);
	char text[PL_CURSOR_LEN];
	int64_t seq = -7;

	p.seq = 1000;
	p.pruned = 10;
	pl_cursor_format(&p, 9, text);
	cr_expect_eq(pl_cursor_parse(&p, text, &seq), PL_ERR_NOT_FOUND);
	pl_cursor_format(&p, 1001, text);
	cr_expect_eq(pl_cursor_parse(&p, text, &seq), PL_ERR_NOT_FOUND);
	pl_cursor_format(&p, 500, text);
	text[3] = text[3] == '0' ? '1' : '0';
	cr_expect_eq(pl_cursor_parse(&p, text, &seq), PL_ERR_NOT_FOUND);
	cr_expect_eq(pl_cursor_parse(&p, "", &seq), PL_ERR_NOT_FOUND);
	cr_expect_eq(pl_cursor_parse(&p, "abc", &seq), PL_ERR_NOT_FOUND);
	cr_expect_eq(seq, -7, "untouched");
}

/* Every store has its own epoch, and keeps it. */
Test(store_stream, epoch_is_the_stores_own)
{
	struct pl_position first = stage_position(T0), again, other;

	stage->ops->close(stage);
	stage = stage_again(T0);
	again = stage_position(T0);
	cr_expect_str_eq(first.epoch, again.epoch);
	cr_expect_eq(strlen(first.epoch), PL_EPOCH_LEN);
	stage_close();
	stage_open();
	other = stage_position(T0);
	cr_expect_str_neq(first.epoch, other.epoch);
}

/* ---- removal ---- */

/* A conversation that is removed: one going, and nothing else of it. */
Test(store_stream, removed_conversation_leaves_one_going)
{
	struct pl_scope all = {acme, NULL};
	struct pl_event_query q = query_of(&all, 0);
	struct pl_beat beat = {.tab = 7, .seq = -1};
	struct pl_beat_result r;
	struct pl_counts counts;
	struct pl_state st;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_1", 1, 8, T0);
	stage_settle(T0 + 60000);
	stage_beat("conv_1", 1, 7, T0 + 70000);
	stage_beat("conv_1", 1, 7, T0 + 90000);
	stage_beat("conv_2", 2, 7, T0 + 90000);
	stage_remove(acme, "conv_1", T0 + 100000);
	stage_events(&q, T0 + 100000, &page);
	cr_assert_eq(page.n, 2, "%zu", page.n);
	expect_event(0, PL_EVENT_ONLINE, "conv_2", T0 + 90000);
	expect_event(1, PL_EVENT_OFFLINE, "conv_1", T0 + 100000);
	cr_expect_eq(page.events[1].e.reason, PL_REASON_LEFT);
	cr_expect_eq(page.events[1].e.connections, 0);
	cr_expect_eq(stage_presence(&all, "conv_1", T0, &st), PL_ERR_FORBIDDEN);
	stage_write(T0 + 100000);
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &r),
	    PL_ERR_FORBIDDEN);
	cr_assert_eq(stage->ops->counts(stage, &counts), PL_OK);
	cr_expect_eq(counts.conversations, 1);
	cr_expect_eq(counts.tabs, 1);
	cr_expect_eq(counts.changes, 2);
	stage->ops->rollback(stage);
}

/* Who went before, and that was told to some: the others hear of it too. */
Test(store_stream, removed_conversation_leaves_a_going_of_before)
{
	struct pl_scope all = {acme, NULL};
	struct pl_event_query q = query_of(&all, 0);

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_1", 2);
	stage_beat("conv_1", 1, 7, T0);
	q.after = stage_position(T0).seq; /* saw him come, and not yet go */
	stage_settle(T0 + 60000);
	stage_beat("conv_1", 2, 7, T0 + 70000);
	stage_remove(acme, "conv_1", T0 + 100000);
	stage_conversation(acme, "conv_1", 3);
	stage_remove(acme, "conv_1", T0 + 110000);
	stage_events(&q, T0 + 120000, &page);
	cr_assert_eq(page.n, 2, "%zu", page.n);
	expect_event(0, PL_EVENT_OFFLINE, "conv_1", T0 + 60000);
	cr_expect_eq(page.events[0].e.reason, PL_REASON_TIMEOUT);
	expect_event(1, PL_EVENT_OFFLINE, "conv_1", T0 + 100000);
}

/* One that nobody was in leaves nothing at all; nor does a second removal. */
Test(store_stream, removed_empty_conversation_leaves_nothing)
{
	stage_conversation(acme, "conv_1", 1);
	stage_write(T0);
	cr_expect_eq(stage->ops->conversation_remove(stage, globex, "conv_1"),
	    PL_ERR_FORBIDDEN, "another company's");
	stage->ops->rollback(stage);
	stage_remove(acme, "conv_1", T0);
	stage_write(T0);
	cr_expect_eq(stage->ops->conversation_remove(stage, acme, "conv_1"),
	    PL_ERR_FORBIDDEN);
	stage->ops->rollback(stage);
	stage_changes(0, T0, &page);
	cr_expect_eq(page.n, 0);
}

/* The same id made anew is a new conversation. */
Test(store_stream, removed_id_may_come_again)
{
	struct pl_scope all = {acme, NULL};
	struct pl_state st;

	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	stage_remove(acme, "conv_1", T0 + 1000);
	stage_conversation(acme, "conv_1", 1);
	cr_expect_eq(stage_presence(&all, "conv_1", T0 + 2000, &st), PL_OK);
	cr_expect_eq(st.connections, 0);
	cr_expect_eq(st.last_beat_at, 0);
}

/* Whoever saw him come sees him go, and nobody else. */
Test(store_stream, last_going_is_for_whom_the_conversation_was)
{
	static const char *const ids[] = {"conv_1"};
	static const struct {
		const char *inboxes;
		size_t n;
	} eyes[] = {{NULL, 1}, {"[\"help\",\"sales\"]", 1}, {"[\"help\"]", 0},
	    {"[\"\"]", 0}, {"[]", 0}};
	struct pl_scope scope = {globex, NULL};
	struct pl_event_query q = {.scope = &scope, .limit = 100};
	size_t i;

	stage_conversation_as(acme, "conv_1", 1, "WIDGET", "sales");
	stage_beat("conv_1", 1, 7, T0);
	stage_remove(acme, "conv_1", T0 + 1000);
	stage_conversation_as(globex, "conv_1", 2, "WIDGET", "sales");
	stage_events(&q, T0 + 1000, &page);
	cr_expect_eq(page.n, 0, "another company");
	for (i = 0; i < LENGTH(eyes) * 2; i++) {
		scope = (struct pl_scope){acme, eyes[i / 2].inboxes};
		q.ids = i % 2 == 0 ? NULL : ids;
		q.nids = i % 2;
		stage_events(&q, T0 + 1000, &page);
		cr_assert_eq(page.n, eyes[i / 2].n, "%zu: %zu", i, page.n);
		if (page.n > 0)
			expect_event(0, PL_EVENT_OFFLINE, "conv_1", T0 + 1000);
	}
	stage_changes(0, T0 + 1000, &page);
	cr_assert_eq(page.n, 1);
	expect_event(0, PL_EVENT_OFFLINE, "conv_1", T0 + 1000);
	cr_expect_eq(page.events[0].e.company, acme);
}

/* One that is there and one that was, under the same id. */
Test(store_stream, removed_id_is_forgotten_whoever_bore_it)
{
	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	stage_remove(acme, "conv_1", T0 + 1000);
	stage_conversation(acme, "conv_1", 2);
	stage_beat("conv_1", 2, 7, T0 + 2000);
	stage_changes(0, T0 + 2000, &page);
	cr_assert_eq(page.n, 2);
	stage_write(T0 + 3000);
	cr_assert_eq(
	    stage->ops->changes_forget(stage, acme, "conv_1", NULL), PL_OK);
	stage_commit();
	stage_changes(0, T0 + 3000, &page);
	cr_expect_eq(page.n, 0, "%zu", page.n);
}

/* Forgotten by itself, be it as soon as he is gone: that he went is told. */
Test(store_stream, forgotten_conversation_leaves_its_last_going)
{
	struct pl_scope sales = {acme, "[\"sales\"]"}, other = {globex, NULL};
	struct pl_event_query q = query_of(&sales, 0);
	struct pl_state st;

	stage_conversation_as(acme, "conv_1", 1, "WIDGET", "sales");
	stage_beat("conv_1", 1, 7, T0);
	pl_sqlite_set_retention(stage, 1000);
	stage_settle(T0 + 60000);
	cr_assert_eq(stage_presence(&sales, "conv_1", T0, &st),
	    PL_ERR_FORBIDDEN, "it is gone");
	stage_events(&q, T0 + 60000, &page);
	cr_assert_eq(page.n, 1, "%zu", page.n);
	expect_event(0, PL_EVENT_OFFLINE, "conv_1", T0 + 60000);
	cr_expect_eq(page.events[0].e.reason, PL_REASON_TIMEOUT);
	/* Its number is nobody else's. */
	stage_conversation_as(acme, "conv_2", 2, "WIDGET", "sales");
	stage_events(&q, T0 + 60000, &page);
	cr_expect_eq(page.n, 1, "%zu", page.n);
	stage_conversation_as(globex, "conv_3", 3, "WIDGET", "sales");
	q.scope = &other;
	stage_events(&q, T0 + 60000, &page);
	cr_expect_eq(page.n, 0, "%zu", page.n);
	stage_changes(0, T0 + 60000, &page);
	cr_assert_eq(page.n, 1, "%zu", page.n);
	expect_event(0, PL_EVENT_OFFLINE, "conv_1", T0 + 60000);
}
