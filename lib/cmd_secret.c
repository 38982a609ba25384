/*
 * porchlight secret: what a company's host application signs JWTs with, for
 * its agents. Shown once; kept as it is, for a signature cannot be checked
 * with less. Several may be good at once, so that one can be replaced without
 * a moment in which none is: add, change the application, remove.
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "text.h"

#define KEYS_MAX 8 /* each one is tried when a JWT comes */

/* Options, and how many arguments must follow. */
static enum pl_err
parse(struct pl_cmd_env *env, int argc, char *argv[], int arguments,
    int64_t *company)
{
	int opt;

	while ((opt = getopt(argc, argv, "C:")) != -1) {
		if (opt != 'C')
			return PL_ERR_REQUEST;
		env->company = optarg;
	}
	if (argc - optind != arguments)
		return PL_ERR_REQUEST;
	return pl_cmd_company_id(env, company);
}

static enum pl_err
count(void *arg, const struct pl_key_row *row)
{
	(void)row;
	++*(int *)arg;
	return PL_OK;
}

static enum pl_err
run_add(struct pl_cmd_env *env, int argc, char *argv[])
{
	const struct pl_store_ops *ops = env->store->ops;
	char secret[PL_KEY_LEN + 1];
	int64_t company, id;
	enum pl_err err;
	int n = 0;

	if ((err = parse(env, argc, argv, 0, &company)) != PL_OK ||
	    (err = ops->key_list(env->store, company, count, &n)) != PL_OK)
		return err;
	if (n >= KEYS_MAX)
		return pl_cmd_say(
		    PL_ERR_EXISTS, "there are %d already: remove one first", n);
	if ((err = pl_secret_key(secret)) != PL_OK ||
	    (err = ops->key_add(env->store, company, secret, &id)) != PL_OK)
		return err;
	printf("SECRET_ID=%lld\nJWT_SECRET=%s\n", (long long)id, secret);
	fputs("Keep the secret: it is not shown again.\n", stderr);
	return PL_OK;
}

static enum pl_err
print_row(void *arg, const struct pl_key_row *row)
{
	(void)arg;
	printf("%-10lld  ", (long long)row->id);
	pl_cmd_print_time(row->created_at, 0);
	putchar('\n');
	return PL_OK;
}

static enum pl_err
run_list(struct pl_cmd_env *env, int argc, char *argv[])
{
	int64_t company;
	enum pl_err err;

	if ((err = parse(env, argc, argv, 0, &company)) != PL_OK)
		return err;
	printf("%-10s  %s\n", "SECRET", "SINCE (UTC)");
	return env->store->ops->key_list(env->store, company, print_row, NULL);
}

static enum pl_err
run_remove(struct pl_cmd_env *env, int argc, char *argv[])
{
	int64_t company, id;
	enum pl_err err;

	if ((err = parse(env, argc, argv, 1, &company)) != PL_OK ||
	    (err = pl_parse_int(argv[optind], 1, INT64_MAX, &id)) != PL_OK)
		return err;
	err = env->store->ops->key_remove(env->store, company, id);
	if (err == PL_ERR_NOT_FOUND)
		return pl_cmd_say(
		    err, "there is no secret %lld", (long long)id);
	return err;
}

const struct pl_cmd pl_cmd_secret[] = {
    {"secret", "add", "[-C COMPANY]", PL_TXN_WRITE, run_add},
    {"secret", "list", "[-C COMPANY]", PL_TXN_READ, run_list},
    {"secret", "remove", "[-C COMPANY] ID", PL_TXN_WRITE, run_remove},
    {NULL, NULL, NULL, PL_TXN_NONE, NULL},
};
