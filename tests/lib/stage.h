#ifndef PL_TEST_STAGE_H
#define PL_TEST_STAGE_H

#include "store.h"

/*
 * A store set for one test, in a directory of its own. stage.c alone knows
 * which back end it is, so the suite holds for all of them. Windows: 60 s
 * and 150 s, grace 2 s, minBeat 5 s; changes are kept for an hour.
 */
#define STAGE_RETENTION_MS 3600000

extern struct pl_store *stage; /* open, empty but for the companies */
extern int64_t acme, globex;   /* two companies */
extern const struct pl_rules stage_rules;

void stage_open(void);
void stage_close(void);

/* The same store, as another process has it open. */
struct pl_store *stage_again(int64_t now);

/* Its file; NULL if the back end has none. */
const char *stage_path(void);

/* A session's secret: made of a number, always the same. */
const uint8_t *stage_secret(unsigned int session);

/* A conversation and a session of it; the rest is "WIDGET", inbox "". */
void stage_conversation(int64_t company, const char *id, unsigned int session);
void stage_conversation_as(int64_t company, const char *id,
    unsigned int session, const char *platform, const char *inbox);
/* One with an id of our own. */
void stage_own(
    int64_t company, unsigned int session, char id[PL_CONVERSATION_ID_LEN + 1]);

/* Turns of `stage`, as the loop has them: after the commit it is tidied. They
 * assert that all is well. */
void stage_write(int64_t now);
void stage_read(int64_t now);
void stage_commit(void);

/* One visible beat, one leave, in a turn of its own; the last result. */
void stage_beat(
    const char *id, unsigned int session, uint64_t tab, int64_t now);
void stage_leave(
    const char *id, unsigned int session, uint64_t tab, int64_t now);
extern struct pl_beat_result stage_result;
/* Lets run out all that has, in a turn of its own. */
void stage_settle(int64_t now);
/* Removes a conversation, likewise. */
void stage_remove(int64_t company, const char *id, int64_t now);

/* What events() told. */
struct stage_event {
	struct pl_event e; /* its public_id points to id */
	char id[129];
};
struct stage_page {
	struct stage_event events[2000];
	size_t n;
	int64_t upto;
};
/* Reads a page, in a turn of its own if none is open. */
void stage_events(
    const struct pl_event_query *, int64_t now, struct stage_page *);
/* All comings and goings of all companies after a number. */
void stage_changes(int64_t after, int64_t now, struct stage_page *);

/* What an agent sees of a conversation, in a turn of its own. */
enum pl_err stage_presence(
    const struct pl_scope *, const char *id, int64_t now, struct pl_state *);

struct pl_position stage_position(int64_t now);

#endif
