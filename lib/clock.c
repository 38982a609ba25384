/*
 * The server's clock, the only one that counts, and how it is written.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

int64_t
pl_clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
pl_clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* n digits of v, from the right. */
static void
digits(char *out, int n, int v)
{
	while (n-- > 0) {
		out[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

void
pl_clock_format(int64_t ms, char out[PL_TIME_LEN + 1])
{
	time_t sec = (time_t)(ms / 1000);
	struct tm tm;

	if (ms < 0 || gmtime_r(&sec, &tm) == NULL || tm.tm_year > 8099) {
		/* No date of ours: the first one there is. */
		ms = sec = 0;
		gmtime_r(&sec, &tm);
	}
	memcpy(out, "0000-00-00T00:00:00.000Z", PL_TIME_LEN + 1);
	digits(out, 4, tm.tm_year + 1900);
	digits(out + 5, 2, tm.tm_mon + 1);
	digits(out + 8, 2, tm.tm_mday);
	digits(out + 11, 2, tm.tm_hour);
	digits(out + 14, 2, tm.tm_min);
	digits(out + 17, 2, tm.tm_sec);
	digits(out + 20, 3, (int)(ms % 1000));
}
