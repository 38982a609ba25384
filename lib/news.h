#ifndef PL_NEWS_H
#define PL_NEWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

/*
 * The latest events, in memory that all processes share: who holds polls
 * tells them without opening the store. It may lack any of them, and then the
 * reader is told so and reads the stream; it never has one that was not
 * committed, and none that somebody has lost the right to, or that was to be
 * forgotten, since.
 */
#define PL_NEWS_MAX 256
#define PL_NEWS_ID 128 /* bytes of a conversation's id */

/* An event, all of it. */
struct pl_news_item {
	int64_t seq, company, at, expires_at;
	int32_t connections;
	uint8_t kind, reason, status, typing;
	uint8_t session[PL_SESSION_LEN];
	char public_id[PL_NEWS_ID + 1];
};

/* Zeroed memory has none. */
struct pl_news {
	_Atomic uint32_t turn; /* odd: it is being written */
	uint32_t n, end;       /* items[end - n .. end), around the ring */
	char epoch[PL_EPOCH_LEN + 1]; /* of the store */
	int64_t after, upto;          /* all with numbers in (after, upto] */
	int64_t due_at; /* nothing runs out before; 0: that is not known */
	struct pl_news_item items[PL_NEWS_MAX];
};

/* What a transaction will have to tell, if it is committed. */
struct pl_draft {
	struct pl_news *news; /* NULL: nobody is told */
	struct pl_news_item *items;
	size_t n;
	bool is_broken; /* not all of it, or something was taken back */
	int64_t due_at; /* nothing will run out before; 0: not known */
};

/* PL_ERR_NOMEM. */
enum pl_err pl_draft_open(struct pl_draft *, struct pl_news *) PL_MUST;
void pl_draft_close(struct pl_draft *);

/* Nothing runs out before due_at, as it stands; 0: that is not known. */
void pl_draft_begin(struct pl_draft *, int64_t due_at);
/* But something will at that moment. */
void pl_draft_due(struct pl_draft *, int64_t at);
/* In any order. A session's heartbeat that follows another is told once. */
void pl_draft_add(struct pl_draft *, const struct pl_event *);
/*
 * After the commit that took the numbers of that store from `before` to upto,
 * while its writer still has his turn: one at a time does this.
 */
void pl_draft_publish(
    struct pl_draft *, const char *epoch, int64_t before, int64_t upto);

/*
 * All events of that store with a number above `after`, up to *upto, in their
 * order, as copies, and before which moment nothing more runs out (0: that is
 * not known). False: not all of them are there, or there is nothing new, or
 * there are more than `most`.
 */
bool pl_news_read(const struct pl_news *, const char *epoch, int64_t after,
    struct pl_news_item *items, size_t most, size_t *n, int64_t *upto,
    int64_t *due_at);
/* The same as an event, which borrows the id. */
struct pl_event pl_news_event(const struct pl_news_item *);

#endif
