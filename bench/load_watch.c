/*
 * Dashboards that wait, and one change after the other that some of them must
 * be told of.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "load.h"
#include "load_samples.h"

#define ROUND_MOST (10000 * (int64_t)MS)
#define CURSOR "@CURSOR@"

struct group {
	struct server server;
	json_object *requests; /* ws: hellos */
	struct text cursor;    /* the first */
	struct text expect;
	bool told;
};

struct dashboard {
	struct client client;
	const struct group *group;
	struct text request; /* as it is in the job */
	struct pl_buf asked; /* as it was sent */
	char *cursor;        /* NULL: the group's */
	size_t round;        /* the last that it was told of */
};

static struct group *groups;
static struct dashboard *dashboards;
static size_t n_dashboards, n_told;

static struct server trigger_server;
static struct client trigger;
static json_object *trigger_requests;
static struct text trigger_expect;

static size_t n_rounds, current; /* all; the one that runs, or ran last */
static int64_t gap, settle;
static int64_t next_at;           /* for the next round; 0: not begun */
static int64_t sent_at;           /* by the trigger; 0: no round runs */
static int64_t answered_at;       /* the trigger; 0: not yet */
static int64_t first_at, last_at; /* told */
static size_t told, again;        /* in this round; in all */
static struct samples answered, first, last, all;

/* ---- dashboards ---- */

static void
add_cursor(struct pl_buf *out, struct text cursor)
{
	size_t i;

	for (i = 0; i < cursor.len; i++)
		if (isalnum((unsigned char)cursor.at[i]) ||
		    strchr("-._~", cursor.at[i]) != NULL)
			pl_buf_add(out, cursor.at + i, 1);
		else
			pl_buf_printf(
			    out, "%%%02X", (unsigned char)cursor.at[i]);
}

static void
ask(struct client *c)
{
	struct dashboard *d = (struct dashboard *)c;
	const char *hole = strstr(d->request.at, CURSOR);
	size_t before;

	if (hole == NULL) {
		client_ask(c, d->request);
		return;
	}
	before = (size_t)(hole - d->request.at);
	d->asked.len = 0;
	pl_buf_add(&d->asked, d->request.at, before);
	add_cursor(&d->asked,
	    d->cursor == NULL ? d->group->cursor
			      : (struct text){d->cursor, strlen(d->cursor)});
	pl_buf_add(&d->asked, hole + strlen(CURSOR),
	    d->request.len - before - strlen(CURSOR));
	client_ask(c, (struct text){d->asked.data, d->asked.len});
}

/* The text is terminated. */
static void
read_cursor(struct dashboard *d, struct text answer)
{
	static const char name[] = "\"cursor\":";
	const char *at = memmem(answer.at, answer.len, name, strlen(name));

	if (at == NULL)
		return;
	at += strlen(name);
	at += strspn(at, " \"");
	free(d->cursor);
	d->cursor = strndup(at, strcspn(at, "\""));
}

static void
is_over(void)
{
	if (told < n_told || answered_at == 0)
		return;
	samples_add(&answered, answered_at - sent_at);
	samples_add(&first, first_at - sent_at);
	samples_add(&last, last_at - sent_at);
	sent_at = 0;
	next_at = clock_ns() + gap;
}

static void
is_told(struct dashboard *d)
{
	if (d->round == current) {
		again++;
		return;
	}
	d->round = current;
	last_at = clock_ns();
	if (told++ == 0)
		first_at = last_at;
	samples_add(&all, last_at - sent_at);
	is_over();
}

static void
dashboard_answer(struct client *c, struct text answer, bool good)
{
	struct dashboard *d = (struct dashboard *)c;

	if (!good) {
		load_stop("dashboard %zu: %.*s", (size_t)(d - dashboards),
		    (int)answer.len, answer.at);
		return;
	}
	if (d->group->told && text_has(answer, d->group->expect))
		is_told(d);
	if (!c->server->ws && !(current == n_rounds && d->round == current)) {
		read_cursor(d, answer);
		ask(c);
	}
}

static void
dashboard_failed(struct client *c, const char *why)
{
	load_stop("dashboard %zu: %s",
	    (size_t)((struct dashboard *)c - dashboards), why);
}

/* ---- rounds ---- */

static void
trigger_answer(struct client *c, struct text answer, bool good)
{
	bool expected = text_has(answer, trigger_expect);

	if (c->server->ws && (!expected || sent_at == 0))
		return;
	if (!good || !expected) {
		load_stop("trigger: %.*s", (int)answer.len, answer.at);
		return;
	}
	answered_at = clock_ns();
	is_over();
}

static void
trigger_failed(struct client *c, const char *why)
{
	(void)c;
	load_stop("trigger: %s", why);
}

/* Do all wait that must be told, and is the trigger's connection there? */
static bool
all_wait(void)
{
	size_t i;

	if (trigger.state == CLIENT_CLOSED)
		client_open(&trigger);
	if (!client_is_ready(&trigger))
		return false;
	for (i = 0; i < n_dashboards; i++)
		if (dashboards[i].group->told &&
		    !client_is_ready(&dashboards[i].client))
			return false;
	return true;
}

static void
begin_round(void)
{
	current++;
	told = 0;
	answered_at = 0;
	sent_at = clock_ns();
	client_ask(&trigger, job_turn(trigger_requests, current - 1));
}

static void
miss(void)
{
	size_t i = 0;

	while (i < n_dashboards &&
	       (!dashboards[i].group->told || dashboards[i].round == current))
		i++;
	load_stop("round %zu: within %d s %zu of %zu dashboards were told%s; "
		  "the first that was not: %zu",
	    current, (int)(ROUND_MOST / MS / 1000), told, n_told,
	    answered_at == 0 ? ", the trigger was not answered" : "", i);
}

int64_t
watch_turn(int64_t now, int64_t later)
{
	int64_t next = later;

	if (next_at == 0)
		next_at = now + settle;
	if (sent_at != 0) {
		next = sent_at + ROUND_MOST;
		if (now >= next)
			miss();
	} else if (current < n_rounds) {
		next = next_at;
		if (now >= next && all_wait())
			begin_round();
		else if (now >= next)
			next = now + MS;
	}
	return next < later ? next : later;
}

bool
watch_done(void)
{
	return current == n_rounds && sent_at == 0;
}

/* ---- the job ---- */

static size_t
prepare_group(struct group *g, json_object *job)
{
	json_object *is_told_of;

	g->server = (struct server){
	    .answer = dashboard_answer, .failed = dashboard_failed};
	job_server(job, &g->server);
	g->requests = job_list(job, g->server.ws ? "hello" : "requests");
	g->cursor = job_text(job, "cursor", "");
	g->expect = job_text(job, "expect", "");
	g->told = json_object_object_get_ex(job, "told", &is_told_of) &&
		  json_object_get_boolean(is_told_of);
	return json_object_array_length(g->requests);
}

static void
prepare_dashboard(
    struct dashboard *d, const struct group *g, json_object *job, size_t i)
{
	d->group = g;
	d->client = (struct client){.server = &g->server};
	if (g->server.ws)
		d->client.hello = job_hello(job, i);
	else
		d->request = job_turn(g->requests, i);
	n_told += g->told;
	load_open(&d->client, g->server.ws ? client_open : ask);
}

static void
prepare_trigger(json_object *job)
{
	trigger_server =
	    (struct server){.answer = trigger_answer, .failed = trigger_failed};
	job_server(job, &trigger_server);
	trigger = (struct client){
	    .server = &trigger_server, .hello = job_hello(job, 0)};
	trigger_requests = job_list(job, "requests");
	trigger_expect = job_text(job, "expect", "");
	load_open(&trigger, client_open);
}

void
watch_prepare(json_object *job)
{
	json_object *list = job_list(job, "groups"), *part;
	size_t i, k, n, n_groups = json_object_array_length(list);

	groups = calloc(n_groups, sizeof(*groups));
	if (groups == NULL)
		abort();
	for (i = 0; i < n_groups; i++)
		n_dashboards += prepare_group(
		    &groups[i], json_object_array_get_idx(list, i));
	dashboards = calloc(n_dashboards, sizeof(*dashboards));
	if (dashboards == NULL)
		abort();
	for (i = 0, n = 0; i < n_groups; i++) {
		part = json_object_array_get_idx(list, i);
		for (k = 0; k < json_object_array_length(groups[i].requests);
		     k++)
			prepare_dashboard(
			    &dashboards[n++], &groups[i], part, k);
	}
	if (!json_object_object_get_ex(job, "trigger", &part))
		job_list(job, "trigger"); /* which says that it is missing */
	prepare_trigger(part);
	n_rounds = (size_t)job_number(job, "rounds", 1);
	gap = (int64_t)(job_number(job, "gapMs", 10) * MS);
	settle = (int64_t)(job_number(job, "settleMs", 500) * MS);
}

static void
tell_rounds(json_object *out, const char *name, struct samples *s)
{
	json_object *list = samples_list(s), *part = samples_summary(s);

	tell(part, "rounds", list);
	tell(out, name, part);
}

json_object *
watch_result(void)
{
	json_object *out = json_object_new_object();

	tell_number(out, "dashboards", (double)n_dashboards);
	tell_rounds(out, "answered", &answered);
	tell_rounds(out, "first", &first);
	tell_rounds(out, "last", &last);
	tell(out, "told", samples_summary(&all));
	tell_number(out, "again", (double)again);
	return out;
}
