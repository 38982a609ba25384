#ifndef PL_CLOCK_H
#define PL_CLOCK_H

#include <stdint.h>

#define PL_TIME_LEN 24 /* 2025-10-03T10:30:00.000Z */

/* Now, in milliseconds since 1970 (UTC). Only the programs' loops and the
 * command ask; everything else is told. */
int64_t pl_clock_now(void);

/* Microseconds since some moment or other, which no clock that is set moves:
 * for how long something took. */
int64_t pl_clock_us(void);

/* ISO 8601 in UTC with milliseconds; terminated. */
void pl_clock_format(int64_t ms, char out[PL_TIME_LEN + 1]);

#endif
