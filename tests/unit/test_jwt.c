/*
 * Which tokens are taken, and which keys sign them. The tokens are made here
 * from their parts, so that each can be wrong in one place alone.
 */
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <string.h>

#include "jwt.h"
#include "../lib/test.h"

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"sub\":\"jane\",\"company\":\"acme\",\"exp\":2000000000"
#define KEY "plj_0123456789abcdef0123456789abcdef"

static struct pl_arena arena;
static char token[8192];

static void
init(void)
{
	pl_arena_init(&arena);
}

static void
fini(void)
{
	pl_arena_close(&arena);
}

TestSuite(jwt, .init = init, .fini = fini);

/* base64url without padding, to the token's end. */
static void
add(const void *data, size_t n)
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

static void
sign(const char *key)
{
	struct hmac_sha256_ctx ctx;
	uint8_t mac[32];

	hmac_sha256_set_key(&ctx, strlen(key), (const uint8_t *)key);
	hmac_sha256_update(&ctx, strlen(token), (const uint8_t *)token);
	hmac_sha256_digest(&ctx, sizeof(mac), mac);
	strcat(token, ".");
	add(mac, sizeof(mac));
}

static const char *
make(const char *header, const char *claims)
{
	token[0] = '\0';
	add(header, strlen(header));
	strcat(token, ".");
	add(claims, strlen(claims));
	sign(KEY);
	return token;
}

Test(jwt, tells_what_it_says)
{
	struct pl_jwt jwt;

	make(HS256, CLAIMS ",\"nbf\":1999999000.5,\"inboxes\":[\"a\", "
			   "\"b\\\"c\"]}");
	cr_assert(pl_jwt_looks_like(token));
	cr_assert_eq(pl_jwt_read(&arena, token, &jwt), PL_OK);
	cr_expect_str_eq(jwt.subject, "jane");
	cr_expect_str_eq(jwt.company, "acme");
	cr_expect_str_eq(jwt.inboxes, "[\"a\",\"b\\\"c\"]");
	cr_expect_eq(jwt.expires_at, 2000000000000);
	cr_expect_eq(jwt.not_before, 1999999000500);
	cr_expect(pl_jwt_is_signed(&jwt, KEY));
	cr_expect_not(pl_jwt_is_signed(&jwt, KEY "0"));
	cr_expect_not(pl_jwt_is_signed(&jwt, ""));
}

/* The example of RFC 7515, A.1: another's signature, not one of ours. */
Test(jwt, agrees_with_the_rfc_about_signatures)
{
	static const char text[] =
	    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
	    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
	    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
	static const uint8_t mac[32] = {116, 24, 223, 180, 151, 153, 224, 37,
	    79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214,
	    191, 240, 91, 88, 5, 88, 83, 132, 141, 121};
	/* Printable stand-in for a key: the RFC's own is of any bytes. */
	static const uint8_t key[] = {3, 35, 53, 75, 43, 15, 165, 188, 131, 126,
	    6, 101, 119, 123, 166, 143, 90, 179, 40, 230, 240, 84, 201, 40, 169,
	    15, 132, 178, 210, 80, 46, 191, 211, 251, 90, 146, 210, 6, 71, 239,
	    150, 138, 180, 195, 119, 98, 61, 34, 61, 46, 33, 114, 5, 46, 79, 8,
	    192, 205, 154, 245, 103, 208, 128, 163, 0};
	struct pl_jwt jwt = {.text = text, .text_len = strlen(text)};

	memcpy(jwt.signature, mac, sizeof(mac));
	cr_expect(pl_jwt_is_signed(&jwt, (const char *)key));
	jwt.signature[31] ^= 1;
	cr_expect_not(pl_jwt_is_signed(&jwt, (const char *)key));
}

Test(jwt, inboxes_may_be_missing_or_none)
{
	struct pl_jwt jwt;

	make(HS256, CLAIMS "}");
	cr_assert_eq(pl_jwt_read(&arena, token, &jwt), PL_OK);
	cr_expect_null(jwt.inboxes);
	cr_expect_eq(jwt.not_before, 0);
	make(HS256, CLAIMS ",\"inboxes\":[]}");
	cr_assert_eq(pl_jwt_read(&arena, token, &jwt), PL_OK);
	cr_expect_str_eq(jwt.inboxes, "[]");
}

struct parts {
	char header[80], claims[160];
};

ParameterizedTestParameters(jwt, refuses)
{
	static struct parts rows[] = {
	    /* another algorithm, or none */
	    {"{\"alg\":\"none\"}", CLAIMS "}"},
	    {"{\"alg\":\"None\"}", CLAIMS "}"},
	    {"{\"alg\":\"hs256\"}", CLAIMS "}"},
	    {"{\"alg\":\"HS384\"}", CLAIMS "}"},
	    {"{\"alg\":\"RS256\"}", CLAIMS "}"},
	    {"{\"alg\":\"\"}", CLAIMS "}"},
	    {"{\"alg\":null}", CLAIMS "}"},
	    {"{\"alg\":[\"HS256\"]}", CLAIMS "}"},
	    {"{\"typ\":\"JWT\"}", CLAIMS "}"},
	    {"{\"alg\":\"HS256\",\"alg\":\"none\"}", CLAIMS "}"},
	    {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
		CLAIMS "}"},
	    {"\"HS256\"", CLAIMS "}"},
	    {"", CLAIMS "}"},
	    /* who, and of which company */
	    {HS256, "{\"company\":\"acme\",\"exp\":2000000000}"},
	    {HS256, "{\"sub\":\"jane\",\"exp\":2000000000}"},
	    {HS256, "{\"sub\":\"\",\"company\":\"acme\",\"exp\":2000000000}"},
	    {HS256, "{\"sub\":7,\"company\":\"acme\",\"exp\":2000000000}"},
	    {HS256, "{\"sub\":\"j\\u0000\",\"company\":\"acme\",\"exp\":2e9}"},
	    {HS256, "{\"sub\":\"jane\",\"company\":[\"acme\"],\"exp\":2e9}"},
	    /* times that are none */
	    {HS256, "{\"sub\":\"j\",\"company\":\"acme\",\"exp\":\"2e9\"}"},
	    {HS256, "{\"sub\":\"j\",\"company\":\"acme\",\"exp\":null}"},
	    {HS256, "{\"sub\":\"j\",\"company\":\"acme\",\"exp\":-1}"},
	    {HS256, "{\"sub\":\"j\",\"company\":\"acme\",\"exp\":NaN}"},
	    {HS256, CLAIMS ",\"nbf\":\"0\"}"},
	    /* what is no list must not read as "all" */
	    {HS256, CLAIMS ",\"inboxes\":null}"},
	    {HS256, CLAIMS ",\"inboxes\":\"sales\"}"},
	    {HS256, CLAIMS ",\"inboxes\":[null]}"},
	    {HS256, CLAIMS ",\"inboxes\":[\"\"]}"},
	    {HS256, CLAIMS ",\"inboxes\":[\"a\\u0000b\"]}"},
	    {HS256, CLAIMS ",\"inboxes\":{\"a\":1}}"},
	    /* no object, or more than one */
	    {HS256, "[]"},
	    {HS256, ""},
	    {HS256, CLAIMS},
	    {HS256, CLAIMS "}{}"},
	};

	return ROWS(struct parts, rows);
}

ParameterizedTest(struct parts *row, jwt, refuses)
{
	struct pl_jwt jwt;

	make(row->header, row->claims);
	cr_expect_eq(pl_jwt_read(&arena, token, &jwt), PL_ERR_UNAUTHENTICATED,
	    "%s %s", row->header, row->claims);
}

/* Without exp it has ended long ago: it would never end otherwise. */
Test(jwt, ends_before_it_begins_without_exp)
{
	struct pl_jwt jwt;

	make(HS256, "{\"sub\":\"jane\",\"company\":\"acme\"}");
	cr_assert_eq(pl_jwt_read(&arena, token, &jwt), PL_OK);
	cr_expect_eq(jwt.expires_at, 0);
}

Test(jwt, times_far_off_do_not_wrap_around)
{
	struct pl_jwt jwt;

	make(HS256, "{\"sub\":\"jane\",\"company\":\"acme\",\"exp\":1e300,"
		    "\"nbf\":99999999999999999999}");
	cr_assert_eq(pl_jwt_read(&arena, token, &jwt), PL_OK);
	cr_expect_gt(jwt.expires_at, INT64_C(8000000000000000));
	cr_expect_gt(jwt.not_before, INT64_C(8000000000000000));
}

/* Cut off, put together otherwise, with characters of other alphabets. */
Test(jwt, refuses_what_is_not_three_parts)
{
	static const char *const wrong[] = {
	    ".", "..", "...", "a.b", "a.b.c", "pla_0123", ""};
	char whole[sizeof(token)], changed[sizeof(token)];
	struct pl_jwt jwt;
	size_t i, n;

	for (i = 0; i < LENGTH(wrong); i++)
		cr_expect_eq(pl_jwt_read(&arena, wrong[i], &jwt),
		    PL_ERR_UNAUTHENTICATED, "%s", wrong[i]);
	strcpy(whole, make(HS256, CLAIMS "}"));
	n = strlen(whole);
	for (i = 0; i < n; i++) {
		strcpy(changed, whole);
		changed[i] = '\0';
		cr_expect_eq(pl_jwt_read(&arena, changed, &jwt),
		    PL_ERR_UNAUTHENTICATED, "cut at %zu", i);
		strcpy(changed, whole);
		changed[i] = "=+/ \n."[i % 6];
		cr_expect(pl_jwt_read(&arena, changed, &jwt) != PL_OK ||
			      strcmp(changed, whole) == 0,
		    "changed at %zu", i);
	}
	strcpy(changed, whole);
	strcat(changed, "=");
	cr_expect_eq(
	    pl_jwt_read(&arena, changed, &jwt), PL_ERR_UNAUTHENTICATED);
	strcat(strcpy(changed, whole), ".x");
	cr_expect_eq(
	    pl_jwt_read(&arena, changed, &jwt), PL_ERR_UNAUTHENTICATED);
}

/* Each bit of what is signed counts. */
Test(jwt, no_change_of_a_character_goes_through)
{
	char whole[sizeof(token)], changed[sizeof(token)];
	struct pl_jwt jwt;
	size_t i;

	strcpy(whole, make(HS256, CLAIMS "}"));
	for (i = 0; whole[i + 1] != '\0'; i++) {
		strcpy(changed, whole);
		changed[i] = whole[i] == 'A' ? 'B' : 'A';
		cr_expect(pl_jwt_read(&arena, changed, &jwt) != PL_OK ||
			      !pl_jwt_is_signed(&jwt, KEY),
		    "changed at %zu", i);
	}
}

/* Length is looked at before anything else. */
Test(jwt, refuses_what_is_too_long)
{
	static char claims[5000];
	struct pl_jwt jwt;

	snprintf(claims, sizeof(claims), CLAIMS ",\"pad\":\"%02900d\"}", 0);
	make(HS256, claims);
	cr_assert_leq(strlen(token), PL_JWT_MAX);
	cr_expect_eq(pl_jwt_read(&arena, token, &jwt), PL_OK);
	snprintf(claims, sizeof(claims), CLAIMS ",\"pad\":\"%03000d\"}", 0);
	make(HS256, claims);
	cr_assert_gt(strlen(token), PL_JWT_MAX);
	cr_expect_eq(pl_jwt_read(&arena, token, &jwt), PL_ERR_UNAUTHENTICATED);
}

Test(jwt, refuses_too_many_inboxes)
{
	char claims[1000] = CLAIMS ",\"inboxes\":[\"a\"";
	struct pl_jwt jwt;
	int i;

	for (i = 1; i < PL_JWT_INBOXES; i++)
		strcat(claims, ",\"a\"");
	strcat(claims, "]}");
	make(HS256, claims);
	cr_expect_eq(pl_jwt_read(&arena, token, &jwt), PL_OK);
	strcpy(claims + strlen(claims) - 2, ",\"a\"]}");
	make(HS256, claims);
	cr_expect_eq(pl_jwt_read(&arena, token, &jwt), PL_ERR_UNAUTHENTICATED);
}
