/*
 * porchlight watch: who is here, live in a terminal. Redrawn when something
 * was written, when somebody runs out, and each second for the durations.
 * Without a terminal the table is printed once.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "doorbell.h"

#define REDRAW_MS 1000
#define SETTLE_MOST 1000
#define COLUMNS_LEAST 60

static volatile sig_atomic_t stopped;

/* One drawing. */
struct screen {
	bool terminal, colour;
	int rows, columns;
	int drawn, online;
	int64_t now;
};

static void
on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static void
measure(struct screen *s)
{
	struct winsize ws;

	s->rows = s->columns = 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0) {
		s->rows = ws.ws_row;
		s->columns = ws.ws_col;
	}
	if (s->rows < 5)
		s->rows = 24;
	if (s->columns < COLUMNS_LEAST)
		s->columns = 80;
}

static void
print_duration(int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0;

	if (s < 60)
		printf("%5" PRId64 " s ", s);
	else if (s < 3600)
		printf("%5" PRId64 " m ", s / 60);
	else
		printf("%5" PRId64 " h ", s / 3600);
}

/* At most `width` columns of a text. */
static void
print_cut(const char *s, int width)
{
	char text[256];
	size_t n = 0;
	int columns = 0;

	for (s = s != NULL ? s : "-"; *s != '\0' && n < sizeof(text) - 1; s++) {
		columns += ((unsigned char)*s & 0xc0) != 0x80;
		if (columns > width)
			break;
		text[n++] = *s;
	}
	text[n] = '\0';
	pl_cmd_print(text, width);
}

static enum pl_err
draw_row(void *arg, const struct pl_presence *p)
{
	struct screen *s = arg;
	struct pl_state st = pl_room_state(p->room, PL_ALL_SESSIONS, s->now);
	int name = (s->columns - 46) / 2;

	if (st.status == PL_OFFLINE)
		return PL_OK;
	s->online++;
	if (s->terminal && s->drawn >= s->rows - 4)
		return PL_OK;
	s->drawn++;
	if (s->colour)
		fputs(st.status == PL_ONLINE ? "\033[32m" : "\033[33m", stdout);
	fputs(st.status == PL_ONLINE ? "● " : "○ ", stdout);
	pl_cmd_print(pl_status_name(st.status), 7);
	if (s->colour)
		fputs("\033[0m", stdout);
	print_cut(p->public_id, name);
	putchar(' ');
	print_cut(p->name, name);
	printf(" %4d %7d", st.connections, st.devices);
	print_duration(s->now - p->room->online_since);
	print_duration(s->now - st.last_beat_at);
	fputs(st.typing ? "typing\n" : "\n", stdout);
	return PL_OK;
}

/* All that ran out is settled first, so that the table tells the truth. */
static enum pl_err
settle(struct pl_cmd_env *env, struct pl_doorbell *bell)
{
	const struct pl_store_ops *ops = env->store->ops;
	bool all = false, changed;
	enum pl_err err = PL_OK;
	int64_t due;

	if ((err = ops->due(env->store, &due)) != PL_OK || due > env->now)
		return err;
	while (!all) {
		err = ops->begin(env->store, PL_TXN_WRITE, env->now);
		if (err == PL_OK)
			err = ops->settle(env->store, SETTLE_MOST, &all);
		if (err == PL_OK)
			err = ops->commit(env->store, &changed);
		if (err != PL_OK) {
			ops->rollback(env->store);
			return err;
		}
		if (changed)
			pl_doorbell_ring(bell);
	}
	return PL_OK;
}

static enum pl_err
draw(struct pl_cmd_env *env, struct screen *s, int64_t company)
{
	const struct pl_store_ops *ops = env->store->ops;
	struct pl_scope scope = {company, NULL};
	int name;
	enum pl_err err;

	measure(s);
	name = (s->columns - 46) / 2;
	s->now = env->now;
	s->drawn = s->online = 0;
	if ((err = ops->begin(env->store, PL_TXN_READ, env->now)) != PL_OK)
		return err;
	fputs(s->terminal ? "\033[H\033[2J" : "", stdout);
	printf("%-9s%-*s %-*s %4s %7s %6s %6s\n", "STATUS", name,
	    "CONVERSATION", name, "CUSTOMER", "TABS", "DEVICES", "SINCE",
	    "BEAT");
	err = ops->online(env->store, &scope, INT64_MAX, INT64_MAX,
	    SIZE_MAX / 2, draw_row, s);
	ops->rollback(env->store);
	if (s->online > s->drawn)
		printf("… and %d more\n", s->online - s->drawn);
	printf("%d online at ", s->online);
	pl_cmd_print_time(s->now, 0);
	fputs(" UTC\n", stdout);
	fflush(stdout);
	return err;
}

static void
wait_for_change(struct pl_cmd_env *env, struct pl_doorbell *bell)
{
	struct pollfd fd = {.fd = bell->watch, .events = POLLIN};
	int64_t due, wait = REDRAW_MS;

	if (env->store->ops->due(env->store, &due) == PL_OK &&
	    due - pl_clock_now() < wait)
		wait = due - pl_clock_now();
	if (wait > 0)
		poll(&fd, 1, (int)wait);
	pl_doorbell_answer(bell);
}

static enum pl_err
watch(struct pl_cmd_env *env, int64_t company)
{
	struct sigaction act = {.sa_handler = on_signal};
	struct pl_doorbell bell = {-1, -1};
	struct screen s = {.terminal = isatty(STDOUT_FILENO) == 1};
	const char *no_colour = getenv("NO_COLOR");
	enum pl_err err;

	s.colour = s.terminal && (no_colour == NULL || *no_colour == '\0');
	if (pl_doorbell_open(&bell, env->config.database, true) != PL_OK)
		fputs("no doorbell: redrawn each second\n", stderr);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	fputs(s.terminal ? "\033[?25l" : "", stdout);
	do {
		env->now = pl_clock_now();
		if ((err = settle(env, &bell)) == PL_OK)
			err = draw(env, &s, company);
		/* What was drawn stays until others are done with it. */
		if (err == PL_ERR_LOCKED && s.terminal)
			err = PL_OK;
		if (err == PL_OK && s.terminal)
			wait_for_change(env, &bell);
	} while (err == PL_OK && s.terminal && !stopped);
	fputs(s.terminal ? "\033[?25h" : "", stdout);
	pl_doorbell_close(&bell);
	return err;
}

static enum pl_err
run_watch(struct pl_cmd_env *env, int argc, char *argv[])
{
	int64_t company;
	enum pl_err err;
	int opt;

	while ((opt = getopt(argc, argv, "C:")) != -1) {
		if (opt != 'C')
			return PL_ERR_REQUEST;
		env->company = optarg;
	}
	if (argc != optind)
		return PL_ERR_REQUEST;
	err = env->store->ops->begin(env->store, PL_TXN_READ, env->now);
	if (err == PL_OK)
		err = pl_cmd_company_id(env, &company);
	env->store->ops->rollback(env->store);
	return err == PL_OK ? watch(env, company) : err;
}

/* Each drawing has a transaction of its own. */
const struct pl_cmd pl_cmd_watch[] = {
    {"watch", NULL, "[-C COMPANY]", PL_TXN_NONE, run_watch},
    {NULL, NULL, NULL, PL_TXN_NONE, NULL},
};
