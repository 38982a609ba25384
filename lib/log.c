/*
 * The log goes to standard error: every web server that starts FastCGI
 * programs has a place for it, and rotates it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define LINE 1000

const char *const pl_log_names[PL_LOG__MAX + 1] = {
    "error", "warn", "info", "debug", NULL};

static const char *name = "porchlight";
static enum pl_log_level threshold = PL_LOG_INFO;

void
pl_log_init(const char *program, enum pl_log_level level)
{
	name = program;
	threshold = level;
}

/* Copies s to out, control characters as \xNN; returns the length. */
static size_t
escape(char *out, size_t size, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *s != '\0' && n + 5 < size; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != 0x7f) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	return n;
}

void
pl_log(enum pl_log_level level, const char *fmt, ...)
{
	char time[PL_TIME_LEN + 1], text[LINE], line[LINE];
	size_t len;
	va_list ap;
	int n;

	if (level > threshold)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pl_clock_format(pl_clock_now(), time);
	n = snprintf(line, 150, "%s %s[%ld] %s: ", time, name, (long)getpid(),
	    pl_log_names[level]);
	len = n < 150 ? (size_t)n : 149;
	len += escape(line + len, sizeof(line) - len - 1, text);
	line[len++] = '\n';
	/* One write, so that lines of several processes do not mix. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
