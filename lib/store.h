#ifndef PL_STORE_H
#define PL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "presence.h"
#include "secret.h"

/*
 * Where everything lives. The store is a table of functions: SQLite today.
 * They are synchronous and stand inside a transaction that the caller opens
 * for a whole turn of its loop, so that many beats share one commit and all
 * reads of a turn see one snapshot:
 *
 *	begin(WRITE) settle beat beat beat … commit      then answer them
 *	begin(READ)  presence events …       commit      then answer them
 *
 * Between turns nothing is open. After an error inside a write transaction
 * the caller rolls back; nothing of the turn has happened then.
 *
 * All can return PL_ERR_STORE, PL_ERR_LOCKED and PL_ERR_NOMEM. Strings that
 * come out live in the arena that went in; those passed to a callback live
 * until it returns. Times are milliseconds since 1970.
 */
struct pl_store {
	const struct pl_store_ops *ops;
};

enum pl_txn { PL_TXN_NONE, PL_TXN_READ, PL_TXN_WRITE };

/* Whose eyes see: a company, and of it some inboxes or all. */
struct pl_scope {
	int64_t company;
	const char *inboxes; /* JSON array of names; NULL: all */
};

struct pl_agent {
	int64_t id;
	const char *name;
	struct pl_scope scope;
	int64_t
	    expires_at; /* by_login: when the session ends; 0: it does not */
};

/* A conversation as an agent sees it. */
struct pl_presence {
	const char *public_id;
	const char *platform;
	const char *name; /* the customer's; NULL: not known */
	int64_t id;       /* with online_since, the place in the list */
	const struct pl_room *room;
};
typedef enum pl_err (*pl_presence_fn)(void *arg, const struct pl_presence *);

/* What a beat is answered with. */
struct pl_beat_result {
	int64_t company;
	enum pl_status status; /* the session's own */
};

enum pl_event_kind { PL_EVENT_OFFLINE, PL_EVENT_ONLINE, PL_EVENT_HEARTBEAT };

struct pl_event {
	int64_t seq;
	enum pl_event_kind kind;
	enum pl_reason reason;
	int64_t company;
	const char *public_id;
	uint8_t session[PL_SESSION_LEN];
	int64_t at;
	enum pl_status status; /* the conversation's after it, like the rest */
	int connections;
	int64_t expires_at; /* 0: offline */
	bool typing;
};
typedef enum pl_err (*pl_event_fn)(void *arg, const struct pl_event *);

/* What of the stream is wanted: after a number, whose, at most how many. */
struct pl_event_query {
	const struct pl_scope *scope; /* NULL: of all companies */
	const char *const *ids;       /* conversations; NULL: all */
	size_t nids;
	bool heartbeats;
	int64_t after;
	size_t limit;
};

#define PL_CONVERSATION_ID_LEN 29 /* of one of our own */
struct pl_conversation {
	int64_t company;
	const char *public_id; /* NULL: to be made, into `own` */
	char own[PL_CONVERSATION_ID_LEN + 1];
	const char *platform;
	const char *inbox;
	const char *name;  /* NULL: none */
	const char *email; /* NULL: none */
};

/* Rows for the operator's eyes; 0 or NULL: none. */
struct pl_company_row {
	int64_t id;
	const char *name, *site_key;
	int64_t created_at;
};
struct pl_agent_row {
	const char *company, *name, *inboxes;
	int64_t created_at, revoked_at;
};
struct pl_key_row {
	int64_t id, created_at;
	const char *secret; /* as it is: a signature is checked with it */
};
struct pl_conversation_row {
	const char *company, *public_id, *platform, *inbox, *name;
	int64_t created_at, online_since, last_beat_at;
};
struct pl_counts {
	int64_t companies, agents, conversations, online, tabs, changes;
};
typedef enum pl_err (*pl_company_fn)(void *, const struct pl_company_row *);
typedef enum pl_err (*pl_agent_fn)(void *, const struct pl_agent_row *);
typedef enum pl_err (*pl_key_fn)(void *, const struct pl_key_row *);
typedef enum pl_err (*pl_conversation_fn)(
    void *, const struct pl_conversation_row *);

/* A place in the stream: in which store, after which number. */
#define PL_EPOCH_LEN 16
struct pl_position {
	char epoch[PL_EPOCH_LEN + 1];
	int64_t seq;     /* the last number given */
	int64_t pruned;  /* up to here rows may be gone */
	int64_t touched; /* up to here heartbeats are to be searched for */
	int64_t rights;  /* another number: somebody's rights have changed */
	int64_t due_at; /* at the start of the transaction: never after due() */
	int64_t at;     /* the clock of who last wrote */
};

/* A number of 48 bits (8,900 years in ms) as bytes, the lowest first. */
#define PL_NUMBER 6
void pl_number_put(uint8_t out[PL_NUMBER], int64_t);
int64_t pl_number_get(const uint8_t in[PL_NUMBER]);

/*
 * An id of our own is "conv_" and the hex digits of 12 bytes: 7 random ones,
 * and a number of 40 bits behind a mask that only this store can make of those.
 * So it is found by its number, and who sees ids does not learn how many there
 * are. PL_ERR_SYSTEM: nothing random is to be had.
 */
#define PL_OWN_ID 12
enum pl_err pl_own_id_make(
    const struct pl_position *, int64_t number, uint8_t out[PL_OWN_ID]) PL_MUST;
/* The number in one; of another store's, or of what somebody made up, any. */
int64_t pl_own_id_number(
    const struct pl_position *, const uint8_t id[PL_OWN_ID]);

/* The place after seq as a cursor, which readers are given: 32 hex digits
 * that say nothing, and are others each time. */
#define PL_CURSOR_LEN 33
void pl_cursor_format(
    const struct pl_position *, int64_t seq, char out[PL_CURSOR_LEN]);
/* The number in a cursor of that store; PL_ERR_NOT_FOUND if it is of another
 * one, too old for what is still there, or no cursor at all. */
enum pl_err pl_cursor_parse(
    const struct pl_position *, const char *, int64_t *seq) PL_MUST;

/* The same for a place in the list of those who are online. */
void pl_next_format(const struct pl_position *, int64_t since, int64_t id,
    char out[PL_CURSOR_LEN]);
enum pl_err pl_next_parse(const struct pl_position *, const char *,
    int64_t *since, int64_t *id) PL_MUST;

struct pl_store_ops {
	void (*close)(struct pl_store *);

	/* Opens a transaction at `now`. WRITE waits for its turn among all
	 * processes, not for ever: PL_ERR_LOCKED. */
	enum pl_err (*begin)(struct pl_store *, enum pl_txn, int64_t now);
	/* *changed: something was written that readers wait for. Fails whole:
	 * the transaction is rolled back then. */
	enum pl_err (*commit)(struct pl_store *, bool *changed);
	void (*rollback)(struct pl_store *); /* legal at any time */
	/* Work that nobody waits for, after the answers are out. `hurry`: only
	 * what cannot be put off, for there are more answers to come. */
	void (*tidy)(struct pl_store *, bool hurry);
	/* A number that changes when another process has written. */
	enum pl_err (*version)(struct pl_store *, int64_t *);
	/* PL_ERR_STORE unless it can be written. Inside a WRITE. */
	enum pl_err (*check)(struct pl_store *);

	/* The earliest moment at which settle() may have work; INT64_MAX. */
	enum pl_err (*due)(struct pl_store *, int64_t *at);
	/* Lets run out what ran out by now, `most` conversations at the most;
	 * *all: that was all. Inside a WRITE. */
	enum pl_err (*settle)(struct pl_store *, size_t most, bool *all);

	/* A widget's word. PL_ERR_FORBIDDEN: no such session, not of that
	 * conversation, or the conversation is no widget's. */
	enum pl_err (*beat)(struct pl_store *, const char *public_id,
	    const uint8_t session[PL_SESSION_LEN], const struct pl_beat *,
	    struct pl_beat_result *);

	/* PL_ERR_FORBIDDEN unless presence() would show each of the n
	 * conversations. */
	enum pl_err (*visible)(struct pl_store *, const struct pl_scope *,
	    const char *const *ids, size_t n);
	/* One conversation: PL_ERR_FORBIDDEN if it is not there, or is not
	 * for those eyes. */
	enum pl_err (*presence)(struct pl_store *, const struct pl_scope *,
	    const char *public_id, pl_presence_fn, void *);
	/* The online ones, the latest to come first, below (since, id). */
	enum pl_err (*online)(struct pl_store *, const struct pl_scope *,
	    int64_t since, int64_t id, size_t limit, pl_presence_fn, void *);

	enum pl_err (*position)(struct pl_store *, struct pl_position *);
	/* Events in the order of their numbers. *upto: all up to there have
	 * been told, or were not wanted. */
	enum pl_err (*events)(struct pl_store *, const struct pl_event_query *,
	    pl_event_fn, void *, int64_t *upto);

	enum pl_err (*company_add)(struct pl_store *, const char *name,
	    const uint8_t api_key[PL_HASH_LEN], const char *site_key,
	    int64_t *id); /* PL_ERR_EXISTS */
	enum pl_err (*company_list)(struct pl_store *, pl_company_fn, void *);
	/* The look-ups: PL_ERR_NOT_FOUND if there is none. */
	enum pl_err (*company_by_name)(
	    struct pl_store *, const char *, int64_t *id);
	enum pl_err (*company_by_api_key)(
	    struct pl_store *, const uint8_t[PL_HASH_LEN], int64_t *id);
	enum pl_err (*company_by_site_key)(
	    struct pl_store *, const char *, int64_t *id);
	/* Forgets it and all that is its: `most` conversations and changes at
	 * a time, its agents at once. *all: that was all, and it is gone. */
	enum pl_err (*company_remove)(
	    struct pl_store *, int64_t company, size_t most, bool *all);
	enum pl_err (*origin_add)(
	    struct pl_store *, int64_t company, const char *origin);
	/* May pages of that origin call? company 0: anybody's. */
	enum pl_err (*origin_allowed)(
	    struct pl_store *, int64_t company, const char *origin, bool *);

	enum pl_err (*agent_add)(struct pl_store *, const struct pl_agent *,
	    const uint8_t token[PL_HASH_LEN]); /* PL_ERR_EXISTS */
	enum pl_err (*agent_list)(
	    struct pl_store *, int64_t company, pl_agent_fn, void *);
	enum pl_err (*agent_revoke)(struct pl_store *, int64_t company,
	    const char *name); /* PL_ERR_NOT_FOUND */
	/* NULL: all of them. PL_ERR_NOT_FOUND */
	enum pl_err (*agent_inboxes)(struct pl_store *, int64_t company,
	    const char *name, const char *inboxes);
	/* PL_ERR_NOT_FOUND: there never was one; PL_ERR_FORBIDDEN: he has
	 * been revoked. */
	enum pl_err (*agent_by_name)(struct pl_store *, int64_t company,
	    const char *name, struct pl_arena *, struct pl_agent *);
	enum pl_err (*agent_by_token)(struct pl_store *,
	    const uint8_t[PL_HASH_LEN], struct pl_arena *, struct pl_agent *);
	enum pl_err (*agent_by_login)(struct pl_store *,
	    const uint8_t[PL_HASH_LEN], struct pl_arena *, struct pl_agent *);
	enum pl_err (*login_add)(struct pl_store *, int64_t agent,
	    const uint8_t secret[PL_HASH_LEN], int64_t expires_at);
	enum pl_err (*login_remove)(
	    struct pl_store *, const uint8_t secret[PL_HASH_LEN]);

	/* Keys with which a company signs for its agents. */
	enum pl_err (*key_add)(struct pl_store *, int64_t company,
	    const char *secret, int64_t *id); /* PL_ERR_EXISTS */
	enum pl_err (*key_list)(
	    struct pl_store *, int64_t company, pl_key_fn, void *);
	enum pl_err (*key_remove)(struct pl_store *, int64_t company,
	    int64_t id); /* PL_ERR_NOT_FOUND */

	/* Makes it if it is not there (*created), and a session of it.
	 * PL_ERR_EXISTS: it has that session. */
	enum pl_err (*conversation_add)(struct pl_store *,
	    struct pl_conversation *, const uint8_t[PL_SESSION_LEN],
	    bool *created);
	/* PL_ERR_FORBIDDEN if there is none. */
	enum pl_err (*conversation_remove)(
	    struct pl_store *, int64_t company, const char *public_id);
	/* The conversation of a session, in the arena; looks through all that
	 * the company has. PL_ERR_FORBIDDEN: none. */
	enum pl_err (*session_find)(struct pl_store *, int64_t company,
	    const uint8_t[PL_SESSION_LEN], struct pl_arena *,
	    const char **public_id);
	/* One session with all that is known of it; PL_ERR_FORBIDDEN if there
	 * is none such. */
	enum pl_err (*session_remove)(struct pl_store *, int64_t company,
	    const char *public_id, const uint8_t[PL_SESSION_LEN]);
	/* What the stream has of a conversation, or of one session of it
	 * (NULL: all), of a session wherever it was (public_id NULL); who has
	 * not read so far takes the presence anew. */
	enum pl_err (*changes_forget)(struct pl_store *, int64_t company,
	    const char *public_id, const uint8_t *session);
	/* Takes what was removed out of the files, as far as that can be
	 * done. Outside of a transaction. PL_ERR_LOCKED: not now. */
	enum pl_err (*purge)(struct pl_store *);
	enum pl_err (*conversation_list)(struct pl_store *, int64_t company,
	    size_t limit, pl_conversation_fn, void *);
	/* How many conversations are online, as far as `most`. */
	enum pl_err (*online_count)(struct pl_store *, size_t most, int64_t *n);
	enum pl_err (*counts)(struct pl_store *, struct pl_counts *);
};

/*
 * Opens the SQLite store at path, which must be there; brings an older
 * schema forward. `create`: makes it first if it is not there. One that every
 * user of the machine can read or write is refused (files.h).
 * PL_ERR_STORE (told in the log), PL_ERR_NOMEM.
 */
enum pl_err pl_sqlite_open(struct pl_store **out, const char *path, bool create,
    const struct pl_rules *, int64_t retention_ms, int64_t now) PL_MUST;

/*
 * What is committed is told there too (news.h), which must live as long as
 * the store. PL_ERR_NOMEM.
 */
struct pl_news;
enum pl_err pl_sqlite_set_news(struct pl_store *, struct pl_news *) PL_MUST;

/* Opens what SQLite opens only once and outside of the database's folder:
 * for who is about to lose the right to. */
void pl_sqlite_warm_up(void);

/*
 * It will be closed after one request (plain CGI): the last one to close does
 * not stop to checkpoint, and the log is kept short, for whoever opens it
 * first may have to read it through.
 */
void pl_sqlite_set_brief(struct pl_store *);

/*
 * The network file system on which it lies, and where a rollback journal
 * stands in for the WAL: all is as always, but slower, and readers wait for
 * writers. NULL: it lies on a disk.
 */
const char *pl_sqlite_netfs(const struct pl_store *);

/* For how long a conversation is kept that nobody comes to; 0: for ever, which
 * it is without this. */
void pl_sqlite_set_retention(struct pl_store *, int64_t conversation_ms);

/* Has the file been moved, deleted or replaced under the open store? */
bool pl_sqlite_is_stale(const struct pl_store *);
/* Has a newer program brought it forward? Then no transaction begins. */
bool pl_sqlite_is_outdated(const struct pl_store *);

#endif
