/*
 * What agents ask with: every parameter, its bounds, and what is not asked.
 */
#include <stdio.h>
#include <string.h>

#include "query.h"
#include "../lib/test.h"

static struct pl_call call;
static struct pl_query q;

static void
init(void)
{
	memset(&call, 0, sizeof(call));
	pl_request_init(&call.req);
}

static void
fini(void)
{
	pl_request_close(&call.req);
}

TestSuite(query, .init = init, .fini = fini);

static enum pl_err
read_query(const char *query)
{
	static char uri[64 * 1024];

	snprintf(uri, sizeof(uri), "/api/widget/presence?%s", query);
	pl_request_set(&call.req, "REQUEST_URI", uri);
	return pl_query_read(&call, &q);
}

Test(query, reads_what_is_there_and_passes_over_the_rest)
{
	cr_assert_eq(
	    read_query("limit=5&after=x&cursor=c-1&timeout=20&client=tab&"
		       "heartbeats=1&utm_source=y&conversationId=a%20b"),
	    PL_OK);
	cr_expect_str_eq(q.limit, "5");
	cr_expect_str_eq(q.after, "x");
	cr_expect_str_eq(q.cursor, "c-1");
	cr_expect_str_eq(q.timeout, "20");
	cr_expect_str_eq(q.client, "tab");
	cr_expect_str_eq(q.heartbeats, "1");
	cr_assert_eq(q.nids, 1);
	cr_expect_str_eq(q.ids[0], "a b");
}

Test(query, without_any_asks_for_all)
{
	cr_assert_eq(read_query(""), PL_OK);
	cr_expect_eq(q.nids, 0);
	cr_expect_null(q.limit);
	cr_expect_null(q.client);
}

Test(query, keeps_each_id_once_and_counts_all)
{
	cr_assert_eq(read_query("conversationId=b&conversationId=%22&"
				"conversationId=b"),
	    PL_OK);
	cr_expect_eq(q.nids, 2);
	cr_expect_eq(q.given, 3);
	cr_expect_str_eq(q.ids[0], "b");
	cr_expect_str_eq(q.ids[1], "\"");
}

/* 200 ids are read, 201 are too many, the same one repeated as well. */
Test(query, takes_two_hundred_ids)
{
	static char many[201 * 32];
	size_t len = 0;
	int i;

	for (i = 0; i < 201; i++) {
		if (i == 200) {
			cr_assert_eq(read_query(many), PL_OK);
			cr_expect_eq(q.nids, 100);
		}
		len += (size_t)snprintf(many + len, sizeof(many) - len,
		    "&conversationId=c%d", i % 100);
	}
	cr_expect_eq(read_query(many), PL_ERR_TOO_LARGE);
	cr_expect_not_null(call.message);
}

struct refused {
	char query[48];
};

ParameterizedTestParameters(query, refuses_what_is_no_text)
{
	static struct refused rows[] = {
	    {"conversationId="},
	    {"conversationId=a%00b"},
	    {"conversationId=%ff"},
	    {"conversationId=%zz"},
	    {"cursor=a%01b"},
	    {"nobody=%c3"},
	};

	return ROWS(struct refused, rows);
}

ParameterizedTest(struct refused *row, query, refuses_what_is_no_text)
{
	init();
	cr_expect_eq(read_query(row->query), PL_ERR_REQUEST, "%s", row->query);
	cr_expect_not_null(call.message);
	fini();
}

/* 128 bytes of anything are read, 129 are not. */
Test(query, bounds_each_value)
{
	char query[200];

	snprintf(query, sizeof(query), "client=%0128d", 0);
	cr_expect_eq(read_query(query), PL_OK);
	snprintf(query, sizeof(query), "client=%0129d", 0);
	cr_expect_eq(read_query(query), PL_ERR_REQUEST);
	snprintf(query, sizeof(query), "conversationId=%0128d", 0);
	cr_expect_eq(read_query(query), PL_OK);
	snprintf(query, sizeof(query), "conversationId=%0129d", 0);
	cr_expect_eq(read_query(query), PL_ERR_REQUEST);
}
