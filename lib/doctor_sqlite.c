/*
 * What SQLite itself has to say, past the store: its version, and
 * whether the file is whole.
 */
#include <sqlite3.h>
#ifdef HAVE_GETAUXVAL
#include <sys/auxv.h>
#endif

#include "clock.h"
#include "doctor.h"

#define STEPS 10000 /* of SQLite's machine, between two looks at the clock */

/*
 * https://www.sqlite.org/wal.html#walresetbug: from 3.7.0 to 3.51.2, mended
 * in 3.51.3, and in two older lines by 3.44.6 and 3.50.7.
 */
bool
pl_doctor_has_wal_bug(int version)
{
	if (version < 3007000 || version >= 3051003)
		return false;
	if (version / 1000 == 3044)
		return version < 3044006;
	if (version / 1000 == 3050)
		return version < 3050007;
	return true;
}

/* Is SQLite a part of this program? Then it has no loader either. */
static bool
is_static(void)
{
#ifdef HAVE_GETAUXVAL
	return getauxval(AT_BASE) == 0;
#else
	return false;
#endif
}

void
pl_doctor_sqlite(struct pl_doctor *d, int version, const char *netfs)
{
	int ours = sqlite3_libversion_number();
	const char *whose = version != 0 ? "the programs" : "this command";
	char text[32];

	version = version != 0 ? version : ours;
	snprintf(text, sizeof(text), "%d.%d.%d", version / 1000000,
	    version / 1000 % 1000, version % 1000);
	if (!pl_doctor_has_wal_bug(version))
		pl_doctor_say(
		    d, PL_FINE, "sqlite", "%s use SQLite %s", whose, text);
	else if (netfs != NULL)
		pl_doctor_say(d, PL_FINE, "sqlite",
		    "%s use SQLite %s; its WAL-reset bug does not concern a "
		    "rollback journal",
		    whose, text);
	else
		pl_doctor_say(d, PL_WARN, "sqlite",
		    "%s use SQLite %s, which has the WAL-reset bug unless its "
		    "distributor has mended it: a database may be damaged when "
		    "a checkpoint meets a commit. Porchlight's own programs "
		    "keep the two apart; let no other program write to the "
		    "database while they run, and update %s to SQLite 3.51.3 "
		    "(or 3.50.7, 3.44.6)",
		    whose, text,
		    is_static() ? "the bundle, which carries its own SQLite,"
				: "the system");
}

static bool
open_to_read(struct pl_doctor *d, sqlite3 **db)
{
	if (sqlite3_open_v2(d->config->database, db, SQLITE_OPEN_READONLY,
		NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(*db, 1000);
		return true;
	}
	sqlite3_close(*db);
	return false;
}

static int
is_late(void *until)
{
	return pl_clock_now() > *(int64_t *)until;
}

void
pl_doctor_integrity(struct pl_doctor *d, int64_t most_ms)
{
	int64_t until = pl_clock_now() + most_ms;
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	const char *found;
	int rc;

	if (!open_to_read(d, &db)) {
		pl_doctor_say(
		    d, PL_WRONG, "integrity", "the database cannot be opened");
		return;
	}
	sqlite3_progress_handler(db, STEPS, is_late, &until);
	rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	found = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0)
				 : sqlite3_errmsg(db);
	if (rc == SQLITE_INTERRUPT)
		pl_doctor_say(d, PL_WARN, "integrity",
		    "not finished within %lld s: nothing wrong so far",
		    (long long)(most_ms / 1000));
	else if (rc == SQLITE_ROW && found != NULL &&
		 sqlite3_stricmp(found, "ok") == 0)
		pl_doctor_say(d, PL_FINE, "integrity", "the database is whole");
	else
		pl_doctor_say(d, PL_WRONG, "integrity",
		    "the database is damaged: %s. Stop the programs, keep a "
		    "copy of all its files, and get out what can be had: "
		    "sqlite3 %s .recover",
		    found != NULL ? found : "unknown", d->config->database);
	sqlite3_finalize(st);
	sqlite3_close(db);
}
