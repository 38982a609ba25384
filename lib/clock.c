/*
 * The server's clock, the only one that counts, and how it is written.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

#define YEAR_10000 INT64_C(253402300800000)

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

/*
 * Year, month and day of a day since 1970, by the calendar's cycle of 400
 * years (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * civil_from_days); without time_t, which has 32 bits on some machines. Years
 * begin in March here, so that the odd day is the last one.
 */
static void
date(char *out, int64_t since_1970)
{
	int64_t day = since_1970 + 719468, era = day / 146097;
	int n = (int)(day % 146097);
	int year = (n - n / 1460 + n / 36524 - n / 146096) / 365;
	int rest = n - (365 * year + year / 4 - year / 100);
	int month = (5 * rest + 2) / 153;

	digits(out, 4, (int)era * 400 + year + (month >= 10));
	digits(out + 5, 2, month < 10 ? month + 3 : month - 9);
	digits(out + 8, 2, rest - (153 * month + 2) / 5 + 1);
}

void
pl_clock_format(int64_t ms, char out[PL_TIME_LEN + 1])
{
	int in_day;

	if (ms < 0 || ms >= YEAR_10000)
		ms = 0; /* no date of ours: the first one there is */
	in_day = (int)(ms / 1000 % 86400);
	memcpy(out, "0000-00-00T00:00:00.000Z", PL_TIME_LEN + 1);
	date(out, ms / 86400000);
	digits(out + 11, 2, in_day / 3600);
	digits(out + 14, 2, in_day / 60 % 60);
	digits(out + 17, 2, in_day % 60);
	digits(out + 20, 3, (int)(ms % 1000));
}
