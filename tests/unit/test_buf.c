#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "../lib/test.h"

/* The empty buffer needs no memory and may be freed. */
Test(buf, starts_empty_and_is_freed_at_any_time)
{
	struct pl_buf b = PL_BUF_EMPTY;

	pl_buf_free(&b);
	pl_buf_add(&b, "", 0);
	cr_expect_null(b.data);
	cr_expect_eq(b.len, 0);
	pl_buf_puts(&b, "x");
	pl_buf_free(&b);
	pl_buf_puts(&b, "again");
	cr_expect_arr_eq(b.data, "again", 5);
	pl_buf_free(&b);
}

/* Pieces of every size around the first capacity stand one after another. */
Test(buf, grows_and_keeps_every_byte)
{
	struct pl_buf b = PL_BUF_EMPTY;
	char piece[700];
	size_t n, at = 0, i;

	for (n = 0; n < sizeof(piece); n++) {
		memset(piece, (int)(n & 0xff), n);
		pl_buf_add(&b, piece, n);
		cr_assert_eq(b.len, at + n);
		at += n;
	}
	cr_assert(!b.failed);
	for (at = n = 0; n < sizeof(piece); n++)
		for (i = 0; i < n; i++, at++)
			cr_assert_eq((unsigned char)b.data[at], (n & 0xff));
	pl_buf_free(&b);
}

/* NUL is a byte like others. */
Test(buf, takes_any_byte)
{
	struct pl_buf b = PL_BUF_EMPTY;

	pl_buf_add(&b, "a\0b", 3);
	cr_expect_eq(b.len, 3);
	cr_expect_arr_eq(b.data, "a\0b", 3);
	pl_buf_free(&b);
}

/* printf at each length around a full buffer: none cut, none counted twice. */
Test(buf, formats_at_every_length_up_to_its_end)
{
	char text[300];
	int n;

	memset(text, 'y', sizeof(text));
	for (n = 0; n < 300; n++) {
		struct pl_buf b = PL_BUF_EMPTY;

		pl_buf_printf(&b, "<%.*s>", n, text);
		cr_assert_eq(b.len, (size_t)n + 2);
		cr_assert_eq(b.data[0], '<');
		cr_assert_eq(b.data[n + 1], '>');
		pl_buf_printf(&b, "%d", 42);
		cr_assert_arr_eq(b.data + n + 2, "42", 2);
		pl_buf_free(&b);
	}
}

/* What cannot be had makes it failed; it takes nothing more until freed. */
Test(buf, stays_failed_until_freed)
{
	struct pl_buf b = PL_BUF_EMPTY;

	pl_buf_puts(&b, "kept");
	pl_buf_add(&b, "x", SIZE_MAX / 2);
	cr_expect(b.failed);
	cr_expect_eq(b.len, 4);
	pl_buf_puts(&b, "more");
	pl_buf_printf(&b, "%s", "more");
	cr_expect_eq(b.len, 4);
	cr_expect(b.failed);
	pl_buf_free(&b);
	cr_expect(!b.failed);
	pl_buf_puts(&b, "anew");
	cr_expect_eq(b.len, 4);
	pl_buf_free(&b);
}

/* Taken bytes are the taker's; the buffer is as new. */
Test(buf, hands_its_bytes_over)
{
	struct pl_buf b = PL_BUF_EMPTY;
	char *data;
	size_t len;

	pl_buf_puts(&b, "mine");
	pl_buf_take(&b, &data, &len);
	cr_expect_eq(len, 4);
	cr_expect_arr_eq(data, "mine", 4);
	cr_expect_null(b.data);
	cr_expect_eq(b.len, 0);
	free(data);
	pl_buf_free(&b);
}
