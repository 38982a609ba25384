#ifndef PL_LOG_H
#define PL_LOG_H

enum pl_log_level {
	PL_LOG_ERROR, /* somebody has to do something */
	PL_LOG_WARN,  /* somebody may want to */
	PL_LOG_INFO,  /* starts, stops */
	PL_LOG_DEBUG, /* every coming and going */
	PL_LOG__MAX
};

extern const char *const pl_log_names[PL_LOG__MAX + 1]; /* NULL ends it */

/* What to write, and under which name (borrowed). */
void pl_log_init(const char *program, enum pl_log_level);

/*
 * One line on standard error: time, program[pid], level, text. Control
 * characters are escaped, so that no input makes a line of its own, and a
 * line is cut at 1000 bytes.
 */
void pl_log(enum pl_log_level, const char *, ...)
    __attribute__((format(printf, 2, 3)));

#endif
