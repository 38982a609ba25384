/*
 * The ring of the latest events: what a reader gets is whole, or it is told
 * that it is not.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "news.h"
#include "../lib/test.h"

#define EPOCH "0123456789abcdef"
#define OTHER "fedcba9876543210"
#define MANY 1000 /* more than there is room for */

static struct pl_news *news;
static struct pl_draft draft;
static struct pl_news_item items[PL_NEWS_MAX];
static size_t n;
static int64_t upto, due;

static void
open_news(void)
{
	news = mmap(NULL, sizeof(*news), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(news, MAP_FAILED);
	cr_assert_eq(pl_draft_open(&draft, news), PL_OK);
}

static void
close_news(void)
{
	pl_draft_close(&draft);
	munmap(news, sizeof(*news));
}

TestSuite(news, .init = open_news, .fini = close_news);

static struct pl_event
event(int64_t seq, const char *id)
{
	return (struct pl_event){.seq = seq,
	    .kind = PL_EVENT_ONLINE,
	    .company = 7,
	    .public_id = id,
	    .session = {1, 2, 3},
	    .at = T0 + seq,
	    .status = PL_AWAY,
	    .connections = 2,
	    .expires_at = T0 + seq + 60000};
}

static struct pl_event
heartbeat(int64_t seq, uint8_t session)
{
	struct pl_event e = event(seq, "beats");

	e.kind = PL_EVENT_HEARTBEAT;
	e.session[0] = session;
	return e;
}

/* A transaction with one event, of the number after `before`. */
static void
tell(int64_t before, const char *id)
{
	struct pl_event e = event(before + 1, id);

	pl_draft_begin(&draft, T0);
	pl_draft_add(&draft, &e);
	pl_draft_publish(&draft, EPOCH, before, before + 1);
}

static bool
reads(int64_t after)
{
	return pl_news_read(
	    news, EPOCH, after, items, LENGTH(items), &n, &upto, &due);
}

Test(news, tells_what_was_published)
{
	struct pl_event e;

	tell(10, "one");
	tell(11, "two");
	cr_assert(reads(10));
	cr_expect_eq(n, 2);
	cr_expect_eq(upto, 12);
	e = pl_news_event(&items[1]);
	cr_expect_eq(e.seq, 12);
	cr_expect_eq(e.kind, PL_EVENT_ONLINE);
	cr_expect_eq(e.company, 7);
	cr_expect_str_eq(e.public_id, "two");
	cr_expect_eq(e.session[2], 3);
	cr_expect_eq(e.at, T0 + 12);
	cr_expect_eq(e.status, PL_AWAY);
	cr_expect_eq(e.connections, 2);
	cr_expect_eq(e.expires_at, T0 + 60012);
	cr_assert(reads(11));
	cr_expect_eq(n, 1);
	cr_expect_str_eq(items[0].public_id, "two");
}

/* The earliest moment of those that a writer knows of; 0 is that he does not.
 */
Test(news, tell_what_runs_out_next)
{
	pl_draft_begin(&draft, T0 + 60000);
	pl_draft_due(&draft, T0 + 70000);
	pl_draft_publish(&draft, EPOCH, 10, 11);
	cr_assert(reads(10));
	cr_expect_eq(due, T0 + 60000);
	pl_draft_begin(&draft, T0 + 60000);
	pl_draft_due(&draft, T0 + 5000);
	pl_draft_due(&draft, T0 + 6000);
	pl_draft_publish(&draft, EPOCH, 11, 12);
	cr_assert(reads(11));
	cr_expect_eq(due, T0 + 5000);
	pl_draft_begin(&draft, 0);
	pl_draft_due(&draft, T0 + 5000);
	pl_draft_publish(&draft, EPOCH, 12, 13);
	cr_assert(reads(12));
	cr_expect_eq(due, 0);
}

Test(news, says_when_there_is_nothing_or_not_all)
{
	cr_expect_not(reads(0));
	tell(10, "one");
	cr_expect_not(reads(11), "nothing new");
	cr_expect_not(reads(9), "what was before the first is not known");
	cr_expect_not(pl_news_read(
	    news, OTHER, 10, items, LENGTH(items), &n, &upto, &due));
	tell(11, "two");
	cr_expect_not(pl_news_read(news, EPOCH, 10, items, 1, &n, &upto, &due));
}

Test(news, begins_anew_after_a_gap)
{
	tell(10, "one");
	tell(12, "three");
	cr_expect_not(reads(10));
	cr_expect_not(reads(11));
	cr_assert(reads(12));
	cr_expect_eq(n, 1);
	cr_expect_str_eq(items[0].public_id, "three");
}

/* A transaction without events goes on in the numbers. */
Test(news, a_transaction_may_have_none)
{
	tell(10, "one");
	pl_draft_begin(&draft, T0);
	pl_draft_publish(&draft, EPOCH, 11, 20);
	tell(20, "two");
	cr_assert(reads(10));
	cr_expect_eq(n, 2);
	cr_assert(reads(11));
	cr_expect_eq(n, 1);
	cr_expect_eq(upto, 21);
}

Test(news, the_oldest_make_room)
{
	int64_t seq;

	for (seq = 0; seq < MANY; seq++)
		tell(seq, "some");
	cr_expect_not(reads(MANY - PL_NEWS_MAX - 1));
	cr_assert(reads(MANY - PL_NEWS_MAX));
	cr_expect_eq(n, PL_NEWS_MAX);
	cr_expect_eq(items[0].seq, MANY - PL_NEWS_MAX + 1);
	cr_expect_eq(items[n - 1].seq, MANY);
}

Test(news, a_transaction_with_too_many_is_a_gap)
{
	struct pl_event e;
	int64_t seq;

	tell(0, "one");
	pl_draft_begin(&draft, T0);
	for (seq = 2; seq <= MANY; seq++) {
		e = event(seq, "many");
		pl_draft_add(&draft, &e);
	}
	pl_draft_publish(&draft, EPOCH, 1, MANY);
	cr_expect_not(reads(1));
	cr_expect_not(reads(MANY - 1));
	tell(MANY, "after");
	cr_assert(reads(MANY));
	cr_expect_eq(n, 1);
}

static bool
is_anywhere(const char *what)
{
	return memmem(news, sizeof(*news), what, strlen(what)) != NULL;
}

/* Nobody is told it any more, and nobody finds it in the file. */
Test(news, what_is_taken_back_is_gone)
{
	tell(10, "somebody");
	cr_assert(is_anywhere("somebody"));
	pl_draft_begin(&draft, T0);
	draft.is_broken = true;
	pl_draft_publish(&draft, EPOCH, 11, 12);
	cr_expect_not(reads(10));
	cr_expect_not(is_anywhere("somebody"));
	tell(12, "next");
	cr_expect(reads(12));
}

/* Also where the one who took it back knew nothing of the ring. */
Test(news, what_lies_before_a_gap_is_gone)
{
	tell(10, "somebody");
	tell(12, "next");
	cr_expect_not(is_anywhere("somebody"));
}

Test(news, who_dies_while_he_writes_leaves_a_gap)
{
	tell(10, "one");
	news->turn++;
	cr_expect_not(reads(10));
	tell(11, "two");
	cr_expect_not(reads(10));
	cr_expect_not(reads(11), "it began with what was half written");
	tell(12, "three");
	cr_expect(reads(12));
}

Test(news, are_in_order_and_heartbeats_are_folded)
{
	struct pl_event list[] = {event(14, "d"), heartbeat(12, 1),
	    event(11, "a"), heartbeat(15, 1), heartbeat(16, 1),
	    heartbeat(17, 2)};
	const int64_t seqs[] = {11, 12, 14, 16, 17};
	size_t i;

	pl_draft_begin(&draft, T0);
	for (i = 0; i < LENGTH(list); i++)
		pl_draft_add(&draft, &list[i]);
	pl_draft_publish(&draft, EPOCH, 10, 17);
	cr_assert(reads(10));
	cr_assert_eq(n, LENGTH(seqs));
	for (i = 0; i < n; i++)
		cr_expect_eq(items[i].seq, seqs[i]);
}

Test(news, an_id_that_is_too_long_is_a_gap)
{
	char id[PL_NEWS_ID + 2];

	memset(id, 'x', sizeof(id));
	id[PL_NEWS_ID] = '\0';
	tell(10, id);
	cr_assert(reads(10));
	cr_expect_str_eq(items[0].public_id, id);
	id[PL_NEWS_ID] = 'x';
	id[PL_NEWS_ID + 1] = '\0';
	tell(11, id);
	cr_expect_not(reads(10));
	cr_expect_not(reads(11));
}

/* What is read beside a writer is what he wrote: ids that tell the number. */
Test(news, are_whole_while_they_are_written, .timeout = 60)
{
	int64_t seq, after = 0;
	char id[PL_NEWS_ID + 1];
	size_t i, told = 0;
	pid_t child = fork();
	int status;

	cr_assert_geq(child, 0);
	if (child == 0)
		alarm(60);
	for (seq = 0; child == 0; seq++) {
		snprintf(
		    id, sizeof(id), "%0*lld", PL_NEWS_ID, (long long)seq + 1);
		tell(seq, id);
	}
	while (told < 1000000) {
		/* Too far behind: from the older ones of those that are there.
		 * On a single core he writes more than these in each turn. */
		if (!reads(after)) {
			after = upto > 200 ? upto - 200 : 0;
			continue;
		}
		cr_assert_eq(items[0].seq, after + 1);
		cr_assert_eq(items[n - 1].seq, upto);
		for (i = 0; i < n; i++) {
			cr_assert_eq(items[i].seq, after + 1 + (int64_t)i);
			cr_assert_eq(atoll(items[i].public_id), items[i].seq);
		}
		told += n;
		after = upto;
	}
	kill(child, SIGKILL);
	cr_assert_eq(waitpid(child, &status, 0), child);
}
