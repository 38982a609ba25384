#ifndef PL_POLLS_H
#define PL_POLLS_H

#include "app.h"
#include "auth.h"
#include "parked.h"

/*
 * Held polls: parked.c knows what they wait for, fcgi.c holds their
 * connections, the store has what happened. This brings them together.
 */

/* A poll to be held after the turn: made by its endpoint, in the arena. */
struct pl_poll {
	struct pl_watch watch;
	const struct pl_credential *credential;
	int64_t timeout_ms;
};

enum pl_err pl_polls_new(struct pl_polls **, struct pl_app *) PL_MUST;
void pl_polls_free(struct pl_polls *);
size_t pl_polls_count(const struct pl_polls *);

/* Answers the older poll of that agent's client, empty; it is superseded.
 * `anywhere`: in another process, too. A poll that will be held itself does
 * without that: it takes the older one's place. */
void pl_polls_supersede(
    struct pl_polls *, int64_t agent, const char *client, bool anywhere);

/* Holds call->hold, for no longer than its credential is good; the call is
 * answered with PL_ERR_BUSY if there is no room. */
enum pl_err pl_polls_hold(struct pl_polls *, struct pl_call *) PL_MUST;

/*
 * Answers those whom the news in the shared page are for, if they are all
 * there. True: that was everything, and *due_at is the moment before which
 * nothing more runs out (0: that is not known). Else a look has to follow.
 */
bool pl_polls_tell_news(struct pl_polls *, int64_t *due_at);

/*
 * Reads what is new in the stream and answers whom it is for; before that,
 * 401 to those whose right to it has ended. Inside a READ; errors are the
 * store's, and the next look goes on from the same place.
 */
enum pl_err pl_polls_look(struct pl_polls *) PL_MUST;

/* Answers those that a newer poll has superseded in another process. */
void pl_polls_make_way(struct pl_polls *);

/* Answers all, empty: the program ends. */
void pl_polls_answer_all(struct pl_polls *);

/* The answer of a poll: pl_answer_begin, each event, pl_answer_end. */
void pl_answer_begin(
    struct pl_reply *, const struct pl_position *, int64_t seq, int64_t now);
void pl_answer_event(struct pl_buf *, const struct pl_event *);
void pl_answer_end(struct pl_reply *);

#endif
