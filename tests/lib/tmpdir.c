#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tmpdir.h"
#include "test.h"

static char dir[512];

const char *
tmpdir(void)
{
	return dir;
}

void
tmpdir_make(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/porchlight-test-XXXXXX",
	    base != NULL ? base : "/tmp");
	cr_assert_not_null(mkdtemp(dir), "no temporary directory");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
tmpdir_remove(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
tmpdir_path(const char *name)
{
	static char paths[8][1024];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

const char *
tmpdir_write(const char *name, const char *text)
{
	const char *path = tmpdir_path(name);
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f, "%s cannot be made", path);
	fputs(text, f);
	cr_assert_eq(fclose(f), 0);
	return path;
}
