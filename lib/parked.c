/*
 * The polls that wait, found by what they watch.
 *
 *	channel "1/conv_7"  ── watcher ── watcher ── …
 *	                         │
 *	                         ▼
 *	                       entry (a pl_waiter and its watchers)
 *	                         ▲
 *	channel "1/" (all) ── watcher
 *	channel "9#tab-3"  ── watcher      the client's name, to be superseded
 *
 * A channel is a name in a hash table with a list of watchers; it is there
 * while somebody watches it. An entry has its watchers in the same block of
 * memory, so a poll costs one allocation and those of new channels.
 *
 * Waking collects first and calls afterwards: what a callback removes cannot
 * disturb the walk.
 */
#include <stdlib.h>
#include <string.h>

#include "parked.h"
#include "text.h"

#define KEY_MAX 300

struct watcher {
	struct entry *entry;
	struct channel *channel;
	struct watcher *next, **prev; /* of the channel */
};

struct channel {
	struct channel *next; /* in its bucket */
	uint64_t hash;
	struct watcher *watchers;
	char key[];
};

struct entry {
	struct pl_waiter w;         /* first */
	struct entry *next, **prev; /* all entries */
	struct entry *woken;        /* the next one, while waking */
	bool is_woken;
	size_t nwatchers;
	struct watcher watchers[];
};

struct pl_parked {
	struct channel **buckets;
	size_t nbuckets; /* a power of two */
	size_t nchannels;
	struct entry *entries;
	size_t count, max, nheartbeats;
};

/* NUMBER, a sign, NAME; a name that is too long is cut. */
static void
make_key(char out[KEY_MAX], int64_t number, char sign, const char *name)
{
	size_t n = pl_format_int(out, number), len;

	out[n++] = sign;
	len = strnlen(name, KEY_MAX - n - 1);
	memcpy(out + n, name, len);
	out[n + len] = '\0';
}

/* A conversation's channel; public_id "" is the whole company. */
static void
conversation_key(char out[KEY_MAX], int64_t company, const char *public_id)
{
	make_key(out, company, '/', public_id);
}

static void
client_key(char out[KEY_MAX], int64_t agent, const char *client)
{
	make_key(out, agent, '#', client);
}

enum pl_err
pl_parked_new(struct pl_parked **out, size_t max)
{
	struct pl_parked *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return PL_ERR_NOMEM;
	p->max = max;
	p->nbuckets = 64;
	p->buckets = calloc(p->nbuckets, sizeof(*p->buckets));
	if (p->buckets == NULL) {
		free(p);
		return PL_ERR_NOMEM;
	}
	*out = p;
	return PL_OK;
}

void
pl_parked_free(struct pl_parked *p)
{
	if (p == NULL)
		return;
	free(p->buckets);
	free(p);
}

static struct channel **
bucket(const struct pl_parked *p, uint64_t hash)
{
	return &p->buckets[hash & (p->nbuckets - 1)];
}

static struct channel *
find_channel(const struct pl_parked *p, const char *key)
{
	uint64_t hash = pl_fnv1a(key, PL_FNV1A_START);
	struct channel *c;

	for (c = *bucket(p, hash); c != NULL; c = c->next)
		if (c->hash == hash && strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

/* Twice the buckets; without memory the chains just grow longer. */
static void
grow(struct pl_parked *p)
{
	struct channel **old = p->buckets, *c, *next;
	size_t i, n = p->nbuckets;
	struct channel **fresh = calloc(n * 2, sizeof(*fresh));

	if (fresh == NULL)
		return;
	p->buckets = fresh;
	p->nbuckets = n * 2;
	for (i = 0; i < n; i++)
		for (c = old[i]; c != NULL; c = next) {
			next = c->next;
			c->next = *bucket(p, c->hash);
			*bucket(p, c->hash) = c;
		}
	free(old);
}

static struct channel *
make_channel(struct pl_parked *p, const char *key)
{
	struct channel *c;
	size_t len = strlen(key);

	if ((c = find_channel(p, key)) != NULL)
		return c;
	if (p->nchannels >= p->nbuckets)
		grow(p);
	if ((c = malloc(sizeof(*c) + len + 1)) == NULL)
		return NULL;
	c->hash = pl_fnv1a(key, PL_FNV1A_START);
	c->watchers = NULL;
	memcpy(c->key, key, len + 1);
	c->next = *bucket(p, c->hash);
	*bucket(p, c->hash) = c;
	p->nchannels++;
	return c;
}

static void
drop_channel(struct pl_parked *p, struct channel *c)
{
	struct channel **at = bucket(p, c->hash);

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	p->nchannels--;
	free(c);
}

static enum pl_err
watch(struct pl_parked *p, struct entry *e, const char *key)
{
	struct watcher *w = &e->watchers[e->nwatchers];
	struct channel *c = make_channel(p, key);

	if (c == NULL)
		return PL_ERR_NOMEM;
	w->entry = e;
	w->channel = c;
	if ((w->next = c->watchers) != NULL)
		w->next->prev = &w->next;
	w->prev = &c->watchers;
	c->watchers = w;
	e->nwatchers++;
	return PL_OK;
}

static enum pl_err
watch_all(struct pl_parked *p, struct entry *e, const struct pl_watch *cfg)
{
	char key[KEY_MAX];
	enum pl_err err = PL_OK;
	size_t i;

	for (i = 0; i < cfg->nids && err == PL_OK; i++) {
		conversation_key(key, e->w.company, cfg->ids[i]);
		err = watch(p, e, key);
	}
	if (cfg->ids == NULL) {
		conversation_key(key, e->w.company, "");
		err = watch(p, e, key);
	}
	if (cfg->client != NULL && err == PL_OK) {
		client_key(key, e->w.agent, cfg->client);
		err = watch(p, e, key);
	}
	return err;
}

static enum pl_err
fill(struct entry *e, const struct pl_watch *cfg)
{
	e->w.owner = cfg->owner;
	e->w.seq = cfg->seq;
	e->w.company = cfg->agent->scope.company;
	e->w.agent = cfg->agent->id;
	e->w.heartbeats = cfg->heartbeats;
	e->w.all = cfg->ids == NULL;
	if (cfg->agent->scope.inboxes == NULL)
		return PL_OK;
	e->w.inboxes = strdup(cfg->agent->scope.inboxes);
	return e->w.inboxes != NULL ? PL_OK : PL_ERR_NOMEM;
}

enum pl_err
pl_parked_add(
    struct pl_parked *p, const struct pl_watch *cfg, struct pl_waiter **out)
{
	size_t n = (cfg->ids == NULL ? 1 : cfg->nids) + 1;
	struct entry *e;
	enum pl_err err;

	if (p->count >= p->max)
		return PL_ERR_BUSY;
	e = calloc(1, sizeof(*e) + n * sizeof(struct watcher));
	if (e == NULL)
		return PL_ERR_NOMEM;
	if ((e->next = p->entries) != NULL)
		e->next->prev = &e->next;
	e->prev = &p->entries;
	p->entries = e;
	p->count++;
	err = fill(e, cfg);
	p->nheartbeats += e->w.heartbeats;
	if (err == PL_OK)
		err = watch_all(p, e, cfg);
	if (err != PL_OK) {
		pl_parked_remove(p, &e->w);
		return err;
	}
	*out = &e->w;
	return PL_OK;
}

void
pl_parked_remove(struct pl_parked *p, struct pl_waiter *waiter)
{
	struct entry *e = (struct entry *)waiter;
	size_t i;

	for (i = 0; i < e->nwatchers; i++) {
		struct watcher *w = &e->watchers[i];

		if ((*w->prev = w->next) != NULL)
			w->next->prev = w->prev;
		if (w->channel->watchers == NULL)
			drop_channel(p, w->channel);
	}
	if ((*e->prev = e->next) != NULL)
		e->next->prev = e->prev;
	p->count--;
	p->nheartbeats -= e->w.heartbeats;
	free(e->w.inboxes);
	free(e);
}

struct pl_waiter *
pl_parked_find(struct pl_parked *p, int64_t agent, const char *client)
{
	char key[KEY_MAX];
	struct channel *c;

	client_key(key, agent, client);
	c = find_channel(p, key);
	return c != NULL ? &c->watchers->entry->w : NULL;
}

size_t
pl_parked_ids(const struct pl_waiter *waiter, const char *ids[], size_t most)
{
	const struct entry *e = (const struct entry *)waiter;
	size_t i, n = 0;

	for (i = 0; i < e->nwatchers && n < most; i++) {
		const char *key = e->watchers[i].channel->key;

		/* "company/id", and not "agent#client" */
		key += strcspn(key, "/#");
		if (key[0] == '/' && key[1] != '\0')
			ids[n++] = key + 1;
	}
	return n;
}

size_t
pl_parked_count(const struct pl_parked *p)
{
	return p->count;
}

bool
pl_parked_heartbeats(const struct pl_parked *p)
{
	return p->nheartbeats > 0;
}

static bool
wants(const struct pl_waiter *w, const struct pl_event *ev)
{
	return w->seq < ev->seq &&
	       (ev->kind != PL_EVENT_HEARTBEAT || w->heartbeats);
}

/* Puts the watchers of the channel that want the event on the list. */
static void
collect(const struct channel *c, const struct pl_event *ev, struct entry **list)
{
	const struct watcher *w;

	for (w = c != NULL ? c->watchers : NULL; w != NULL; w = w->next) {
		if (w->entry->is_woken || !wants(&w->entry->w, ev))
			continue;
		w->entry->is_woken = true;
		w->entry->woken = *list;
		*list = w->entry;
	}
}

static bool
watches(const struct entry *e, const struct channel *c)
{
	size_t i;

	for (i = 0; i < e->nwatchers; i++)
		if (e->watchers[i].channel == c)
			return true;
	return false;
}

/* An event with the two channels that it goes to; NULL: nobody there. */
struct routed {
	const struct channel *one, *company;
};

static struct routed
route(const struct pl_parked *p, const struct pl_event *ev)
{
	char key[KEY_MAX];
	struct routed r;

	conversation_key(key, ev->company, ev->public_id);
	r.one = find_channel(p, key);
	conversation_key(key, ev->company, "");
	r.company = find_channel(p, key);
	return r;
}

enum pl_err
pl_parked_wake(struct pl_parked *p, const struct pl_event *events, size_t n,
    pl_woken_fn fn, void *arg)
{
	struct routed *to = calloc(n + 1, sizeof(*to));
	bool *yes = calloc(n + 1, sizeof(*yes));
	struct entry *list = NULL, *e;
	size_t i;

	if (to == NULL || yes == NULL) {
		free(to);
		free(yes);
		return PL_ERR_NOMEM;
	}
	for (i = 0; i < n; i++) {
		to[i] = route(p, &events[i]);
		collect(to[i].one, &events[i], &list);
		collect(to[i].company, &events[i], &list);
	}
	/* A woken entry that fn removes takes its channels along only if no
	 * other watches them, so what is compared below is alive. */
	while ((e = list) != NULL) {
		list = e->woken;
		e->is_woken = false;
		for (i = 0; i < n; i++)
			yes[i] =
			    wants(&e->w, &events[i]) &&
			    ((to[i].one != NULL && watches(e, to[i].one)) ||
				(to[i].company != NULL &&
				    watches(e, to[i].company)));
		fn(arg, &e->w, e->w.inboxes != NULL ? NULL : yes);
	}
	free(to);
	free(yes);
	return PL_OK;
}

void
pl_parked_each(struct pl_parked *p, pl_waiter_fn fn, void *arg)
{
	struct entry *e, *next;

	for (e = p->entries; e != NULL; e = next) {
		next = e->next;
		fn(arg, &e->w);
	}
}
