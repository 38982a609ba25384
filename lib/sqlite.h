#ifndef PL_SQLITE_H
#define PL_SQLITE_H

/*
 * What the files of the SQLite store share. Nobody else includes this.
 */
#include <sqlite3.h>

#include "buf.h"
#include "news.h"
#include "sql.h"
#include "store.h"

#define PL_SQLITE_PATH 1100
#define PL_SQLITE_SLICE 128     /* conversations listed at a time */
#define PL_SQLITE_TOUCHED 65536 /* numbers that touch goes back; 1 MB */

struct pl_sqlite {
	struct pl_store store; /* first */
	sqlite3 *db;
	sqlite3_stmt *stmt[PL_SQL__MAX]; /* prepared at first use */
	char path[PL_SQLITE_PATH];
	int lock; /* the writers' turn: path-lock */
	uint64_t dev, inode;
	const char *netfs; /* where it lies: no WAL there; NULL: on a disk */

	struct pl_rules rules;
	int64_t retention_ms;
	int64_t conversation_retention_ms; /* 0: for ever */

	/* the transaction */
	enum pl_txn txn;
	int64_t now;
	int64_t seq;        /* counts up in a WRITE */
	int64_t seq_before; /* at its start */
	bool rights;        /* somebody's have changed */
	struct pl_position position;
	uint32_t version;      /* of the data that it is the position of */
	bool is_known;         /* it is, as far as that has not changed */
	struct pl_buf touched; /* as a row of touch has it */
	struct pl_draft draft; /* for those who wait */

	struct pl_room room;  /* the one at hand; its memory is kept */
	struct pl_buf packed; /* as its row has it; kept too */
	int64_t pruned_at;    /* when old rows were last looked for */
	int page_size;        /* bytes */
	int wal_pages;        /* as of the last commit */
	bool prune_is_due;    /* once the answers are out */
	bool log_grew;        /* so that its writing may begin */
	bool log_is_long;     /* and is to be shortened by us */
	bool is_brief;        /* open for one request only */
	bool is_outdated;     /* a newer program has changed the schema */
};

/* The row of a conversation beside its room. */
struct pl_head {
	int64_t id, company;
	const char *public_id, *platform, *inbox, *name; /* the statement's */
	sqlite3_stmt *stmt; /* to be reset when the head is done with */
};

/* sqlite_stmt.c: a statement, ready to be bound; NULL: the store is broken. */
sqlite3_stmt *pl_sql(struct pl_sqlite *, enum pl_sql);
/* The same with :company and :inboxes bound; NULL: any. */
sqlite3_stmt *pl_sql_scoped(
    struct pl_sqlite *, enum pl_sql, const struct pl_scope *);
void pl_bind_int(sqlite3_stmt *, const char *name, int64_t);
void pl_bind_opt(sqlite3_stmt *, const char *name, int64_t); /* 0: NULL */
void pl_bind_text(
    sqlite3_stmt *, const char *name, const char *); /* borrowed */
void pl_bind_blob(sqlite3_stmt *, const char *name, const void *, size_t);
/* PL_OK and *row, or an error (and no row). A statement without more rows is
 * reset. */
enum pl_err pl_step(struct pl_sqlite *, sqlite3_stmt *, bool *row) PL_MUST;
/* Runs a statement to its end. PL_ERR_EXISTS: a UNIQUE or CHECK said no. */
enum pl_err pl_run(struct pl_sqlite *, sqlite3_stmt *) PL_MUST;
/* Runs it for one number; PL_ERR_NOT_FOUND without a row. */
enum pl_err pl_run_int(struct pl_sqlite *, sqlite3_stmt *, int64_t *) PL_MUST;
const char *pl_text(sqlite3_stmt *, int column); /* NULL for NULL */
char *pl_text_copy(sqlite3_stmt *, int column, struct pl_arena *);
enum pl_err pl_sqlite_err(struct pl_sqlite *, int rc, const char *what) PL_MUST;

/* sqlite_name.c: an id of our own for the row of that number */
enum pl_err pl_sqlite_own_id(const struct pl_sqlite *, int64_t conversation,
    char out[PL_CONVERSATION_ID_LEN + 1]) PL_MUST;
/* The row that an id says it is of, whether or not it is; 0: it says none. */
int64_t pl_sqlite_number(const struct pl_sqlite *, const char *public_id);
/* Is it to be found by names, its own and those of its sessions? Not if its id
 * says its number. */
bool pl_sqlite_is_named(
    const struct pl_sqlite *, int64_t conversation, const char *public_id);
/* Names are numbers of 47 bits, which others may have too. */
int64_t pl_sqlite_session_name(const uint8_t session[PL_SESSION_LEN]);
int64_t pl_sqlite_conversation_name(
    const struct pl_sqlite *, int64_t company, const char *public_id);
int64_t pl_sqlite_name_in(
    const char *epoch, int64_t company, const char *public_id);
/* The first 64 bits of a secret: the session's name up to version 7. */
uint64_t pl_sqlite_session_bits(const uint8_t session[PL_SESSION_LEN]);
/* PL_ERR_EXISTS if that conversation has that name already. */
enum pl_err pl_sqlite_name_add(
    struct pl_sqlite *, int64_t name, int64_t conversation) PL_MUST;
enum pl_err pl_sqlite_name_remove(
    struct pl_sqlite *, int64_t name, int64_t conversation) PL_MUST;
/* For statements: pl_pack_id(), pl_id(). */
enum pl_err pl_sqlite_functions(struct pl_sqlite *) PL_MUST;
/* A statement that finds what has that public id by its name. */
sqlite3_stmt *pl_sqlite_by_name(struct pl_sqlite *, enum pl_sql,
    const struct pl_scope *, const char *public_id);
/* The number of one that may be seen; PL_ERR_NOT_FOUND. */
enum pl_err pl_sqlite_find(struct pl_sqlite *, const struct pl_scope *,
    const char *public_id, int64_t *id) PL_MUST;
void pl_sqlite_bind_id(sqlite3_stmt *, const char *public_id); /* :public_id */

/* sqlite_migrate.c: what migrations call, for as long as the store is open */
enum pl_err pl_sqlite_migrate_functions(struct pl_sqlite *) PL_MUST;

/* sqlite_room.c */
enum pl_err pl_sqlite_settle(struct pl_store *, size_t most, bool *all);
enum pl_err pl_sqlite_due(struct pl_store *, int64_t *at);
enum pl_err pl_sqlite_beat(struct pl_store *, const char *public_id,
    const uint8_t session[PL_SESSION_LEN], const struct pl_beat *,
    struct pl_beat_result *);
enum pl_err pl_sqlite_visible(struct pl_store *, const struct pl_scope *,
    const char *const *ids, size_t n);
enum pl_err pl_sqlite_presence(struct pl_store *, const struct pl_scope *,
    const char *public_id, pl_presence_fn, void *);
enum pl_err pl_sqlite_online(struct pl_store *, const struct pl_scope *,
    int64_t since, int64_t id, size_t limit, pl_presence_fn, void *);
enum pl_err pl_sqlite_conversation_remove(
    struct pl_store *, int64_t company, const char *public_id);
enum pl_err pl_sqlite_session_find(struct pl_store *, int64_t company,
    const uint8_t session[PL_SESSION_LEN], struct pl_arena *,
    const char **public_id);
enum pl_err pl_sqlite_session_remove(struct pl_store *, int64_t company,
    const char *public_id, const uint8_t session[PL_SESSION_LEN]);
/* Steps a room.* statement and loads what it finds into s->room;
 * PL_ERR_NOT_FOUND. On PL_OK the head holds until head->stmt is reset. */
enum pl_err pl_sqlite_load(
    struct pl_sqlite *, sqlite3_stmt *, struct pl_head *) PL_MUST;
/* The same by public id. */
enum pl_err pl_sqlite_load_one(struct pl_sqlite *, const struct pl_scope *,
    const char *public_id, struct pl_head *) PL_MUST;
/* A session of a conversation that keeps no more than `most` of those that are
 * away; the oldest make room. PL_ERR_EXISTS: it is there. */
enum pl_err pl_sqlite_session_add(struct pl_sqlite *, int64_t conversation,
    const uint8_t session[PL_SESSION_LEN], size_t most) PL_MUST;
/* Removes the conversations whose ids a statement lists, PL_SQLITE_SLICE at
 * most, with their sessions, and without a word to anybody; *n were there.
 * `keep`: somebody may not yet have heard what happened last. */
enum pl_err pl_sqlite_drop_all(
    struct pl_sqlite *, sqlite3_stmt *, bool keep, size_t *n) PL_MUST;
/* Calls for each conversation that has tabs, with its room in s->room. */
typedef enum pl_err (*pl_sqlite_room_fn)(void *arg, int64_t conversation);
enum pl_err pl_sqlite_each_live(
    struct pl_sqlite *, pl_sqlite_room_fn, void *) PL_MUST;

/* sqlite_change.c */
enum pl_err pl_sqlite_record(struct pl_sqlite *, const struct pl_head *,
    const struct pl_change *) PL_MUST;
/* Before the conversation at hand is removed: the last row of each of its
 * sessions stays in the stream. The others are told to nobody any more. */
enum pl_err pl_sqlite_keep_last(
    struct pl_sqlite *, const struct pl_head *) PL_MUST;
/* Something goes that the news may have: they are to end before it. */
void pl_sqlite_take_back(struct pl_sqlite *);
/* Takes out what is too old, in a WRITE: old changes, logins, and conversations
 * that nobody comes to; and is it time to, after the WRITE that was last? */
enum pl_err pl_sqlite_prune(struct pl_sqlite *) PL_MUST;
bool pl_sqlite_wants_prune(const struct pl_sqlite *);
/* A statement that takes what happened in a conversation (0: one that is gone;
 * NULL: not what is kept of one) out of the stream, and says its numbers. */
sqlite3_stmt *pl_sqlite_forget(struct pl_sqlite *, int64_t company,
    const char *public_id, int64_t conversation);
enum pl_err pl_sqlite_changes_forget(struct pl_store *, int64_t company,
    const char *public_id, const uint8_t *session);

/* sqlite_stream.c */
enum pl_err pl_sqlite_events(struct pl_store *, const struct pl_event_query *,
    pl_event_fn, void *, int64_t *upto);

/* The heartbeat that a tab has to tell, with its room's state; the id is the
 * head's. */
struct pl_event pl_sqlite_heartbeat(const struct pl_head *,
    const struct pl_state *, const struct pl_session *, const struct pl_tab *);
/* Notes that a conversation changed with that number. */
void pl_sqlite_touch(struct pl_sqlite *, int64_t seq, int64_t conversation);
/* Writes down how far the numbers have got and what was noted, and forgets what
 * is too old; at the end of a WRITE that changed something. */
enum pl_err pl_sqlite_touch_save(struct pl_sqlite *) PL_MUST;

/* sqlite_people.c */
enum pl_err pl_sqlite_company_add(struct pl_store *, const char *name,
    const uint8_t api_key[PL_HASH_LEN], const char *site_key, int64_t *id);
enum pl_err pl_sqlite_company_list(struct pl_store *, pl_company_fn, void *);
enum pl_err pl_sqlite_company_by_name(
    struct pl_store *, const char *, int64_t *id);
enum pl_err pl_sqlite_company_by_api_key(
    struct pl_store *, const uint8_t[PL_HASH_LEN], int64_t *id);
enum pl_err pl_sqlite_company_by_site_key(
    struct pl_store *, const char *, int64_t *id);
enum pl_err pl_sqlite_company_remove(
    struct pl_store *, int64_t company, size_t most, bool *all);
enum pl_err pl_sqlite_origin_add(
    struct pl_store *, int64_t company, const char *origin);
enum pl_err pl_sqlite_origin_allowed(
    struct pl_store *, int64_t company, const char *origin, bool *);
enum pl_err pl_sqlite_agent_add(struct pl_store *, const struct pl_agent *,
    const uint8_t token[PL_HASH_LEN]);
enum pl_err pl_sqlite_agent_list(
    struct pl_store *, int64_t company, pl_agent_fn, void *);
enum pl_err pl_sqlite_agent_revoke(
    struct pl_store *, int64_t company, const char *name);
enum pl_err pl_sqlite_agent_inboxes(
    struct pl_store *, int64_t company, const char *name, const char *inboxes);
enum pl_err pl_sqlite_agent_by_name(struct pl_store *, int64_t company,
    const char *name, struct pl_arena *, struct pl_agent *);
enum pl_err pl_sqlite_agent_by_token(struct pl_store *,
    const uint8_t[PL_HASH_LEN], struct pl_arena *, struct pl_agent *);
enum pl_err pl_sqlite_agent_by_login(struct pl_store *,
    const uint8_t[PL_HASH_LEN], struct pl_arena *, struct pl_agent *);
enum pl_err pl_sqlite_login_add(struct pl_store *, int64_t agent,
    const uint8_t secret[PL_HASH_LEN], int64_t expires_at);
enum pl_err pl_sqlite_login_remove(
    struct pl_store *, const uint8_t secret[PL_HASH_LEN]);
enum pl_err pl_sqlite_key_add(
    struct pl_store *, int64_t company, const char *secret, int64_t *id);
enum pl_err pl_sqlite_key_list(
    struct pl_store *, int64_t company, pl_key_fn, void *);
enum pl_err pl_sqlite_key_remove(
    struct pl_store *, int64_t company, int64_t id);
enum pl_err pl_sqlite_conversation_add(struct pl_store *,
    struct pl_conversation *, const uint8_t[PL_SESSION_LEN], bool *created);
enum pl_err pl_sqlite_conversation_list(struct pl_store *, int64_t company,
    size_t limit, pl_conversation_fn, void *);
enum pl_err pl_sqlite_online_count(struct pl_store *, size_t most, int64_t *n);
enum pl_err pl_sqlite_counts(struct pl_store *, struct pl_counts *);

#endif
