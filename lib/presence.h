#ifndef PL_PRESENCE_H
#define PL_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "secret.h"

/* A gone tab is remembered for so long, for its late packets. */
#define PL_TAB_MEMORY_MS 600000
/* Rows of one session; beyond, the oldest gone tab makes room. */
#define PL_TABS_MAX 64
#define PL_TYPING_MS 6000

enum pl_status { PL_OFFLINE, PL_AWAY, PL_ONLINE };
enum pl_tab_state {
	PL_TAB_GONE, /* ran out, and that is recorded */
	PL_TAB_LIVE,
	PL_TAB_LEFT /* said goodbye; live for the rest of its grace */
};
enum pl_reason { PL_REASON_NONE, PL_REASON_LEFT, PL_REASON_TIMEOUT };

/* The settings that are rules; milliseconds. */
struct pl_rules {
	int64_t timeout_ms;        /* lease of a visible tab */
	int64_t hidden_timeout_ms; /* lease of a hidden tab */
	int64_t leave_grace_ms;
	int64_t min_beat_ms;
};

/* One loaded page. Times are milliseconds since 1970. */
struct pl_tab {
	size_t session; /* index in the room */
	uint64_t tab;   /* hash of the tabId */
	enum pl_tab_state state;
	bool hidden;
	int64_t message;      /* seq of its last message; -1: it had none */
	int64_t rev;          /* number of its last change */
	int64_t beat_at;      /* last beat; 0: never beat */
	int64_t changed_at;   /* moment of its last change */
	int64_t expires_at;   /* live while now < expires_at */
	int64_t typing_until; /* 0: not typing */
	bool dirty;           /* to be written */
	bool forgotten;       /* to be deleted */
};

/* One browser profile or device. */
struct pl_session {
	int64_t id;
	uint8_t secret[PL_SESSION_LEN];
	int64_t online_since; /* 0: offline */
	int64_t event_seq;    /* number of its last online or offline */
	bool dirty;
};

/* One conversation with all that is remembered of its tabs. */
struct pl_room {
	int64_t online_since; /* 0: offline */
	int64_t last_beat_at; /* of tabs no longer remembered; 0: never */
	int64_t due_at;       /* no later than the next change; 0: none */
	bool dirty;
	struct pl_session *sessions; /* owned, like tabs */
	size_t nsessions, sessions_cap;
	struct pl_tab *tabs;
	size_t ntabs, tabs_cap;
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

/* What a room, or one session of it, is at a moment. */
struct pl_state {
	enum pl_status status;
	int connections; /* live tabs */
	int devices;     /* sessions with live tabs */
	bool typing;
	int64_t expires_at;   /* 0: offline */
	int64_t last_beat_at; /* 0: never */
};

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

void pl_room_init(struct pl_room *);
void pl_room_clear(struct pl_room *); /* empty, memory kept */
void pl_room_close(struct pl_room *);

/* A new, zeroed entry at the end; NULL without memory. Moves the others. */
struct pl_session *pl_room_add_session(struct pl_room *);
struct pl_tab *pl_room_add_tab(struct pl_room *, size_t session);

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

#define PL_ALL_SESSIONS SIZE_MAX
struct pl_state pl_room_state(
    const struct pl_room *, size_t session, int64_t at);

/* How long a tab lives without a word. */
int64_t pl_lease(const struct pl_rules *, bool hidden);

const char *pl_status_name(enum pl_status);

#endif
