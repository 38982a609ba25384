#include <stdio.h>
#include <string.h>

#include "parked.h"
#include "../lib/test.h"

static struct pl_parked *parked;
static int woken;
static unsigned int told; /* a bit for each event that somebody was told */
static struct pl_waiter *last;
static bool stays;

static void
init(void)
{
	cr_assert_eq(pl_parked_new(&parked, 3000), PL_OK);
	woken = 0;
	told = 0;
	stays = false;
}

static void
drop(void *arg, struct pl_waiter *w)
{
	(void)arg;
	pl_parked_remove(parked, w);
}

static void
fini(void)
{
	pl_parked_each(parked, drop, NULL);
	cr_expect_eq(pl_parked_count(parked), 0);
	pl_parked_free(parked);
}

TestSuite(parked, .init = init, .fini = fini);

static struct pl_waiter *
add_as(int64_t company, const char *inboxes, const char *client, const char *id,
    bool heartbeats)
{
	struct pl_agent agent = {
	    .id = company * 10, .name = "x", .scope = {company, inboxes}};
	struct pl_watch watch = {.agent = &agent,
	    .client = client,
	    .ids = id != NULL ? &id : NULL,
	    .nids = id != NULL,
	    .heartbeats = heartbeats,
	    .seq = 100};
	struct pl_waiter *w = NULL;

	cr_assert_eq(pl_parked_add(parked, &watch, &w), PL_OK);
	return w;
}

static struct pl_event
event(int64_t seq, enum pl_event_kind kind, int64_t company, const char *id)
{
	return (struct pl_event){
	    .seq = seq, .kind = kind, .company = company, .public_id = id};
}

static void
on_woken(void *arg, struct pl_waiter *w, const bool *yes)
{
	size_t i, n = *(size_t *)arg;

	woken++;
	last = w;
	for (i = 0; yes != NULL && i < n; i++)
		told |= yes[i] ? 1u << i : 0;
	if (!stays)
		pl_parked_remove(parked, w);
}

static void
wake(const struct pl_event *events, size_t n)
{
	cr_assert_eq(pl_parked_wake(parked, events, n, on_woken, &n), PL_OK);
}

/* Who watches a conversation hears of it, and of no other. */
Test(parked, wakes_who_watches_the_conversation)
{
	struct pl_event events[] = {
	    event(101, PL_EVENT_ONLINE, 1, "b"),
	    event(102, PL_EVENT_ONLINE, 1, "a"),
	    event(103, PL_EVENT_HEARTBEAT, 1, "a"),
	};

	add_as(1, NULL, NULL, "a", true);
	add_as(1, NULL, NULL, "c", true);
	wake(events, 3);
	cr_expect_eq(woken, 1);
	cr_expect_eq(told, 6);
	cr_expect_eq(pl_parked_count(parked), 1);
}

/* Another company has conversations of the same name. */
Test(parked, keeps_companies_apart)
{
	struct pl_event e = event(101, PL_EVENT_ONLINE, 2, "a");

	add_as(1, NULL, NULL, "a", true);
	add_as(1, NULL, NULL, NULL, true);
	wake(&e, 1);
	cr_expect_eq(woken, 0);
}

/* Who watches all hears of comings and goings; of beats, if he said so. */
Test(parked, tells_beats_to_those_who_want_them)
{
	struct pl_event events[] = {
	    event(101, PL_EVENT_HEARTBEAT, 1, "a"),
	    event(102, PL_EVENT_OFFLINE, 1, "a"),
	};

	add_as(1, NULL, NULL, NULL, false);
	cr_expect_not(pl_parked_heartbeats(parked));
	wake(events, 1);
	cr_expect_eq(woken, 0);
	wake(events, 2);
	cr_expect_eq(told, 2);
	add_as(1, NULL, NULL, NULL, true);
	cr_expect(pl_parked_heartbeats(parked));
	wake(events, 1);
	cr_expect_eq(woken, 2);
}

/* What it has already is not told again. */
Test(parked, leaves_out_what_the_waiter_has)
{
	struct pl_event events[] = {
	    event(100, PL_EVENT_ONLINE, 1, "a"),
	    event(101, PL_EVENT_OFFLINE, 1, "a"),
	};

	add_as(1, NULL, NULL, "a", true);
	wake(events, 1);
	cr_expect_eq(woken, 0);
	wake(events, 2);
	cr_expect_eq(told, 2);
}

/* An agent limited to inboxes looks for himself, and may stay. */
Test(parked, lets_the_limited_look_for_themselves)
{
	struct pl_event e = event(101, PL_EVENT_ONLINE, 1, "a");

	stays = true;
	add_as(1, "[\"sales\"]", NULL, NULL, false);
	wake(&e, 1);
	cr_expect_eq(woken, 1);
	cr_expect_eq(told, 0);
	cr_expect_eq(pl_parked_count(parked), 1);
	cr_expect_str_eq(last->inboxes, "[\"sales\"]");
}

/* A client's poll is found by agent and name. */
Test(parked, finds_the_poll_of_a_client)
{
	struct pl_waiter *w = add_as(1, NULL, "tab", NULL, false);

	cr_expect_eq(pl_parked_find(parked, 10, "tab"), w);
	cr_expect_null(pl_parked_find(parked, 10, "other"));
	cr_expect_null(pl_parked_find(parked, 20, "tab"));
	pl_parked_remove(parked, w);
	cr_expect_null(pl_parked_find(parked, 10, "tab"));
}

/* Thousands of channels, each found; no more than max. */
Test(parked, holds_as_many_as_it_may)
{
	struct pl_agent agent = {.id = 1, .name = "x", .scope = {1, NULL}};
	struct pl_watch watch = {.agent = &agent};
	struct pl_waiter *w;
	struct pl_event e;
	char id[20];
	int i;

	for (i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "conv_%d", i);
		add_as(1, NULL, NULL, id, false);
	}
	cr_expect_eq(pl_parked_add(parked, &watch, &w), PL_ERR_BUSY);
	for (i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "conv_%d", i);
		e = event(101, PL_EVENT_ONLINE, 1, id);
		wake(&e, 1);
		cr_assert_eq(woken, i + 1);
	}
	cr_expect_eq(pl_parked_count(parked), 0);
}

/* What it watches is known by it, and the client's name is none of that. */
Test(parked, tells_what_is_watched)
{
	const char *ids[2] = {"conv_1", "a/b#c"}, *got[4];
	struct pl_agent agent = {
	    .id = 1, .name = "x", .scope = {1, "[\"sales\"]"}};
	struct pl_watch watch = {
	    .agent = &agent, .client = "tab/1", .ids = ids, .nids = 2};
	struct pl_waiter *w = NULL;

	cr_assert_eq(pl_parked_add(parked, &watch, &w), PL_OK);
	cr_assert_eq(pl_parked_ids(w, got, 4), 2);
	cr_expect_str_eq(got[0], "conv_1");
	cr_expect_str_eq(got[1], "a/b#c");
	cr_expect_eq(pl_parked_ids(w, got, 1), 1, "no more than there is room");
	w = add_as(1, NULL, "tab", NULL, false);
	cr_expect_eq(pl_parked_ids(w, got, 4), 0, "all of them");
}
