#ifndef PL_TEST_WORLD_H
#define PL_TEST_WORLD_H

#include "presence.h"

/*
 * A room under test: its rules, its numbers, and all that it records. Every
 * call settles first and "saves" after, as a store does.
 */
#define WORLD_EVENTS 20000

struct world_event {
	int64_t seq, session, at, expires_at;
	bool online;
	enum pl_reason reason;
	enum pl_status status;
	int connections;
};

struct world {
	struct pl_room room;
	struct pl_rules rules; /* 60 s, 150 s, 2 s, 5 s */
	int64_t seq;
	struct world_event events[WORLD_EVENTS];
	size_t nevents;
	enum pl_err fail;  /* what record() answers */
	bool written;      /* by the last call: sessions or tabs, */
	bool head_written; /* or what indices have */
};

extern struct world world; /* the one of this test */

void world_open(void); /* with two sessions: 0 and 1 */
void world_close(void);

void world_settle(int64_t now);
/* A beat, a leave, or whatever the message says. */
void world_say(size_t session, const struct pl_beat *, int64_t now);
enum pl_err world_try(size_t session, const struct pl_beat *, int64_t now);
void world_beat(size_t session, uint64_t tab, int64_t now);   /* visible */
void world_hidden(size_t session, uint64_t tab, int64_t now); /* hidden */
void world_leave(size_t session, uint64_t tab, int64_t now);

struct pl_state world_state(int64_t at);      /* of the conversation */
const struct pl_tab *world_tab(uint64_t tab); /* NULL: not remembered */

/* The last n events were these (most recent last); says which was not. */
void world_expect(size_t n, const struct world_event *expected);

#endif
