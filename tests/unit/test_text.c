#include <string.h>

#include "text.h"
#include "../lib/test.h"

struct sample {
	char bytes[8];
	bool utf8, text;
};

ParameterizedTestParameters(text, knows_utf8_and_control_characters)
{
	static struct sample rows[] = {
	    {"abc", true, true},
	    {"\xc3\xa4\xe2\x82\xac", true, true},
	    {"\xf0\x9f\x9f\xa2", true, true},
	    {"\xf4\x8f\xbf\xbf", true, true},
	    {"a\nb", true, false},
	    {"\x1f", true, false},
	    {"\x7f", true, false},
	    {"\x80", false, false},
	    {"\xc2\x80", true, false},
	    {"\xc2\x9f", true, false},
	    {"\xc2\xa0", true, true},
	    {"\xc0\x80", false, false},
	    {"\xc3", false, false},
	    {"\xe0\x80\x80", false, false},
	    {"\xed\xa0\x80", false, false},
	    {"\xf0\x80\x80\x80", false, false},
	    {"\xf4\x90\x80\x80", false, false},
	    {"\xf5\x80\x80\x80", false, false},
	    {"\xe2\x82", false, false},
	    {"\xff", false, false},
	};

	return ROWS(struct sample, rows);
}

ParameterizedTest(struct sample *row, text, knows_utf8_and_control_characters)
{
	cr_expect_eq(pl_utf8_valid(row->bytes, strlen(row->bytes)), row->utf8);
	cr_expect_eq(pl_text_valid(row->bytes, strlen(row->bytes)), row->text);
}

/* A NUL is a control character like others. */
Test(text, has_no_nul)
{
	cr_expect_not(pl_text_valid("a\0b", 3));
}

struct number {
	char text[24];
	enum pl_err err;
	int64_t value;
};

ParameterizedTestParameters(text, reads_whole_numbers_in_bounds)
{
	static struct number rows[] = {
	    {"0", PL_OK, 0},
	    {"55", PL_OK, 55},
	    {"007", PL_OK, 7},
	    {"56", PL_ERR_REQUEST, 0},
	    {"", PL_ERR_REQUEST, 0},
	    {"-1", PL_ERR_REQUEST, 0},
	    {"+1", PL_ERR_REQUEST, 0},
	    {" 1", PL_ERR_REQUEST, 0},
	    {"1.0", PL_ERR_REQUEST, 0},
	    {"0x1", PL_ERR_REQUEST, 0},
	    {"99999999999999999999", PL_ERR_REQUEST, 0},
	};

	return ROWS(struct number, rows);
}

ParameterizedTest(struct number *row, text, reads_whole_numbers_in_bounds)
{
	int64_t v = -1;

	cr_expect_eq(pl_parse_int(row->text, 0, 55, &v), row->err);
	cr_expect_eq(v, row->err == PL_OK ? row->value : -1);
}

/* Numbers come out as they are read, to their ends. */
Test(text, writes_whole_numbers)
{
	static const struct {
		int64_t v;
		const char *text;
	} rows[] = {{0, "0"}, {7, "7"}, {-7, "-7"}, {1234567890, "1234567890"},
	    {INT64_MAX, "9223372036854775807"},
	    {INT64_MIN, "-9223372036854775808"}};
	char out[PL_INT_LEN];
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = pl_format_int(out, rows[i].v);
		cr_assert_eq(n, strlen(rows[i].text));
		cr_expect_eq(memcmp(out, rows[i].text, n), 0);
	}
}
