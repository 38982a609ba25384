#ifndef PL_FILES_H
#define PL_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/* What is appended to the database's path for all files that belong to it,
 * "" for itself first; NULL ends it. */
extern const char *const pl_files_suffixes[];

/*
 * Opens a file beside the database to read and write, making it for the owner
 * alone if it is not there; root gives it to whom the database belongs. A link
 * is not followed. The descriptor, or -1 and errno.
 */
int pl_files_open_beside(const char *database, const char *suffix);

/* Its bytes; 0 if it is not there. */
int64_t pl_files_size(const char *database, const char *suffix);

/* Does the mode of that file give all others one of those bits (S_IROTH,
 * S_IWOTH), and do the folders above let them through to it? */
bool pl_files_others_may(const char *path, mode_t bits);

/* What every user of this machine can get at. */
struct pl_exposed {
	char path[PATH_MAX];
	mode_t mode;
	bool is_folder; /* the one the database lies in; may be written */
};

/*
 * Looks at the database, all beside it, and its folder. True if something is
 * exposed: its mode lets others read or write it (the folder: write), and the
 * folders above let them through.
 */
bool pl_files_exposed(const char *database, struct pl_exposed *);

#endif
