#include <string.h>
#include <time.h>

#include "clock.h"
#include "../lib/test.h"

struct moment {
	int64_t ms;
	char text[32];
};

ParameterizedTestParameters(clock, formats_as_iso_8601)
{
	static struct moment rows[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {1, "1970-01-01T00:00:00.001Z"},
	    {999, "1970-01-01T00:00:00.999Z"},
	    {1000, "1970-01-01T00:00:01.000Z"},
	    {951782399999, "2000-02-28T23:59:59.999Z"},
	    {951782400000, "2000-02-29T00:00:00.000Z"},
	    {1759487400000, "2025-10-03T10:30:00.000Z"},
	    {1759486324120, "2025-10-03T10:12:04.120Z"},
	    {2147483648000, "2038-01-19T03:14:08.000Z"},
	    {4102444799007, "2099-12-31T23:59:59.007Z"},
	    {253402300799999, "9999-12-31T23:59:59.999Z"},
	};

	return ROWS(struct moment, rows);
}

/* Known moments, among them leap days, 2038 and the last of four digits. */
ParameterizedTest(struct moment *row, clock, formats_as_iso_8601)
{
	char out[PL_TIME_LEN + 1];

	pl_clock_format(row->ms, out);
	cr_expect_str_eq(out, row->text);
}

/* Each day that four digits have, as the system knows it. */
Test(clock, knows_the_calendar)
{
	char out[PL_TIME_LEN + 1], expected[PL_TIME_LEN + 1];
	int64_t day;
	struct tm tm;
	time_t t;

	for (day = 0; day < 2932897; day++) {
		t = (time_t)(day * 86400 + day % 86400);
		if (t / 86400 != day) /* a time_t of 32 bits */
			break;
		gmtime_r(&t, &tm);
		strftime(
		    expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		pl_clock_format(t * INT64_C(1000), out);
		cr_assert_str_eq(out, expected);
	}
}

/* A moment that ISO 8601 cannot say is still a date, of the right length. */
Test(clock, stays_a_date_outside_four_digit_years)
{
	static const int64_t odd[] = {
	    -1, INT64_MIN, 253402300800000, INT64_MAX};
	char out[PL_TIME_LEN + 1];
	size_t i;

	for (i = 0; i < LENGTH(odd); i++) {
		memset(out, 'x', sizeof(out));
		pl_clock_format(odd[i], out);
		cr_expect_str_eq(out, "1970-01-01T00:00:00.000Z",
		    "%lld is %.24s", (long long)odd[i], out);
	}
}

/* Milliseconds since 1970, as the system has it. */
Test(clock, tells_the_time_of_the_system)
{
	int64_t before = (int64_t)time(NULL) * 1000 - 1000, now;

	now = pl_clock_now();
	cr_expect_geq(now, before);
	cr_expect_leq(now, before + 60000);
}
