#ifndef PL_RATE_H
#define PL_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define PL_RATE_SLOTS 1024

/*
 * A token bucket for each name: `burst` at once, then `burst` a minute. The
 * table is bounded: two names that fall on one place share what is left
 * there.
 */
struct pl_rate {
	struct {
		int64_t at;   /* when `used` was right */
		int64_t used; /* tokens, each counted as 60000 */
	} slot[PL_RATE_SLOTS];
};

/* Takes one token; false if there is none at `now` (milliseconds). */
bool pl_rate_take(
    struct pl_rate *, const char *name, int64_t burst, int64_t now);

#endif
