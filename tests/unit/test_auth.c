/*
 * Who is asking: every credential, good, wrong, ended, and one too many.
 */
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <string.h>

#include "auth.h"
#include "../lib/stage.h"
#include "../lib/test.h"

static struct pl_request r;
static struct pl_agent anna;
static struct pl_config config;
static struct pl_who who;
static int64_t now;

static void
init(void)
{
	const struct pl_agent agent = {
	    .name = "anna", .scope = {acme, "[\"sales\"]"}};
	uint8_t hash[PL_HASH_LEN];

	pl_request_init(&r);
	now = T0;
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
	enum pl_err err = pl_auth_agent(&r, stage, &config, now, &who);

	if (err == PL_OK)
		*out = who.agent;
	return err;
}

/* Asks again as who was found, at a later time. */
static enum pl_err
ask_again(struct pl_agent *out)
{
	*out = who.agent;
	return pl_auth_again(stage, &config, &who.credential, &r.arena, out);
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
	static const char *const wrong[] = {
	    "Bearer pla_ann", "Bearer ", "Bearer pla_anna2", "pla_anna"};
	struct pl_agent a;
	size_t i;

	pl_request_set(&r, "HTTP_COOKIE", "porchlight=session");
	for (i = 0; i < LENGTH(wrong); i++) {
		pl_request_set(&r, "HTTP_AUTHORIZATION", wrong[i]);
		cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED, "%s", wrong[i]);
	}
}

/* On a site behind a password of the web server's every request has that. */
Test(auth, a_cookie_counts_beside_the_servers_password)
{
	struct pl_agent a;

	pl_request_set(&r, "HTTP_COOKIE", "porchlight=session");
	pl_request_set(&r, "HTTP_AUTHORIZATION", "Basic c2hvcDp4");
	cr_expect_eq(ask(&a), PL_OK);
	pl_request_set(&r, "HTTP_AUTHORIZATION", "Digest username=\"shop\"");
	cr_expect_eq(ask(&a), PL_OK);
	pl_request_set(&r, "HTTP_COOKIE", "");
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
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

/* ---- JWT ---- */

#define KEY_1 "plj_1111111111111111111111111111"
#define KEY_2 "plj_2222222222222222222222222222"

static int64_t
add_key(int64_t company, const char *secret)
{
	int64_t id = 0;

	stage_commit();
	stage_write(T0);
	cr_assert_eq(stage->ops->key_add(stage, company, secret, &id), PL_OK);
	stage_commit();
	stage_read(T0);
	return id;
}

static void
add_part(char *token, const void *data, size_t n)
{
	struct base64_encode_ctx ctx;
	char *out = token + strlen(token);
	size_t len;

	base64url_encode_init(&ctx);
	len = base64_encode_update(&ctx, out, n, data);
	len += base64_encode_final(&ctx, out + len);
	while (len > 0 && out[len - 1] == '=')
		len--;
	out[len] = '\0';
}

/* The request comes with a JWT of these claims, signed with that key. */
static void
bring(const char *claims, const char *key)
{
	static const char header[] = "{\"alg\":\"HS256\"}";
	char value[2048] = "Bearer ", *token = value + 7;
	struct hmac_sha256_ctx ctx;
	uint8_t mac[32];

	add_part(token, header, strlen(header));
	strcat(token, ".");
	add_part(token, claims, strlen(claims));
	hmac_sha256_set_key(&ctx, strlen(key), (const uint8_t *)key);
	hmac_sha256_update(&ctx, strlen(token), (const uint8_t *)token);
	hmac_sha256_digest(&ctx, sizeof(mac), mac);
	strcat(token, ".");
	add_part(token, mac, sizeof(mac));
	pl_request_set(&r, "HTTP_AUTHORIZATION", value);
}

/* From T0 - 10 s to T0 + 10 s. */
#define JANE                                                                   \
	"{\"sub\":\"jane\",\"company\":\"acme\",\"nbf\":1759487390,"           \
	"\"exp\":1759487410"

Test(auth, jwt_is_an_agent_of_its_company)
{
	struct pl_agent a = {0}, joe = {0};

	add_key(acme, KEY_1);
	bring(JANE ",\"inboxes\":[\"sales\"]}", KEY_1);
	cr_assert_eq(ask(&a), PL_OK);
	cr_expect_lt(a.id, 0, "no row's");
	cr_expect_str_eq(a.name, "jane");
	cr_expect_eq(a.scope.company, acme);
	cr_expect_str_eq(a.scope.inboxes, "[\"sales\"]");
	cr_expect_eq(who.credential.expires_at, T0 + 10000);
	bring(JANE "}", KEY_1);
	cr_assert_eq(ask(&a), PL_OK);
	cr_expect_null(a.scope.inboxes);
	bring(
	    "{\"sub\":\"joe\",\"company\":\"acme\",\"exp\":1759487410}", KEY_1);
	cr_assert_eq(ask(&joe), PL_OK);
	cr_expect_neq(joe.id, a.id, "each a number of his own");
}

Test(auth, jwt_is_good_from_nbf_until_exp)
{
	struct pl_agent a;

	add_key(acme, KEY_1);
	bring(JANE "}", KEY_1);
	now = T0 - 10001;
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
	now = T0 - 10000;
	cr_expect_eq(ask(&a), PL_OK);
	now = T0 + 9999;
	cr_expect_eq(ask(&a), PL_OK);
	now = T0 + 10000;
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
	now = T0;
	bring("{\"sub\":\"jane\",\"company\":\"acme\"}", KEY_1);
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED, "without exp");
}

/* Signed by whom it says it is of, or by nobody. */
Test(auth, jwt_of_another_company_is_nobody)
{
	struct pl_agent a;

	add_key(globex, KEY_2);
	bring(JANE "}", KEY_2);
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED, "acme has no key");
	add_key(acme, KEY_1);
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED, "not with globex's");
	bring("{\"sub\":\"j\",\"company\":\"none\",\"exp\":1759487410}", KEY_1);
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED, "no such company");
	bring(
	    "{\"sub\":\"j\",\"company\":\"globex\",\"exp\":1759487410}", KEY_2);
	cr_expect_eq(ask(&a), PL_OK);
	cr_expect_eq(a.scope.company, globex);
}

/* Old and new key are both good until the old one is removed. */
Test(auth, keys_are_rotated_without_a_gap)
{
	struct pl_agent a;
	int64_t old = add_key(acme, KEY_1);

	add_key(acme, KEY_2);
	bring(JANE "}", KEY_2);
	cr_expect_eq(ask(&a), PL_OK);
	bring(JANE "}", KEY_1);
	cr_expect_eq(ask(&a), PL_OK);
	cr_expect_eq(ask_again(&a), PL_OK);
	stage_commit();
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->key_remove(stage, globex, old), PL_ERR_NOT_FOUND);
	cr_assert_eq(stage->ops->key_remove(stage, acme, old), PL_OK);
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
	cr_expect_eq(ask_again(&a), PL_ERR_UNAUTHENTICATED);
	bring(JANE "}", KEY_2);
	cr_expect_eq(ask(&a), PL_OK);
	cr_expect_eq(ask_again(&a), PL_OK);
}

/* ---- the web server's own users ---- */

Test(auth, remote_user_is_nobody_unless_turned_on)
{
	struct pl_agent a;

	pl_request_set(&r, "REMOTE_USER", "anna");
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
	strcpy(config.remote_user_company, "acme");
	cr_assert_eq(ask(&a), PL_OK);
	cr_expect_eq(a.id, anna.id, "the agent of that name");
	cr_expect_str_eq(a.scope.inboxes, "[\"sales\"]");
	strcpy(config.remote_user_company, "nobody's");
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
}

/* What a client writes into a header is HTTP_REMOTE_USER. */
Test(auth, header_of_the_client_is_no_remote_user)
{
	struct pl_agent a;

	strcpy(config.remote_user_company, "acme");
	pl_request_set(&r, "HTTP_REMOTE_USER", "anna");
	pl_request_set(&r, "REDIRECT_REMOTE_USER", "anna");
	pl_request_set(&r, "REMOTE_USER", "");
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
}

/* The server's Basic authentication stands in the same header. */
Test(auth, remote_user_needs_no_row_and_may_have_basic)
{
	struct pl_agent a;

	strcpy(config.remote_user_company, "acme");
	pl_request_set(&r, "REMOTE_USER", "zoe");
	pl_request_set(&r, "HTTP_AUTHORIZATION", "Basic em9lOg==");
	cr_assert_eq(ask(&a), PL_OK);
	cr_expect_lt(a.id, 0);
	cr_expect_str_eq(a.name, "zoe");
	cr_expect_eq(a.scope.company, acme);
	cr_expect_null(a.scope.inboxes);
	cr_expect_eq(ask_again(&a), PL_OK);
	pl_request_set(&r, "HTTP_AUTHORIZATION", "Bearer wrong");
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED, "a Bearer alone counts");
}

Test(auth, remote_user_who_was_revoked_is_out)
{
	struct pl_agent a;

	strcpy(config.remote_user_company, "acme");
	pl_request_set(&r, "REMOTE_USER", "anna");
	cr_assert_eq(ask(&a), PL_OK);
	stage_commit();
	stage_write(T0);
	cr_assert_eq(stage->ops->agent_revoke(stage, acme, "anna"), PL_OK);
	cr_expect_eq(ask_again(&a), PL_ERR_UNAUTHENTICATED);
	cr_expect_eq(ask(&a), PL_ERR_UNAUTHENTICATED);
}

/* ---- asking again ---- */

Test(auth, asking_again_tells_what_may_be_seen_now)
{
	struct pl_agent a;

	pl_request_set(&r, "HTTP_AUTHORIZATION", "Bearer pla_anna");
	cr_assert_eq(ask(&a), PL_OK);
	cr_expect_eq(who.credential.expires_at, INT64_MAX);
	stage_commit();
	stage_write(T0);
	cr_assert_eq(
	    stage->ops->agent_inboxes(stage, acme, "anna", "[\"x\"]"), PL_OK);
	cr_assert_eq(ask_again(&a), PL_OK);
	cr_expect_str_eq(a.scope.inboxes, "[\"x\"]");
	cr_assert_eq(stage->ops->agent_revoke(stage, acme, "anna"), PL_OK);
	cr_expect_eq(ask_again(&a), PL_ERR_UNAUTHENTICATED);
}

Test(auth, cookie_is_good_until_it_ends_or_is_ended)
{
	struct pl_agent a;
	uint8_t hash[PL_HASH_LEN];

	pl_request_set(&r, "HTTP_COOKIE", "porchlight=session");
	cr_assert_eq(ask(&a), PL_OK);
	cr_expect_eq(who.credential.expires_at, T0 + 1000);
	cr_expect_eq(ask_again(&a), PL_OK);
	stage_commit();
	stage_write(T0);
	pl_secret_hash("session", hash);
	cr_assert_eq(stage->ops->login_remove(stage, hash), PL_OK);
	cr_expect_eq(ask_again(&a), PL_ERR_UNAUTHENTICATED);
}
