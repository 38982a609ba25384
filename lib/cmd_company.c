/*
 * porchlight company: the tenants. A company has an API key for its host
 * application, shown once and kept as a hash, and a site key that stands in
 * its pages for everybody to see.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "text.h"

#define ORIGINS_MAX 32
#define REMOVE_MOST 200 /* conversations in one transaction: some 10 ms */

/*
 * As browsers send it: scheme://host[:port], lower case, no path, and no port
 * that is the scheme's own; "null" from files and sandboxed frames.
 */
static bool
is_origin(const char *s)
{
	const char *host = strstr(s, "://");
	bool tls = strncmp(s, "https://", 8) == 0;
	const char *own = tls ? ":443" : ":80";
	size_t n = strlen(s);

	if (strcmp(s, "null") == 0)
		return true;
	if (host == NULL || n > 300 || (!tls && strncmp(s, "http://", 7) != 0))
		return false;
	if (strcmp(s + n - strlen(own), own) == 0) /* never sent */
		return false;
	host += 3;
	return *host != '\0' &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.:[]") ==
		   strlen(host);
}

static enum pl_err
add_company(
    struct pl_cmd_env *env, const char *name, char *origins[], int norigins)
{
	const struct pl_store_ops *ops = env->store->ops;
	char api_key[PL_TOKEN_LEN + 1], site_key[PL_TOKEN_LEN + 1];
	uint8_t hash[PL_HASH_LEN];
	enum pl_err err;
	int64_t id;
	int i;

	if ((err = pl_secret_token("plk_", api_key)) != PL_OK ||
	    (err = pl_secret_token("pls_", site_key)) != PL_OK)
		return err;
	pl_secret_hash(api_key, hash);
	err = ops->company_add(env->store, name, hash, site_key, &id);
	if (err == PL_ERR_EXISTS)
		return pl_cmd_say(err, "there is a company \"%s\"", name);
	for (i = 0; i < norigins && err == PL_OK; i++)
		err = ops->origin_add(env->store, id, origins[i]);
	if (err != PL_OK)
		return err;
	printf("API_KEY=%s\nSITE_KEY=%s\n", api_key, site_key);
	fputs("Keep the API key: it is not shown again.\n", stderr);
	return PL_OK;
}

static enum pl_err
run_add(struct pl_cmd_env *env, int argc, char *argv[])
{
	char *origins[ORIGINS_MAX];
	int opt, n = 0;

	while ((opt = getopt(argc, argv, "o:")) != -1) {
		if (opt != 'o' || n == ORIGINS_MAX)
			return PL_ERR_REQUEST;
		if (!is_origin(optarg))
			return pl_cmd_say(PL_ERR_CONFIG,
			    "\"%s\": expected an origin like "
			    "https://shop.example, without a path or the "
			    "usual port",
			    optarg);
		origins[n++] = optarg;
	}
	if (argc - optind != 1 || argv[optind][0] == '\0' ||
	    !pl_text_valid(argv[optind], strlen(argv[optind])))
		return PL_ERR_REQUEST;
	return add_company(env, argv[optind], origins, n);
}

static enum pl_err
print_row(void *arg, const struct pl_company_row *row)
{
	(void)arg;
	pl_cmd_print(row->name, 30);
	printf("  ");
	pl_cmd_print(row->site_key, PL_TOKEN_LEN);
	printf("  ");
	pl_cmd_print_time(row->created_at, 0);
	putchar('\n');
	return PL_OK;
}

static enum pl_err
run_list(struct pl_cmd_env *env, int argc, char *argv[])
{
	(void)argv;
	if (argc > 1)
		return PL_ERR_REQUEST;
	printf("%-30s  %-44s  %s\n", "COMPANY", "SITE KEY", "SINCE (UTC)");
	return env->store->ops->company_list(env->store, print_row, NULL);
}

enum pl_err
pl_cmd_company_remove(struct pl_cmd_env *env, int64_t company)
{
	struct pl_store *store = env->store;
	bool all = false, changed;
	enum pl_err err;

	do {
		env->now = pl_clock_now();
		err = store->ops->begin(store, PL_TXN_WRITE, env->now);
		if (err == PL_OK)
			err = store->ops->company_remove(
			    store, company, REMOVE_MOST, &all);
		if (err == PL_OK)
			err = store->ops->commit(store, &changed);
		store->ops->rollback(store);
		store->ops->tidy(store, false);
	} while (err == PL_OK && !all);
	return err;
}

static enum pl_err
run_remove(struct pl_cmd_env *env, int argc, char *argv[])
{
	struct pl_store *store = env->store;
	enum pl_err err;
	int64_t company;

	if (argc != 2)
		return PL_ERR_REQUEST;
	env->company = argv[1];
	if ((err = store->ops->begin(store, PL_TXN_READ, env->now)) != PL_OK)
		return err;
	err = pl_cmd_company_id(env, &company);
	store->ops->rollback(store);
	if (err != PL_OK ||
	    (err = pl_cmd_company_remove(env, company)) != PL_OK)
		return err;
	pl_cmd_ring(env);
	return pl_cmd_purge(env);
}

const struct pl_cmd pl_cmd_company[] = {
    {"company", "add", "[-o ORIGIN]... NAME", PL_TXN_WRITE, run_add},
    {"company", "list", "", PL_TXN_READ, run_list},
    {"company", "remove", "NAME", PL_TXN_NONE, run_remove},
    {NULL, NULL, NULL, PL_TXN_NONE, NULL},
};
