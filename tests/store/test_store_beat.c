/*
 * Beats, presence, settling, transactions: what every back end must do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"
#include "../lib/stage.h"
#include "../lib/test.h"

TestSuite(store_beat, .init = stage_open, .fini = stage_close);

static const struct pl_scope *
all_of(int64_t company)
{
	static struct pl_scope scope;

	scope = (struct pl_scope){company, NULL};
	return &scope;
}

/* A beat makes the conversation online, for its agents, until it runs out. */
Test(store_beat, beat_is_seen_as_presence)
{
	struct pl_state st;

	stage_conversation(acme, "conv_1", 1);
	cr_expect_eq(stage_presence(all_of(acme), "conv_1", T0, &st), PL_OK);
	cr_expect_eq(st.status, PL_OFFLINE);
	cr_expect_eq(st.last_beat_at, 0);
	stage_beat("conv_1", 1, 7, T0);
	cr_expect_eq(stage_result.company, acme);
	cr_expect_eq(stage_result.status, PL_ONLINE);
	cr_expect_eq(
	    stage_presence(all_of(acme), "conv_1", T0 + 59999, &st), PL_OK);
	cr_expect_eq(st.status, PL_ONLINE);
	cr_expect_eq(st.connections, 1);
	cr_expect_eq(
	    stage_presence(all_of(acme), "conv_1", T0 + 60000, &st), PL_OK);
	cr_expect_eq(st.status, PL_OFFLINE);
	cr_expect_eq(st.last_beat_at, T0);
}

/* All of a tab goes to the store and comes back. */
Test(store_beat, tab_comes_back_as_it_was)
{
	struct pl_beat typing = {.kind = PL_TYPING,
	    .tab = UINT64_C(0xfedcba9876543210),
	    .hidden = true,
	    .typing = true,
	    .seq = 41};
	struct pl_beat late = {
	    .kind = PL_LEAVE, .tab = UINT64_C(0xfedcba9876543210), .seq = 41};
	struct pl_beat_result r;
	struct pl_state st;

	stage_conversation(acme, "conv_1", 1);
	stage_write(T0);
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &typing, &r),
	    PL_OK);
	stage_commit();
	cr_expect_eq(r.status, PL_AWAY);
	stage_write(T0 + 1);
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &late, &r),
	    PL_OK);
	stage_commit();
	cr_expect_eq(r.status, PL_AWAY, "seq 41 was there already");
	cr_expect_eq(
	    stage_presence(all_of(acme), "conv_1", T0 + 5999, &st), PL_OK);
	cr_expect(st.typing);
	cr_expect_eq(st.expires_at, T0 + 150000);
}

/* Three ways to be refused, and all of them the same. */
Test(store_beat, refusals_are_all_the_same)
{
	struct pl_beat beat = {.tab = 7, .seq = -1};
	struct pl_beat_result r = {-1, PL_AWAY};

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_conversation_as(acme, "fb_1", 3, "FACEBOOK", "");
	stage_write(T0);
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(99), &beat, &r),
	    PL_ERR_FORBIDDEN, "no such session");
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(2), &beat, &r),
	    PL_ERR_FORBIDDEN, "another conversation's session");
	cr_expect_eq(
	    stage->ops->beat(stage, "nowhere", stage_secret(1), &beat, &r),
	    PL_ERR_FORBIDDEN, "no such conversation");
	cr_expect_eq(
	    stage->ops->beat(stage, "fb_1", stage_secret(3), &beat, &r),
	    PL_ERR_FORBIDDEN, "no widget");
	cr_expect_eq(r.company, -1, "the result is untouched");
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &r),
	    PL_OK, "a refusal does not spoil the turn");
	stage_commit();
}

/* Two companies may use the same id; a session belongs to one of them. */
Test(store_beat, companies_may_use_the_same_id)
{
	struct pl_state st;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(globex, "conv_1", 2);
	stage_beat("conv_1", 2, 7, T0);
	cr_expect_eq(stage_result.company, globex);
	cr_expect_eq(stage_presence(all_of(acme), "conv_1", T0, &st), PL_OK);
	cr_expect_eq(st.connections, 0);
	cr_expect_eq(stage_presence(all_of(globex), "conv_1", T0, &st), PL_OK);
	cr_expect_eq(st.connections, 1);
}

/* Other company, other inbox, not there: an agent cannot tell which. */
Test(store_beat, presence_is_for_those_eyes_only)
{
	struct pl_scope sales = {acme, "[\"sales\",\"press\"]"};
	struct pl_scope none = {acme, "[]"};
	struct pl_state st;

	stage_conversation_as(acme, "conv_s", 1, "WIDGET", "sales");
	stage_conversation_as(acme, "conv_h", 2, "WIDGET", "help");
	cr_expect_eq(stage_presence(&sales, "conv_s", T0, &st), PL_OK);
	cr_expect_eq(
	    stage_presence(&sales, "conv_h", T0, &st), PL_ERR_FORBIDDEN);
	cr_expect_eq(
	    stage_presence(&sales, "nowhere", T0, &st), PL_ERR_FORBIDDEN);
	cr_expect_eq(
	    stage_presence(&none, "conv_s", T0, &st), PL_ERR_FORBIDDEN);
	cr_expect_eq(stage_presence(all_of(globex), "conv_s", T0, &st),
	    PL_ERR_FORBIDDEN);
}

/* ---- settling ---- */

/* due() leads to the moment at which something runs out, and no further. */
Test(store_beat, due_is_the_next_moment)
{
	int64_t at;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_read(T0);
	cr_assert_eq(stage->ops->due(stage, &at), PL_OK);
	cr_expect_eq(at, INT64_MAX, "nobody is here");
	stage_commit();
	stage_beat("conv_1", 1, 7, T0 + 1000);
	stage_beat("conv_2", 2, 7, T0);
	stage_read(T0);
	cr_assert_eq(stage->ops->due(stage, &at), PL_OK);
	cr_expect_eq(at, T0 + 60000);
	stage_commit();
}

/* Whoever is late dates it right, and it happens once. */
Test(store_beat, settles_once_and_at_the_true_moment)
{
	static struct stage_page page;

	stage_conversation(acme, "conv_1", 1);
	stage_beat("conv_1", 1, 7, T0);
	stage_settle(T0 + 59999);
	stage_changes(0, T0 + 59999, &page);
	cr_expect_eq(page.n, 1);
	stage_settle(T0 + 500000);
	stage_settle(T0 + 500001);
	stage_changes(0, T0 + 500001, &page);
	cr_assert_eq(page.n, 2);
	cr_expect_eq(page.events[1].e.kind, PL_EVENT_OFFLINE);
	cr_expect_eq(page.events[1].e.reason, PL_REASON_TIMEOUT);
	cr_expect_eq(page.events[1].e.at, T0 + 60000);
	cr_expect_eq(page.events[1].e.status, PL_OFFLINE);
	cr_expect_eq(page.events[1].e.expires_at, 0);
}

/* A crowd that runs out at once is settled slice by slice, all of it once. */
Test(store_beat, settles_in_slices)
{
	static struct stage_page page;
	size_t i, slices = 0;
	bool all = false;
	char id[16];

	for (i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "conv_%zu", i);
		stage_conversation(acme, id, (unsigned int)i);
		stage_beat(id, (unsigned int)i, 7, T0 + (int64_t)(i % 7));
	}
	stage_write(T0 + 100000);
	cr_assert_eq(stage->ops->settle(stage, 1, &all), PL_OK);
	cr_expect(!all);
	stage_commit();
	stage_changes(300, T0 + 100000, &page);
	cr_expect_eq(page.n, 1, "%zu", page.n);
	while (!all && slices < 100) {
		stage_write(T0 + 100000);
		cr_assert_eq(stage->ops->settle(stage, 50, &all), PL_OK);
		stage_commit();
		slices++;
	}
	cr_expect_eq(slices, 6, "299 of them by 50: %zu", slices);
	stage_changes(0, T0 + 100000, &page);
	cr_expect_eq(page.n, 600);
	for (i = 300; i < 600; i++) {
		cr_expect_eq(page.events[i].e.kind, PL_EVENT_OFFLINE);
		cr_expect_leq(page.events[i].e.at, T0 + 60006);
	}
}

/* Exactly as many as `most`: it does not yet know that this was all. */
Test(store_beat, settle_of_none_is_all)
{
	bool all = false;

	stage_write(T0);
	cr_expect_eq(stage->ops->settle(stage, 5, &all), PL_OK);
	cr_expect(all);
	stage_commit();
}

/* Two processes notice at once: each going is told once, by one of them. */
Test(store_beat, two_processes_settle_once)
{
	static struct stage_page page;
	struct pl_store *other, *mine = stage;
	size_t i;
	char id[16];

	for (i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "conv_%zu", i);
		stage_conversation(acme, id, (unsigned int)i);
		stage_beat(id, (unsigned int)i, 7, T0 + (int64_t)i);
	}
	other = stage_again(T0);
	for (i = 0; i < 8; i++) {
		bool all, changed;

		stage = i % 2 ? other : mine;
		stage_write(T0 + 70000);
		cr_assert_eq(stage->ops->settle(stage, 7, &all), PL_OK);
		cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
		cr_expect_eq(changed, i < 6, "turn %zu", i);
	}
	stage = mine;
	other->ops->close(other);
	stage_changes(40, T0 + 70000, &page);
	cr_assert_eq(page.n, 40);
	for (i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "conv_%zu", i);
		cr_expect_str_eq(page.events[i].id, id);
		cr_expect_eq(page.events[i].e.at, T0 + (int64_t)i + 60000);
	}
}

/* ---- the list of who is here ---- */

struct list {
	char ids[100][32];
	int64_t since[100], id[100];
	size_t n;
	enum pl_err answer;
};

static enum pl_err
on_listed(void *arg, const struct pl_presence *p)
{
	struct list *list = arg;

	snprintf(list->ids[list->n], sizeof(list->ids[0]), "%s", p->public_id);
	list->since[list->n] = p->room->online_since;
	list->id[list->n++] = p->id;
	return list->answer;
}

static void
read_online(const struct pl_scope *scope, int64_t since, int64_t id,
    size_t limit, struct list *list)
{
	list->n = 0;
	stage_read(T0 + 1000);
	cr_assert_eq(
	    stage->ops->online(stage, scope, since, id, limit, on_listed, list),
	    list->answer);
	stage_commit();
}

/* The latest to come first; those that are not here are not in it. */
Test(store_beat, list_has_the_latest_first)
{
	struct list list = {.answer = PL_OK};

	stage_conversation(acme, "first", 1);
	stage_conversation(acme, "second", 2);
	stage_conversation(acme, "third", 3);
	stage_conversation(acme, "absent", 4);
	stage_conversation(globex, "other", 5);
	stage_beat("second", 2, 7, T0 + 2);
	stage_beat("first", 1, 7, T0 + 3);
	stage_beat("third", 3, 7, T0 + 4);
	stage_beat("other", 5, 7, T0 + 5);
	read_online(all_of(acme), INT64_MAX, INT64_MAX, 100, &list);
	cr_assert_eq(list.n, 3);
	cr_expect_str_eq(list.ids[0], "third");
	cr_expect_str_eq(list.ids[1], "first");
	cr_expect_str_eq(list.ids[2], "second");
	stage_settle(T0 + 60003);
	read_online(all_of(acme), INT64_MAX, INT64_MAX, 100, &list);
	cr_assert_eq(list.n, 1);
	cr_expect_str_eq(list.ids[0], "third");
}

/* By pages: all of them, each once, also those that came in one moment. */
Test(store_beat, list_comes_by_pages)
{
	struct list page = {.answer = PL_OK};
	int64_t since = INT64_MAX, id = INT64_MAX;
	size_t i, pages = 0, seen = 0;
	bool was[50] = {false};
	char name[16];

	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "conv_%zu", i);
		stage_conversation(acme, name, (unsigned int)i);
		stage_beat(name, (unsigned int)i, 7, T0 + (int64_t)(i / 10));
	}
	do {
		read_online(all_of(acme), since, id, 7, &page);
		for (i = 0; i < page.n; i++) {
			int n = atoi(page.ids[i] + 5);

			cr_expect(!was[n], "conv_%d twice", n);
			was[n] = true;
			cr_expect_leq(page.since[i], since);
			since = page.since[i];
			id = page.id[i];
		}
		seen += page.n;
		pages++;
	} while (page.n > 0 && pages < 20);
	cr_expect_eq(seen, 50);
	cr_expect_eq(pages, 9);
}

/* An agent of some inboxes sees those; of none, none. */
Test(store_beat, list_is_limited_to_inboxes)
{
	struct pl_scope sales = {acme, "[\"sales\"]"}, none = {acme, "[]"};
	struct pl_scope both = {acme, "[\"help\",\"sales\"]"};
	struct list list = {.answer = PL_OK};

	stage_conversation_as(acme, "conv_s", 1, "WIDGET", "sales");
	stage_conversation_as(acme, "conv_h", 2, "WIDGET", "help");
	stage_conversation_as(acme, "conv_0", 3, "WIDGET", "");
	stage_beat("conv_s", 1, 7, T0);
	stage_beat("conv_h", 2, 7, T0);
	stage_beat("conv_0", 3, 7, T0);
	read_online(&sales, INT64_MAX, INT64_MAX, 10, &list);
	cr_expect_eq(list.n, 1);
	cr_expect_str_eq(list.ids[0], "conv_s");
	read_online(&none, INT64_MAX, INT64_MAX, 10, &list);
	cr_expect_eq(list.n, 0);
	read_online(&both, INT64_MAX, INT64_MAX, 10, &list);
	cr_expect_eq(list.n, 2);
}

/* What a callback answers comes out, and the store goes on. */
Test(store_beat, callback_may_stop_the_list)
{
	struct list list = {.answer = PL_ERR_NOMEM};

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_2", 2, 7, T0);
	read_online(all_of(acme), INT64_MAX, INT64_MAX, 10, &list);
	cr_expect_eq(list.n, 1);
	list.answer = PL_OK;
	read_online(all_of(acme), INT64_MAX, INT64_MAX, 10, &list);
	cr_expect_eq(list.n, 2);
}

/* ---- transactions ---- */

/* After a rollback nothing of the turn has happened, no number was given. */
Test(store_beat, rollback_undoes_the_turn)
{
	struct pl_beat beat = {.tab = 7, .seq = -1};
	struct pl_position before, after;
	static struct stage_page page;
	struct pl_beat_result r;
	struct pl_state st;

	stage_conversation(acme, "conv_1", 1);
	before = stage_position(T0);
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &r),
	    PL_OK);
	stage->ops->rollback(stage);
	stage->ops->rollback(stage); /* legal at any time */
	after = stage_position(T0);
	cr_expect_eq(after.seq, before.seq);
	cr_expect_eq(stage_presence(all_of(acme), "conv_1", T0, &st), PL_OK);
	cr_expect_eq(st.connections, 0);
	stage_changes(0, T0, &page);
	cr_expect_eq(page.n, 0);
	stage_beat("conv_1", 1, 7, T0);
	stage_changes(0, T0, &page);
	cr_expect_eq(page.n, 1);
}

/* Many beats share a turn; a reader of before sees all or nothing. */
Test(store_beat, turn_is_seen_whole)
{
	struct pl_store *mine = stage, *reader = stage_again(T0);
	struct pl_beat beat = {.tab = 7, .seq = -1};
	static struct stage_page page;
	struct pl_beat_result r;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_write(T0);
	cr_assert_eq(
	    mine->ops->beat(mine, "conv_1", stage_secret(1), &beat, &r), PL_OK);
	cr_assert_eq(
	    mine->ops->beat(mine, "conv_2", stage_secret(2), &beat, &r), PL_OK);
	stage = reader;
	stage_changes(0, T0, &page);
	cr_expect_eq(page.n, 0);
	stage = mine;
	stage_commit();
	stage = reader;
	stage_changes(0, T0, &page);
	cr_expect_eq(page.n, 2);
	stage = mine;
	reader->ops->close(reader);
}

/* `changed` says whether readers have something new to look at. */
Test(store_beat, commit_tells_whether_something_changed)
{
	struct pl_beat beat = {.tab = 7, .seq = -1};
	struct pl_beat_result r;
	bool changed = true;

	stage_conversation(acme, "conv_1", 1);
	stage_write(T0);
	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
	cr_expect(!changed, "an empty turn");
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &r),
	    PL_OK);
	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
	cr_expect(changed, "a coming");
	stage_write(T0 + 1000);
	cr_assert_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &r),
	    PL_OK);
	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
	cr_expect(!changed, "a beat that came too soon");
	stage_write(T0 + 20000);
	cr_assert_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &r),
	    PL_OK);
	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
	cr_expect(changed, "a beat");
	stage_write(T0 + 20000);
	cr_assert_eq(stage->ops->check(stage), PL_OK);
	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
}

/* version() moves when another process wrote, whatever it wrote. */
Test(store_beat, version_moves_when_another_writes)
{
	struct pl_store *mine = stage, *other;
	int64_t before, after;

	stage_conversation(acme, "conv_1", 1);
	other = stage_again(T0);
	cr_assert_eq(mine->ops->version(mine, &before), PL_OK);
	cr_assert_eq(mine->ops->version(mine, &after), PL_OK);
	cr_expect_eq(before, after);
	stage = other;
	stage_beat("conv_1", 1, 7, T0);
	stage = mine;
	cr_assert_eq(mine->ops->version(mine, &after), PL_OK);
	cr_expect_neq(before, after);
	other->ops->close(other);
}

/* Another process has the writers' turn: told so in time, and over then. */
Test(store_beat, writer_waits_for_its_turn_but_not_for_ever)
{
	struct pl_store *mine = stage, *other = stage_again(T0);
	struct pl_state st;

	stage_conversation(acme, "conv_1", 1);
	stage_write(T0);
	cr_expect_eq(other->ops->begin(other, PL_TXN_WRITE, T0), PL_ERR_LOCKED);
	cr_expect_eq(other->ops->begin(other, PL_TXN_READ, T0), PL_OK,
	    "readers never wait");
	other->ops->rollback(other);
	stage_commit();
	stage = other;
	stage_beat("conv_1", 1, 7, T0);
	stage = mine;
	cr_expect_eq(stage_presence(all_of(acme), "conv_1", T0, &st), PL_OK);
	cr_expect_eq(st.connections, 1);
	other->ops->close(other);
}

/* ---- the clock is set ---- */

/* Back by an hour: everybody runs out after a window, not after the hour. */
Test(store_beat, clock_set_back_ends_nobody_late)
{
	static struct stage_page page;
	int64_t back = T0 - 3600000, at;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_2", 2, 7, T0);
	stage_settle(back);
	stage_read(back);
	cr_assert_eq(stage->ops->due(stage, &at), PL_OK);
	stage_commit();
	cr_expect_leq(at, back + 60000);
	stage_settle(back + 60000);
	stage_changes(2, back + 60000, &page);
	cr_assert_eq(page.n, 2);
	cr_expect_eq(page.events[0].e.at, back + 60000);
	cr_expect_eq(page.events[1].e.at, back + 60000);
}

/* Back, and the first to notice is a beat of somebody else. */
Test(store_beat, clock_set_back_is_noticed_by_any_write)
{
	int64_t back = T0 - 3600000, at;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_beat("conv_1", 1, 7, T0);
	stage_beat("conv_2", 2, 7, back);
	stage_read(back);
	cr_assert_eq(stage->ops->due(stage, &at), PL_OK);
	stage_commit();
	cr_expect_leq(at, back, "all are to be looked at anew");
	stage_settle(back + 60000);
	stage_read(back + 60000);
	cr_assert_eq(stage->ops->due(stage, &at), PL_OK);
	stage_commit();
	cr_expect_leq(at, back + 60000 + PL_TAB_MEMORY_MS);
}

/* Who waited two seconds to open the store and for his turn has an older time
 * than others wrote meanwhile: nothing has to be looked at anew. */
Test(store_beat, a_long_wait_is_no_clock_set_back)
{
	int64_t before, at;

	stage_conversation(acme, "conv_1", 1);
	stage_conversation(acme, "conv_2", 2);
	stage_beat("conv_1", 1, 7, T0 + 2000);
	stage_read(T0);
	cr_assert_eq(stage->ops->due(stage, &before), PL_OK);
	stage_commit();
	stage_settle(T0);
	stage_read(T0);
	cr_assert_eq(stage->ops->due(stage, &at), PL_OK);
	stage_commit();
	cr_expect_eq(at, before);
}

/* ---- bounds ---- */

/* Too many live tabs of one session: refused, and the rest stays as it was. */
Test(store_beat, refuses_too_many_tabs)
{
	struct pl_beat more = {.tab = 1000, .seq = -1};
	struct pl_beat_result r;
	struct pl_state st;
	uint64_t i;

	stage_conversation(acme, "conv_1", 1);
	for (i = 0; i < PL_TABS_MAX; i++)
		stage_beat("conv_1", 1, i, T0);
	stage_write(T0);
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &more, &r),
	    PL_ERR_RATE);
	stage_commit();
	cr_expect_eq(stage_presence(all_of(acme), "conv_1", T0, &st), PL_OK);
	cr_expect_eq(st.connections, PL_TABS_MAX);
}

/* Many sessions of a conversation: the oldest absent ones make room. */
Test(store_beat, sessions_of_a_conversation_are_bounded)
{
	struct pl_beat beat = {.tab = 7, .seq = -1};
	struct pl_beat_result r;
	unsigned int i;

	stage_conversation(acme, "conv_1", 0);
	stage_beat("conv_1", 0, 7, T0);
	for (i = 1; i <= 250; i++)
		stage_conversation(acme, "conv_1", i);
	stage_write(T0 + 1000);
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(0), &beat, &r),
	    PL_OK, "who is here stays");
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(1), &beat, &r),
	    PL_ERR_FORBIDDEN, "the oldest is gone");
	cr_expect_eq(
	    stage->ops->beat(stage, "conv_1", stage_secret(250), &beat, &r),
	    PL_OK, "the newest is there");
	stage_commit();
}

/* If all of them are here, nobody makes room, and none comes in. */
Test(store_beat, no_session_beyond_those_that_are_here)
{
	struct pl_conversation c = {.company = acme,
	    .public_id = "conv_1",
	    .platform = "WIDGET",
	    .inbox = ""};
	struct pl_state st;
	unsigned int i;
	bool created;

	for (i = 0; i < 200; i++) {
		stage_conversation(acme, "conv_1", i);
		stage_beat("conv_1", i, 7, T0);
	}
	stage_write(T0);
	cr_expect_eq(stage->ops->conversation_add(
			 stage, &c, stage_secret(200), &created),
	    PL_ERR_RATE);
	stage_commit();
	stage_leave("conv_1", 3, 7, T0);
	stage_write(T0 + 10000);
	cr_expect_eq(stage->ops->conversation_add(
			 stage, &c, stage_secret(200), &created),
	    PL_OK);
	stage_commit();
	cr_expect_eq(
	    stage_presence(all_of(acme), "conv_1", T0 + 10000, &st), PL_OK);
	cr_expect_eq(st.devices, 199);
}
