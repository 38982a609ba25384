#ifndef PL_TEST_TMPDIR_H
#define PL_TEST_TMPDIR_H

/*
 * A directory of one's own for one test. Fails the test if there is none to
 * be had.
 */
void tmpdir_make(void);
void tmpdir_remove(void); /* with all that is in it */

/* Its path, and that of a file in it; up to eight live at a time. */
const char *tmpdir(void);
const char *tmpdir_path(const char *name);

/* Makes a file of that text and returns its path. */
const char *tmpdir_write(const char *name, const char *text);

#endif
