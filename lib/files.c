/*
 * The files of a database are for their owner (and, should he say so, for a
 * group). The secrets in it are hashed, but not all: those of customers'
 * sessions and those that JWTs are signed with are needed as they are. And who
 * can write here is every agent he wants to be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "log.h"

#define OTHERS (S_IROTH | S_IWOTH)

const char *const pl_files_suffixes[] = {
    "", "-wal", "-shm", "-journal", "-lock", "-bell", "-shared", NULL};

/* Root works in a folder of somebody else's: only what root has just made is
 * given away, never what a hard link leads to. */
static void
give_to_owner(int fd, const char *path, const char *database)
{
	struct stat db, st;

	if (geteuid() != 0 || stat(database, &db) != 0 || fstat(fd, &st) != 0 ||
	    st.st_uid != 0 || st.st_nlink != 1)
		return;
	if (fchown(fd, db.st_uid, db.st_gid) != 0)
		pl_log(PL_LOG_WARN, "%s: %s", path, strerror(errno));
}

int
pl_files_open_beside(const char *database, const char *suffix)
{
	char path[PATH_MAX];
	int n, fd;

	n = snprintf(path, sizeof(path), "%s%s", database, suffix);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		give_to_owner(fd, path, database);
	return fd;
}

/* Is everybody let through to it by all folders above? */
static bool
is_reachable(const char *path)
{
	char real[PATH_MAX], *slash;
	struct stat st;

	if (realpath(path, real) == NULL)
		return false;
	while ((slash = strrchr(real, '/')) != NULL) {
		slash[slash == real] = '\0';
		if (stat(real, &st) != 0 || (st.st_mode & S_IXOTH) == 0)
			return false;
		if (slash == real)
			break;
	}
	return true;
}

bool
pl_files_others_may(const char *path, mode_t bits)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & bits) != 0 &&
	       is_reachable(path);
}

int64_t
pl_files_size(const char *database, const char *suffix)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", database, suffix);
	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static bool
is_exposed(struct pl_exposed *e, mode_t bits)
{
	struct stat st;

	if (!pl_files_others_may(e->path, bits) || stat(e->path, &st) != 0)
		return false;
	e->mode = st.st_mode & 07777;
	return true;
}

bool
pl_files_exposed(const char *database, struct pl_exposed *e)
{
	const char *slash = strrchr(database, '/');
	size_t i;

	e->is_folder = false;
	for (i = 0; pl_files_suffixes[i] != NULL; i++) {
		snprintf(e->path, sizeof(e->path), "%s%s", database,
		    pl_files_suffixes[i]);
		if (is_exposed(e, OTHERS))
			return true;
	}
	e->is_folder = true;
	snprintf(e->path, sizeof(e->path), "%.*s",
	    slash != NULL ? (int)(slash - database) + 1 : 0, database);
	return is_exposed(e, S_IWOTH);
}
