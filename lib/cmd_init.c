/*
 * porchlight init: makes the database. One that is there is brought forward
 * to this version, and otherwise left as it is.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "cmd.h"

static enum pl_err
run_init(struct pl_cmd_env *env, int argc, char *argv[])
{
	const struct pl_config *c = &env->config;
	struct pl_rules rules = {c->timeout_ms, c->hidden_timeout_ms,
	    c->leave_grace_ms, c->min_beat_ms};
	enum pl_err err;

	(void)argv;
	if (argc > 1)
		return PL_ERR_REQUEST;
	umask(077);
	err = pl_sqlite_open(
	    &env->store, c->database, true, &rules, c->retention_ms, env->now);
	if (err != PL_OK)
		return err;
	printf("%s is ready\n", c->database);
	if (pl_sqlite_netfs(env->store) != NULL)
		fprintf(stderr,
		    "It lies on %s: a local disk is faster, and only one host "
		    "may use it.\n",
		    pl_sqlite_netfs(env->store));
	return PL_OK;
}

const struct pl_cmd pl_cmd_init[] = {
    {"init", NULL, "", PL_TXN_NONE, run_init},
    {NULL, NULL, NULL, PL_TXN_NONE, NULL},
};
