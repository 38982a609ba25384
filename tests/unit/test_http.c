#include <string.h>

#include "http.h"
#include "../lib/test.h"

static struct pl_request r;

static void
init(void)
{
	pl_request_init(&r);
}

static void
fini(void)
{
	pl_request_close(&r);
}

TestSuite(http, .init = init, .fini = fini);

struct path {
	char uri[60];
	char path[40]; /* "": there is none */
};

ParameterizedTestParameters(http, finds_the_path_wherever_the_programs_are)
{
	static struct path rows[] = {
	    {"/api/health", "/api/health"},
	    {"/chat/api/health?x=/api/", "/api/health"},
	    {"/cgi-bin/presence.fcgi/api/health", "/api/health"},
	    {"/api/conversations/a%2Fb%20c", "/api/conversations/a/b c"},
	    {"/api/conversations/a+b", "/api/conversations/a+b"},
	    {"/", ""},
	    {"/x?/api/health", ""},
	    {"/api/%zz", ""},
	    {"/api/%4", ""},
	    {"/api/%00", ""},
	    {"/api/%ff", ""},
	};

	return ROWS(struct path, rows);
}

ParameterizedTest(
    struct path *row, http, finds_the_path_wherever_the_programs_are)
{
	const char *path;

	init();
	pl_request_set(&r, "REQUEST_URI", row->uri);
	path = pl_request_path(&r);
	cr_expect_str_eq(path != NULL ? path : "", row->path);
	fini();
}

/* A RewriteRule of an .htaccess file passes it on under another name. */
Test(http, takes_an_authorization_that_was_passed_on_by_a_rule)
{
	pl_request_set(&r, "REDIRECT_HTTP_AUTHORIZATION", "Bearer t");
	cr_expect_str_eq(pl_request_bearer(&r), "t");
}

/* X_Forwarded_For is the same variable: the client may have written it, before
 * or after what a proxy of ours wrote, and even an empty one. */
Test(http, takes_no_address_that_is_told_twice)
{
	pl_request_set(&r, "HTTP_X_FORWARDED_FOR", "192.0.2.1");
	cr_expect_str_eq(r.x_forwarded_for, "192.0.2.1");
	pl_request_set(&r, "HTTP_X_FORWARDED_FOR", "");
	cr_expect_str_eq(r.x_forwarded_for, "unknown");
	pl_request_set(&r, "HTTP_X_FORWARDED_FOR", "127.0.0.1");
	cr_expect_str_eq(r.x_forwarded_for, "unknown");
}

/* Names and values, decoded, in order; what is no text is refused. */
Test(http, reads_a_query)
{
	const char *pos, *name, *value;

	pl_request_set(
	    &r, "REQUEST_URI", "/api/x?a=1&&b=%C3%A4+%2B&c&=d&e=%ff");
	pos = pl_request_query(&r);
	cr_assert_eq(pl_query_next(&r, &pos, &name, &value), PL_OK);
	cr_expect_str_eq(name, "a");
	cr_expect_str_eq(value, "1");
	cr_assert_eq(pl_query_next(&r, &pos, &name, &value), PL_OK);
	cr_expect_str_eq(value, "\xc3\xa4 +");
	cr_assert_eq(pl_query_next(&r, &pos, &name, &value), PL_OK);
	cr_expect_str_eq(name, "c");
	cr_expect_str_eq(value, "");
	cr_assert_eq(pl_query_next(&r, &pos, &name, &value), PL_OK);
	cr_expect_str_eq(name, "");
	cr_expect_eq(pl_query_next(&r, &pos, &name, &value), PL_ERR_REQUEST);
	cr_assert_eq(pl_query_next(&r, &pos, &name, &value), PL_OK);
	cr_expect_null(name);
}

/* JSON and plain text, whatever follows; nothing else. */
Test(http, takes_json_and_plain_text)
{
	static const char *const good[] = {"application/json", "text/plain",
	    "text/plain;charset=UTF-8", "Application/JSON; x"};
	static const char *const bad[] = {"", "text/html", "text/plainer",
	    "application/x-www-form-urlencoded", "multipart/form-data"};
	size_t i;

	for (i = 0; i < LENGTH(good); i++) {
		pl_request_set(&r, "CONTENT_TYPE", good[i]);
		cr_expect_eq(pl_request_check_type(&r), PL_OK, "%s", good[i]);
	}
	for (i = 0; i < LENGTH(bad); i++) {
		pl_request_set(&r, "CONTENT_TYPE", bad[i]);
		cr_expect_eq(pl_request_check_type(&r), PL_ERR_MEDIA_TYPE);
	}
}

/* The one that is asked for, not one that begins or ends like it. */
Test(http, finds_a_cookie)
{
	pl_request_set(&r, "HTTP_COOKIE",
	    "xporchlight=1; porchlightx=2; porchlight=3 ; porchlight=4");
	cr_expect_str_eq(pl_request_cookie(&r, "porchlight"), "3");
	cr_expect_null(pl_request_cookie(&r, "light"));
}

/* The scheme in any case; no token without one. */
Test(http, finds_a_bearer_token)
{
	pl_request_set(&r, "HTTP_AUTHORIZATION", "bearer  abc");
	cr_expect_str_eq(pl_request_bearer(&r), "abc");
	pl_request_set(&r, "HTTP_AUTHORIZATION", "Basic abc");
	cr_expect_null(pl_request_bearer(&r));
	pl_request_set(&r, "HTTP_AUTHORIZATION", "Bearerabc");
	cr_expect_null(pl_request_bearer(&r));
}

/* Status, code, and the headers that go with it. */
Test(http, answers_errors_as_the_contract_says)
{
	struct pl_buf head = PL_BUF_EMPTY;
	struct pl_reply reply;

	pl_reply_init(&reply);
	pl_reply_error(&reply, PL_ERR_UNAUTHENTICATED, NULL);
	pl_buf_add(&reply.body, "", 1);
	cr_expect_eq(reply.status, 401);
	cr_expect_str_eq(reply.body.data,
	    "{\"error\":\"unauthenticated\",\"message\":\"not signed in\"}");
	reply.body.len--;
	pl_reply_head(&reply, &head);
	pl_buf_add(&head, "", 1);
	cr_expect_not_null(strstr(head.data, "Status: 401 Unauthorized\r\n"));
	cr_expect_not_null(strstr(head.data, "WWW-Authenticate: Bearer\r\n"));
	cr_expect_not_null(strstr(head.data, "Cache-Control: no-store\r\n"));
	cr_expect_not_null(
	    strstr(head.data, "X-Content-Type-Options: nosniff\r\n"));
	cr_expect_not_null(
	    strstr(head.data, "Content-Security-Policy: default-src 'none'; "
			      "frame-ancestors 'none'\r\n"));
	pl_buf_free(&head);
	pl_reply_close(&reply);
	pl_reply_unknown(&reply, PL_ERR_STORE);
	pl_buf_add(&reply.body, "", 1);
	cr_expect_eq(reply.status, 503);
	cr_expect_not_null(strstr(reply.body.data, "\"isOnline\":false"));
	pl_reply_close(&reply);
}
