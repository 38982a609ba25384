/*
 * The files: whose they are, who may read them, where they lie, and whether
 * there is room.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "files.h"
#include "netfs.h"

#define MIB ((uint64_t)1 << 20)
#define ROOM_LEAST (16 * MIB)
#define ROOM_SAFE (128 * MIB)
#define INODES_LEAST 16
#define INODES_SAFE 256

/* A name and its text, wherever it is needed for one line. */
struct user {
	char name[64];
};

/*
 * From /etc/passwd itself: getpwuid() would load libraries of the host into a
 * program that was linked to need none.
 */
static struct user
user_of(uid_t uid)
{
	struct user u;
	char line[1024], name[64];
	unsigned int id;
	FILE *f = fopen("/etc/passwd", "re");

	snprintf(u.name, sizeof(u.name), "user %u", (unsigned int)uid);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%63[^:]:%*[^:]:%u:", name, &id) == 2 &&
		    id == uid) {
			memcpy(u.name, name, sizeof(u.name));
			break;
		}
	if (f != NULL)
		fclose(f);
	return u;
}

static void
beside(const struct pl_doctor *d, const char *suffix, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s%s", d->config->database, suffix);
}

static void
folder_of(const struct pl_doctor *d, char path[PATH_MAX])
{
	const char *file = d->config->database;

	snprintf(
	    path, PATH_MAX, "%.*s", (int)(strrchr(file, '/') - file) + 1, file);
}

static void
check_owners(struct pl_doctor *d, const struct stat *database)
{
	char path[PATH_MAX];
	struct stat st;
	size_t i;

	for (i = 1; pl_files_suffixes[i] != NULL; i++) {
		beside(d, pl_files_suffixes[i], path);
		if (stat(path, &st) != 0 || st.st_uid == database->st_uid ||
		    database->st_uid == 0)
			continue;
		pl_doctor_say(d, PL_WRONG, "owner",
		    "%s belongs to %s, the database to %s, who cannot use it: "
		    "chown %s %s*",
		    path, user_of(st.st_uid).name,
		    user_of(database->st_uid).name,
		    user_of(database->st_uid).name, d->config->database);
		return;
	}
	pl_doctor_say(d, PL_FINE, "owner", "%s, and you are %s",
	    user_of(database->st_uid).name, user_of(geteuid()).name);
}

/* The programs do not serve such a database. */
static void
check_readers(struct pl_doctor *d)
{
	struct pl_exposed e;

	if (!pl_files_exposed(d->config->database, &e))
		pl_doctor_say(d, PL_FINE, "readers",
		    "no other user can read the database");
	else if (e.is_folder)
		pl_doctor_say(d, PL_WRONG, "readers",
		    "every user of this machine may make files in %s (mode "
		    "%03o), and so change the database: give it a folder of "
		    "its own, or chmod o-w %s",
		    e.path, (unsigned int)e.mode, e.path);
	else
		pl_doctor_say(d, PL_WRONG, "readers",
		    "%s is open to every user of this machine (mode %03o), "
		    "and so are the secrets of customers' sessions in it: "
		    "chmod go= %s*",
		    e.path, (unsigned int)e.mode, d->config->database);
}

bool
pl_doctor_files(struct pl_doctor *d)
{
	const char *path = d->config->database;
	struct stat st;

	if (stat(path, &st) != 0) {
		pl_doctor_say(d, PL_WRONG, "database", "%s: %s. %s", path,
		    strerror(errno),
		    errno == ENOENT
			? "\"porchlight init\", as the web server's user, "
			  "makes it"
			: "Run this as the user of the web server, or root");
		return false;
	}
	if (access(path, R_OK | W_OK) != 0) {
		pl_doctor_say(d, PL_WRONG, "database",
		    "%s belongs to %s, and you are %s, who may not write it: "
		    "run this as that user, or as root",
		    path, user_of(st.st_uid).name, user_of(geteuid()).name);
		return false;
	}
	pl_doctor_say(d, PL_FINE, "database", "%s", path);
	check_owners(d, &st);
	check_readers(d);
	return true;
}

/* Would that user be let write there? (Root may test more than he would.) */
static bool
may_write(const struct stat *folder, const struct stat *database)
{
	mode_t need = folder->st_uid == database->st_uid   ? S_IWUSR | S_IXUSR
		      : folder->st_gid == database->st_gid ? S_IWGRP | S_IXGRP
							   : S_IWOTH | S_IXOTH;

	return database->st_uid == 0 || (folder->st_mode & need) == need;
}

/* Writes a file of a page, which finds a quota too; 0 or an errno. */
static int
write_trial(const char *folder, int64_t *clock)
{
	char path[PATH_MAX + 32];
	static const char page[4096];
	struct stat st;
	int fd, error = 0;

	snprintf(path, sizeof(path), "%s.porchlight-doctor-XXXXXX", folder);
	if ((fd = mkstemp(path)) < 0)
		return errno;
	unlink(path);
	errno = ENOSPC; /* should less be written */
	if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page) ||
	    fstat(fd, &st) != 0)
		error = errno;
	else
		*clock = (int64_t)st.st_mtim.tv_sec * 1000 +
			 st.st_mtim.tv_nsec / 1000000;
	close(fd);
	return error;
}

void
pl_doctor_folder(struct pl_doctor *d, int64_t *clock)
{
	struct stat folder, database;
	char path[PATH_MAX];
	int error;

	*clock = 0;
	folder_of(d, path);
	if (stat(path, &folder) != 0 || stat(d->config->database, &database))
		return;
	error = write_trial(path, clock);
	if (error == 0 && may_write(&folder, &database))
		pl_doctor_say(d, PL_FINE, "folder", "%s can be written", path);
	else if (error == ENOSPC || error == EDQUOT)
		pl_doctor_say(d, PL_WRONG, "folder",
		    "%s: %s. Make room, or nothing can be written down", path,
		    strerror(error));
	else
		pl_doctor_say(d, PL_WRONG, "folder",
		    "%s may not be written by %s%s%s; the store keeps its log "
		    "there: chown %s %s",
		    path, user_of(database.st_uid).name, error != 0 ? ": " : "",
		    error != 0 ? strerror(error) : "",
		    user_of(database.st_uid).name, path);
}

void
pl_doctor_config(struct pl_doctor *d)
{
	const char *path = d->config->file;
	struct stat st;

	if (stat(path, &st) != 0)
		pl_doctor_say(
		    d, PL_FINE, "config", "there is no %s: the defaults", path);
	else
		pl_doctor_say(d, PL_FINE, "config", "%s", path);
}

void
pl_doctor_netfs(struct pl_doctor *d, const char *netfs)
{
	if (netfs == NULL)
		pl_doctor_say(d, PL_FINE, "file-system",
		    "the database lies on a disk of this machine");
	else
		pl_doctor_say(d, PL_WARN, "file-system",
		    "the database lies on %s, where SQLite's write-ahead log "
		    "is not safe: a rollback journal takes its place, which is "
		    "slower. Let no other host use it, and move it to a local "
		    "disk if there is one (setting \"database\")",
		    netfs);
}

void
pl_doctor_disk(struct pl_doctor *d, const struct statvfs *fs)
{
	uint64_t room = (uint64_t)fs->f_bavail * fs->f_frsize;
	bool counts = fs->f_files > 0; /* some file systems have no inodes */
	enum pl_verdict verdict = PL_FINE;

	if (room < ROOM_LEAST || (counts && fs->f_favail < INODES_LEAST))
		verdict = PL_WRONG;
	else if (room < ROOM_SAFE || (counts && fs->f_favail < INODES_SAFE))
		verdict = PL_WARN;
	if (verdict == PL_FINE)
		pl_doctor_say(
		    d, verdict, "disk", "%" PRIu64 " MiB free", room / MIB);
	else if (room < ROOM_SAFE)
		pl_doctor_say(d, verdict, "disk",
		    "%" PRIu64 " MiB free: wrong below %d, scarce below %d, as "
		    "the log of writes alone may take 64. Make room",
		    room / MIB, (int)(ROOM_LEAST / MIB),
		    (int)(ROOM_SAFE / MIB));
	else
		pl_doctor_say(d, verdict, "disk",
		    "room for %" PRIu64 " more files only (inodes): remove "
		    "some",
		    (uint64_t)fs->f_favail);
}

/* Is the database below that folder? The rest of its path, or NULL. */
static const char *
below(const char *database, const char *folder)
{
	char real[PATH_MAX];
	size_t n;

	if (folder[0] == '\0' || realpath(folder, real) == NULL)
		return NULL;
	n = strlen(real);
	n -= real[n - 1] == '/'; /* the root of all */
	return strncmp(database, real, n) == 0 && database[n] == '/'
		   ? database + n
		   : NULL;
}

/* As a URL has it (RFC 3986, 2.3). */
static void
encode_path(const char *path, char *out, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~/";
	size_t n = 0;

	for (; *path != '\0' && n + 4 <= size; path++)
		n += (size_t)snprintf(out + n, size - n,
		    strchr(plain, *path) != NULL ? "%c" : "%%%02X",
		    (unsigned char)*path);
	out[n] = '\0';
}

void
pl_doctor_web_root(
    struct pl_doctor *d, const struct pl_shared_page *page, bool asked)
{
	const char *root = "", *rest = NULL;
	char database[PATH_MAX];
	size_t i;

	if (realpath(d->config->database, database) == NULL)
		return;
	for (i = 0; i < PL_PROGRAM__MAX && rest == NULL; i++) {
		root = page->served[i].document_root;
		rest = below(database, root);
	}
	if (rest == NULL) {
		pl_doctor_say(d, PL_FINE, "web-root",
		    "the database is not in the web server's folder");
		return;
	}
	encode_path(rest, d->exposed, sizeof(d->exposed));
	if (!asked)
		pl_doctor_say(d, PL_WRONG, "web-root",
		    "the database lies in the web server's folder, %s: unless "
		    "its config refuses it, every visitor can load it. Move it "
		    "out (setting \"database\"); --url sees whether it is "
		    "refused",
		    root);
}
