/*
 * A line of `porchlight doctor`.
 */
#include <stdarg.h>

#include "doctor.h"

void
pl_doctor_say(struct pl_doctor *d, enum pl_verdict verdict, const char *name,
    const char *words, ...)
{
	static const char *const verdicts[] = {"ok", "warn", "FAIL"};
	char line[4096], *c;
	va_list ap;

	d->warned += verdict == PL_WARN;
	d->wrong += verdict == PL_WRONG;
	va_start(ap, words);
	vsnprintf(line, sizeof(line), words, ap);
	va_end(ap);
	for (c = line; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	fprintf(d->out, "%-4s  %-13s  %s\n", verdicts[verdict], name, line);
	fflush(d->out);
}
