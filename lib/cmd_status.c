/*
 * porchlight status: what is in the store, a line each.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#include "cmd.h"
#include "files.h"
#include "seats.h"

static enum pl_err
run_status(struct pl_cmd_env *env, int argc, char *argv[])
{
	struct pl_counts n;
	enum pl_err err;

	(void)argv;
	if (argc > 1)
		return PL_ERR_REQUEST;
	if ((err = env->store->ops->counts(env->store, &n)) != PL_OK)
		return err;
	printf("%-22s %s\n", "version", PACKAGE_VERSION);
	printf("%-22s %s\n", "sqlite", sqlite3_libversion());
	printf("%-22s %s\n", "database", env->config.database);
	printf("%-22s %" PRId64 "\n", "bytes",
	    pl_files_size(env->config.database, ""));
	printf("%-22s %" PRId64 "\n", "bytes-wal",
	    pl_files_size(env->config.database, "-wal"));
	printf("%-22s %" PRId64 "\n", "companies", n.companies);
	printf("%-22s %" PRId64 "\n", "agents", n.agents);
	printf("%-22s %" PRId64 "\n", "conversations", n.conversations);
	printf("%-22s %" PRId64 "\n", "conversations-online", n.online);
	printf("%-22s %" PRId64 "\n", "tabs", n.tabs);
	printf("%-22s %" PRId64 "\n", "changes", n.changes);
	printf("%-22s %zu\n", "polls", pl_seats_taken(&env->shared));
	return PL_OK;
}

/* In a WRITE, so that what ran out is settled before it is counted. */
const struct pl_cmd pl_cmd_status[] = {
    {"status", NULL, "", PL_TXN_WRITE, run_status},
    {NULL, NULL, NULL, PL_TXN_NONE, NULL},
};
