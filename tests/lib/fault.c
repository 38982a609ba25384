#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "fault.h"
#include "test.h"

struct trigger {
	size_t count, at, times;
};

static struct trigger memory, disk;
static bool hit;
static long blocks;

static bool
fails(struct trigger *t)
{
	t->count++;
	if (t->at == 0 || t->count < t->at || t->count >= t->at + t->times)
		return false;
	hit = true;
	return true;
}

void
fault_memory(size_t n, size_t times)
{
	memory = (struct trigger){0, n, times};
	hit = false;
}

void
fault_disk(size_t n, size_t times)
{
	disk = (struct trigger){0, n, times};
	hit = false;
}

size_t
fault_allocations(void)
{
	return memory.count;
}

size_t
fault_writes(void)
{
	return disk.count;
}

bool
fault_hit(void)
{
	return hit;
}

long
fault_blocks(void)
{
	return blocks;
}

/* ---- the file system, by the linker ---- */

static uint32_t file_system;

/* So glibc calls it where a long has 32 bits and file sizes 64. */
#if defined(__GLIBC__) && __SIZEOF_LONG__ < 8
#define __real_statfs __real_statfs64
#define __wrap_statfs __wrap_statfs64
#endif

int __real_statfs(const char *, struct statfs *);
int __wrap_statfs(const char *, struct statfs *);

void
fault_file_system(uint32_t type)
{
	file_system = type;
}

int
__wrap_statfs(const char *path, struct statfs *out)
{
	int rc = __real_statfs(path, out);

	if (rc == 0 && file_system != 0)
		out->f_type = (__typeof__(out->f_type))file_system;
	return rc;
}

/* ---- SQLite while it reads SQL, by the linker ---- */

int __real_sqlite3_prepare_v3(
    sqlite3 *, const char *, int, unsigned int, sqlite3_stmt **, const char **);
int __wrap_sqlite3_prepare_v3(
    sqlite3 *, const char *, int, unsigned int, sqlite3_stmt **, const char **);
int __real_sqlite3_exec(sqlite3 *, const char *,
    int (*)(void *, int, char **, char **), void *, char **);
int __wrap_sqlite3_exec(sqlite3 *, const char *,
    int (*)(void *, int, char **, char **), void *, char **);

static bool reads_sql;
static size_t of_reading; /* allocations since it began */

int
__wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n,
    unsigned int flags, sqlite3_stmt **st, const char **tail)
{
	int rc;

	reads_sql = true;
	of_reading = 0;
	rc = __real_sqlite3_prepare_v3(db, sql, n, flags, st, tail);
	reads_sql = false;
	return rc;
}

int
__wrap_sqlite3_exec(sqlite3 *db, const char *sql,
    int (*row)(void *, int, char **, char **), void *arg, char **message)
{
	int rc;

	reads_sql = true;
	of_reading = 0;
	rc = __real_sqlite3_exec(db, sql, row, arg, message);
	reads_sql = false;
	return rc;
}

/*
 * Most allocations are SQLite's while it reads the text of a statement or of
 * the migrations: of each such call we see one error, whichever of hundreds
 * failed. So the first and every SAMPLE-th of a call stand for all. Once one
 * has failed every one counts: the next to fail is the very next.
 */
enum { SAMPLE = 64 };

static bool
no_memory(void)
{
	if (reads_sql && of_reading++ % SAMPLE != 0 && !hit)
		return false;
	return fails(&memory);
}

/* ---- the library's memory, by the linker ---- */

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void __real_free(void *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void __wrap_free(void *);

void *
__wrap_malloc(size_t n)
{
	void *p = no_memory() ? NULL : __real_malloc(n);

	blocks += p != NULL;
	return p;
}

void *
__wrap_calloc(size_t n, size_t size)
{
	void *p = no_memory() ? NULL : __real_calloc(n, size);

	blocks += p != NULL;
	return p;
}

void *
__wrap_realloc(void *old, size_t n)
{
	void *p = no_memory() ? NULL : __real_realloc(old, n);

	blocks += p != NULL && old == NULL;
	return p;
}

void
__wrap_free(void *p)
{
	blocks -= p != NULL;
	__real_free(p);
}

/* ---- SQLite's memory ---- */

static sqlite3_mem_methods real_memory;

static void *
mem_malloc(int n)
{
	void *p = no_memory() ? NULL : real_memory.xMalloc(n);

	blocks += p != NULL;
	return p;
}

static void *
mem_realloc(void *old, int n)
{
	return no_memory() ? NULL : real_memory.xRealloc(old, n);
}

static void
mem_free(void *p)
{
	blocks -= p != NULL;
	real_memory.xFree(p);
}

/* ---- SQLite's files ---- */

struct file {
	sqlite3_file base;
	sqlite3_file *real; /* stands behind */
};

static sqlite3_vfs *real_vfs;

static sqlite3_file *
real_file(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

#define REAL(f, method) (real_file(f)->pMethods->method)

static int
io_close(sqlite3_file *f)
{
	return REAL(f, xClose)(real_file(f));
}

static int
io_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return REAL(f, xRead)(real_file(f), to, n, at);
}

static int
io_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	/* A disk that is full takes half of it. */
	if (fails(&disk)) {
		REAL(f, xWrite)(real_file(f), from, n / 2, at);
		return SQLITE_IOERR_WRITE;
	}
	return REAL(f, xWrite)(real_file(f), from, n, at);
}

static int
io_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return REAL(f, xTruncate)(real_file(f), size);
}

/* It fails or does nothing: no test here pulls the plug, and it is slow. */
static int
io_sync(sqlite3_file *f, int flags)
{
	(void)f;
	(void)flags;
	return fails(&disk) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int
io_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return REAL(f, xFileSize)(real_file(f), size);
}

static int
io_lock(sqlite3_file *f, int level)
{
	return REAL(f, xLock)(real_file(f), level);
}

static int
io_unlock(sqlite3_file *f, int level)
{
	return REAL(f, xUnlock)(real_file(f), level);
}

static int
io_check(sqlite3_file *f, int *out)
{
	return REAL(f, xCheckReservedLock)(real_file(f), out);
}

static int
io_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f, xFileControl)(real_file(f), op, arg);
}

static int
io_sector(sqlite3_file *f)
{
	return REAL(f, xSectorSize)(real_file(f));
}

static int
io_device(sqlite3_file *f)
{
	return REAL(f, xDeviceCharacteristics)(real_file(f));
}

static int
io_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return REAL(f, xShmMap)(real_file(f), page, size, extend, out);
}

static int
io_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return REAL(f, xShmLock)(real_file(f), offset, n, flags);
}

static void
io_shm_barrier(sqlite3_file *f)
{
	REAL(f, xShmBarrier)(real_file(f));
}

static int
io_shm_unmap(sqlite3_file *f, int delete)
{
	return REAL(f, xShmUnmap)(real_file(f), delete);
}

static const sqlite3_io_methods io = {.iVersion = 2,
    .xClose = io_close,
    .xRead = io_read,
    .xWrite = io_write,
    .xTruncate = io_truncate,
    .xSync = io_sync,
    .xFileSize = io_size,
    .xLock = io_lock,
    .xUnlock = io_unlock,
    .xCheckReservedLock = io_check,
    .xFileControl = io_control,
    .xSectorSize = io_sector,
    .xDeviceCharacteristics = io_device,
    .xShmMap = io_shm_map,
    .xShmLock = io_shm_lock,
    .xShmBarrier = io_shm_barrier,
    .xShmUnmap = io_shm_unmap};

static int
vfs_open(
    sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct file *file = (struct file *)f;
	int rc;

	(void)vfs;
	file->real = (sqlite3_file *)(void *)(file + 1);
	rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out);
	file->base.pMethods = file->real->pMethods != NULL ? &io : NULL;
	return rc;
}

void
fault_install(void)
{
	static sqlite3_vfs vfs;
	sqlite3_mem_methods mine;

	cr_assert_eq(
	    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
	mine = real_memory;
	mine.xMalloc = mem_malloc;
	mine.xRealloc = mem_realloc;
	mine.xFree = mem_free;
	cr_assert_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &mine), SQLITE_OK);
	cr_assert_eq(sqlite3_initialize(), SQLITE_OK);
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "fault";
	vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
	vfs.xOpen = vfs_open;
	cr_assert_eq(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}
