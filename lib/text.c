/*
 * What counts as clean text, and numbers out of it.
 */
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum pl_err
pl_parse_int(const char *s, int64_t least, int64_t most, int64_t *out)
{
	size_t n = strspn(s, "0123456789");
	int64_t v;

	if (n == 0 || n > 18 || s[n] != '\0')
		return PL_ERR_REQUEST;
	v = strtoll(s, NULL, 10);
	if (v < least || v > most)
		return PL_ERR_REQUEST;
	*out = v;
	return PL_OK;
}

size_t
pl_format_int(char out[PL_INT_LEN], int64_t v)
{
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	size_t at = PL_INT_LEN, n;

	do
		out[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (v < 0)
		out[--at] = '-';
	n = PL_INT_LEN - at;
	memmove(out, out + at, n);
	return n;
}

/* Bytes of the character at p, which has n bytes before it; 0: not valid. */
static size_t
utf8_len(const unsigned char *p, size_t n)
{
	size_t len = p[0] < 0x80   ? 1
		     : p[0] < 0xc2 ? 0
		     : p[0] < 0xe0 ? 2
		     : p[0] < 0xf0 ? 3
		     : p[0] < 0xf5 ? 4
				   : 0;
	size_t i;

	if (len > n)
		return 0;
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

bool
pl_utf8_valid(const char *s, size_t n)
{
	size_t len;

	for (; n > 0; s += len, n -= len) {
		len = (unsigned char)*s < 0x80
			  ? 1
			  : utf8_len((const unsigned char *)s, n);
		if (len == 0)
			return false;
	}
	return true;
}

/* U+0080 to U+009F are control characters too: a terminal that reads UTF-8
 * takes U+009B for ESC and a bracket. */
size_t
pl_text_char(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t len = utf8_len(p, n);

	if (p[0] < 0x20 || p[0] == 0x7f ||
	    (len == 2 && p[0] == 0xc2 && p[1] < 0xa0))
		return 0;
	return len;
}

bool
pl_text_valid(const char *s, size_t n)
{
	size_t len;

	for (; n > 0; s += len, n -= len)
		if ((len = pl_text_char(s, n)) == 0)
			return false;
	return true;
}
