/*
 * The stream of changes in SQLite: comings and goings from their table, in
 * between the heartbeats, which have no rows: whichever session has a tab
 * with a number above the reader's, and above its own last coming or going,
 * has one to tell. Which conversations to look at for it is in a list of the
 * latest numbers (touch). All numbers come from one counter, so sorting by
 * number puts both in the order in which they happened.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "sqlite.h"

#define PAIR (2 * PL_NUMBER) /* bytes in touch */
#define TOUCH_EVERY 256      /* numbers between two looks at its other end */
#define NAMED_FEW 8          /* these are looked at without ado */

/* Events on their way out: collected, sorted, told. */
struct harvest {
	struct pl_sqlite *s;
	const struct pl_event_query *q;
	struct pl_arena arena; /* the strings */
	struct pl_event *events;
	size_t n, cap;
	int64_t upto; /* nothing beyond is told: not all of it was read */
};

static struct pl_event *
add(struct harvest *h, const char *public_id)
{
	size_t cap = h->cap == 0 ? 16 : h->cap * 2;
	struct pl_event *p;

	if (h->n == h->cap) {
		if ((p = realloc(h->events, cap * sizeof(*p))) == NULL)
			return NULL;
		h->events = p;
		h->cap = cap;
	}
	p = &h->events[h->n];
	memset(p, 0, sizeof(*p));
	p->public_id = pl_arena_copy(&h->arena, public_id, strlen(public_id));
	if (p->public_id == NULL)
		return NULL;
	h->n++;
	return p;
}

static enum pl_err
add_change(struct harvest *h, sqlite3_stmt *st)
{
	struct pl_event *e;

	if ((e = add(h, pl_text(st, 2))) == NULL)
		return PL_ERR_NOMEM;
	e->seq = sqlite3_column_int64(st, 0);
	e->company = sqlite3_column_int64(st, 1);
	memcpy(e->session, sqlite3_column_blob(st, 3), PL_SESSION_LEN);
	e->kind =
	    sqlite3_column_int(st, 4) != 0 ? PL_EVENT_ONLINE : PL_EVENT_OFFLINE;
	e->reason = (enum pl_reason)sqlite3_column_int(st, 5);
	e->at = sqlite3_column_int64(st, 6);
	e->status = (enum pl_status)sqlite3_column_int(st, 7);
	e->connections = sqlite3_column_int(st, 8);
	e->expires_at = sqlite3_column_int64(st, 9);
	return PL_OK;
}

/* A full page: what lies beyond its last number was not read. */
static void
cut(struct harvest *h, size_t n, int64_t last)
{
	if (n == h->q->limit && last < h->upto)
		h->upto = last;
}

/* Ends an array, and binds it for as long as the harvest lasts. */
static enum pl_err
bind_array(
    struct harvest *h, sqlite3_stmt *st, const char *name, struct pl_buf *b)
{
	const char *json = NULL;

	pl_json_close(b, ']');
	if (!b->failed)
		json = pl_arena_copy(&h->arena, b->data, b->len);
	pl_bind_text(st, name, json);
	return json != NULL ? PL_OK : PL_ERR_NOMEM;
}

/* The conversations asked for: what they are called, and the numbers of those
 * that may be seen. (An id that is gone may have been another's since.) */
static enum pl_err
bind_ids(struct harvest *h, sqlite3_stmt *st)
{
	struct pl_buf ids = PL_BUF_EMPTY, numbers = PL_BUF_EMPTY;
	enum pl_err err = PL_OK;
	int64_t number;
	size_t i;

	pl_json_open(&ids, '[');
	pl_json_open(&numbers, '[');
	for (i = 0; i < h->q->nids && err == PL_OK; i++) {
		pl_json_str(&ids, NULL, h->q->ids[i]);
		err = pl_sqlite_find(h->s, h->q->scope, h->q->ids[i], &number);
		if (err == PL_OK)
			pl_json_int(&numbers, NULL, number);
		else if (err == PL_ERR_NOT_FOUND)
			err = PL_OK;
	}
	if (err == PL_OK)
		err = bind_array(h, st, ":ids", &ids);
	if (err == PL_OK)
		err = bind_array(h, st, ":conversations", &numbers);
	pl_buf_free(&ids);
	pl_buf_free(&numbers);
	return err;
}

static enum pl_err
change_statement(struct harvest *h, sqlite3_stmt **out)
{
	const struct pl_event_query *q = h->q;
	enum pl_err err;
	sqlite3_stmt *st;

	if (q->scope == NULL)
		st = pl_sql(h->s, PL_SQL_CHANGE_ALL);
	else if (q->ids != NULL) {
		st = pl_sql_scoped(h->s, PL_SQL_CHANGE_SOME, q->scope);
		if ((err = bind_ids(h, st)) != PL_OK)
			return err;
	} else
		st = pl_sql_scoped(h->s, PL_SQL_CHANGE_COMPANY, q->scope);
	pl_bind_int(st, ":after", q->after);
	pl_bind_int(st, ":limit", (int64_t)q->limit);
	*out = st;
	return PL_OK;
}

static enum pl_err
harvest_changes(struct harvest *h)
{
	sqlite3_stmt *st;
	int64_t last = 0;
	enum pl_err err;
	size_t n = 0;
	bool row;

	if ((err = change_statement(h, &st)) != PL_OK)
		return err;
	for (; (err = pl_step(h->s, st, &row)) == PL_OK && row; n++) {
		last = sqlite3_column_int64(st, 0);
		if ((err = add_change(h, st)) != PL_OK) {
			sqlite3_reset(st);
			return err;
		}
	}
	cut(h, n, last);
	return err;
}

struct pl_event
pl_sqlite_heartbeat(const struct pl_head *head, const struct pl_state *st,
    const struct pl_session *session, const struct pl_tab *tab)
{
	struct pl_event e = {
	    .seq = tab->rev,
	    .kind = PL_EVENT_HEARTBEAT,
	    .company = head->company,
	    .public_id = head->public_id,
	    .at = tab->changed_at,
	    .status = st->status,
	    .connections = st->connections,
	    .expires_at = st->expires_at,
	    .typing = st->typing,
	};

	memcpy(e.session, session->secret, PL_SESSION_LEN);
	return e;
}

/* What the sessions of the room at hand have to tell. */
static enum pl_err
add_heartbeats(struct harvest *h, const struct pl_head *head)
{
	const struct pl_room *room = &h->s->room;
	struct pl_state st = pl_room_state(room, PL_ALL_SESSIONS, h->s->now);
	const struct pl_session *session;
	const struct pl_tab *tab;
	struct pl_event *e;
	const char *id;
	size_t i;

	for (i = 0; i < room->nsessions; i++) {
		session = &room->sessions[i];
		tab = pl_room_latest(room, i);
		if (tab == NULL || tab->rev <= h->q->after ||
		    tab->rev <= session->event_seq)
			continue;
		if ((e = add(h, head->public_id)) == NULL)
			return PL_ERR_NOMEM;
		id = e->public_id;
		*e = pl_sqlite_heartbeat(head, &st, session, tab);
		e->public_id = id;
	}
	return PL_OK;
}

static bool
is_wanted(const struct pl_event_query *q, const char *public_id)
{
	size_t i;

	for (i = 0; i < q->nids; i++)
		if (strcmp(q->ids[i], public_id) == 0)
			return true;
	return q->ids == NULL;
}

/* One that is gone, or not for those eyes, has nothing to tell. */
static enum pl_err
harvest_room(struct harvest *h, enum pl_err loaded, const struct pl_head *head)
{
	enum pl_err err;

	if (loaded != PL_OK)
		return loaded == PL_ERR_NOT_FOUND ? PL_OK : loaded;
	err = add_heartbeats(h, head);
	sqlite3_reset(head->stmt);
	return err;
}

/* The heartbeats of the conversations asked for, one after the other. */
static enum pl_err
harvest_named(struct harvest *h)
{
	struct pl_head head;
	enum pl_err err;
	size_t i;

	for (i = 0; i < h->q->nids; i++) {
		err =
		    pl_sqlite_load_one(h->s, h->q->scope, h->q->ids[i], &head);
		if ((err = harvest_room(h, err, &head)) != PL_OK)
			return err;
	}
	return PL_OK;
}

void
pl_sqlite_touch(struct pl_sqlite *s, int64_t seq, int64_t conversation)
{
	unsigned char pair[PAIR];

	pl_number_put(pair, seq);
	pl_number_put(pair + PL_NUMBER, conversation);
	pl_buf_add(&s->touched, pair, PAIR);
}

static enum pl_err
prune(struct pl_sqlite *s)
{
	sqlite3_stmt *st;

	if (s->seq / TOUCH_EVERY == s->seq_before / TOUCH_EVERY ||
	    s->seq <= PL_SQLITE_TOUCHED)
		return PL_OK;
	st = pl_sql(s, PL_SQL_TOUCH_PRUNE);
	pl_bind_int(st, ":upto", s->seq - PL_SQLITE_TOUCHED);
	return pl_run(s, st);
}

enum pl_err
pl_sqlite_touch_save(struct pl_sqlite *s)
{
	sqlite3_stmt *st;
	enum pl_err err;

	if (s->touched.failed)
		return PL_ERR_NOMEM;
	st = pl_sql(s, PL_SQL_TOUCH_ADD);
	pl_bind_int(st, ":seq", s->seq);
	pl_bind_int(st, ":now", s->now);
	pl_bind_blob(st, ":numbers", s->touched.len > 0 ? s->touched.data : "",
	    s->touched.len);
	if ((err = pl_run(s, st)) != PL_OK)
		return err;
	return prune(s);
}

/* The conversations in which something has a number after the reader's. */
struct touched {
	int64_t *ids;
	size_t n, cap;
	size_t numbers; /* so many were read */
	int64_t last;   /* there may be more after this one; 0: no */
};

/* Adds id unless it is there. */
static enum pl_err
note(struct touched *t, int64_t id)
{
	size_t i, cap = t->cap == 0 ? 64 : t->cap * 2;
	void *p;

	t->numbers++;
	for (i = t->n; i > 0; i--)
		if (t->ids[i - 1] == id)
			return PL_OK;
	if (t->n == t->cap) {
		if ((p = realloc(t->ids, cap * sizeof(*t->ids))) == NULL)
			return PL_ERR_NOMEM;
		t->ids = p;
		t->cap = cap;
	}
	t->ids[t->n++] = id;
	return PL_OK;
}

/* Those of one transaction. */
static enum pl_err
note_all(struct touched *t, sqlite3_stmt *st, int64_t after)
{
	const unsigned char *p = sqlite3_column_blob(st, 1);
	int n = sqlite3_column_bytes(st, 1) / PAIR;
	enum pl_err err = PL_OK;

	for (; n > 0 && err == PL_OK; n--, p += PAIR)
		if (pl_number_get(p) > after)
			err = note(t, pl_number_get(p + PL_NUMBER));
	return err;
}

/* Whole transactions, until there are `most` numbers. */
static enum pl_err
list_touched(struct harvest *h, size_t most, struct touched *t)
{
	sqlite3_stmt *st = pl_sql(h->s, PL_SQL_TOUCH_LIST);
	enum pl_err err;
	bool row;

	pl_bind_int(st, ":after", h->q->after);
	while ((err = pl_step(h->s, st, &row)) == PL_OK && row) {
		err = note_all(t, st, h->q->after);
		if (err == PL_OK && t->numbers < most)
			continue;
		t->last = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
		return err;
	}
	return err;
}

/* The numbers above `after` that tabs have, the lowest `most` of them. */
struct search {
	const struct pl_room *room;
	int64_t after;
	struct number {
		int64_t number, conversation;
	} * found; /* twice `most` */
	size_t n, most;
};

static int
by_number(const void *a, const void *b)
{
	const struct number *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void
keep_lowest(struct search *search)
{
	qsort(search->found, search->n, sizeof(*search->found), by_number);
	if (search->n > search->most)
		search->n = search->most;
}

static enum pl_err
search_room(void *arg, int64_t conversation)
{
	struct search *search = arg;
	size_t i;

	for (i = 0; i < search->room->ntabs; i++) {
		if (search->room->tabs[i].rev <= search->after)
			continue;
		if (search->n == 2 * search->most)
			keep_lowest(search);
		search->found[search->n++] =
		    (struct number){search->room->tabs[i].rev, conversation};
	}
	return PL_OK;
}

/* The same for who is further behind than the list goes: reads all rooms. */
static enum pl_err
search_touched(struct harvest *h, size_t most, struct touched *t)
{
	struct search search = {
	    .room = &h->s->room, .after = h->q->after, .most = most};
	enum pl_err err;
	size_t i;

	search.found = calloc(2 * most, sizeof(*search.found));
	if (search.found == NULL)
		return PL_ERR_NOMEM;
	err = pl_sqlite_each_live(h->s, search_room, &search);
	if (err == PL_OK)
		keep_lowest(&search);
	for (i = 0; i < search.n && err == PL_OK; i++)
		err = note(t, search.found[i].conversation);
	if (err == PL_OK && search.n == most)
		t->last = search.found[most - 1].number;
	free(search.found);
	return err;
}

static enum pl_err
harvest_ids(struct harvest *h, const int64_t *ids, size_t n)
{
	struct pl_head head;
	sqlite3_stmt *st;
	enum pl_err err;
	size_t i;

	for (i = 0; i < n; i++) {
		st = pl_sql_scoped(h->s, PL_SQL_ROOM_BY_ID, h->q->scope);
		pl_bind_int(st, ":id", ids[i]);
		err = pl_sqlite_load(h->s, st, &head);
		if (err == PL_OK && !is_wanted(h->q, head.public_id)) {
			sqlite3_reset(st);
			continue;
		}
		if ((err = harvest_room(h, err, &head)) != PL_OK)
			return err;
	}
	return PL_OK;
}

/*
 * The heartbeats of all that was touched. Of conversations that are named that
 * is the shorter way only if fewer were touched than named: *done says so.
 */
static enum pl_err
harvest_touched(struct harvest *h, bool *done)
{
	size_t most = h->q->ids != NULL ? h->q->nids : h->q->limit;
	struct touched t = {.ids = NULL};
	enum pl_err err;

	if (h->q->after < h->s->position.touched)
		err = search_touched(h, most, &t);
	else
		err = list_touched(h, most, &t);
	*done = h->q->ids == NULL || t.last == 0;
	if (err == PL_OK && *done) {
		if (t.last != 0 && t.last < h->upto)
			h->upto = t.last;
		err = harvest_ids(h, t.ids, t.n);
	}
	free(t.ids);
	return err;
}

static enum pl_err
harvest_heartbeats(struct harvest *h)
{
	bool done = false;
	enum pl_err err = PL_OK;

	if (h->q->ids == NULL ||
	    (h->q->nids > NAMED_FEW && h->q->after >= h->s->position.touched))
		err = harvest_touched(h, &done);
	return err == PL_OK && !done ? harvest_named(h) : err;
}

static int
by_seq(const void *a, const void *b)
{
	const struct pl_event *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

static enum pl_err
tell(struct harvest *h, pl_event_fn fn, void *arg)
{
	enum pl_err err;
	size_t i;

	if (h->n > 1)
		qsort(h->events, h->n, sizeof(h->events[0]), by_seq);
	if (h->n > h->q->limit)
		cut(h, h->q->limit, h->events[h->q->limit - 1].seq);
	for (i = 0; i < h->n && h->events[i].seq <= h->upto; i++)
		if ((err = fn(arg, &h->events[i])) != PL_OK)
			return err;
	return PL_OK;
}

enum pl_err
pl_sqlite_events(struct pl_store *store, const struct pl_event_query *q,
    pl_event_fn fn, void *arg, int64_t *upto)
{
	struct pl_sqlite *s = (struct pl_sqlite *)store;
	struct harvest h = {.s = s, .q = q, .upto = s->position.seq};
	enum pl_err err;

	assert(q->limit > 0 && (q->ids == NULL || q->scope != NULL));
	if (q->after >= h.upto) { /* nothing has happened since */
		*upto = h.upto;
		return PL_OK;
	}
	pl_arena_init(&h.arena);
	err = harvest_changes(&h);
	if (err == PL_OK && q->heartbeats)
		err = harvest_heartbeats(&h);
	if (err == PL_OK)
		err = tell(&h, fn, arg);
	if (err == PL_OK)
		*upto = h.upto;
	pl_arena_close(&h.arena);
	free(h.events);
	return err;
}
