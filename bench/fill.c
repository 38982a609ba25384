/*
 * Fills a store with customers who are online, by the store's own interface:
 * what is there afterwards is what their beats would have left behind, and a
 * million of them take minutes instead of hours over HTTP.
 *
 *	fill CONFIG CUSTOMERS HAVE WANT COMPANIES SPAN AGO
 *
 * Customers 0 to WANT - 1 beat once each, dated over SPAN ms, of which the last
 * is AGO ms ago. Those from HAVE on are new, and come with it, each with a
 * conversation, a session and a tab of its own. They are in the order of their
 * turns (customer.h), though not strictly: a widget's beats come after 80 to
 * 93 % of the interval, so some overtake others. CUSTOMERS is the file of their
 * conversations' ids.
 *
 * Customer n belongs to company n % COMPANIES, of which number 0 is the demo's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "customer.h"
#include "store.h"

#define GROUP_MOST 2000 /* beats in a transaction, which have one date */
#define GROUPS 1000
#define COMPANIES_MAX 1000
#define OVERTAKEN 0.13 /* of all, at most, are by one */

extern char **environ;

struct turn {
	uint64_t turn;
	long customer;
};

struct fill {
	struct pl_store *store;
	struct customers customers;
	long have, want, companies;
	int64_t company[COMPANIES_MAX];
	int64_t span, from, upto; /* the beats are dated between */
	long n, group;            /* beats so far, and in a transaction */
};

static void
must(enum pl_err err, const char *what)
{
	if (err == PL_OK)
		return;
	fprintf(stderr, "fill: %s: %s\n", what, pl_strerror(err));
	exit(1);
}

static void
begin(struct fill *f, int64_t now)
{
	must(f->store->ops->begin(f->store, PL_TXN_WRITE, now), "begin");
}

static void
commit(struct fill *f)
{
	bool changed;

	must(f->store->ops->commit(f->store, &changed), "commit");
	f->store->ops->tidy(f->store, false);
}

static void
find_companies(struct fill *f)
{
	const struct pl_store_ops *ops = f->store->ops;
	uint8_t key[PL_HASH_LEN];
	char name[32];
	long i;

	must(ops->company_by_name(f->store, "Demo Shop", &f->company[0]),
	    "Demo Shop");
	for (i = 1; i < f->companies; i++) {
		snprintf(name, sizeof(name), "Company %ld", i);
		if (ops->company_by_name(f->store, name, &f->company[i]) ==
		    PL_OK)
			continue;
		pl_secret_hash(name, key);
		must(
		    ops->company_add(f->store, name, key, name, &f->company[i]),
		    name);
	}
}

static void
add(struct fill *f, long n)
{
	struct pl_conversation c = {.company = f->company[n % f->companies],
	    .platform = "WIDGET",
	    .inbox = ""};
	uint8_t session[PL_SESSION_LEN];
	bool created;

	customer_session(n, session);
	must(f->store->ops->conversation_add(f->store, &c, session, &created),
	    "conversation");
	strcpy(f->customers.id[n], c.public_id);
}

static void
beat(struct fill *f, long n)
{
	struct pl_beat beat = {.seq = -1, .tab = customer_tab(n)};
	uint8_t session[PL_SESSION_LEN];
	struct pl_beat_result r;

	customer_session(n, session);
	must(f->store->ops->beat(
		 f->store, f->customers.id[n], session, &beat, &r),
	    "beat");
}

/* A transaction for some of them, dated by how far they have got. */
static void
go_on(struct fill *f, double share)
{
	if (f->n++ % f->group != 0)
		return;
	commit(f);
	begin(f, f->from + (int64_t)((double)(f->upto - f->from) * share));
}

static int
by_turn(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	return (x->turn > y->turn) - (x->turn < y->turn);
}

/* All of them in their order, which some leave for a little. */
static struct turn *
line_up(long n)
{
	struct turn *line = calloc((size_t)n, sizeof(*line)), one;
	long i, j;

	if (line == NULL)
		must(PL_ERR_NOMEM, "order");
	for (i = 0; i < n; i++)
		line[i] = (struct turn){customer_turn(i), i};
	qsort(line, (size_t)n, sizeof(*line), by_turn);
	srand48(n);
	for (i = 0; i < n; i++) {
		j = i + (long)(drand48() * OVERTAKEN * (double)n);
		if (j >= n)
			continue;
		one = line[i];
		line[i] = line[j];
		line[j] = one;
	}
	return line;
}

static void
run(struct fill *f)
{
	struct turn *line = line_up(f->want);
	long i;

	begin(f, f->from);
	find_companies(f);
	for (i = 0; i < f->want; i++) {
		go_on(f, (double)i / (double)f->want);
		if (line[i].customer >= f->have)
			add(f, line[i].customer);
		beat(f, line[i].customer);
	}
	commit(f);
	free(line);
}

static void
open_store(struct fill *f, const char *path, int64_t ago)
{
	struct pl_config c;
	struct pl_rules rules;
	int64_t now = pl_clock_now() - ago;
	enum pl_err err = pl_config_load(&c, path, environ);

	if (err != PL_OK)
		must(err, c.error);
	rules = (struct pl_rules){
	    c.timeout_ms, c.hidden_timeout_ms, c.leave_grace_ms, 0};
	must(pl_sqlite_open(
		 &f->store, c.database, false, &rules, c.retention_ms, now),
	    c.database);
	f->from = now - f->span;
	f->upto = now;
}

int
main(int argc, char *argv[])
{
	struct fill f = {.n = 0};
	long ago;

	if (argc != 8 || (f.have = atol(argv[3])) < 0 ||
	    (f.want = atol(argv[4])) < 1 || (f.companies = atol(argv[5])) < 1 ||
	    f.companies > COMPANIES_MAX || (f.span = atol(argv[6])) < 0 ||
	    (ago = atol(argv[7])) < 0) {
		fprintf(stderr, "usage: fill CONFIG CUSTOMERS HAVE WANT "
				"COMPANIES SPAN AGO\n");
		return 2;
	}
	f.group = f.want / GROUPS + 1;
	if (f.group > GROUP_MOST)
		f.group = GROUP_MOST;
	open_store(&f, argv[1], ago);
	customers_load(&f.customers, argv[2], f.want);
	run(&f);
	if (f.customers.n < f.want)
		f.customers.n = f.want;
	customers_save(&f.customers, argv[2]);
	free(f.customers.id);
	f.store->ops->close(f.store);
	return 0;
}
