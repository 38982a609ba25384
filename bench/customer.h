#ifndef BENCH_CUSTOMER_H
#define BENCH_CUSTOMER_H

#include "store.h"

/*
 * The customers of a store that bench/fill has filled, by number. Their secrets
 * are parts of hashes, so they are spread like random ones, and whoever knows
 * the number knows them. The ids of their conversations are the store's to
 * make, as those of widgets are: fill keeps them in a file, a line each, which
 * is in the order of the numbers. customersOf() in bench/lib/filled.js gives
 * the same.
 */
#define CUSTOMER_LINE (PL_CONVERSATION_ID_LEN + 1)

struct customers {
	char (*id)[CUSTOMER_LINE]; /* terminated; owned */
	long n;
};

/* Those of that file, which may not be there, and room for `room`. Ends the
 * program if that cannot be. */
void customers_load(struct customers *, const char *path, long room);
void customers_save(const struct customers *, const char *path);

void customer_session(long n, uint8_t out[PL_SESSION_LEN]);
uint64_t customer_tab(long n);
/* Who beats after whom: by this number, which is as good as random. */
uint64_t customer_turn(long n);

#endif
