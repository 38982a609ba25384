/*
 * The places to wait: counted over processes, given back by a crash, taken
 * over by a newer poll of the same client.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seats.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

#define MOST 3

static struct pl_shared a, b; /* as two processes have it open */
static struct pl_seat_ref seat;
static bool moved;

static void
open_both(void)
{
	tmpdir_make();
	cr_assert_eq(pl_shared_open(&a, tmpdir_path("db"), 8), PL_OK);
	cr_assert_eq(pl_shared_open(&b, tmpdir_path("db"), 8), PL_OK);
}

static void
close_both(void)
{
	pl_shared_close(&a);
	pl_shared_close(&b);
	tmpdir_remove();
}

TestSuite(seats, .init = open_both, .fini = close_both);

static enum pl_err
take(struct pl_shared *s, const char *client)
{
	return pl_seat_take(s, MOST, 7, client, &seat, &moved);
}

Test(seats, are_counted_over_all_processes)
{
	cr_expect_eq(take(&a, NULL), PL_OK);
	cr_expect_eq(take(&b, NULL), PL_OK);
	cr_expect_eq(take(&a, NULL), PL_OK);
	cr_expect_eq(pl_seats_taken(&a), 3);
	cr_expect_eq(take(&a, NULL), PL_ERR_BUSY);
	cr_expect_eq(take(&b, NULL), PL_ERR_BUSY);
	pl_seat_give(&a, &seat);
	cr_expect_eq(take(&b, NULL), PL_OK);
	cr_expect_eq(take(&a, NULL), PL_ERR_BUSY);
}

/* Both sides may see a different limit: each keeps to its own. */
Test(seats, nobody_takes_more_than_there_are)
{
	struct pl_seat_ref ref;

	cr_expect_eq(pl_seat_take(&a, 0, 7, NULL, &ref, &moved), PL_ERR_BUSY);
	while (pl_seat_take(&a, 1000, 7, NULL, &ref, &moved) == PL_OK)
		cr_assert_lt(ref.index, 8u);
	cr_expect_eq(pl_seats_taken(&b), 8);
}

Test(seats, a_newer_poll_takes_the_place_of_the_older_in_another_process)
{
	struct pl_seat_ref older;

	cr_assert_eq(take(&a, "tab"), PL_OK);
	cr_expect_not(moved);
	older = seat;
	cr_expect(pl_seat_is_ours(&a, &older));
	cr_assert_eq(take(&b, "tab"), PL_OK);
	cr_expect(moved);
	cr_expect_not(pl_seat_is_ours(&a, &older));
	cr_expect(pl_seat_is_ours(&b, &seat));
	cr_expect_eq(pl_seats_taken(&a), 1);
	/* The older gives back what is no longer its own: nothing. */
	pl_seat_give(&a, &older);
	cr_expect(pl_seat_is_ours(&b, &seat));
	cr_expect_eq(pl_seats_taken(&a), 1);
}

/* The operator's command looks, and makes no room. */
Test(seats, who_only_looks_sees_all_that_are_there)
{
	cr_assert_eq(take(&a, NULL), PL_OK);
	pl_shared_close(&b);
	cr_assert_eq(
	    pl_shared_open(&b, tmpdir_path("db"), PL_SEATS_THERE), PL_OK);
	cr_expect_eq(b.nseats, 8);
	cr_expect_eq(pl_seats_taken(&b), 1);
}

/* One that asks and goes, without a place of its own. */
Test(seats, a_poll_that_does_not_wait_ends_the_older_too)
{
	cr_assert_eq(take(&a, "tab"), PL_OK);
	cr_expect(pl_seat_end(&b, 7, "tab"));
	cr_expect_not(pl_seat_is_ours(&a, &seat));
	cr_expect_eq(pl_seats_taken(&a), 0);
	cr_expect_not(pl_seat_end(&b, 7, "tab"));
}

/* Also when there is no room left: it is its own place that it gets. */
Test(seats, a_newer_poll_needs_no_room_of_its_own)
{
	cr_assert_eq(take(&a, "tab"), PL_OK);
	cr_assert_eq(take(&a, NULL), PL_OK);
	cr_assert_eq(take(&a, NULL), PL_OK);
	cr_expect_eq(take(&b, "tab"), PL_OK);
	cr_expect_eq(take(&b, "other"), PL_ERR_BUSY);
}

Test(seats, the_same_name_of_another_agent_is_another_client)
{
	cr_assert_eq(take(&a, "tab"), PL_OK);
	cr_expect_eq(pl_seat_take(&b, MOST, 8, "tab", &seat, &moved), PL_OK);
	cr_expect_not(moved);
	cr_expect_eq(pl_seats_taken(&a), 2);
}

Test(seats, who_names_no_client_supersedes_nobody)
{
	cr_assert_eq(take(&a, NULL), PL_OK);
	cr_assert_eq(take(&b, NULL), PL_OK);
	cr_expect_not(moved);
	cr_expect_eq(pl_seats_taken(&a), 2);
}

/* Every client has its place found again, be it near its home or, when all
 * is full or only the first may be taken, far from it. */
static void
find_all_again(size_t nseats, size_t most)
{
	static struct pl_seat_ref refs[1000];
	struct pl_seat_ref ref;
	struct pl_shared c, d;
	size_t i;

	cr_assert_eq(pl_shared_open(&c, tmpdir_path("many"), nseats), PL_OK);
	cr_assert_eq(pl_shared_open(&d, tmpdir_path("many"), nseats), PL_OK);
	for (i = 0; i < most; i++)
		cr_assert_eq(pl_seat_take(&c, most, (int64_t)i + 1, "tab",
				 &refs[i], &moved),
		    PL_OK);
	cr_expect_eq(
	    pl_seat_take(&c, most, 9999, "tab", &ref, &moved), PL_ERR_BUSY);
	for (i = 0; i < most; i++) {
		cr_assert_eq(
		    pl_seat_take(&d, most, (int64_t)i + 1, "tab", &ref, &moved),
		    PL_OK);
		cr_expect(moved, "%zu", i);
		cr_expect_eq(ref.index, refs[i].index);
	}
	for (i = 0; i < most; i++)
		cr_expect(pl_seat_end(&c, (int64_t)i + 1, "tab"), "%zu", i);
	cr_expect_eq(pl_seats_taken(&c), 0);
	/* And the crowd is not remembered for ever. */
	for (i = 0; i < 5000; i++) {
		cr_assert_eq(
		    pl_seat_take(&c, most, (int64_t)i, "tab", &ref, &moved),
		    PL_OK);
		pl_seat_give(&c, &ref);
	}
	cr_expect_eq(atomic_load(&c.page->reach), 1u);
	pl_shared_close(&c);
	pl_shared_close(&d);
}

Test(seats, are_found_again_among_many)
{
	find_all_again(1000, 1000);
}

Test(seats, are_found_again_where_only_the_first_may_be_taken)
{
	find_all_again(1000, 100);
}

/* Some settings were changed, and not all processes have them yet. */
Test(seats, are_found_again_where_fewer_may_be_taken_than_before)
{
	struct pl_seat_ref first, again;
	struct pl_shared c;
	int64_t i;

	cr_assert_eq(pl_shared_open(&c, tmpdir_path("ring"), 1000), PL_OK);
	for (i = 1; i <= 300; i++) {
		cr_assert_eq(
		    pl_seat_take(&c, 1000, i, "tab", &first, &moved), PL_OK);
		cr_assert_not(moved);
		cr_assert_eq(
		    pl_seat_take(&c, 400, i, "tab", &again, &moved), PL_OK);
		cr_expect(moved, "%d", (int)i);
		cr_expect_eq(again.index, first.index);
	}
	for (i = 1; i <= 300; i++)
		cr_expect(pl_seat_end(&c, i, "tab"), "%d", (int)i);
	cr_expect_eq(pl_seats_taken(&c), 0);
	pl_shared_close(&c);
}

/* A child that takes all places, says so, and waits to be killed. */
static pid_t
take_all(void)
{
	int fds[2];
	char c;
	pid_t pid;

	cr_assert_eq(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		struct pl_shared own;

		if (pl_shared_open(&own, tmpdir_path("db"), 8) != PL_OK)
			_exit(1);
		while (take(&own, NULL) == PL_OK)
			continue;
		if (write(fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	cr_assert_eq(read(fds[0], &c, 1), 1);
	return pid;
}

Test(seats, a_crash_gives_them_back_by_itself)
{
	pid_t pid = take_all();

	cr_expect_eq(take(&a, NULL), PL_ERR_BUSY);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_expect_eq(take(&a, NULL), PL_OK);
	cr_expect_eq(pl_seats_taken(&b), 1);
}

/* A process that stands still is not gone. */
Test(seats, a_stopped_process_keeps_them)
{
	pid_t pid = take_all();

	cr_assert_eq(kill(pid, SIGSTOP), 0);
	cr_expect_eq(take(&a, NULL), PL_ERR_BUSY);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Its number is given to the next process, and what it left with it. */
Test(seats, a_new_process_begins_with_none)
{
	cr_assert_eq(take(&a, NULL), PL_OK);
	cr_assert_eq(take(&a, NULL), PL_OK);
	pl_shared_close(&a);
	cr_assert_eq(pl_shared_open(&a, tmpdir_path("db"), 8), PL_OK);
	cr_assert_eq(take(&a, NULL), PL_OK);
	cr_expect_eq(pl_seats_taken(&b), 1);
}

Test(seats, a_file_of_another_version_is_made_anew)
{
	cr_assert_eq(take(&a, NULL), PL_OK);
	a.page->magic++;
	pl_shared_close(&b);
	cr_assert_eq(pl_shared_open(&b, tmpdir_path("db"), 8), PL_OK);
	cr_expect_eq(pl_seats_taken(&b), 0);
}

/* Where no file can be, each process counts for itself. */
Test(seats, without_a_file_there_are_places_all_the_same)
{
	pl_shared_close(&b);
	cr_assert_eq(pl_shared_open(&b, "/proc/nowhere/db", 8), PL_OK);
	cr_expect_eq(take(&b, NULL), PL_OK);
	cr_expect_eq(take(&b, NULL), PL_OK);
	cr_expect_eq(take(&b, NULL), PL_OK);
	cr_expect_eq(take(&b, NULL), PL_ERR_BUSY);
}

/* Eight processes take and give as fast as they can; none is lost. */
Test(seats, hold_under_many_processes)
{
	pid_t pids[8];
	int i, n, status;

	for (i = 0; i < 8; i++)
		if ((pids[i] = fork()) == 0) {
			struct pl_shared own;

			if (pl_shared_open(&own, tmpdir_path("db"), 8) != PL_OK)
				_exit(1);
			for (n = 0; n < 20000; n++)
				if (take(&own, n % 2 ? "tab" : NULL) == PL_OK)
					pl_seat_give(&own, &seat);
			_exit(0);
		}
	for (i = 0; i < 8; i++) {
		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_expect_eq(status, 0);
	}
	cr_expect_eq(pl_seats_taken(&a), 0);
}
