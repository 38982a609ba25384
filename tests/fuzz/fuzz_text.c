/*
 * Text, numbers, hex digits and times: what is taken as UTF-8 is what the
 * definition says, decoded here and encoded again; a log line is one line
 * and nothing that a terminal would obey.
 */
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fuzz.h"
#include "log.h"
#include "secret.h"
#include "text.h"

/* RFC 3629 from the other end: the bytes of a code point. */
static size_t
encode(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* The code point that n bytes stand for, right or wrong. */
static uint32_t
decode(const uint8_t *p, size_t n)
{
	static const uint8_t mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = p[0] & mask[n];
	size_t i;

	for (i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

/* Is it UTF-8? *clean: and without control characters. */
static bool
is_utf8(const uint8_t *p, size_t size, bool *clean)
{
	uint8_t again[4];
	uint32_t c;
	size_t n;

	*clean = true;
	for (; size > 0; p += n, size -= n) {
		for (n = 1; n <= 4 && n <= size; n++) {
			c = decode(p, n);
			if (c < 0x110000 && (c < 0xd800 || c > 0xdfff) &&
			    encode(c, again) == n && memcmp(p, again, n) == 0)
				break;
		}
		if (n > 4 || n > size)
			return false;
		*clean = *clean && c >= 0x20 && (c < 0x7f || c > 0x9f);
	}
	return true;
}

static void
check_utf8(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	bool clean, valid;

	HOLDS(copy != NULL);
	memcpy(copy, data, size);
	valid = is_utf8(copy, size, &clean);
	HOLDS(pl_utf8_valid((char *)copy, size) == valid);
	HOLDS(pl_text_valid((char *)copy, size) == (valid && clean));
	free(copy);
}

static void
check_numbers(const char *text)
{
	uint8_t bytes[8];
	char hex[17], decimal[24];
	int64_t n = -1;

	if (pl_parse_int(text, 3, INT64_MAX, &n) == PL_OK) {
		HOLDS(n >= 3 && strspn(text, "0123456789") == strlen(text));
		snprintf(decimal, sizeof(decimal), "%lld", (long long)n);
		HOLDS(strcmp(text + strspn(text, "0"), decimal) == 0);
	} else
		HOLDS(n == -1);
	if (pl_unhex(text, bytes, sizeof(bytes)) == PL_OK) {
		pl_hex(bytes, sizeof(bytes), hex);
		HOLDS(strcmp(text, hex) == 0);
	}
}

static void
check_time(const uint8_t *data, size_t size)
{
	char text[PL_TIME_LEN + 1];
	struct tm tm = {0};
	int64_t ms;
	int milli;

	if (size < sizeof(ms))
		return;
	memcpy(&ms, data, sizeof(ms));
	pl_clock_format(ms, text);
	HOLDS(strlen(text) == PL_TIME_LEN);
	HOLDS(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &tm.tm_year,
		  &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
		  &milli) == 7);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (ms >= 0 && ms < INT64_C(253402300800000)) /* the year 10000 */
		HOLDS((int64_t)timegm(&tm) * 1000 + milli == ms);
	else
		HOLDS(timegm(&tm) == 0 && milli == 0);
}

/* Writes a line and reads it back from where it went. */
static void
check_log(const char *text)
{
	static char line[4096];
	int file = memfd_create("log", MFD_CLOEXEC), saved = dup(2);
	ssize_t n;
	bool clean;

	HOLDS(file >= 0 && saved >= 0 && dup2(file, 2) == 2);
	pl_log(PL_LOG_ERROR, "says %s", text);
	HOLDS(dup2(saved, 2) == 2);
	n = pread(file, line, sizeof(line), 0);
	close(file);
	close(saved);
	HOLDS(n > 0 && n <= 1000 && line[n - 1] == '\n');
	HOLDS(is_utf8((uint8_t *)line, (size_t)n - 1, &clean) && clean);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	check_utf8(data, size);
	check_numbers(text);
	check_time(data, size);
	check_log(text);
	free(text);
	return 0;
}
