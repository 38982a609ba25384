/*
 * Fills a store with customers who are online, by the store's own interface:
 * what is there afterwards is what their beats would have left behind, and a
 * million of them take minutes instead of hours over HTTP.
 *
 *	fill CONFIG HAVE WANT TABS COMPANIES SPAN
 *
 * Customers HAVE to WANT - 1 are made, each with a conversation and a session
 * of its own, and come with TABS tabs, SPAN ms ago. Then all beat once more, in
 * no order, dated over these SPAN ms, so they run out over such a time again.
 * With 95 % of the window for it, half of the beats that follow have to put off
 * the end of their conversation, as half of all beats do.
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

#define GROUP_MOST 2000 /* beats in a transaction, which have one date */
#define GROUPS 1000
#define COMPANIES_MAX 1000

extern char **environ;

struct fill {
	struct pl_store *store;
	long have, want, tabs, companies;
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
	struct customer customer;
	bool created;

	customer_of(n, &customer);
	c.public_id = customer.conversation;
	must(f->store->ops->conversation_add(
		 f->store, &c, customer.session, &created),
	    "conversation");
}

/* A beat, dated by how far they have got. */
static void
beat(struct fill *f, long n, long tab, double share)
{
	struct pl_beat beat = {.seq = -1, .tab = customer_tab(n, tab)};
	struct pl_beat_result r;
	struct customer c;

	if (f->n++ % f->group == 0) {
		commit(f);
		begin(f,
		    f->from + (int64_t)((double)(f->upto - f->from) * share));
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
			beat(f, i, tab, 0);
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
			beat(f, order[i], tab,
			    (double)(tab * f->want + i) /
				(double)(f->tabs * f->want));
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
	f->from = now - f->span;
	f->upto = now;
}

int
main(int argc, char *argv[])
{
	struct fill f = {.n = 0};

	if (argc != 7 || (f.have = atol(argv[2])) < 0 ||
	    (f.want = atol(argv[3])) < f.have || (f.tabs = atol(argv[4])) < 1 ||
	    (f.companies = atol(argv[5])) < 1 || f.companies > COMPANIES_MAX ||
	    (f.span = atol(argv[6])) < 0) {
		fprintf(stderr,
		    "usage: fill CONFIG HAVE WANT TABS COMPANIES SPAN\n");
		return 2;
	}
	f.group = f.want * f.tabs / GROUPS + 1;
	if (f.group > GROUP_MOST)
		f.group = GROUP_MOST;
	open_store(&f, argv[1]);
	run(&f);
	f.store->ops->close(f.store);
	return 0;
}
