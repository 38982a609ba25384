/*
 * porchlight doctor: looks at everything that can be wrong with an
 * installation, and says so in a line each. It finds the facts here; what
 * they mean is said in doctor_*.c.
 */
#include <getopt.h>

#include "cmd.h"
#include "doctor.h"
#include "netfs.h"
#include "seats.h"

#define INTEGRITY_MS 60000

/* As the programs open it. *written_at: when it last was; 0: not known. */
static enum pl_err
open_store(struct pl_doctor *d, struct pl_cmd_env *env, int64_t *written_at)
{
	const struct pl_config *c = d->config;
	struct pl_rules rules = {c->timeout_ms, c->hidden_timeout_ms,
	    c->leave_grace_ms, c->min_beat_ms};
	struct pl_position position;
	enum pl_err err;

	err = pl_sqlite_open(
	    &env->store, c->database, false, &rules, c->retention_ms, d->now);
	if (err != PL_OK)
		return err;
	err = env->store->ops->begin(env->store, PL_TXN_READ, d->now);
	if (err == PL_OK)
		err = env->store->ops->position(env->store, &position);
	if (err == PL_OK)
		*written_at = position.at;
	env->store->ops->rollback(env->store);
	return err;
}

/* Really written, or a disk that is full would not be found. */
static enum pl_err
write_store(struct pl_doctor *d, struct pl_store *store)
{
	enum pl_err err = store->ops->begin(store, PL_TXN_WRITE, d->now);
	bool changed;

	if (err == PL_OK)
		err = store->ops->check(store);
	if (err == PL_OK)
		err = store->ops->commit(store, &changed);
	store->ops->rollback(store);
	return err;
}

static void
check_store(struct pl_doctor *d, struct pl_cmd_env *env, int64_t folder_at)
{
	int64_t written_at = 0;
	enum pl_err err = open_store(d, env, &written_at);

	pl_doctor_clock(d, written_at, folder_at); /* before it is written */
	if (err == PL_OK)
		err = write_store(d, env->store);
	if (err == PL_OK)
		pl_doctor_say(d, PL_FINE, "store", "can be written");
	else
		pl_doctor_say(d, PL_WRONG, "store", "%s%s", pl_strerror(err),
		    err == PL_ERR_LOCKED
			? ": find it (fuser), and end it if it hangs"
			: "; standard error has SQLite's own words");
}

static void
check_disk(struct pl_doctor *d)
{
	struct statvfs fs;

	if (statvfs(d->config->database, &fs) == 0)
		pl_doctor_disk(d, &fs);
}

static enum pl_err
check_server(struct pl_doctor *d, struct pl_cmd_env *env, const char *url)
{
	const char *netfs = pl_netfs_at(d->config->database);
	const struct pl_shared_page *page;
	struct pl_shared shared;
	enum pl_err err;
	int version;

	err = pl_shared_open(&shared, d->config->database, PL_SEATS_THERE);
	if (err != PL_OK)
		return err;
	page = shared.page;
	version = page->served[PL_PRESENCE].sqlite;
	pl_doctor_sqlite(d, version, netfs);
	pl_doctor_server(d, page);
	pl_doctor_patience(d, page);
	pl_doctor_limits(d, page);
	pl_doctor_web_root(d, page, url != NULL);
	if (url != NULL && env->store != NULL)
		pl_doctor_url(d, env, page, url);
	else if (url != NULL)
		pl_doctor_say(d, PL_WARN, "url",
		    "not looked at: the store has to work first");
	pl_doctor_authorization(
	    d, page); /* last: the visit may have shown it */
	pl_shared_close(&shared);
	return PL_OK;
}

static enum pl_err
check_all(struct pl_doctor *d, struct pl_cmd_env *env, const char *url,
    bool integrity)
{
	int64_t folder_at;

	pl_doctor_config(d);
	if (!pl_doctor_files(d))
		return PL_OK;
	pl_doctor_folder(d, &folder_at);
	pl_doctor_netfs(d, pl_netfs_at(d->config->database));
	check_disk(d);
	check_store(d, env, folder_at);
	if (integrity)
		pl_doctor_integrity(d, INTEGRITY_MS);
	return check_server(d, env, url);
}

static enum pl_err
run_doctor(struct pl_cmd_env *env, int argc, char *argv[])
{
	static const struct option options[] = {
	    {"url", required_argument, NULL, 'u'}, {NULL, 0, NULL, 0}};
	struct pl_doctor d = {
	    .config = &env->config, .out = stdout, .now = env->now};
	const char *url = NULL;
	bool integrity = false;
	enum pl_err err;
	int opt;

	while ((opt = getopt_long(argc, argv, "iu:", options, NULL)) != -1) {
		if (opt == 'i')
			integrity = true;
		else if (opt == 'u')
			url = optarg;
		else
			return PL_ERR_REQUEST;
	}
	if (argc != optind)
		return PL_ERR_REQUEST;
	if ((err = check_all(&d, env, url, integrity)) != PL_OK)
		return err;
	if (d.wrong > 0)
		printf("%zu wrong, %zu to be looked at\n", d.wrong, d.warned);
	else if (d.warned > 0)
		printf("nothing wrong, %zu to be looked at\n", d.warned);
	else
		printf("nothing wrong\n");
	return d.wrong > 0 ? PL_ERR_CONFIG : PL_OK;
}

const struct pl_cmd pl_cmd_doctor[] = {
    {"doctor", NULL, "[-i] [--url URL]", PL_TXN_NONE, run_doctor},
    {NULL, NULL, NULL, PL_TXN_NONE, NULL},
};
