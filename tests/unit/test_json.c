#include <string.h>

#include "json.h"
#include "../lib/test.h"

static struct pl_arena arena;
static struct pl_json_body body;

static void
clean(void)
{
	pl_json_free(&body);
	pl_arena_close(&arena);
}

TestSuite(json, .fini = clean);

static enum pl_err
parse(const char *text)
{
	return pl_json_read(&body, &arena, text, strlen(text));
}

/* Commas come by themselves; what needs escaping is escaped. */
Test(json, writes_what_readers_expect)
{
	static const uint8_t bytes[] = {0x0a, 0xff};
	struct pl_buf b = PL_BUF_EMPTY;

	pl_json_open(&b, '{');
	pl_json_str(&b, "a", "x\"\\\n\x01/\xc3\xa4");
	pl_json_int(&b, "b", -7);
	pl_json_open_in(&b, "c", '[');
	pl_json_bool(&b, NULL, true);
	pl_json_str(&b, NULL, NULL);
	pl_json_open(&b, '{');
	pl_json_close(&b, '}');
	pl_json_raw(&b, "{}", 2);
	pl_json_close(&b, ']');
	pl_json_time(&b, "d", T0);
	pl_json_time(&b, "e", 0);
	pl_json_hex(&b, "f", bytes, 2);
	pl_json_close(&b, '}');
	pl_buf_add(&b, "", 1);
	cr_expect_str_eq(b.data,
	    "{\"a\":\"x\\\"\\\\\\u000a\\u0001/\xc3\xa4\",\"b\":-7,"
	    "\"c\":[true,null,{},{}],\"d\":\"2025-10-03T10:30:00.000Z\","
	    "\"e\":null,\"f\":\"0aff\"}");
	pl_buf_free(&b);
}

struct text {
	char text[80];
};

ParameterizedTestParameters(json, refuses_what_is_no_object)
{
	static struct text rows[] = {
	    {""},
	    {"[]"},
	    {"null"},
	    {"1"},
	    {"\"a\""},
	    {"{"},
	    {"{\"a\":1"},
	    {"{\"a\":1}x"},
	    {"{}{}"},
	    {"{\"a\":\"\xff\"}"},
	    {"{\"a\":\"\xed\xa0\x80\"}"},
	    {"{\"\xed\xa0\x80\":1}"},
	    {"{\"\xc0\x80\":1}"},
	    {"{\"a\":1,}"},
	    {"{\"a\":[[[[[[[[[[1]]]]]]]]]]}"},
	};

	return ROWS(struct text, rows);
}

ParameterizedTest(struct text *row, json, refuses_what_is_no_object)
{
	cr_expect_eq(parse(row->text), PL_ERR_JSON, "%s", row->text);
}

/* White space around is allowed; NUL in the middle is not the end. */
Test(json, reads_one_object_and_nothing_after)
{
	cr_expect_eq(parse(" \n{\"a\": 1}\r\n\t "), PL_OK);
	pl_json_free(&body);
	cr_expect_eq(
	    pl_json_parse(&body, &arena, "{\"a\":1}\0{}", 10), PL_ERR_JSON);
}

/* A member that is wrong is named. */
Test(json, names_the_member_that_is_wrong)
{
	const char *s = "kept";
	int64_t n = 5;
	bool b = false;

	cr_assert_eq(parse("{\"n\":\"1\",\"s\":7,\"long\":\"abcdef\",\"nul\":"
			   "\"a\\u0000\",\"empty\":\"\",\"b\":\"true\","
			   "\"f\":1.5,\"big\":99999999999999999999}"),
	    PL_OK);
	cr_expect_eq(pl_json_need_str(&body, "none", 9, &s), PL_ERR_REQUEST);
	cr_expect_eq(strncmp(body.message, "none: ", 6), 0);
	cr_expect_eq(pl_json_need_str(&body, "s", 9, &s), PL_ERR_REQUEST);
	cr_expect_eq(strncmp(body.message, "s: ", 3), 0);
	cr_expect_eq(pl_json_need_str(&body, "long", 5, &s), PL_ERR_REQUEST);
	cr_expect_eq(pl_json_need_str(&body, "nul", 9, &s), PL_ERR_REQUEST);
	cr_expect_eq(pl_json_want_str(&body, "empty", 9, &s), PL_ERR_REQUEST);
	cr_expect_eq(pl_json_want_int(&body, "n", 0, 9, &n), PL_ERR_REQUEST);
	cr_expect_eq(pl_json_want_int(&body, "f", 0, 9, &n), PL_ERR_REQUEST);
	cr_expect_eq(pl_json_want_int(&body, "big", 0, 9, &n), PL_ERR_REQUEST);
	cr_expect_eq(pl_json_need_bool(&body, "b", &b), PL_ERR_REQUEST);
	cr_expect_str_eq(s, "kept");
	cr_expect_eq(n, 5);
}

/* What is read where it stands is what the tree has. */
Test(json, reads_flat_what_the_tree_has)
{
	const char text[] = "\t{ \"conversationId\" : \"conv_\xc3\xa4\","
			    "\"seq\":120,\"typing\":false,\"seq\":0,"
			    "\"none\":null}\n";
	struct pl_json_body flat;
	const char *a = NULL, *b = NULL;
	int64_t n = -1;
	bool typing = true;

	cr_assert(pl_json_flat(&flat, text, strlen(text)));
	cr_expect_eq(flat.n, 5);
	cr_assert_eq(pl_json_parse(&body, &arena, text, strlen(text)), PL_OK);
	cr_expect_eq(pl_json_need_str(&body, "conversationId", 9, &a), PL_OK);
	pl_json_free(&body);
	cr_assert_eq(parse(text), PL_OK);
	cr_expect_null(body.object);
	cr_expect_eq(pl_json_need_str(&body, "conversationId", 9, &b), PL_OK);
	cr_expect_str_eq(a, b);
	cr_expect_eq(pl_json_want_int(&body, "seq", 0, 9, &n), PL_OK);
	cr_expect_eq(n, 0, "the last of two counts");
	cr_expect_eq(pl_json_need_bool(&body, "typing", &typing), PL_OK);
	cr_expect_not(typing);
}

/* What is not simple, or not right, is left to json-c. */
Test(json, leaves_to_the_tree_what_is_not_flat)
{
	static const char *const texts[] = {"", "{}", "[]", "{\"a\":1",
	    "{\"a\":1}x", "{\"a\":1,}", "{\"a\":-1}", "{\"a\":1.0}",
	    "{\"a\":01}", "{\"a\":1234567890123456}", "{\"a\":tru}",
	    "{\"a\":\"\\n\"}", "{\"a\":\"\n\"}", "{\"a\":[]}", "{a:1}",
	    "{'a':1}", "{\"a\"}", "{\"a\":\"b}", "{\"a\":nullx}",
	    "{\"a\":023true}", "{\"a\":1234567890123456null}", "{\"a\":}",
	    "{\"a\":1 \"b\":2}",
	    "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,"
	    "\"8\":1,\"9\":1,\"10\":1,\"11\":1,\"12\":1,\"13\":1}"};
	struct pl_json_body flat;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_not(pl_json_flat(&flat, texts[i], strlen(texts[i])),
		    "%s", texts[i]);
}

/* What may be absent may be null, and leaves what stood there. */
Test(json, takes_absent_and_null_for_the_same)
{
	const char *s = "kept";
	int64_t n = 5;

	cr_assert_eq(parse("{\"s\":null,\"n\":null}"), PL_OK);
	cr_expect_eq(pl_json_want_str(&body, "s", 9, &s), PL_OK);
	cr_expect_eq(pl_json_want_str(&body, "other", 9, &s), PL_OK);
	cr_expect_eq(pl_json_want_int(&body, "n", 0, 9, &n), PL_OK);
	cr_expect_str_eq(s, "kept");
	cr_expect_eq(n, 5);
}
