/*
 * The ring of the latest events. The numbers of the store make sure that it is
 * whole: each transaction takes the counter from one number to another, and
 * one that does not begin where the last one ended begins the ring anew. So a
 * writer who knows nothing of the ring, or died before he came to it, leaves a
 * gap that every reader sees, and so does whoever takes something back.
 *
 * Writers have the store's turn. Readers look whether the ring was written
 * meanwhile, as with a sequence lock: Hans-J. Boehm, "Can Seqlocks Get Along
 * With Programming Language Memory Models?", 2012.
 */
#include <stdlib.h>
#include <string.h>

#include "news.h"

#define TRIES 3

enum pl_err
pl_draft_open(struct pl_draft *d, struct pl_news *news)
{
	*d = (struct pl_draft){.news = news};
	d->items = malloc(PL_NEWS_MAX * sizeof(*d->items));
	return d->items != NULL ? PL_OK : PL_ERR_NOMEM;
}

void
pl_draft_close(struct pl_draft *d)
{
	free(d->items);
	*d = (struct pl_draft){.news = NULL};
}

void
pl_draft_begin(struct pl_draft *d, int64_t due_at)
{
	d->n = 0;
	d->is_broken = false;
	d->due_at = due_at;
}

void
pl_draft_due(struct pl_draft *d, int64_t at)
{
	if (at < d->due_at)
		d->due_at = at;
}

static bool
set_item(struct pl_news_item *item, const struct pl_event *e)
{
	size_t len = strlen(e->public_id);

	if (len > PL_NEWS_ID)
		return false;
	item->seq = e->seq;
	item->company = e->company;
	item->at = e->at;
	item->expires_at = e->expires_at;
	item->connections = e->connections;
	item->kind = (uint8_t)e->kind;
	item->reason = (uint8_t)e->reason;
	item->status = (uint8_t)e->status;
	item->typing = e->typing;
	memcpy(item->session, e->session, PL_SESSION_LEN);
	memcpy(item->public_id, e->public_id, len + 1);
	return true;
}

struct pl_event
pl_news_event(const struct pl_news_item *item)
{
	struct pl_event e = {
	    .seq = item->seq,
	    .kind = (enum pl_event_kind)item->kind,
	    .reason = (enum pl_reason)item->reason,
	    .company = item->company,
	    .public_id = item->public_id,
	    .at = item->at,
	    .status = (enum pl_status)item->status,
	    .connections = item->connections,
	    .expires_at = item->expires_at,
	    .typing = item->typing,
	};

	memcpy(e.session, item->session, PL_SESSION_LEN);
	return e;
}

static bool
is_heartbeat_of(const struct pl_news_item *item, const struct pl_event *e)
{
	return item->kind == PL_EVENT_HEARTBEAT &&
	       e->kind == PL_EVENT_HEARTBEAT &&
	       memcmp(item->session, e->session, PL_SESSION_LEN) == 0;
}

void
pl_draft_add(struct pl_draft *d, const struct pl_event *e)
{
	size_t i = d->n;

	if (d->news == NULL || d->is_broken)
		return;
	if (i > 0 && is_heartbeat_of(&d->items[i - 1], e)) {
		if (d->items[i - 1].seq > e->seq)
			return;
		i = --d->n;
	}
	if (d->n == PL_NEWS_MAX) {
		d->is_broken = true;
		return;
	}
	for (; i > 0 && d->items[i - 1].seq > e->seq; i--)
		d->items[i] = d->items[i - 1];
	d->is_broken = !set_item(&d->items[i], e);
	d->n++;
}

/* Nothing before that number is told any more, or stays to be read. */
static void
clear(struct pl_news *news, const char *epoch, int64_t upto)
{
	memset(news->items, 0, sizeof(news->items));
	memcpy(news->epoch, epoch, sizeof(news->epoch));
	news->n = news->end = 0;
	news->after = news->upto = upto;
}

static bool
goes_on(const struct pl_news *news, const char *epoch, int64_t before)
{
	return news->upto == before && strcmp(news->epoch, epoch) == 0;
}

/* The oldest one goes if there is no room. */
static void
put(struct pl_news *news, const struct pl_news_item *item)
{
	struct pl_news_item *place = &news->items[news->end % PL_NEWS_MAX];

	if (news->n == PL_NEWS_MAX) {
		news->after = place->seq;
		news->n--;
	}
	*place = *item;
	news->end = (news->end + 1) % PL_NEWS_MAX;
	news->n++;
}

static void
publish(struct pl_news *news, const struct pl_draft *d, const char *epoch,
    int64_t before, int64_t upto)
{
	size_t i;

	news->due_at = d->due_at;
	if (d->is_broken) {
		clear(news, epoch, upto);
		return;
	}
	if (!goes_on(news, epoch, before))
		clear(news, epoch, before);
	for (i = 0; i < d->n; i++)
		put(news, &d->items[i]);
	news->upto = upto;
}

void
pl_draft_publish(
    struct pl_draft *d, const char *epoch, int64_t before, int64_t upto)
{
	uint32_t turn;

	if (d->news == NULL)
		return;
	turn = atomic_load(&d->news->turn);
	if (turn % 2 != 0) /* who wrote last did not come to his end */
		d->is_broken = true;
	turn |= 1;
	atomic_store(&d->news->turn, turn);
	atomic_thread_fence(memory_order_release);
	publish(d->news, d, epoch, before, upto);
	atomic_store_explicit(&d->news->turn, turn + 1, memory_order_release);
}

static const struct pl_news_item *
latest(const struct pl_news *news, uint32_t back)
{
	return &news->items[(news->end + PL_NEWS_MAX - back) % PL_NEWS_MAX];
}

static bool
copy(const struct pl_news *news, const char *epoch, int64_t after,
    struct pl_news_item *items, size_t most, size_t *n, int64_t *upto,
    int64_t *due_at)
{
	uint32_t back = 0;

	*n = 0;
	*upto = news->upto;
	*due_at = news->due_at;
	if (after < news->after || after >= *upto || news->n > PL_NEWS_MAX ||
	    memcmp(news->epoch, epoch, sizeof(news->epoch)) != 0)
		return false;
	while (back < news->n && latest(news, back + 1)->seq > after)
		back++;
	if (back > most)
		return false;
	for (; back > 0; back--) {
		items[*n] = *latest(news, back);
		items[(*n)++].public_id[PL_NEWS_ID] = '\0';
	}
	return true;
}

bool
pl_news_read(const struct pl_news *news, const char *epoch, int64_t after,
    struct pl_news_item *items, size_t most, size_t *n, int64_t *upto,
    int64_t *due_at)
{
	uint32_t turn;
	bool whole;
	int i;

	for (i = 0; i < TRIES; i++) {
		turn = atomic_load_explicit(&news->turn, memory_order_acquire);
		if ((turn & 1) != 0)
			continue;
		whole = copy(news, epoch, after, items, most, n, upto, due_at);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&news->turn, memory_order_relaxed) ==
		    turn)
			return whole;
	}
	return false;
}
