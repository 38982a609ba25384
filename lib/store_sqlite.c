/*
 * The SQLite store: opening, migrating, transactions, checkpoints.
 *
 * One writer at a time, in turn: path-lock is taken around each write
 * transaction and each checkpoint (lock.h says why). Checkpoints run after
 * the answers are out, because their fsync is what makes a commit slow now
 * and then; a WAL that has grown all the same is cut off with writers
 * waiting.
 *
 * On a network file system WAL is not safe (netfs.h), so a rollback journal
 * takes its place. There readers and writers keep each other out, and SQLite
 * would have them try again and again; so readers take their turn too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "lock.h"
#include "log.h"
#include "netfs.h"
#include "sqlite.h"

#define LOCK_WAIT_MS 1000
#define BUSY_MS 250 /* for those who do not know our lock */
#define CHECKPOINT_BYTES 4000000
#define WRITEBACK_BYTES 500000
#define HURRY_BYTES 8000000 /* much more would keep writers waiting */
#define BRIEF_BYTES 250000  /* see pl_sqlite_set_brief() */
#define BACKSTOP_BYTES 64000000

static struct pl_sqlite *
self(struct pl_store *store)
{
	return (struct pl_sqlite *)store;
}

static enum pl_err
exec(struct pl_sqlite *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? PL_OK : pl_sqlite_err(s, rc, sql);
}

static enum pl_err
take_lock(struct pl_sqlite *s, int wait_ms)
{
	enum pl_err err = pl_lock_take(s->lock, wait_ms);

	if (err == PL_ERR_SYSTEM) {
		pl_log(PL_LOG_ERROR, "%s-lock: %s", s->path, strerror(errno));
		return PL_ERR_STORE;
	}
	return err;
}

/* Does such a transaction keep others out? */
static bool
takes_turn(const struct pl_sqlite *s, enum pl_txn txn)
{
	return txn == PL_TXN_WRITE || (txn == PL_TXN_READ && s->netfs != NULL);
}

static enum pl_err
read_pragma(struct pl_sqlite *s, const char *sql, int *out)
{
	sqlite3_stmt *st;
	int rc;

	rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		*out = sqlite3_column_int(st, 0);
		sqlite3_finalize(st);
	}
	return rc == SQLITE_ROW ? PL_OK : pl_sqlite_err(s, rc, sql);
}

static int
newest(void)
{
	int known = 0;

	while (pl_sql_migration[known] != NULL)
		known++;
	return known;
}

/*
 * A program that is updated brings the database forward while we have it open.
 * What we would make of it now nobody knows. Only a schema that was changed has
 * statements prepared anew, so that is when to look.
 */
static enum pl_err
check_schema(struct pl_sqlite *s, sqlite3_stmt *st)
{
	int version;
	enum pl_err err;

	if (sqlite3_stmt_status(st, SQLITE_STMTSTATUS_REPREPARE, 0) == 0)
		return PL_OK;
	err = read_pragma(s, "PRAGMA user_version", &version);
	if (err != PL_OK || version == newest()) {
		sqlite3_stmt_status(st, SQLITE_STMTSTATUS_REPREPARE, 1);
		return err;
	}
	s->is_outdated = true;
	return PL_ERR_STORE;
}

static enum pl_err
read_counter(struct pl_sqlite *s)
{
	sqlite3_stmt *st = pl_sql(s, PL_SQL_COUNTER_GET);
	enum pl_err err;
	bool row;

	if ((err = pl_step(s, st, &row)) != PL_OK)
		return err;
	if (!row)
		return PL_ERR_STORE;
	snprintf(
	    s->position.epoch, sizeof(s->position.epoch), "%s", pl_text(st, 0));
	s->position.seq = sqlite3_column_int64(st, 1);
	s->position.at = sqlite3_column_int64(st, 2);
	s->position.pruned = sqlite3_column_int64(st, 3);
	s->position.rights = sqlite3_column_int64(st, 4);
	s->position.due_at = sqlite3_column_type(st, 5) == SQLITE_NULL
				 ? INT64_MAX
				 : sqlite3_column_int64(st, 5);
	sqlite3_reset(st);
	return check_schema(s, st);
}

/* Changes with each commit, whoever's it is. */
static uint32_t
data_version(struct pl_sqlite *s)
{
	uint32_t version = 0;

	sqlite3_file_control(
	    s->db, "main", SQLITE_FCNTL_DATA_VERSION, &version);
	return version;
}

/* At the start of a transaction: reads it, unless we have the turn to write and
 * wrote last too. (A READ sees nothing yet: it begins with its first look.) */
static enum pl_err
find_position(struct pl_sqlite *s)
{
	uint32_t version = data_version(s);
	enum pl_err err;

	if (s->txn != PL_TXN_WRITE || !s->is_known || version != s->version ||
	    s->now >= s->position.due_at) {
		if ((err = read_counter(s)) != PL_OK)
			return err;
		s->version = version;
		s->is_known = true;
	}
	s->seq = s->seq_before = s->position.seq;
	s->position.touched = s->seq - PL_SQLITE_TOUCHED;
	return PL_OK;
}

/* What a WRITE has made of it. What it took from the stream, or of rights, is
 * to be read. */
static void
keep_position(struct pl_sqlite *s)
{
	if (s->seq != s->seq_before)
		s->position.at = s->now;
	s->position.seq = s->seq;
	s->position.due_at = s->draft.due_at;
	s->version = data_version(s);
	s->is_known = !s->draft.is_broken;
}

static void
sqlite_rollback(struct pl_store *store)
{
	struct pl_sqlite *s = self(store);

	if (s->txn == PL_TXN_NONE)
		return;
	if (!sqlite3_get_autocommit(s->db) &&
	    pl_run(s, pl_sql(s, PL_SQL_TXN_ROLLBACK)) != PL_OK)
		pl_log(PL_LOG_ERROR, "%s: no rollback", s->path);
	if (takes_turn(s, s->txn))
		pl_lock_give(s->lock);
	s->txn = PL_TXN_NONE;
}

/* The clock went back: no lease may last for as long as the step, and no change
 * be kept for it. */
static enum pl_err
recall(struct pl_sqlite *s)
{
	int64_t at = s->position.at;
	sqlite3_stmt *st;
	enum pl_err err;

	if (s->now >= at - PL_CLOCK_SLACK_MS)
		return PL_OK;
	pl_log(PL_LOG_WARN, "the clock was set back by %lld ms",
	    (long long)(at - s->now));
	s->seq++; /* so that the new time is kept */
	pl_draft_due(&s->draft, 0);
	st = pl_sql(s, PL_SQL_DUE_RECALL);
	pl_bind_int(st, ":now", s->now);
	if ((err = pl_run(s, st)) != PL_OK)
		return err;
	st = pl_sql(s, PL_SQL_CHANGE_RECALL);
	pl_bind_int(st, ":now", s->now);
	return pl_run(s, st);
}

/* At s->now. */
static enum pl_err
begin(struct pl_sqlite *s, enum pl_txn txn)
{
	bool write = txn == PL_TXN_WRITE;
	enum pl_err err;

	s->rights = false;
	s->touched.len = 0;
	s->touched.failed = false;
	if (takes_turn(s, txn) && (err = take_lock(s, LOCK_WAIT_MS)) != PL_OK)
		return err;
	s->txn = txn;
	err = pl_run(s, pl_sql(s, write ? PL_SQL_TXN_WRITE : PL_SQL_TXN_READ));
	if (err == PL_OK)
		err = find_position(s);
	pl_draft_begin(&s->draft, s->now < s->position.due_at
				      ? s->position.due_at
				      : 0); /* it is being looked after */
	if (err != PL_OK)
		sqlite_rollback(&s->store);
	return err;
}

static enum pl_err
sqlite_begin(struct pl_store *store, enum pl_txn txn, int64_t now)
{
	struct pl_sqlite *s = self(store);
	enum pl_err err;

	s->now = now;
	if ((err = begin(s, txn)) != PL_OK || txn != PL_TXN_WRITE)
		return err;
	if ((err = recall(s)) != PL_OK)
		sqlite_rollback(store);
	return err;
}

static enum pl_err
finish_write(struct pl_sqlite *s)
{
	enum pl_err err = PL_OK;

	if (s->seq == s->seq_before)
		return PL_OK;
	if (s->rights)
		err = pl_run(s, pl_sql(s, PL_SQL_COUNTER_RIGHTS));
	return err == PL_OK ? pl_sqlite_touch_save(s) : err;
}

static enum pl_err
sqlite_commit(struct pl_store *store, bool *changed)
{
	struct pl_sqlite *s = self(store);
	enum pl_err err = PL_OK;

	*changed = false;
	if (s->txn == PL_TXN_WRITE)
		err = finish_write(s);
	if (err == PL_OK)
		err = pl_run(s, pl_sql(s, PL_SQL_TXN_COMMIT));
	s->draft.is_broken |= s->rights;
	if (err == PL_OK && s->txn == PL_TXN_WRITE)
		keep_position(s);
	if (err == PL_OK && s->seq != s->seq_before) {
		*changed = true;
		s->prune_is_due |= pl_sqlite_wants_prune(s);
		pl_draft_publish(
		    &s->draft, s->position.epoch, s->seq_before, s->seq);
	}
	sqlite_rollback(store); /* the lock, and what an error left open */
	return err;
}

/*
 * One of all processes shortens the log: the one whose commit took it past a
 * multiple of so many bytes. If he cannot, another does at the next.
 */
static int
on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct pl_sqlite *s = arg;
	int step =
	    (s->is_brief ? BRIEF_BYTES : CHECKPOINT_BYTES) / s->page_size;
	int written = 0, most;

	(void)name;
	sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &written, &most, 1);
	s->log_is_long |= pages % step < written;
	s->log_grew |=
	    !s->is_brief && pages % (WRITEBACK_BYTES / s->page_size) < written;
	s->wal_pages = pages;
	return SQLITE_OK;
}

/*
 * Has the system begin to write what the log got to the disk, and does not
 * wait for it: a checkpoint, which has to, finds it done for the most part.
 * (The log's locks are another file's, so closing this loses none.)
 */
static void
start_writeback(struct pl_sqlite *s)
{
#ifdef SYNC_FILE_RANGE_WRITE
	char path[PL_SQLITE_PATH + 8];
	int fd;

	snprintf(path, sizeof(path), "%s-wal", s->path);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return;
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	close(fd);
#else
	(void)s;
#endif
}

/*
 * A checkpoint begins by seeing the log onto the disk, which is most of what
 * it takes. Done before, out of turn, it leaves little to be done in turn.
 */
static void
sync_log(struct pl_sqlite *s)
{
	sqlite3_file *log = NULL;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER,
		&log) == SQLITE_OK &&
	    log != NULL && log->pMethods != NULL)
		log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

/* In a transaction of its own: it takes as long as several beats do, and none
 * of them is to wait for it. What fails is done by the next one. The time is
 * that of the turn which comes to its end; others may have written since, so
 * it says nothing of the clock. */
static void
prune(struct pl_sqlite *s)
{
	struct pl_store *store = &s->store;
	bool changed;

	s->prune_is_due = false;
	if (begin(s, PL_TXN_WRITE) != PL_OK)
		return;
	if (s->now < s->position.at)
		s->now = s->position.at;
	if (pl_sqlite_prune(s) != PL_OK ||
	    sqlite_commit(store, &changed) != PL_OK)
		sqlite_rollback(store);
}

static void
sqlite_tidy(struct pl_store *store, bool hurry)
{
	struct pl_sqlite *s = self(store);
	bool is_backstop = s->wal_pages >= BACKSTOP_BYTES / s->page_size;

	if (s->prune_is_due && !hurry)
		prune(s);
	if (s->log_grew)
		start_writeback(s);
	s->log_grew = false;
	if (!s->log_is_long ||
	    (hurry && s->wal_pages < HURRY_BYTES / s->page_size))
		return;
	sync_log(s);
	if (take_lock(s, LOCK_WAIT_MS) != PL_OK)
		return;
	sqlite3_wal_checkpoint_v2(s->db, NULL,
	    is_backstop ? SQLITE_CHECKPOINT_TRUNCATE
			: SQLITE_CHECKPOINT_PASSIVE,
	    NULL, NULL);
	pl_lock_give(s->lock);
	s->log_is_long = false;
}

/* The log has what was there before the removal, until it is cut off; what is
 * freed in the database itself is overwritten (secure_delete). */
static enum pl_err
sqlite_purge(struct pl_store *store)
{
	struct pl_sqlite *s = self(store);
	enum pl_err err = take_lock(s, LOCK_WAIT_MS);
	int rc;

	if (err != PL_OK)
		return err;
	rc = sqlite3_wal_checkpoint_v2(
	    s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	pl_lock_give(s->lock);
	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return PL_ERR_LOCKED;
	return rc == SQLITE_OK ? PL_OK : pl_sqlite_err(s, rc, "checkpoint");
}

static enum pl_err
sqlite_version(struct pl_store *store, int64_t *out)
{
	struct pl_sqlite *s = self(store);

	return pl_run_int(s, pl_sql(s, PL_SQL_STORE_VERSION), out);
}

static enum pl_err
sqlite_check(struct pl_store *store)
{
	self(store)->seq++; /* makes commit() write */
	return PL_OK;
}

static enum pl_err
sqlite_position(struct pl_store *store, struct pl_position *out)
{
	*out = self(store)->position;
	return PL_OK;
}

static void
sqlite_close(struct pl_store *store)
{
	struct pl_sqlite *s = self(store);
	bool locked;
	int i;

	sqlite_rollback(store);
	for (i = 0; i < PL_SQL__MAX; i++)
		sqlite3_finalize(s->stmt[i]);
	/* The last one to close checkpoints. */
	locked = s->lock >= 0 && pl_lock_take(s->lock, LOCK_WAIT_MS) == PL_OK;
	sqlite3_close(s->db);
	if (locked)
		pl_lock_give(s->lock);
	if (s->lock >= 0)
		close(s->lock);
	pl_room_close(&s->room);
	pl_buf_free(&s->touched);
	pl_buf_free(&s->packed);
	pl_draft_close(&s->draft);
	free(s);
}

static const struct pl_store_ops ops = {
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .tidy = sqlite_tidy,
    .version = sqlite_version,
    .check = sqlite_check,
    .due = pl_sqlite_due,
    .settle = pl_sqlite_settle,
    .beat = pl_sqlite_beat,
    .visible = pl_sqlite_visible,
    .presence = pl_sqlite_presence,
    .online = pl_sqlite_online,
    .position = sqlite_position,
    .events = pl_sqlite_events,
    .company_add = pl_sqlite_company_add,
    .company_list = pl_sqlite_company_list,
    .company_by_name = pl_sqlite_company_by_name,
    .company_by_api_key = pl_sqlite_company_by_api_key,
    .company_by_site_key = pl_sqlite_company_by_site_key,
    .company_remove = pl_sqlite_company_remove,
    .origin_add = pl_sqlite_origin_add,
    .origin_allowed = pl_sqlite_origin_allowed,
    .agent_add = pl_sqlite_agent_add,
    .agent_list = pl_sqlite_agent_list,
    .agent_revoke = pl_sqlite_agent_revoke,
    .agent_inboxes = pl_sqlite_agent_inboxes,
    .agent_by_name = pl_sqlite_agent_by_name,
    .agent_by_token = pl_sqlite_agent_by_token,
    .agent_by_login = pl_sqlite_agent_by_login,
    .login_add = pl_sqlite_login_add,
    .login_remove = pl_sqlite_login_remove,
    .key_add = pl_sqlite_key_add,
    .key_list = pl_sqlite_key_list,
    .key_remove = pl_sqlite_key_remove,
    .conversation_add = pl_sqlite_conversation_add,
    .conversation_remove = pl_sqlite_conversation_remove,
    .session_find = pl_sqlite_session_find,
    .session_remove = pl_sqlite_session_remove,
    .changes_forget = pl_sqlite_changes_forget,
    .purge = sqlite_purge,
    .conversation_list = pl_sqlite_conversation_list,
    .online_count = pl_sqlite_online_count,
    .counts = pl_sqlite_counts,
};

/* What others can read is not kept secret by being served any longer. */
static enum pl_err
refuse_exposed(const char *path)
{
	struct pl_exposed e;

	if (!pl_files_exposed(path, &e))
		return PL_OK;
	if (e.is_folder)
		pl_log(PL_LOG_ERROR,
		    "%s: every user of this machine may make files beside it "
		    "(%s has mode %04o): chmod o-w %s, or give it a folder of "
		    "its own",
		    path, e.path, (unsigned int)e.mode, e.path);
	else
		pl_log(PL_LOG_ERROR,
		    "%s is open to every user of this machine (mode %04o): "
		    "chmod o= %s*",
		    e.path, (unsigned int)e.mode, path);
	return PL_ERR_STORE;
}

/* Makes an empty file for the owner alone; SQLite would make it for all. */
static enum pl_err
create_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PL_SQLITE_PATH];
	int fd;

	/* Its folder too, though not the ones above: a typing error. */
	snprintf(folder, sizeof(folder), "%.*s",
	    slash != NULL ? (int)(slash - path) : 0, path);
	if (mkdir(folder, 0700) != 0 && errno != EEXIST && folder[0] != '\0')
		pl_log(PL_LOG_WARN, "%s: %s", folder, strerror(errno));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		pl_log(PL_LOG_ERROR, "%s: %s", path, strerror(errno));
		return PL_ERR_STORE;
	}
	close(fd);
	return PL_OK;
}

/* What every write counts up; does nothing where it is there. */
static enum pl_err
create_counter(struct pl_sqlite *s)
{
	sqlite3_stmt *counter = pl_sql(s, PL_SQL_COUNTER_CREATE);
	sqlite3_stmt *touch = pl_sql(s, PL_SQL_TOUCH_CREATE);
	char epoch[PL_EPOCH_LEN + 1];
	uint8_t bits[PL_EPOCH_LEN / 2];
	enum pl_err err;

	if (pl_secret_random(bits, sizeof(bits)) != PL_OK)
		return PL_ERR_STORE;
	pl_hex(bits, sizeof(bits), epoch);
	pl_bind_text(counter, ":epoch", epoch);
	pl_bind_int(touch, ":now", s->now);
	if ((err = pl_run(s, counter)) != PL_OK)
		return err;
	return pl_run(s, touch);
}

/* From version n to n + 1, whole or not at all. */
static enum pl_err
migrate_one(struct pl_sqlite *s, int n)
{
	char pragma[96];
	enum pl_err err;

	/* The table: so that whoever has it open looks, see check_schema(). */
	snprintf(pragma, sizeof(pragma),
	    "CREATE TABLE look (x); DROP TABLE look;"
	    "PRAGMA user_version = %d",
	    n + 1);
	if ((err = exec(s, "BEGIN IMMEDIATE")) != PL_OK)
		return err;
	err = exec(s, pl_sql_migration[n]);
	if (err == PL_OK && pl_sql_migration[n + 1] == NULL)
		err = create_counter(s);
	if (err == PL_OK)
		err = exec(s, pragma);
	if (err == PL_OK)
		return exec(s, "COMMIT");
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return err == PL_ERR_EXISTS ? PL_ERR_STORE : err;
}

/*
 * Does the file say so? The pragma would map the index to find out. Read
 * through SQLite's own descriptor: closing another one of the file would drop
 * its locks. (https://www.sqlite.org/fileformat2.html, bytes 18 and 19)
 */
static bool
is_wal(struct pl_sqlite *s)
{
	uint8_t version[2] = {0, 0};
	sqlite3_file *f = NULL;

	if (sqlite3_file_control(
		s->db, "main", SQLITE_FCNTL_FILE_POINTER, &f) != SQLITE_OK ||
	    f->pMethods->xRead(f, version, sizeof(version), 18) != SQLITE_OK)
		return false;
	return version[0] == 2 || version[1] == 2;
}

/*
 * DELETE, as its commit is one step that cannot half fail; it lasts as long
 * as this connection. In a rollback journal NORMAL might not survive a loss
 * of power. A WAL that is there is taken over: who holds a file of that kind
 * alone (EXCLUSIVE, before its first use) needs no shared memory.
 */
static enum pl_err
set_journal(struct pl_sqlite *s)
{
	if (s->netfs == NULL)
		return exec(s, "PRAGMA journal_mode = WAL");
	return exec(s,
	    "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"
	    "PRAGMA locking_mode = NORMAL; PRAGMA user_version");
}

/* The WAL of a database that has come to lie on a network, and is in use. */
static enum pl_err
refuse_wal(struct pl_sqlite *s)
{
	pl_log(PL_LOG_ERROR,
	    "%s: lies on %s, where its write-ahead log is not safe, and cannot "
	    "be given another journal while other programs have it open: end "
	    "them all, then run \"porchlight init\"",
	    s->path, s->netfs);
	return PL_ERR_STORE;
}

/* Looks before it touches: what is not ours is left as it is. */
static enum pl_err
migrate_all(struct pl_sqlite *s, bool create)
{
	bool convert = s->netfs != NULL && is_wal(s);
	int version = 0, known = newest();
	enum pl_err err;

	if (convert &&
	    (err = exec(s, "PRAGMA locking_mode = EXCLUSIVE")) != PL_OK)
		return err;
	err = read_pragma(s, "PRAGMA user_version", &version);
	if (err == PL_OK)
		err = read_pragma(s, "PRAGMA page_size", &s->page_size);
	if (err != PL_OK)
		return convert && err == PL_ERR_LOCKED ? refuse_wal(s) : err;
	if (version > known || (version == 0 && !create)) {
		pl_log(PL_LOG_ERROR, "%s: %s", s->path,
		    version == 0 ? "no Porchlight database; \"porchlight "
				   "init\" makes one"
				 : "made by a newer version");
		return PL_ERR_STORE;
	}
	err = set_journal(s);
	if (convert && (err == PL_ERR_LOCKED || is_wal(s)))
		return refuse_wal(s);
	if (err == PL_OK && version < known)
		err = pl_sqlite_migrate_functions(s);
	for (; version < known && err == PL_OK; version++)
		err = migrate_one(s, version);
	return err;
}

static enum pl_err
migrate(struct pl_sqlite *s, bool create)
{
	enum pl_err err;

	if ((err = take_lock(s, LOCK_WAIT_MS)) != PL_OK)
		return err;
	err = migrate_all(s, create);
	pl_lock_give(s->lock);
	return err;
}

/*
 * Small pages: a beat changes one row, and the log gets the whole page that
 * it is in. (A database that is there keeps those it has.) And few of them are
 * kept in memory, however many there are: the system has them too.
 */
static enum pl_err
connect_db(struct pl_sqlite *s)
{
	struct stat st;
	int rc;

	rc = sqlite3_open_v2(
	    s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return pl_sqlite_err(s, rc, "open");
	if (stat(s->path, &st) != 0 ||
	    (s->lock = pl_files_open_beside(s->path, "-lock")) < 0) {
		pl_log(PL_LOG_ERROR, "%s: %s", s->path, strerror(errno));
		return PL_ERR_STORE;
	}
	s->dev = st.st_dev;
	s->inode = st.st_ino;
	sqlite3_busy_timeout(s->db, s->netfs != NULL ? LOCK_WAIT_MS : BUSY_MS);
	sqlite3_wal_hook(s->db, on_wal, s); /* instead of autocheckpoints */
	return exec(s,
	    "PRAGMA page_size = 1024; PRAGMA cache_size = -320;"
	    "PRAGMA cache_spill = 4000;"
	    "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
	    "PRAGMA secure_delete = ON;"
	    "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY");
}

/* For a process of one thread: no mutex, and no sum of what is allocated, at
 * each of its allocations. Only before SQLite's first use; later it is as it
 * is. */
static void
configure(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum pl_err
pl_sqlite_open(struct pl_store **out, const char *path, bool create,
    const struct pl_rules *rules, int64_t retention_ms, int64_t now)
{
	struct pl_sqlite *s;
	enum pl_err err = PL_OK;

	if (strlen(path) >= PL_SQLITE_PATH)
		return PL_ERR_STORE;
	configure();
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return PL_ERR_NOMEM;
	*s = (struct pl_sqlite){.store.ops = &ops,
	    .lock = -1,
	    .rules = *rules,
	    .retention_ms = retention_ms,
	    .now = now};
	strcpy(s->path, path);
	pl_room_init(&s->room);
	if (create)
		err = create_file(path);
	s->netfs = pl_netfs_at(path);
	if (err == PL_OK)
		err = refuse_exposed(path);
	if (err == PL_OK)
		err = connect_db(s);
	if (err == PL_OK)
		err = pl_sqlite_functions(s);
	if (err == PL_OK)
		err = migrate(s, create);
	if (err == PL_OK && pl_sql(s, PL_SQL_TXN_ROLLBACK) == NULL)
		err = PL_ERR_NOMEM;
	if (err != PL_OK) {
		sqlite_close(&s->store);
		return err;
	}
	*out = &s->store;
	return PL_OK;
}

enum pl_err
pl_sqlite_set_news(struct pl_store *store, struct pl_news *news)
{
	return pl_draft_open(&self(store)->draft, news);
}

void
pl_sqlite_warm_up(void)
{
	unsigned char byte;

	configure();
	sqlite3_randomness(sizeof(byte), &byte); /* from /dev/urandom */
}

void
pl_sqlite_set_brief(struct pl_store *store)
{
	struct pl_sqlite *s = self(store);

	s->is_brief = true;
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void
pl_sqlite_set_retention(struct pl_store *store, int64_t conversation_ms)
{
	self(store)->conversation_retention_ms = conversation_ms;
}

bool
pl_sqlite_is_stale(const struct pl_store *store)
{
	const struct pl_sqlite *s = (const struct pl_sqlite *)store;
	struct stat st;

	return stat(s->path, &st) != 0 || st.st_dev != s->dev ||
	       st.st_ino != s->inode;
}

bool
pl_sqlite_is_outdated(const struct pl_store *store)
{
	return ((const struct pl_sqlite *)store)->is_outdated;
}

const char *
pl_sqlite_netfs(const struct pl_store *store)
{
	return ((const struct pl_sqlite *)store)->netfs;
}
