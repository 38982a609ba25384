/*
 * Who is asking: every credential, good, wrong, ended, and one too many.
 */
#include <stdio.h>

#include "auth.h"
#include "../lib/stage.h"
#include "../lib/test.h"

static struct pl_request r;
static struct pl_agent anna;

static void
init(void)
{
	const struct pl_agent agent = {
	    .name = "anna", .scope = {acme, "[\"sales\"]"}};
	uint8_t hash[PL_HASH_LEN];

	pl_request_init(&r);
	stage_write(T0);
	pl_secret_hash("pla_anna", hash);
	cr_assert_eq(stage->ops->agent_add(stage, &agent, hash), PL_OK);
	cr_assert_eq(
	    stage->ops->agent_by_token(stage, hash, &r.arena, &anna), PL_OK);
	pl_secret_hash("session", hash);
	cr_assert_eq(
	    stage->ops->login_add(stage, anna.id, hash, T0 + 1000), PL_OK);
	stage_commit();
	stage_read(T0);
}

static void
open_stage(void)
{
	stage_open();
	init();
}

static void
close_stage(void)
{
	stage_commit();
	pl_request_close(&r);
	stage_close();
}

TestSuite(auth, .init = open_stage, .fini = close_stage);

static enum pl_err
ask(struct pl_agent *out)
{
	return pl_auth_agent(&r, stage, out);
}

Test(auth, token_is_its_agent)
{
	struct pl_agent a = {0};

	pl_request_set(&r, "HTTP_AUTHORIZATION", "Bearer pla_anna");
	cr_assert_eq(ask(&a), PL_OK);
	cr_expect_eq(a.id, anna.id);
	cr_expect_eq(a.scope.company, acme);
	cr_expect_str_eq(a.scope.inboxes, "[\"sales\"]");
}

Test(auth, cookie_is_its_agent_for_its_time)
{
	struct pl_agent a = {0};

	pl_request_set(&r, "HTTP_COOKIE", "x=y; porchlight=session");
	cr_assert_eq(ask(&a), PL_OK);
	cr_expect_eq(a.id, anna.id);
	stage_commit();
	stage_read(T0 + 1000);
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
}

/* A wrong token is not made good by a cookie. */
Test(auth, authorization_alone_counts)
{
	static const char *const wrong[] = {"Bearer pla_ann", "Bearer ",
	    "Bearer pla_anna2", "Basic pla_anna", "pla_anna"};
	struct pl_agent a;
	size_t i;

	pl_request_set(&r, "HTTP_COOKIE", "porchlight=session");
	for (i = 0; i < LENGTH(wrong); i++) {
		pl_request_set(&r, "HTTP_AUTHORIZATION", wrong[i]);
		cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED, "%s", wrong[i]);
	}
}

Test(auth, nothing_and_a_wrong_cookie_are_nobody)
{
	struct pl_agent a;

	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
	pl_request_set(&r, "HTTP_COOKIE", "porchlight=pla_anna");
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED, "a token is no session");
}

Test(auth, revoking_ends_token_and_session)
{
	struct pl_agent a;

	stage_commit();
	stage_write(T0);
	cr_assert_eq(stage->ops->agent_revoke(stage, acme, "anna"), PL_OK);
	pl_request_set(&r, "HTTP_COOKIE", "porchlight=session");
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
	pl_request_set(&r, "HTTP_AUTHORIZATION", "Bearer pla_anna");
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
}

/* The stage's companies have their name as the key. */
Test(auth, api_key_is_its_company)
{
	int64_t company = 0;

	cr_expect_eq(
	    pl_auth_company(&r, stage, &company), PL_ERR_UNAUTHENTICATED);
	pl_request_set(&r, "HTTP_AUTHORIZATION", "Bearer globex");
	cr_assert_eq(pl_auth_company(&r, stage, &company), PL_OK);
	cr_expect_eq(company, globex);
	pl_request_set(&r, "HTTP_AUTHORIZATION", "Bearer pla_anna");
	cr_expect_eq(
	    pl_auth_company(&r, stage, &company), PL_ERR_UNAUTHENTICATED);
}
