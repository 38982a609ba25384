/*
 * Fills a store with customers who are online, by the store's own interface:
 * what is there afterwards is what their beats would have left behind, and a
 * million of them take minutes instead of hours over HTTP.
 *
 *	fill CONFIG HAVE WANT TABS COMPANIES
 *
 * Customers HAVE to WANT - 1 are made, each with a conversation and a session
 * of its own, and come with TABS tabs. Then all beat once more, in no order.
 * All that is dated over the last 95 % of the window, so that of the beats
 * that follow half find a conversation whose end they have to put off, as on
 * any day; the first lease runs out when 5 % of the window are over.
 *
 * Customer n (customer.h) belongs to company n % COMPANIES, of which number 0
 * is the demo's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "config.h"
#include "customer.h"
#include "store.h"

#define GROUP 2000 /* beats in a transaction */
#define COMPANIES_MAX 1000

extern char **environ;

struct fill {
	struct pl_store *store;
	long have, want, tabs, companies;
	int64_t company[COMPANIES_MAX];
	int64_t from, upto; /* the beats are dated between */
	long n, total;      /* beats so far, and in all */
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
	f->store->ops->tidy(f->store);
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
	struct customer customer;
	bool created;

	customer_of(n, &customer);
	c.public_id = customer.conversation;
	must(f->store->ops->conversation_add(
		 f->store, &c, customer.session, &created),
	    "conversation");
}

/* The next beat's moment; each GROUP has a transaction of its own. */
static void
beat(struct fill *f, long n, long tab)
{
	struct pl_beat beat = {.seq = -1, .tab = customer_tab(n, tab)};
	struct pl_beat_result r;
	struct customer c;

	if (f->n++ % GROUP == 0) {
		commit(f);
		begin(f, f->from + (f->upto - f->from) * (f->n - 1) / f->total);
	}
	customer_of(n, &c);
	must(
	    f->store->ops->beat(f->store, c.conversation, c.session, &beat, &r),
	    "beat");
}

/* Those who are new come one after the other. */
static void
come(struct fill *f)
{
	long i, tab;

	for (i = f->have; i < f->want; i++) {
		add(f, i);
		for (tab = 0; tab < f->tabs; tab++)
			beat(f, i, tab);
	}
}

/* All beat, in no order. */
static void
go_on(struct fill *f)
{
	long *order = calloc((size_t)f->want, sizeof(*order));
	long i, j, tab;

	if (order == NULL)
		must(PL_ERR_NOMEM, "order");
	srand48(f->want);
	for (i = 0; i < f->want; i++) {
		j = (long)(drand48() * (double)(i + 1));
		order[i] = order[j];
		order[j] = i;
	}
	for (tab = 0; tab < f->tabs; tab++)
		for (i = 0; i < f->want; i++)
			beat(f, order[i], tab);
	free(order);
}

static void
run(struct fill *f)
{
	begin(f, f->from);
	find_companies(f);
	come(f);
	go_on(f);
	commit(f);
}

static void
open_store(struct fill *f, const char *path)
{
	struct pl_config c;
	struct pl_rules rules;
	int64_t now = pl_clock_now();
	enum pl_err err = pl_config_load(&c, path, environ);

	if (err != PL_OK)
		must(err, c.error);
	rules = (struct pl_rules){
	    c.timeout_ms, c.hidden_timeout_ms, c.leave_grace_ms, 0};
	must(pl_sqlite_open(
		 &f->store, c.database, false, &rules, c.retention_ms, now),
	    c.database);
	f->from = now - c.timeout_ms / 100 * 95;
	f->upto = now;
}

int
main(int argc, char *argv[])
{
	struct fill f = {.n = 0};

	if (argc != 6 || (f.have = atol(argv[2])) < 0 ||
	    (f.want = atol(argv[3])) < f.have || (f.tabs = atol(argv[4])) < 1 ||
	    (f.companies = atol(argv[5])) < 1 || f.companies > COMPANIES_MAX) {
		fprintf(
		    stderr, "usage: fill CONFIG HAVE WANT TABS COMPANIES\n");
		return 2;
	}
	f.total = (f.want - f.have + f.want) * f.tabs;
	open_store(&f, argv[1]);
	run(&f);
	f.store->ops->close(f.store);
	return 0;
}
