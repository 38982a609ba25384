#ifndef PL_ROOM_H
#define PL_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "secret.h"

enum pl_status { PL_OFFLINE, PL_AWAY, PL_ONLINE };
enum pl_tab_state {
	PL_TAB_GONE, /* ran out, and that is recorded */
	PL_TAB_LIVE,
	PL_TAB_LEFT /* said goodbye; live for the rest of its grace */
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
};

/* One browser profile or device. */
struct pl_session {
	uint8_t secret[PL_SESSION_LEN];
	int64_t online_since; /* 0: offline */
	int64_t event_seq;    /* number of its last online or offline */
};

/* One conversation with all that is remembered of its tabs. */
struct pl_room {
	int64_t online_since; /* 0: offline */
	int64_t last_beat_at; /* of tabs no longer remembered; 0: never */
	int64_t due_at;       /* no later than the next change; 0: none */
	bool head_dirty;      /* one of these three is to be written */
	bool dirty;           /* so is something of sessions and tabs */
	struct pl_session *sessions; /* owned, like tabs; the oldest first */
	size_t nsessions, sessions_cap;
	struct pl_tab *tabs;
	size_t ntabs, tabs_cap;
};

/* What a room, or one session of it, is at a moment. */
struct pl_state {
	enum pl_status status;
	int connections; /* live tabs */
	int devices;     /* sessions with live tabs */
	bool typing;
	int64_t expires_at;   /* 0: offline */
	int64_t last_beat_at; /* 0: never */
};

void pl_room_init(struct pl_room *);
void pl_room_clear(struct pl_room *); /* empty, memory kept */
void pl_room_close(struct pl_room *);

/* A new, zeroed entry at the end; NULL without memory. Moves the others. */
struct pl_session *pl_room_add_session(struct pl_room *);
struct pl_tab *pl_room_add_tab(struct pl_room *, size_t session);

/* Takes one out, a session with its tabs. Moves the others. */
void pl_room_drop_session(struct pl_room *, size_t session);
void pl_room_drop_tab(struct pl_room *, size_t tab);

/* The tab of that session with the highest rev; NULL: it has none. */
const struct pl_tab *pl_room_latest(const struct pl_room *, size_t session);

#define PL_ALL_SESSIONS SIZE_MAX
struct pl_state pl_room_state(
    const struct pl_room *, size_t session, int64_t at);

/*
 * Sessions and tabs as bytes to be stored, added to the buffer, and back: into
 * a cleared room. PL_ERR_NOMEM; PL_ERR_STORE for bytes that are not of pack.
 */
void pl_room_pack(const struct pl_room *, struct pl_buf *);
enum pl_err pl_room_unpack(struct pl_room *, const void *, size_t) PL_MUST;

const char *pl_status_name(enum pl_status);

#endif
