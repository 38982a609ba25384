#ifndef PL_SHARED_H
#define PL_SHARED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "metrics.h"
#include "news.h"
#include "rate.h"

/*
 * What the processes of one database share without writing it down: the file
 * DATABASE-shared, mapped into each. It may be lost at any time, and nothing
 * but places to wait is lost with it: the news are in the store too.
 */

/* A place at which a poll waits (seats.h). */
struct pl_seat {
	_Atomic uint64_t holder; /* 0: free */
	_Atomic uint64_t key;    /* of agent and client; 0: no client */
};

/* How the web server runs a program, for `porchlight doctor`. */
struct pl_served {
	int64_t at;            /* when a process first saw it so; 0: never */
	int64_t seen_at;       /* and when it last did, to the minute */
	int64_t authorized_at; /* when an Authorization last came; 0: never */
	int64_t cookie_at;     /* and when an agent's cookie last did */
	int64_t files;         /* how many may be open; -1: any number */
	int64_t processes;     /* how many its user may have; -1 */
	int64_t waiters;       /* how many polls it would hold */
	uint32_t mode;         /* enum pl_mode */
	uint32_t bare;         /* for agents, but without any credential */
	int32_t sqlite;        /* sqlite3_libversion_number() */
	char software[100];    /* SERVER_SOFTWARE */
	char document_root[512];
};

struct pl_shared_page {
	uint64_t magic;
	struct pl_served served[PL_PROGRAM__MAX];
	struct pl_rates rates;
	struct pl_news news;
	struct pl_metrics metrics;
	_Atomic uint64_t moved;    /* seats taken over from another process */
	_Atomic uint32_t used;     /* seats beyond this were never taken */
	_Atomic uint32_t ring;     /* seats among which clients have homes */
	_Atomic uint32_t reach;    /* no seat lies farther from its home */
	_Atomic uint32_t sequence; /* makes each holder's number another */
	struct pl_seat seats[];
};

#define PL_SEATS_THERE ((size_t)-1)

struct pl_shared {
	struct pl_shared_page *page;
	size_t size;
	size_t nseats;
	int fd;      /* -1: shared with nobody */
	int process; /* our number, which the lock on its byte keeps; -1 */
};

/*
 * Maps the file, with room for nseats (PL_SEATS_THERE: as many as it has).
 * Without one (a folder that may not be written), memory of our own serves.
 * PL_ERR_NOMEM.
 */
enum pl_err pl_shared_open(
    struct pl_shared *, const char *database, size_t nseats) PL_MUST;
void pl_shared_close(struct pl_shared *);

#endif
