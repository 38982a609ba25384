/*
 * FastCGI records. Bytes come in any pieces, so what is said of the whole
 * must not hang on where it was cut: while a prefix is not the whole of a
 * request, it is MORE; once something else is said of it, more bytes do not
 * change that.
 */
#include "fcgi_record.h"
#include "fuzz.h"

#define BODY_MAX 64 /* so that small inputs reach it */

static enum pl_fcgi_scan
scan(const uint8_t *data, size_t size, struct pl_fcgi_head *head)
{
	struct pl_fcgi_record first = {0};
	uint8_t *copy = malloc(size > 0 ? size : 1); /* ends where it ends */
	enum pl_fcgi_scan s;

	HOLDS(copy != NULL);
	memcpy(copy, data, size);
	memset(head, 0, sizeof(*head));
	s = pl_fcgi_scan(copy, size, BODY_MAX, head, &first);
	if (s == PL_SCAN_MANAGEMENT || s == PL_SCAN_STRAY)
		HOLDS(first.total >= 8 && first.total <= size);
	if (s == PL_SCAN_WHOLE)
		HOLDS(head->len <= size && head->id != 0);
	free(copy);
	return s;
}

static void
check_cuts(const uint8_t *data, size_t size)
{
	struct pl_fcgi_head whole, head;
	enum pl_fcgi_scan s = scan(data, size, &whole), part;
	size_t n;

	for (n = 0; n < size; n++) {
		part = scan(data, n, &head);
		if (part == PL_SCAN_MORE)
			continue;
		HOLDS(part == s);
		HOLDS(head.len == whole.len && head.id == whole.id &&
		      head.keep == whole.keep);
		if (s == PL_SCAN_WHOLE)
			HOLDS(n >= whole.len);
	}
}

/* An answer in records is that answer, and its end. */
static void
check_answer(const uint8_t *data, size_t size)
{
	struct pl_buf b = PL_BUF_EMPTY;
	struct pl_fcgi_record r = {0};
	size_t off = 0, len = 0;

	pl_fcgi_add_stdout(&b, 7, (const char *)data, size);
	pl_fcgi_add_end(&b, 7, PL_FCGI_COMPLETE);
	HOLDS(!b.failed);
	while (off < b.len) {
		HOLDS(pl_fcgi_parse(
			  (unsigned char *)b.data + off, b.len - off, &r) == 1);
		HOLDS(r.id == 7);
		off += r.total;
		if (r.type == PL_FCGI_END)
			break;
		HOLDS(r.type == PL_FCGI_STDOUT && r.len > 0);
		HOLDS(len + r.len <= size);
		HOLDS(memcmp(r.content, data + len, r.len) == 0);
		len += r.len;
	}
	HOLDS(off == b.len && len == size && r.type == PL_FCGI_END);
	pl_buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_cuts(data, size);
	check_answer(data, size);
	return 0;
}
