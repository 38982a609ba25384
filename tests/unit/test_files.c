/*
 * The files of a database: for their owner alone, whatever the umask; one
 * that others can get at is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doorbell.h"
#include "files.h"
#include "shared.h"
#include "store.h"
#include "../lib/stage.h"
#include "../lib/test.h"
#include "../lib/tmpdir.h"

static struct pl_exposed e;

static void
stage_make(void)
{
	umask(0);
	stage_open();
}

/* The folder of the tests lies in one that all may enter (/tmp). */
TestSuite(files, .init = stage_make, .fini = stage_close);

static const char *
file(const char *suffix)
{
	static char path[1200];

	snprintf(path, sizeof(path), "%s%s", stage_path(), suffix);
	return path;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return st.st_mode & 07777;
}

static enum pl_err
open_again(void)
{
	struct pl_store *s = NULL;
	enum pl_err err = pl_sqlite_open(
	    &s, stage_path(), false, &stage_rules, STAGE_RETENTION_MS, T0);

	if (err == PL_OK)
		s->ops->close(s);
	return err;
}

/* ---- modes ---- */

Test(files, are_made_for_their_owner_whatever_the_umask)
{
	struct pl_doorbell bell;
	struct pl_shared shared;
	struct pl_store *s = NULL;
	size_t i, n = 0;

	cr_assert_eq(pl_doorbell_open(&bell, stage_path(), true), PL_OK);
	cr_assert_eq(pl_shared_open(&shared, stage_path(), 8), PL_OK);
	for (i = 0; pl_files_suffixes[i] != NULL; i++)
		if (access(file(pl_files_suffixes[i]), F_OK) == 0) {
			cr_expect_eq(mode_of(file(pl_files_suffixes[i])), 0600,
			    "%s", file(pl_files_suffixes[i]));
			n++;
		}
	cr_expect_eq(n, 6, "all but -journal");
	pl_doorbell_close(&bell);
	pl_shared_close(&shared);
	/* init makes the folder too. */
	cr_assert_eq(pl_sqlite_open(&s, tmpdir_path("new/p.db"), true,
			 &stage_rules, STAGE_RETENTION_MS, T0),
	    PL_OK);
	s->ops->close(s);
	cr_expect_eq(mode_of(tmpdir_path("new")), 0700);
	cr_expect_eq(mode_of(tmpdir_path("new/p.db")), 0600);
}

/* ---- pl_files_size ---- */

Test(files, have_a_size)
{
	const char *path = tmpdir_write("x.db", "12345");

	tmpdir_write("x.db-wal", "");
	cr_expect_eq(pl_files_size(path, ""), 5);
	cr_expect_eq(pl_files_size(path, "-wal"), 0);
	cr_expect_eq(pl_files_size(path, "-shm"), 0);
}

/* ---- pl_files_open_beside ---- */

/* Root, in a folder of somebody else's, opens and gives away no file of root's
 * that a link leads to. */
Test(files, follow_no_link)
{
	struct pl_doorbell bell;
	struct stat st;

	tmpdir_write("precious", "root's");
	cr_assert_eq(symlink(tmpdir_path("precious"), file("-bell")), 0);
	cr_expect_eq(pl_files_open_beside(stage_path(), "-bell"), -1);
	cr_expect_eq(errno, ELOOP);
	cr_expect_eq(
	    pl_doorbell_open(&bell, stage_path(), false), PL_ERR_SYSTEM);
	if (geteuid() != 0)
		return;
	cr_assert_eq(unlink(file("-bell")), 0);
	cr_assert_eq(link(tmpdir_path("precious"), file("-bell")), 0);
	cr_assert_eq(chown(stage_path(), 33, 33), 0);
	cr_expect_geq(pl_files_open_beside(stage_path(), "-bell"), 0);
	cr_assert_eq(stat(tmpdir_path("precious"), &st), 0);
	cr_expect_eq(st.st_uid, 0);
}

Test(files, are_given_to_whom_the_database_belongs)
{
	struct stat st;

	if (geteuid() != 0)
		cr_skip_test("giving files away is for root");
	cr_assert_eq(chown(stage_path(), 33, 34), 0);
	cr_expect_geq(pl_files_open_beside(stage_path(), "-bell"), 0);
	cr_assert_eq(stat(file("-bell"), &st), 0);
	cr_expect_eq(st.st_uid, 33);
	cr_expect_eq(st.st_gid, 34);
}

Test(files, have_no_endless_names)
{
	char path[PATH_MAX];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	cr_expect_eq(pl_files_open_beside(path, "-bell"), -1);
	cr_expect_eq(errno, ENAMETOOLONG);
}

/* ---- pl_files_exposed ---- */

struct row {
	char suffix[8];
	mode_t mode, folder;
	bool is_exposed;
};

ParameterizedTestParameters(files, are_exposed_by_what_others_may)
{
	static struct row rows[] = {
	    {"", 0600, 0755, false},
	    {"", 0644, 0755, true},
	    {"", 0602, 0711, true},
	    {"-wal", 0604, 0755, true},
	    {"-lock", 0606, 0755, true},
	    /* a group is the operator's choice */
	    {"", 0660, 0770, false},
	    {"", 0640, 0750, false},
	    /* nobody is let through to it */
	    {"", 0666, 0700, false},
	    {"", 0644, 0754, false},
	    /* beside the database, others could put a log of theirs */
	    {"", 0600, 0777, true},
	    {"", 0600, 01777, true},
	};

	return ROWS(struct row, rows);
}

ParameterizedTest(struct row *row, files, are_exposed_by_what_others_may)
{
	cr_assert_eq(chmod(file(row->suffix), row->mode), 0);
	cr_assert_eq(chmod(tmpdir(), row->folder), 0);
	cr_expect_eq(pl_files_exposed(stage_path(), &e), row->is_exposed,
	    "%s %o in %o", row->suffix, row->mode, row->folder);
	cr_expect_eq(
	    open_again(), row->is_exposed ? PL_ERR_STORE : PL_OK, "open");
	cr_assert_eq(chmod(tmpdir(), 0700), 0);
}

/* Once it is mended, it is served. */
Test(files, are_served_again_when_they_are_closed_to_others)
{
	cr_assert_eq(chmod(tmpdir(), 0755), 0);
	cr_assert_eq(chmod(stage_path(), 0644), 0);
	cr_expect(pl_files_exposed(stage_path(), &e));
	cr_expect_str_eq(e.path, stage_path());
	cr_expect_eq(e.mode, 0644);
	cr_expect(!e.is_folder);
	cr_expect_eq(open_again(), PL_ERR_STORE);
	cr_assert_eq(chmod(stage_path(), 0600), 0);
	cr_expect_eq(open_again(), PL_OK);
}
