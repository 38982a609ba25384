/*
 * JSON Web Tokens. HMAC, base64url and the comparison are nettle's, JSON is
 * json-c's; what is left to do here is to say which tokens are taken, and
 * that is the smallest set there is: three parts, HS256, no extensions that
 * would have to be understood ("crit").
 *
 * No library for JWT itself: libjwt was tried (1.10, over OpenSSL). It made
 * each start of a plain CGI program 1.4 ms longer, a third of the whole, with
 * or without a token, and Debian has no static archive of it for the bundle.
 *
 * The algorithm is never taken from the token: what is not said to be HS256
 * is refused, and what is said to be is checked as HS256.
 */
#include <json-c/json.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

#include "json.h"
#include "jwt.h"
#include "secret.h"
#include "text.h"

#define SUBJECT_MAX 255
#define INBOX_MAX 128
#define COMPANY_MAX 255
#define SECONDS_MAX INT64_C(9000000000000) /* further than anybody cares */

bool
pl_jwt_looks_like(const char *token)
{
	return strchr(token, '.') != NULL;
}

/* base64url without padding, which nettle alone would not insist on. */
static enum pl_err
decode(const char *s, size_t n, uint8_t *out, size_t *len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789-_";
	struct base64_decode_ctx ctx;

	if (strspn(s, alphabet) < n)
		return PL_ERR_UNAUTHENTICATED;
	base64url_decode_init(&ctx);
	/* What is left over without padding is for us to judge: 1 character
	 * in 4 is nothing at all. */
	if (n % 4 == 1 || !base64_decode_update(&ctx, len, out, n, s))
		return PL_ERR_UNAUTHENTICATED;
	return PL_OK;
}

/* A part that is a JSON object. */
static enum pl_err
read_object(
    struct pl_arena *arena, const char *s, size_t n, struct pl_json_body *body)
{
	uint8_t *text = pl_arena_alloc(arena, BASE64_DECODE_LENGTH(n) + 1);
	size_t len = 0;
	enum pl_err err;

	if (text == NULL)
		return PL_ERR_NOMEM;
	if ((err = decode(s, n, text, &len)) != PL_OK)
		return err;
	return pl_json_parse(body, arena, (const char *)text, len);
}

static enum pl_err
read_header(struct pl_arena *arena, const char *s, size_t n)
{
	struct pl_json_body body;
	const char *alg = "";
	enum pl_err err;

	if ((err = read_object(arena, s, n, &body)) != PL_OK)
		return err;
	err = pl_json_need_str(&body, "alg", 16, &alg);
	if (err == PL_OK &&
	    (strcmp(alg, "HS256") != 0 ||
		json_object_object_get_ex(body.object, "crit", NULL)))
		err = PL_ERR_UNAUTHENTICATED;
	pl_json_free(&body);
	return err;
}

/* A NumericDate: seconds, perhaps with a fraction. Absent: stays 0. */
static enum pl_err
read_date(const struct pl_json_body *body, const char *name, int64_t *ms)
{
	struct json_object *v = NULL;
	double seconds;

	if (!json_object_object_get_ex(body->object, name, &v))
		return PL_OK;
	if (!json_object_is_type(v, json_type_int) &&
	    !json_object_is_type(v, json_type_double))
		return PL_ERR_UNAUTHENTICATED;
	seconds = json_object_get_double(v);
	if (!(seconds >= 0)) /* NaN, too */
		return PL_ERR_UNAUTHENTICATED;
	*ms = seconds < (double)SECONDS_MAX ? (int64_t)(seconds * 1000)
					    : SECONDS_MAX * 1000;
	return PL_OK;
}

static bool
is_inbox(struct json_object *v)
{
	size_t len;

	if (!json_object_is_type(v, json_type_string))
		return false;
	len = (size_t)json_object_get_string_len(v);
	return len > 0 && len <= INBOX_MAX &&
	       pl_text_valid(json_object_get_string(v), len);
}

/* What is there and no list of inboxes must not read as "all". */
static enum pl_err
read_inboxes(const struct pl_json_body *body, const char **out)
{
	struct json_object *v = NULL;
	const char *text;
	size_t i, n;

	if (!json_object_object_get_ex(body->object, "inboxes", &v))
		return PL_OK;
	if (!json_object_is_type(v, json_type_array) ||
	    (n = json_object_array_length(v)) > PL_JWT_INBOXES)
		return PL_ERR_UNAUTHENTICATED;
	for (i = 0; i < n; i++)
		if (!is_inbox(json_object_array_get_idx(v, i)))
			return PL_ERR_UNAUTHENTICATED;
	text = json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN);
	if (text == NULL)
		return PL_ERR_NOMEM;
	*out = pl_arena_copy(body->arena, text, strlen(text));
	return *out != NULL ? PL_OK : PL_ERR_NOMEM;
}

static enum pl_err
read_claims(struct pl_arena *arena, const char *s, size_t n, struct pl_jwt *jwt)
{
	struct pl_json_body body;
	enum pl_err err;

	if ((err = read_object(arena, s, n, &body)) != PL_OK)
		return err;
	err = pl_json_need_str(&body, "sub", SUBJECT_MAX, &jwt->subject);
	if (err == PL_OK)
		err = pl_json_need_str(
		    &body, "company", COMPANY_MAX, &jwt->company);
	if (err == PL_OK)
		err = read_inboxes(&body, &jwt->inboxes);
	if (err == PL_OK)
		err = read_date(&body, "exp", &jwt->expires_at);
	if (err == PL_OK)
		err = read_date(&body, "nbf", &jwt->not_before);
	pl_json_free(&body);
	return err;
}

static enum pl_err
read_parts(struct pl_arena *arena, const char *token, struct pl_jwt *jwt)
{
	size_t header = strcspn(token, "."), claims, signature;
	const char *p = token + header, *q;
	uint8_t mac[BASE64_DECODE_LENGTH(43) + 1];
	enum pl_err err;

	if (*p++ != '.' || *(q = p + (claims = strcspn(p, "."))) != '.')
		return PL_ERR_UNAUTHENTICATED;
	jwt->text = token;
	jwt->text_len = (size_t)(q++ - token);
	/* 32 bytes are 43 characters, and nothing may follow. */
	if (strlen(q) != 43 || decode(q, 43, mac, &signature) != PL_OK ||
	    signature != sizeof(jwt->signature))
		return PL_ERR_UNAUTHENTICATED;
	memcpy(jwt->signature, mac, sizeof(jwt->signature));
	if ((err = read_header(arena, token, header)) != PL_OK)
		return err;
	return read_claims(arena, p, claims, jwt);
}

enum pl_err
pl_jwt_read(struct pl_arena *arena, const char *token, struct pl_jwt *out)
{
	struct pl_jwt jwt = {.subject = NULL};
	enum pl_err err;

	if (strnlen(token, PL_JWT_MAX + 1) > PL_JWT_MAX)
		return PL_ERR_UNAUTHENTICATED;
	err = read_parts(arena, token, &jwt);
	if (err == PL_OK)
		*out = jwt;
	return err == PL_OK || err == PL_ERR_NOMEM ? err
						   : PL_ERR_UNAUTHENTICATED;
}

bool
pl_jwt_is_signed(const struct pl_jwt *jwt, const char *key)
{
	uint8_t mac[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, strlen(key), (const uint8_t *)key);
	hmac_sha256_update(&ctx, jwt->text_len, (const uint8_t *)jwt->text);
	hmac_sha256_digest(&ctx, sizeof(mac), mac);
	pl_wipe(&ctx, sizeof(ctx));
	return memeql_sec(mac, jwt->signature, sizeof(mac)) != 0;
}
