/*
 * Buckets and delays, in the shared page's words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rate.h"
#include "../lib/test.h"

static struct pl_rates rates;

static int64_t
take(const char *name, int64_t per_minute, int64_t now)
{
	return pl_rate_take(
	    &rates, PL_RATE_FORM, name, strlen(name), per_minute, now);
}

/* As many at once, then none, until time has passed: and it says how long. */
Test(rate, gives_a_burst_and_then_so_many_a_minute)
{
	int64_t wait;
	int i;

	for (i = 0; i < 3; i++)
		cr_expect_eq(take("a", 3, T0), 0);
	wait = take("a", 3, T0);
	cr_expect(wait >= 20000 && wait <= 20001, "%lld", (long long)wait);
	cr_expect_gt(take("a", 3, T0 + 19999), 0);
	cr_expect_eq(take("a", 3, T0 + 20000), 0);
	cr_expect_gt(take("a", 3, T0 + 20000), 0);
}

/* Whoever waits for as long as he was told is let in. */
Test(rate, says_for_how_long)
{
	static const int64_t rows[] = {1, 7, 120, 6000, 100000, 1000000};
	int64_t now = T0, wait, n;
	size_t i;

	for (i = 0; i < LENGTH(rows); i++) {
		for (n = 0; (wait = take("a", rows[i], now)) == 0; n++)
			cr_assert_leq(n, rows[i]);
		now += wait;
		cr_expect_eq(take("a", rows[i], now), 0, "%lld a minute",
		    (long long)rows[i]);
		now += 120000;
	}
}

/* Who keeps asking gets his share all the same. */
Test(rate, refills_for_those_who_ask_often)
{
	int64_t t;
	int given = 0;

	for (t = 0; t < 120000; t += 9)
		given += take("a", 6, T0 + t) == 0;
	cr_expect(given >= 17 && given <= 18, "%d", given);
}

/* One name's use is not another's, nor one kind's another kind's. */
Test(rate, counts_each_name_by_itself)
{
	cr_expect_eq(take("192.0.2.1", 1, T0), 0);
	cr_expect_gt(take("192.0.2.1", 1, T0), 0);
	cr_expect_eq(take("192.0.2.2", 1, T0), 0);
	cr_expect_eq(
	    pl_rate_take(&rates, PL_RATE_ADDRESS, "192.0.2.1", 9, 1, T0), 0);
}

Test(rate, zero_is_no_limit)
{
	int i;

	for (i = 0; i < 100000; i++)
		cr_assert_eq(take("a", 0, T0), 0);
}

/* A clock that steps back gives nothing, and takes nothing for ever. */
Test(rate, survives_a_step_of_the_clock)
{
	cr_expect_eq(take("a", 1, T0), 0);
	cr_expect_gt(take("a", 1, T0 - 3600000), 0);
	cr_expect_eq(take("a", 1, T0 - 3600000 + 60000), 0);
}

/*
 * However many others come, who has used all that is his stays held back,
 * and nobody else is held back with him.
 */
Test(rate, crowds_do_not_free_those_who_are_held_back)
{
	int i, freed = 0, held = 0;
	char name[32];

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "bad %d", i);
		while (take(name, 100, T0) == 0)
			continue;
	}
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "good %d", i);
		held += take(name, 100, T0 + i / 1000) > 0;
	}
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "bad %d", i);
		freed += take(name, 100, T0 + 100) == 0;
	}
	cr_expect_leq(held, 10, "%d", held);
	cr_expect_leq(freed, 2, "%d", freed);
}

/* The names cannot be read out of the page, nor foreseen where they go. */
Test(rate, key_is_another_each_time)
{
	static struct pl_rates other;

	take("192.0.2.1", 10, T0);
	pl_rate_take(&other, PL_RATE_FORM, "192.0.2.1", 9, 10, T0);
	cr_expect_neq(rates.key[0], 0);
	cr_expect_neq(rates.key[0], other.key[0]);
	cr_expect_neq(memcmp(rates.cell, other.cell, sizeof(rates.cell)), 0);
	cr_expect_null(memmem(&rates, sizeof(rates), "192.0.2.1", 9));
}

/* Several processes take from the same bucket. */
Test(rate, is_shared_between_processes, .timeout = 30)
{
	struct pl_rates *shared = mmap(NULL, sizeof(*shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i, n, status, total = 0;
	pid_t pid[4];

	cr_assert_neq(shared, MAP_FAILED);
	for (i = 0; i < 4; i++) {
		if ((pid[i] = fork()) != 0)
			continue;
		for (n = 0;
		     pl_rate_take(shared, PL_RATE_FORM, "a", 1, 200, T0) == 0;
		     n++)
			continue;
		_exit(n);
	}
	for (i = 0; i < 4; i++) {
		cr_assert_eq(waitpid(pid[i], &status, 0), pid[i]);
		cr_assert(WIFEXITED(status));
		total += WEXITSTATUS(status);
	}
	cr_expect_eq(total, 200, "%d", total);
	munmap(shared, sizeof(*shared));
}

/* ---- delays ---- */

static int64_t
delay(int64_t now)
{
	return pl_rate_delay(&rates, PL_RATE_SIGN_IN, "a", 1, now);
}

static void
fail(int64_t now)
{
	pl_rate_fail(&rates, PL_RATE_SIGN_IN, "a", 1, 3, now);
}

/* Three are free; then 2 s, 4 s, 8 s … and never above 15 minutes. */
Test(rate, delay_grows_with_each_failure)
{
	int64_t now = T0, expected = 2000;
	int i;

	for (i = 0; i < 3; i++) {
		cr_expect_eq(delay(now), 0);
		fail(now);
	}
	cr_expect_eq(delay(now), 0);
	for (i = 0; i < 80; i++) {
		fail(now);
		cr_expect_eq(delay(now), expected, "after %d: %lld", i,
		    (long long)delay(now));
		cr_expect_eq(delay(now + expected - 1), 1);
		cr_expect_eq(delay(now + expected), 0);
		now += expected;
		expected = expected * 2 < 900000 ? expected * 2 : 900000;
	}
}

Test(rate, failures_are_forgotten_after_a_while)
{
	int i;

	for (i = 0; i < 6; i++)
		fail(T0);
	cr_expect_eq(delay(T0), 8000);
	fail(T0 + 8000 + 899000);
	cr_expect_eq(delay(T0 + 8000 + 899000), 16000, "not yet");
	fail(T0 + 4000000);
	cr_expect_eq(delay(T0 + 4000000), 0, "begins anew");
}

Test(rate, delay_is_its_names_own)
{
	int i;

	for (i = 0; i < 9; i++)
		fail(T0);
	cr_expect_gt(delay(T0), 0);
	cr_expect_eq(pl_rate_delay(&rates, PL_RATE_SIGN_IN, "b", 1, T0), 0);
}

Test(rate, delay_survives_a_step_of_the_clock)
{
	int i;

	for (i = 0; i < 5; i++)
		fail(T0);
	cr_expect_leq(delay(T0 - 86400000), 900000);
}

/* One slip of the finger, and the clock is set back by an hour: he need not
 * wait for that hour to come again. */
Test(rate, a_step_of_the_clock_keeps_nobody_out)
{
	fail(T0);
	cr_expect_eq(delay(T0), 0);
	cr_expect_eq(delay(T0 - 3600000), 0);
	cr_expect_eq(delay(T0 - 3600000 + 900000), 0);
	fail(T0 - 3600000);
	fail(T0 - 3600000);
	fail(T0 - 3600000);
	cr_expect_eq(delay(T0 - 3600000), 2000, "what is counted is kept");
}
