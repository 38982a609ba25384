#ifndef PL_CMD_H
#define PL_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "shared.h"
#include "store.h"

/* What the operator's commands share. */
struct pl_cmd_env {
	struct pl_config config;
	struct pl_store *store;  /* open, but for init and doctor */
	struct pl_shared shared; /* like the store */
	int64_t now;
	const char *company; /* -C: whose; NULL: not said */
};

/*
 * A command: "company add". run() gets what follows it, options included, as
 * getopt(3) wants it (argv[0] is the command), stands in a transaction of its
 * kind, and prints results to stdout. Its error is told by the main; a
 * message of its own it has told itself, by pl_cmd_say().
 */
struct pl_cmd {
	const char *name;  /* "company" */
	const char *verb;  /* "add"; NULL: it has none */
	const char *usage; /* what may follow */
	enum pl_txn txn;
	enum pl_err (*run)(struct pl_cmd_env *, int argc, char *argv[]);
};

/* The commands of each file; a row without a name ends them. */
extern const struct pl_cmd pl_cmd_init[], pl_cmd_company[], pl_cmd_agent[],
    pl_cmd_secret[], pl_cmd_conversation[], pl_cmd_forget[], pl_cmd_status[],
    pl_cmd_watch[], pl_cmd_doctor[];

/* "porchlight: TEXT" on stderr; returns err. */
enum pl_err pl_cmd_say(enum pl_err err, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* The company of -C, or the only one there is. Tells what is wrong. */
enum pl_err pl_cmd_company_id(struct pl_cmd_env *, int64_t *) PL_MUST;

/* Forgets a company and all that is its, in transactions of its own: beats
 * of others are not kept waiting for it. */
enum pl_err pl_cmd_company_remove(struct pl_cmd_env *, int64_t company) PL_MUST;

/* Those who wait look at once at what the operator did. */
void pl_cmd_ring(const struct pl_cmd_env *);

void pl_cmd_pause(int64_t ms);

/* Takes what was removed out of the files, too. Tells if it cannot now:
 * PL_ERR_BUSY. */
enum pl_err pl_cmd_purge(struct pl_cmd_env *) PL_MUST;

/* Prints a text that came from outside, control characters as "?", padded
 * to `width` columns (0: as it is). NULL prints "-". */
void pl_cmd_print(const char *, int width);
/* "2025-10-03 10:30:00", or "-" for 0; padded the same. */
void pl_cmd_print_time(int64_t ms, int width);

#endif
