#include <poll.h>
#include <unistd.h>

#include "doorbell.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

TestSuite(doorbell, .init = tmpdir_make, .fini = tmpdir_remove);

static bool
rang(const struct pl_doorbell *bell, int wait_ms)
{
	struct pollfd fd = {.fd = bell->watch, .events = POLLIN};

	return poll(&fd, 1, wait_ms) == 1;
}

/* Rung by one, heard by all who listen, until they answer. */
Test(doorbell, is_heard_by_all)
{
	struct pl_doorbell ringer, one, two;
	const char *db = tmpdir_write("x.db", "");

	cr_assert_eq(pl_doorbell_open(&ringer, db, false), PL_OK);
	cr_assert_eq(pl_doorbell_open(&one, db, true), PL_OK);
	cr_assert_eq(pl_doorbell_open(&two, db, true), PL_OK);
	pl_doorbell_answer(&one);
	pl_doorbell_answer(&two);
	cr_expect_not(rang(&one, 0));
	pl_doorbell_ring(&ringer);
	pl_doorbell_ring(&ringer);
	cr_expect(rang(&one, 5000));
	cr_expect(rang(&two, 5000));
	pl_doorbell_answer(&one);
	cr_expect_not(rang(&one, 0));
	cr_expect(rang(&two, 0));
	pl_doorbell_close(&ringer);
	pl_doorbell_close(&one);
	pl_doorbell_close(&two);
}

/* Deleted, or another in its place: who comes later does not hear this one. */
Test(doorbell, knows_whether_its_file_is_there)
{
	const char *db = tmpdir_write("x.db", "");
	struct pl_doorbell bell, later;

	cr_assert_eq(pl_doorbell_open(&bell, db, false), PL_OK);
	cr_expect(!pl_doorbell_is_stale(&bell, db));
	cr_assert_eq(unlink(tmpdir_path("x.db-bell")), 0);
	cr_expect(pl_doorbell_is_stale(&bell, db));
	cr_assert_eq(pl_doorbell_open(&later, db, true), PL_OK);
	cr_expect(pl_doorbell_is_stale(&bell, db));
	cr_expect(!pl_doorbell_is_stale(&later, db));
	pl_doorbell_close(&bell);
	pl_doorbell_close(&later);
	cr_expect(!pl_doorbell_is_stale(&bell, db), "there is none");
}

/* Without a place for it nothing rings, and nothing breaks. */
Test(doorbell, does_without)
{
	struct pl_doorbell bell;

	cr_expect_eq(
	    pl_doorbell_open(&bell, "/nowhere/x.db", true), PL_ERR_SYSTEM);
	pl_doorbell_ring(&bell);
	pl_doorbell_answer(&bell);
	pl_doorbell_close(&bell);
}
