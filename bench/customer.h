#ifndef BENCH_CUSTOMER_H
#define BENCH_CUSTOMER_H

#include "secret.h"

/*
 * The customers of a store that bench/fill has filled, by number: their ids are
 * parts of hashes, so they are spread like random ones, and whoever knows the
 * number knows them. customer(n) in bench/lib/filled.js gives the same.
 */
struct customer {
	char conversation[30]; /* its public id */
	uint8_t session[PL_SESSION_LEN];
};

void customer_of(long n, struct customer *);
uint64_t customer_tab(long n);
/* Who beats after whom: by this number, which is as good as random. */
uint64_t customer_turn(long n);

#endif
