/*
 * A growing buffer: answers are written into one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "text.h"

void
pl_buf_free(struct pl_buf *b)
{
	free(b->data);
	*b = PL_BUF_EMPTY;
}

/* Room for n more bytes, or failed. */
static bool
grow(struct pl_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 1024;
	char *data;

	if (b->failed)
		return false;
	if (n <= b->cap - b->len)
		return true;
	while (cap - b->len < n && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (cap - b->len < n || (data = realloc(b->data, cap)) == NULL) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void
pl_buf_add(struct pl_buf *b, const void *data, size_t n)
{
	if (n == 0 || !grow(b, n))
		return;
	memcpy(b->data + b->len, data, n);
	b->len += n;
}

void
pl_buf_puts(struct pl_buf *b, const char *s)
{
	pl_buf_add(b, s, strlen(s));
}

void
pl_buf_int(struct pl_buf *b, int64_t v)
{
	char digits[PL_INT_LEN] = "";

	pl_buf_add(b, digits, pl_format_int(digits, v));
}

void
pl_buf_printf(struct pl_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !grow(b, (size_t)n + 1)) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
pl_buf_take(struct pl_buf *b, char **data, size_t *len)
{
	*data = b->data;
	*len = b->len;
	*b = PL_BUF_EMPTY;
}
