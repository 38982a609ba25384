/*
 * The log goes to standard error: every web server that starts FastCGI
 * programs has a place for it, and rotates it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "text.h"

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

/* Copies s to out; what is no clean text as \xNN, byte by byte, so that no
 * input begins a line or speaks to a terminal. Returns the length. */
static size_t
escape(char *out, size_t size, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0, len;

	for (; *s != '\0' && n + 5 < size; s += len) {
		if ((len = pl_text_char(s, strnlen(s, 4))) > 0) {
			memcpy(out + n, s, len);
			n += len;
			continue;
		}
		len = 1;
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[(unsigned char)*s >> 4];
		out[n++] = hex[*s & 15];
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
