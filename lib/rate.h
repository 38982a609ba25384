#ifndef PL_RATE_H
#define PL_RATE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How often somebody may: a bounded table for each kind of thing that is
 * limited, in memory that all processes share. Zeroed memory is an empty one.
 */
enum pl_rate_kind {
	PL_RATE_NONE,
	PL_RATE_FORM,    /* first forms of an address */
	PL_RATE_SIGN_IN, /* wrong tokens of an address */
	PL_RATE_ADDRESS, /* beats of an address */
	PL_RATE_SESSION, /* beats of a session */
	PL_RATE__MAX
};

#define PL_RATE_SETS 1024 /* a power of two */
#define PL_RATE_WAYS 4

struct pl_rates {
	_Atomic uint64_t key[2]; /* of the hash; made at first use */
	_Atomic uint64_t cell[PL_RATE__MAX - 1][PL_RATE_SETS][PL_RATE_WAYS];
};

#define PL_RATE_NAME_MAX 15 /* bytes of a name that count */

/*
 * A token bucket: per_minute at once, then one each 60000 / per_minute ms.
 * Takes one and returns 0; or takes none and returns for how long there is
 * none, in ms. per_minute 0: no limit.
 */
int64_t pl_rate_take(struct pl_rates *, enum pl_rate_kind, const void *name,
    size_t len, int64_t per_minute, int64_t now);

/*
 * A delay that grows with each failure beyond the `allowed` first: 2 s, 4 s, …
 * to 15 minutes. Who fails no more for 15 minutes after that begins anew.
 * pl_rate_delay(): how long to wait yet, in ms.
 */
void pl_rate_fail(struct pl_rates *, enum pl_rate_kind, const void *name,
    size_t len, int64_t allowed, int64_t now);
int64_t pl_rate_delay(struct pl_rates *, enum pl_rate_kind, const void *name,
    size_t len, int64_t now);

#endif
