/*
 * The shared page. A file and not shm_open(): it lies beside the database, so
 * it is found, owned and removed with it, in a chroot and on a shared host
 * too. All that several processes write at once is atomic, or written under
 * the store's own lock; nobody waits for anybody here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "shared.h"

/* Other contents than these get another number. */
#define MAGIC UINT64_C(0x706f726368310009)

static int
open_file(const char *database)
{
	int fd = pl_files_open_beside(database, "-shared");

	if (fd < 0)
		pl_log(PL_LOG_WARN,
		    "%s-shared: %s: each process counts for itself", database,
		    strerror(errno));
	return fd;
}

/*
 * Makes its blocks be there before they are used: neither another process nor
 * a full disk can take a page away. The file grows and never shrinks. What has
 * room is not touched: where the file system cannot allocate (NFS, FUSE) the
 * C library writes, and would write over what others have just noted.
 */
static bool
make_room(const struct pl_shared *s)
{
	struct stat st;

	if (fstat(s->fd, &st) != 0)
		return false;
	if (st.st_size < (off_t)s->size)
		errno = posix_fallocate(s->fd, 0, (off_t)s->size);
	else
		errno = 0;
	return errno == 0;
}

/*
 * New bytes are zero, which is how everything begins. On a network file
 * system the processes of one host still share the page, as they share that
 * host's cache; another host has its own.
 */
static enum pl_err
map(struct pl_shared *s)
{
	int flags = s->fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	void *page;

	if (s->fd >= 0 && !make_room(s))
		return PL_ERR_SYSTEM;
	page = mmap(NULL, s->size, PROT_READ | PROT_WRITE, flags, s->fd, 0);
	if (page == MAP_FAILED)
		return PL_ERR_SYSTEM;
	s->page = page;
	return PL_OK;
}

static size_t
seats_there(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 ||
	    st.st_size < (off_t)sizeof(struct pl_shared_page))
		return 0;
	return ((size_t)st.st_size - sizeof(struct pl_shared_page)) /
	       sizeof(struct pl_seat);
}

enum pl_err
pl_shared_open(struct pl_shared *s, const char *database, size_t nseats)
{
	*s = (struct pl_shared){.fd = open_file(database), .process = -1};
	s->nseats = nseats != PL_SEATS_THERE ? nseats : seats_there(s->fd);
	s->size =
	    sizeof(struct pl_shared_page) + s->nseats * sizeof(struct pl_seat);
	if (map(s) != PL_OK) {
		pl_log(PL_LOG_WARN,
		    "%s-shared: %s: each process counts for itself", database,
		    strerror(errno));
		if (s->fd >= 0)
			close(s->fd);
		s->fd = -1;
		if (map(s) != PL_OK)
			return PL_ERR_NOMEM;
	}
	if (s->page->magic != 0 && s->page->magic != MAGIC) {
		pl_log(PL_LOG_WARN, "%s-shared: of another version: made anew",
		    database);
		memset(s->page, 0, s->size);
	}
	s->page->magic = MAGIC;
	return PL_OK;
}

void
pl_shared_close(struct pl_shared *s)
{
	if (s->page != NULL)
		munmap(s->page, s->size);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct pl_shared){.fd = -1, .process = -1};
}
