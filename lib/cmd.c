/*
 * What the operator's commands have in common.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "cmd.h"
#include "doorbell.h"

#define PURGE_TRIES 20
#define PURGE_PAUSE_MS 250

enum pl_err
pl_cmd_say(enum pl_err err, const char *fmt, ...)
{
	va_list ap;

	fputs("porchlight: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return err;
}

/* The only company there is; 0: none, or several. */
static enum pl_err
count_company(void *arg, const struct pl_company_row *row)
{
	int64_t *found = arg;

	found[0] = row->id;
	found[1]++;
	return PL_OK;
}

enum pl_err
pl_cmd_company_id(struct pl_cmd_env *env, int64_t *out)
{
	const struct pl_store_ops *ops = env->store->ops;
	int64_t found[2] = {0, 0};
	enum pl_err err;

	if (env->company != NULL) {
		err = ops->company_by_name(env->store, env->company, out);
		if (err == PL_ERR_NOT_FOUND)
			return pl_cmd_say(
			    err, "there is no company \"%s\"", env->company);
		return err;
	}
	err = ops->company_list(env->store, count_company, found);
	if (err != PL_OK)
		return err;
	if (found[1] != 1)
		return pl_cmd_say(PL_ERR_NOT_FOUND,
		    found[1] == 0 ? "there is no company yet"
				  : "there are several companies: which? (-C)");
	*out = found[0];
	return PL_OK;
}

void
pl_cmd_ring(const struct pl_cmd_env *env)
{
	struct pl_doorbell bell;

	if (pl_doorbell_open(&bell, env->config.database, false) != PL_OK)
		return;
	pl_doorbell_ring(&bell);
	pl_doorbell_close(&bell);
}

void
pl_cmd_pause(int64_t ms)
{
	struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000 * 1000000)};

	nanosleep(&t, NULL);
}

/* Somebody may be reading just now; nobody does so for long. */
enum pl_err
pl_cmd_purge(struct pl_cmd_env *env)
{
	struct pl_store *store = env->store;
	enum pl_err err = store->ops->purge(store);
	int i;

	for (i = 1; err == PL_ERR_LOCKED && i < PURGE_TRIES; i++) {
		pl_cmd_pause(PURGE_PAUSE_MS);
		err = store->ops->purge(store);
	}
	if (err == PL_ERR_LOCKED)
		return pl_cmd_say(PL_ERR_BUSY,
		    "removed, but the database is too busy to take it out of "
		    "its log: run it again");
	return err;
}

void
pl_cmd_print(const char *s, int width)
{
	int columns = 0;

	for (s = s != NULL ? s : "-"; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		putchar(c < 0x20 || c == 0x7f ? '?' : c);
		/* A character is a column; its further bytes are none. */
		columns += (c & 0xc0) != 0x80;
	}
	for (; columns < width; columns++)
		putchar(' ');
}

void
pl_cmd_print_time(int64_t ms, int width)
{
	char text[PL_TIME_LEN + 1];

	pl_clock_format(ms, text);
	text[10] = ' ';
	text[19] = '\0';
	pl_cmd_print(ms != 0 ? text : NULL, width);
}
