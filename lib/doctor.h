#ifndef PL_DOCTOR_H
#define PL_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "cmd.h"
#include "shared.h"

/*
 * What is wrong with this installation, and how to mend it: a line a check.
 * A check is told the facts where it can be, so that each can be given wrong
 * ones; who gathers them is cmd_doctor.c.
 */
enum pl_verdict {
	PL_FINE,
	PL_WARN, /* may be meant so, or may harm one day */
	PL_WRONG /* does harm */
};

struct pl_doctor {
	const struct pl_config *config;
	FILE *out;
	int64_t now; /* by this machine's clock */
	size_t warned, wrong;
	char exposed[1200]; /* the database's URL below the web root; "" */
};

/* "ok    NAME  WORDS": what was found, and the remedy. One line, whatever the
 * words are; what came from outside is harmless in them. */
void pl_doctor_say(struct pl_doctor *, enum pl_verdict, const char *name,
    const char *words, ...) __attribute__((format(printf, 4, 5)));

/* ---- doctor_files.c: the database and what lies beside it ---- */

/* Whose it is and who may read it. False: it is not there, or not to be read
 * by us, so that nothing more can be looked at. */
bool pl_doctor_files(struct pl_doctor *);
/* Can its owner write the folder? *clock: the file system's time. */
void pl_doctor_folder(struct pl_doctor *, int64_t *clock);
void pl_doctor_config(struct pl_doctor *);
void pl_doctor_netfs(struct pl_doctor *, const char *netfs);
void pl_doctor_disk(struct pl_doctor *, const struct statvfs *);
/* Fills in exposed. `asked`: --url will see whether visitors get it. */
void pl_doctor_web_root(
    struct pl_doctor *, const struct pl_shared_page *, bool asked);

/* ---- doctor_sqlite.c ---- */

/* Has an SQLite of that sqlite3_libversion_number() the WAL-reset bug? */
bool pl_doctor_has_wal_bug(int version);
/* version: that of the programs; 0: not known. */
void pl_doctor_sqlite(struct pl_doctor *, int version, const char *netfs);
void pl_doctor_integrity(struct pl_doctor *, int64_t most_ms);

/* ---- doctor_server.c: what the programs noted of their server ---- */

void pl_doctor_server(struct pl_doctor *, const struct pl_shared_page *);
void pl_doctor_authorization(struct pl_doctor *, const struct pl_shared_page *);
void pl_doctor_patience(struct pl_doctor *, const struct pl_shared_page *);
void pl_doctor_limits(struct pl_doctor *, const struct pl_shared_page *);
/* How that server is told to pass the header on, to be patient. */
const char *pl_doctor_pass_on(uint32_t mode);
const char *pl_doctor_be_patient(uint32_t mode);

/* Against the year, the store's last write, the file system's time (0: not
 * known). */
void pl_doctor_clock(struct pl_doctor *, int64_t written_at, int64_t folder_at);

/* ---- doctor_url.c: from outside ---- */

/* Everything that a visitor and an agent meet at that URL, with a company of
 * its own that is gone afterwards. */
void pl_doctor_url(struct pl_doctor *, struct pl_cmd_env *,
    const struct pl_shared_page *, const char *url);

#endif
