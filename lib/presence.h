#ifndef PL_PRESENCE_H
#define PL_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "room.h"

/* A gone tab is remembered for so long, for its late packets. */
#define PL_TAB_MEMORY_MS 600000
/* Tabs of one session; beyond, the oldest gone tab makes room. */
#define PL_TABS_MAX 64
#define PL_TYPING_MS 6000
/*
 * Clocks of one machine agree to less, and who writes has waited less since he
 * looked at his: for a second to open the store, and for another for his turn.
 * What lies further in the future was written before the clock was set back.
 */
#define PL_CLOCK_SLACK_MS 3000

enum pl_reason { PL_REASON_NONE, PL_REASON_LEFT, PL_REASON_TIMEOUT };

/* The settings that are rules; milliseconds. */
struct pl_rules {
	int64_t timeout_ms;        /* lease of a visible tab */
	int64_t hidden_timeout_ms; /* lease of a hidden tab */
	int64_t leave_grace_ms;
	int64_t min_beat_ms;
};

/* A coming or going, as it is recorded. */
struct pl_change {
	int64_t seq;
	bool online;
	enum pl_reason reason;
	const struct pl_session *session; /* borrowed */
	int64_t at;
	enum pl_status status; /* the conversation's after it, like the rest */
	int connections;
	int64_t expires_at; /* 0: offline */
};
typedef enum pl_err (*pl_change_fn)(void *arg, const struct pl_change *);

enum pl_message { PL_BEAT, PL_LEAVE, PL_TYPING };

/* What a widget says. */
struct pl_beat {
	enum pl_message kind;
	uint64_t tab;
	bool hidden;
	bool typing;
	int64_t seq; /* -1: it said none */
};

/* A turn at a room: the rules, the time, the numbers, where changes go. */
struct pl_turn {
	const struct pl_rules *rules;
	int64_t now;
	int64_t *seq; /* last number given; counted up */
	pl_change_fn record;
	void *arg;
};

/*
 * Lets everything that ran out up to now run out, in the order of the
 * moments, and records what that changed, dated at those moments. Errors
 * are those of record().
 */
enum pl_err pl_room_settle(struct pl_room *, const struct pl_turn *) PL_MUST;

/*
 * Takes a message of a session (index) of a settled room. PL_ERR_NOMEM, or
 * an error of record(). A message that is late (its seq is not above the
 * tab's last), or that changes nothing and comes too soon, changes nothing.
 */
enum pl_err pl_room_beat(struct pl_room *, size_t session,
    const struct pl_beat *, const struct pl_turn *) PL_MUST;

/* How long a tab lives without a word. */
int64_t pl_lease(const struct pl_rules *, bool hidden);

#endif
