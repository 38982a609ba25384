#include "rate.h"
#include "../lib/test.h"

static struct pl_rate rate;

/* `burst` at once, then none, until time has passed. */
Test(rate, gives_a_burst_and_then_so_many_a_minute)
{
	int i;

	for (i = 0; i < 3; i++)
		cr_expect(pl_rate_take(&rate, "a", 3, T0));
	cr_expect_not(pl_rate_take(&rate, "a", 3, T0));
	cr_expect_not(pl_rate_take(&rate, "a", 3, T0 + 19999));
	cr_expect(pl_rate_take(&rate, "a", 3, T0 + 20000));
	cr_expect_not(pl_rate_take(&rate, "a", 3, T0 + 20000));
}

/* Who keeps asking gets his share all the same. */
Test(rate, refills_for_those_who_ask_often)
{
	int64_t t;
	int given = 0;

	for (t = 0; t < 120000; t += 9)
		given += pl_rate_take(&rate, "a", 6, T0 + t);
	cr_expect(given >= 17 && given <= 18, "%d", given);
}

/* One name's use is not another's. */
Test(rate, counts_each_name_by_itself)
{
	cr_expect(pl_rate_take(&rate, "192.0.2.1", 1, T0));
	cr_expect_not(pl_rate_take(&rate, "192.0.2.1", 1, T0));
	cr_expect(pl_rate_take(&rate, "192.0.2.2", 1, T0));
}

/* A clock that steps back gives nothing, and takes nothing for ever. */
Test(rate, survives_a_step_of_the_clock)
{
	cr_expect(pl_rate_take(&rate, "a", 1, T0));
	cr_expect_not(pl_rate_take(&rate, "a", 1, T0 - 3600000));
	cr_expect(pl_rate_take(&rate, "a", 1, T0 - 3600000 + 60000));
}
