/*
 * porchlight: the operator's command. Options, config, and a table of
 * commands; each of them has a file of its own, lib/cmd_*.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "sandbox.h"

#define USAGE 2

/* The commands' own options: glibc starts anew at 0, all others at 1. */
#ifdef __GLIBC__
#define GETOPT_AGAIN 0
#else
#define GETOPT_AGAIN 1
#endif

extern char **environ;

static const struct pl_cmd *const commands[] = {
    pl_cmd_init,
    pl_cmd_company,
    pl_cmd_agent,
    pl_cmd_secret,
    pl_cmd_conversation,
    pl_cmd_forget,
    pl_cmd_status,
    pl_cmd_watch,
    pl_cmd_doctor,
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
print_usage(FILE *to, const struct pl_cmd *one)
{
	const struct pl_cmd *c;
	size_t i;

	fprintf(to, "usage: porchlight [-c FILE] [-nV] COMMAND\n");
	for (i = 0; i < NCOMMANDS; i++)
		for (c = commands[i]; c->name != NULL; c++)
			if (one == NULL || one == c)
				fprintf(to, "       porchlight %s%s%s %s\n",
				    c->name, c->verb ? " " : "",
				    c->verb ? c->verb : "", c->usage);
}

static const struct pl_cmd *
find(int argc, char *argv[])
{
	const struct pl_cmd *c;
	size_t i;

	for (i = 0; i < NCOMMANDS; i++)
		for (c = commands[i]; c->name != NULL; c++)
			if (strcmp(c->name, argv[0]) == 0 &&
			    (c->verb == NULL ||
				(argc > 1 && strcmp(c->verb, argv[1]) == 0)))
				return c;
	return NULL;
}

static enum pl_err
open_store(struct pl_cmd_env *env)
{
	const struct pl_config *c = &env->config;
	struct pl_rules rules = {c->timeout_ms, c->hidden_timeout_ms,
	    c->leave_grace_ms, c->min_beat_ms};
	enum pl_err err;

	err = pl_sqlite_open(
	    &env->store, c->database, false, &rules, c->retention_ms, env->now);
	if (err != PL_OK)
		return err;
	pl_sqlite_set_retention(env->store, c->keep_ms);
	err = pl_shared_open(&env->shared, c->database, PL_SEATS_THERE);
	if (err == PL_OK)
		err = pl_sqlite_set_news(env->store, &env->shared.page->news);
	return err;
}

/* These open it themselves: one makes it, one says why it cannot. */
static bool
opens_store(const struct pl_cmd *c)
{
	return c == pl_cmd_init || c == pl_cmd_doctor;
}

/*
 * What a command reads out is held back in memory until its transaction is
 * over: a pager takes it when its reader likes, and the log would grow for as
 * long. The descriptor that it goes to then; -1: it is not held.
 */
static int
hold_output(void)
{
	int out = -1;
#ifdef MFD_CLOEXEC
	int held = memfd_create("porchlight", MFD_CLOEXEC);

	fflush(stdout);
	if (held >= 0 && (out = dup(STDOUT_FILENO)) >= 0)
		dup2(held, STDOUT_FILENO);
	if (held >= 0)
		close(held);
#endif
	return out;
}

static void
give_output(int out)
{
	char buf[4096];
	ssize_t n;
	int held;

	if (out < 0)
		return;
	fflush(stdout);
	held = dup(STDOUT_FILENO);
	dup2(out, STDOUT_FILENO);
	close(out);
	lseek(held, 0, SEEK_SET);
	while ((n = read(held, buf, sizeof(buf))) > 0 &&
	       fwrite(buf, 1, (size_t)n, stdout) == (size_t)n)
		;
	close(held);
}

/* In a transaction, if the command wants one; what ran out is settled. */
static enum pl_err
run(const struct pl_cmd *c, struct pl_cmd_env *env, int argc, char *argv[])
{
	const struct pl_store_ops *ops;
	enum pl_err err;
	bool changed, all = true;
	int out = -1;

	if (!opens_store(c) && (err = open_store(env)) != PL_OK)
		return err;
	if (c->txn == PL_TXN_NONE)
		return c->run(env, argc, argv);
	ops = env->store->ops;
	if ((err = ops->begin(env->store, c->txn, env->now)) != PL_OK)
		return err;
	if (c->txn == PL_TXN_WRITE)
		err = ops->settle(env->store, SIZE_MAX, &all);
	if (c->txn == PL_TXN_READ)
		out = hold_output();
	if (err == PL_OK)
		err = c->run(env, argc, argv);
	if (err == PL_OK)
		err = ops->commit(env->store, &changed);
	else
		ops->rollback(env->store);
	give_output(out);
	if (err == PL_OK && changed)
		pl_cmd_ring(env);
	return err;
}

static int
run_command(struct pl_cmd_env *env, int argc, char *argv[])
{
	const struct pl_cmd *c = find(argc, argv);
	int skip = c != NULL && c->verb != NULL;
	enum pl_err err;

	if (c == NULL) {
		print_usage(stderr, NULL);
		return USAGE;
	}
	optind = GETOPT_AGAIN;
	env->now = pl_clock_now();
	err = run(c, env, argc - skip, argv + skip);
	if (env->store != NULL)
		env->store->ops->close(env->store);
	pl_shared_close(&env->shared);
	if (err == PL_ERR_REQUEST) {
		print_usage(stderr, c);
		return USAGE;
	}
	if (err == PL_ERR_STORE || err == PL_ERR_LOCKED ||
	    err == PL_ERR_NOMEM || err == PL_ERR_SYSTEM)
		fprintf(stderr, "porchlight: %s: %s\n", env->config.database,
		    pl_strerror(err));
	return err == PL_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char *argv[])
{
	struct pl_cmd_env env = {.store = NULL, .shared.fd = -1};
	const char *file = NULL;
	bool check = false;
	int opt;

	while ((opt = getopt(argc, argv, "+c:nV")) != -1) {
		if (opt == 'c')
			file = optarg;
		else if (opt == 'n')
			check = true;
		else if (opt == 'V') {
			puts("porchlight " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		} else {
			print_usage(stderr, NULL);
			return USAGE;
		}
	}
	pl_log_init("porchlight", PL_LOG_WARN);
	if (pl_config_load(&env.config, file, environ) != PL_OK) {
		fprintf(stderr, "porchlight: %s\n", env.config.error);
		return EXIT_FAILURE;
	}
	if (env.config.sandbox)
		pl_sandbox_keep_private();
	if (check)
		return EXIT_SUCCESS;
	if (optind == argc) {
		print_usage(stderr, NULL);
		return USAGE;
	}
	return run_command(&env, argc - optind, argv + optind);
}
