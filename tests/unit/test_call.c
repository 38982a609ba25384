/*
 * A request on its way to its endpoint, and how conversations are made: what
 * is refused before anything is looked up, methods, errors, other sites.
 */
#include <string.h>

#include "app.h"
#include "conversation.h"
#include "../lib/stage.h"
#include "../lib/test.h"

static enum pl_err outcome;
static bool nobodys; /* it is not known whose affair it is */

static enum pl_err
run(struct pl_call *call)
{
	call->company = nobodys ? 0 : acme;
	call->message = "so it is";
	call->reply.status = 200;
	return outcome;
}

static enum pl_err
run_conversation(struct pl_call *call)
{
	struct pl_conversation c = {
	    .company = acme, .platform = "WIDGET", .inbox = ""};

	if (call->path[strlen("/api/conversations")] == '/')
		c.public_id = "conv_mine";
	return pl_conversation_answer(call, &c);
}

static const struct pl_endpoint get = {PL_GET, "/api/a", PL_TXN_READ, run, true,
				    PL_RATE_NONE},
				post = {PL_POST, "/api/a", PL_TXN_WRITE, run,
				    false, PL_RATE_NONE},
				add = {PL_POST, "/api/conversations",
				    PL_TXN_WRITE, run_conversation, false,
				    PL_RATE_NONE},
				remove_one = {PL_DELETE, "/api/conversations/",
				    PL_TXN_WRITE, run_conversation, false,
				    PL_RATE_NONE};
static const struct pl_endpoint *const endpoints[] = {
    &get, &post, &add, &remove_one, NULL};

static struct pl_app app;
static struct pl_call *call;

static void
open_stage(void)
{
	stage_open();
	app.endpoints = endpoints;
	app.store = stage;
	app.now = T0;
	outcome = PL_OK;
	nobodys = false;
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->origin_add(stage, acme, "https://shop.example"), PL_OK);
}

static void
close_stage(void)
{
	if (call != NULL)
		pl_call_free(call);
	call = NULL;
	stage_commit();
	stage_close();
}

TestSuite(call, .init = open_stage, .fini = close_stage);

static void
ask(const char *method, const char *uri, const char *origin)
{
	struct pl_request r;

	if (call != NULL)
		pl_call_free(call);
	pl_request_init(&r);
	pl_request_set(&r, "REQUEST_METHOD", method);
	pl_request_set(&r, "REQUEST_URI", uri);
	pl_request_set(&r, "HTTP_ORIGIN", origin);
	pl_request_set(&r, "HTTP_HOST", "chat.example");
	call = pl_call_new(&app, NULL, &r);
	cr_assert_not_null(call);
	if (!call->done)
		cr_assert_eq(pl_call_run(call), PL_OK);
}

static bool
has_header(const char *line)
{
	const struct pl_buf *b = &call->reply.headers;

	return b->len > 0 &&
	       memmem(b->data, b->len, line, strlen(line)) != NULL;
}

Test(call, goes_to_its_endpoint)
{
	ask("GET", "/x/api/a?b=c", "");
	cr_expect_eq(call->endpoint, &get);
	cr_expect_eq(call->reply.status, 200);
	ask("HEAD", "/api/a", "");
	cr_expect_eq(call->endpoint, &get);
	ask("POST", "/api/a", "");
	cr_expect_eq(call->endpoint, &post);
	ask("DELETE", "/api/conversations/x%2Fy", "");
	cr_expect_eq(call->endpoint, &remove_one);
}

Test(call, paths_that_are_not_there_are_not_found)
{
	static const char *const uris[] = {"/api/", "/api/aa", "/api/a/",
	    "/index.html", "/api/b", "/api/conversationsx"};
	size_t i;

	for (i = 0; i < LENGTH(uris); i++) {
		ask("GET", uris[i], "");
		cr_expect_eq(call->reply.status, 404, "%s", uris[i]);
	}
}

Test(call, another_method_is_told_which_there_are)
{
	ask("DELETE", "/api/a", "");
	cr_expect_eq(call->reply.status, 405);
	cr_expect(has_header("Allow: GET, HEAD, POST, OPTIONS\r\n"));
	ask("BREW", "/api/conversations/x", "");
	cr_expect_eq(call->reply.status, 405);
	cr_expect(has_header("Allow: DELETE, OPTIONS\r\n"));
}

Test(call, an_error_is_the_answer_and_says_what_is_wrong)
{
	outcome = PL_ERR_REQUEST;
	ask("POST", "/api/a", "");
	cr_expect_eq(call->reply.status, 400);
	cr_expect_not_null(
	    memmem(call->reply.body.data, call->reply.body.len, "so it is", 8));
}

/* Faults go to the turn; on the presence path they mean unknown. */
Test(call, a_fault_is_the_turns)
{
	struct pl_request r;

	outcome = PL_ERR_STORE;
	pl_request_init(&r);
	pl_request_set(&r, "REQUEST_METHOD", "GET");
	pl_request_set(&r, "REQUEST_URI", "/api/a");
	call = pl_call_new(&app, NULL, &r);
	cr_assert_eq(pl_call_run(call), PL_ERR_STORE);
	cr_expect(!call->done);
	pl_call_fail(call, PL_ERR_STORE);
	cr_expect_eq(call->reply.status, 503);
	cr_expect_not_null(memmem(call->reply.body.data, call->reply.body.len,
	    "\"isOnline\":false", 16));
}

Test(call, pages_of_the_companys_sites_may_read_it)
{
	static const char header[] =
	    "Access-Control-Allow-Origin: https://shop.example\r\n";

	ask("POST", "/api/a", "https://shop.example");
	cr_expect(has_header(header));
	outcome = PL_ERR_FORBIDDEN;
	ask("POST", "/api/a", "https://shop.example");
	cr_expect(has_header(header), "an error, too");
	ask("POST", "/api/a", "https://evil.example");
	cr_expect(!has_header("Access-Control"));
	ask("POST", "/api/a", "https://chat.example");
	cr_expect(!has_header("Access-Control"), "our own site needs none");
}

/* A widget that is told 403 must be able to read it, whoever's page it is on:
 * a conversation that is not there has no company. */
Test(call, an_error_about_nobody_may_be_read_by_known_sites)
{
	nobodys = true;
	outcome = PL_ERR_FORBIDDEN;
	ask("POST", "/api/a", "https://shop.example");
	cr_expect(has_header(
	    "Access-Control-Allow-Origin: https://shop.example\r\n"));
	ask("POST", "/api/a", "https://evil.example");
	cr_expect(!has_header("Access-Control"));
	outcome = PL_OK;
	ask("POST", "/api/a", "https://shop.example");
	cr_expect(!has_header("Access-Control"), "that is no error");
}

Test(call, a_preflight_is_answered_for_known_sites)
{
	ask("OPTIONS", "/api/a", "https://shop.example");
	cr_expect_eq(call->reply.status, 204);
	cr_expect(has_header("Access-Control-Allow-Methods: GET, HEAD, POST"));
	ask("OPTIONS", "/api/a", "https://evil.example");
	cr_expect_eq(call->reply.status, 204);
	cr_expect(!has_header("Access-Control"));
	ask("OPTIONS", "/api/nothing", "https://shop.example");
	cr_expect_eq(call->reply.status, 404);
}

Test(call, a_conversation_is_new_once)
{
	ask("POST", "/api/conversations", "");
	cr_expect_eq(call->reply.status, 201);
	cr_expect_eq(
	    memcmp(call->reply.body.data, "{\"conversationId\":\"conv_", 24),
	    0);
	ask("DELETE", "/api/conversations/x", "");
	cr_expect_eq(call->reply.status, 201);
	ask("DELETE", "/api/conversations/x", "");
	cr_expect_eq(call->reply.status, 200);
}

Test(call, platforms_are_capitals)
{
	static const char *const good[] = {
	    "WIDGET", "X", "A_1", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"};
	static const char *const bad[] = {"", "widget", "1A", "_A", "A B",
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456", "\xc3\x84"};
	size_t i;

	for (i = 0; i < LENGTH(good); i++)
		cr_expect(pl_platform_valid(good[i]), "%s", good[i]);
	for (i = 0; i < LENGTH(bad); i++)
		cr_expect(!pl_platform_valid(bad[i]), "%s", bad[i]);
}

/* ---- whose page sends it ---- */

struct page {
	char https[8], origin[40], site[16];
	enum pl_err expected;
};

ParameterizedTestParameters(call, own_pages_are_told_from_others)
{
	static struct page rows[] = {
	    {"", "", "", PL_OK},
	    {"", "http://chat.example", "", PL_OK},
	    {"on", "https://chat.example", "", PL_OK},
	    /* TLS may have been taken off before us, but not put on. */
	    {"", "https://chat.example", "", PL_OK},
	    {"on", "http://chat.example", "", PL_ERR_FORBIDDEN},
	    {"on", "https://chat.example:444", "", PL_ERR_FORBIDDEN},
	    {"on", "https://shop.example", "", PL_ERR_FORBIDDEN},
	    {"on", "null", "", PL_ERR_FORBIDDEN},
	    /* What the browser says itself counts more. */
	    {"on", "https://front.example", "same-origin", PL_OK},
	    {"on", "", "none", PL_OK},
	    {"on", "https://chat.example", "cross-site", PL_ERR_FORBIDDEN},
	    {"on", "https://chat.example", "same-site", PL_ERR_FORBIDDEN},
	};

	return ROWS(struct page, rows);
}

ParameterizedTest(struct page *row, call, own_pages_are_told_from_others)
{
	ask("GET", "/api/a", row->origin);
	pl_request_set(&call->req, "HTTPS", row->https);
	pl_request_set(&call->req, "HTTP_SEC_FETCH_SITE", row->site);
	cr_expect_eq(pl_call_check_origin(call), row->expected, "%s %s %s",
	    row->https, row->origin, row->site);
}

/* Under TLS, a page of ours that came without it is another's. */
Test(call, page_without_tls_is_another_origin)
{
	struct pl_request r;

	ask("GET", "/api/a", "http://chat.example");
	cr_expect_not(has_header("Access-Control"));
	stage_commit();
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->origin_add(stage, acme, "http://chat.example"), PL_OK);
	pl_request_init(&r);
	pl_request_set(&r, "REQUEST_METHOD", "GET");
	pl_request_set(&r, "REQUEST_URI", "/api/a");
	pl_request_set(&r, "HTTPS", "on");
	pl_request_set(&r, "HTTP_ORIGIN", "http://chat.example");
	pl_request_set(&r, "HTTP_HOST", "chat.example");
	pl_call_free(call);
	call = pl_call_new(&app, NULL, &r);
	cr_assert_not_null(call);
	cr_assert_eq(pl_call_run(call), PL_OK);
	cr_expect(
	    has_header("Access-Control-Allow-Origin: http://chat.example\r\n"));
}
