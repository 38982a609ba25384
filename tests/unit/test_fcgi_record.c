#include <string.h>

#include "fcgi_record.h"
#include "../lib/test.h"

#define BODY_MAX 100

static struct pl_buf in;
static struct pl_fcgi_head head;
static struct pl_fcgi_record first;

static void
clean(void)
{
	pl_buf_free(&in);
}

TestSuite(fcgi_record, .fini = clean);

static void
begin(uint16_t id, unsigned char role, unsigned char flags)
{
	unsigned char body[8] = {0, role, flags};

	pl_fcgi_add_record(&in, PL_FCGI_BEGIN, id, body, 8);
}

static enum pl_fcgi_scan
scan(size_t n)
{
	return pl_fcgi_scan(
	    (const unsigned char *)in.data, n, BODY_MAX, &head, &first);
}

static void
request(size_t body)
{
	char bytes[1000] = {0};

	begin(300, 1, 1);
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 300, bytes, 40);
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 300, NULL, 0);
	if (body > 0)
		pl_fcgi_add_record(&in, PL_FCGI_STDIN, 300, bytes, body);
	pl_fcgi_add_record(&in, PL_FCGI_STDIN, 300, NULL, 0);
}

/* Cut off anywhere it is not whole; then it is. */
Test(fcgi_record, is_whole_with_its_last_byte)
{
	size_t n;

	request(BODY_MAX);
	for (n = 0; n < in.len; n++)
		cr_expect_eq(scan(n), PL_SCAN_MORE, "%zu", n);
	cr_expect_eq(scan(in.len), PL_SCAN_WHOLE);
	cr_expect_eq(head.id, 300);
	cr_expect_eq(head.body, BODY_MAX);
	cr_expect(head.keep);
}

/* What comes behind a request is none of it. */
Test(fcgi_record, ends_where_it_ends)
{
	size_t len;

	request(10);
	len = in.len;
	pl_fcgi_add_record(&in, PL_FCGI_ABORT, 300, NULL, 0);
	cr_expect_eq(scan(in.len), PL_SCAN_WHOLE);
	cr_expect_eq(head.len, len);
}

/* A body that is too large is known by its header alone. */
Test(fcgi_record, is_too_large_before_it_has_arrived)
{
	request(BODY_MAX + 1);
	cr_expect_eq(scan(in.len), PL_SCAN_TOO_LARGE);
	cr_expect_eq(scan(16 + 48 + 8 + 8), PL_SCAN_TOO_LARGE);
	cr_expect_eq(scan(16 + 48 + 8 + 7), PL_SCAN_MORE);
}

/* A head without end is too large, too. */
Test(fcgi_record, ends_a_head_without_end)
{
	static char bytes[65000];

	begin(1, 1, 0);
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, bytes, sizeof(bytes));
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, bytes, sizeof(bytes));
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, bytes, sizeof(bytes));
	cr_expect_eq(scan(PL_FCGI_REQUEST_MAX - 1), PL_SCAN_MORE);
	cr_expect_eq(scan(PL_FCGI_REQUEST_MAX), PL_SCAN_TOO_LARGE);
}

/* Before it is whole no more than after. */
Test(fcgi_record, counts_no_body_of_another_request)
{
	char bytes[BODY_MAX + 1] = {0};
	size_t n;

	begin(1, 1, 0);
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, NULL, 0);
	n = in.len;
	pl_fcgi_add_record(&in, PL_FCGI_STDIN, 2, bytes, sizeof(bytes));
	cr_expect_eq(scan(n + 8), PL_SCAN_MORE);
	cr_expect_eq(scan(in.len), PL_SCAN_BROKEN);
}

Test(fcgi_record, knows_what_stands_first)
{
	pl_fcgi_add_record(&in, PL_FCGI_GET_VALUES, 0, "abc", 3);
	cr_expect_eq(scan(in.len), PL_SCAN_MANAGEMENT);
	cr_expect_eq(first.total, 11);
	in.len = 0;
	pl_fcgi_add_record(&in, PL_FCGI_STDIN, 7, NULL, 0);
	cr_expect_eq(scan(in.len), PL_SCAN_STRAY);
	in.len = 0;
	begin(1, 2, 0);
	cr_expect_eq(scan(in.len), PL_SCAN_ROLE);
}

Test(fcgi_record, refuses_what_is_broken)
{
	pl_buf_puts(&in, "GET / HTTP/1.0");
	cr_expect_eq(scan(1), PL_SCAN_BROKEN);
	in.len = 0;
	pl_fcgi_add_record(&in, PL_FCGI_BEGIN, 1, "abc", 3);
	cr_expect_eq(scan(in.len), PL_SCAN_BROKEN);
	in.len = 0;
	pl_fcgi_add_record(&in, PL_FCGI_BEGIN, 1, "\0\1\0\0\0\0\0\0", 9);
	cr_expect_eq(scan(in.len), PL_SCAN_BROKEN);
	in.len = 0;
	begin(1, 1, 0);
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 2, NULL, 0);
	cr_expect_eq(scan(in.len), PL_SCAN_BROKEN);
	in.len = 0;
	begin(1, 1, 0);
	pl_fcgi_add_record(&in, PL_FCGI_ABORT, 1, NULL, 0);
	cr_expect_eq(scan(in.len), PL_SCAN_BROKEN);
}

struct head {
	char what[40];
	unsigned char bytes[40];
	size_t n;
	enum pl_fcgi_scan result;
};

ParameterizedTestParameters(fcgi_record, takes_pairs_that_are_whole)
{
	static struct head rows[] = {
	    {"none", "", 0, PL_SCAN_WHOLE},
	    {"an empty one", {0, 0}, 2, PL_SCAN_WHOLE},
	    {"one", {1, 2, 'n', 'v', 'v'}, 5, PL_SCAN_WHOLE},
	    {"lengths of four bytes", {128, 0, 0, 1, 128, 0, 0, 0, 'n'}, 9,
		PL_SCAN_WHOLE},
	    {"one length", {1}, 1, PL_SCAN_BROKEN},
	    {"half a length", {128, 0}, 2, PL_SCAN_BROKEN},
	    {"half a second length", {0, 128, 0, 0}, 4, PL_SCAN_BROKEN},
	    {"no value", {1, 1, 'n'}, 3, PL_SCAN_BROKEN},
	    {"a second one cut off", {1, 0, 'n', 5, 0, 'a'}, 6, PL_SCAN_BROKEN},
	    {"lengths that wrap in 32 bits",
		{255, 255, 255, 255, 255, 255, 255, 255}, 8, PL_SCAN_BROKEN},
	};

	return ROWS(struct head, rows);
}

/* In one record, and each byte in one of its own. */
ParameterizedTest(struct head *row, fcgi_record, takes_pairs_that_are_whole)
{
	size_t i;

	begin(1, 1, 0);
	if (row->n > 0)
		pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, row->bytes, row->n);
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, NULL, 0);
	pl_fcgi_add_record(&in, PL_FCGI_STDIN, 1, NULL, 0);
	cr_expect_eq(scan(in.len), row->result, "%s", row->what);
	in.len = 0;
	begin(1, 1, 0);
	for (i = 0; i < row->n; i++)
		pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, row->bytes + i, 1);
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, NULL, 0);
	pl_fcgi_add_record(&in, PL_FCGI_STDIN, 1, NULL, 0);
	cr_expect_eq(scan(in.len), row->result, "%s, in pieces", row->what);
	clean();
}

/* The head ends before the body begins, and neither comes twice. */
Test(fcgi_record, refuses_records_out_of_order)
{
	begin(1, 1, 0);
	pl_fcgi_add_record(&in, PL_FCGI_STDIN, 1, NULL, 0);
	cr_expect_eq(scan(in.len), PL_SCAN_BROKEN, "no head");
	in.len = 0;
	begin(1, 1, 0);
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, NULL, 0);
	pl_fcgi_add_record(&in, PL_FCGI_PARAMS, 1, NULL, 0);
	cr_expect_eq(scan(in.len), PL_SCAN_BROKEN, "two heads");
	in.len = 0;
	begin(1, 1, 0);
	begin(1, 1, 0);
	cr_expect_eq(scan(in.len), PL_SCAN_BROKEN, "begun twice");
}

/* Padding that is another request to who does not skip it. */
Test(fcgi_record, takes_no_padding_behind_begin)
{
	request(0);
	in.data[6] = 8;
	cr_expect_eq(scan(in.len), PL_SCAN_BROKEN);
}

/* A long answer goes into records that are full, and one that is not. */
Test(fcgi_record, cuts_a_long_answer_into_records)
{
	static char data[150000];
	struct pl_fcgi_record r;
	size_t off, sum = 0;

	pl_fcgi_add_stdout(&in, 9, data, sizeof(data));
	for (off = 0; off < in.len; off += r.total) {
		cr_assert_eq(pl_fcgi_parse((const unsigned char *)in.data + off,
				 in.len - off, &r),
		    1);
		cr_expect_eq(r.type, PL_FCGI_STDOUT);
		cr_expect_eq(r.id, 9);
		sum += r.len;
	}
	cr_expect_eq(sum, sizeof(data));
}
