/*
 * JSON Web Tokens. The first byte says what the rest is: a token as anybody
 * may send one, or the claims of one that is really signed, for the claims of
 * a signature that is wrong are never looked at for what they say.
 */
#include <nettle/base64.h>
#include <nettle/hmac.h>

#include "fuzz.h"
#include "jwt.h"
#include "text.h"

static const char key[] = "plj_the key of this company";

static void
check(struct pl_arena *arena, const char *token, bool is_signed)
{
	static const struct pl_jwt unset = {.subject = "unset"};
	struct pl_jwt jwt = unset;
	enum pl_err err = pl_jwt_read(arena, token, &jwt);

	if (err != PL_OK) {
		HOLDS(err == PL_ERR_UNAUTHENTICATED);
		HOLDS(memcmp(&jwt, &unset, sizeof(jwt)) == 0);
		return;
	}
	HOLDS(strlen(token) <= PL_JWT_MAX);
	HOLDS(pl_text_valid(jwt.subject, strlen(jwt.subject)));
	HOLDS(pl_text_valid(jwt.company, strlen(jwt.company)));
	HOLDS(jwt.subject[0] != '\0' && jwt.company[0] != '\0');
	HOLDS(jwt.inboxes == NULL ||
	      (jwt.inboxes[0] == '[' &&
		  pl_utf8_valid(jwt.inboxes, strlen(jwt.inboxes))));
	HOLDS(jwt.expires_at >= 0 && jwt.not_before >= 0);
	HOLDS(jwt.text == token && token[jwt.text_len] == '.');
	HOLDS(pl_jwt_is_signed(&jwt, key) == is_signed || !is_signed);
	HOLDS(!pl_jwt_is_signed(&jwt, "another key"));
	HOLDS(!pl_jwt_is_signed(&jwt, ""));
}

static char *
put_base64(char *out, const uint8_t *data, size_t size)
{
	struct base64_encode_ctx ctx;
	size_t n;

	base64url_encode_init(&ctx);
	n = base64_encode_update(&ctx, out, size, data);
	n += base64_encode_final(&ctx, out + n);
	while (n > 0 && out[n - 1] == '=')
		n--;
	return out + n;
}

static char *
sign(const uint8_t *claims, size_t size)
{
	static const char header[] = "{\"alg\":\"HS256\"}";
	char *token = malloc(2 * size + 200), *p = token;
	uint8_t mac[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx ctx;

	HOLDS(token != NULL);
	p = put_base64(p, (const uint8_t *)header, sizeof(header) - 1);
	*p++ = '.';
	p = put_base64(p, claims, size);
	hmac_sha256_set_key(&ctx, sizeof(key) - 1, (const uint8_t *)key);
	hmac_sha256_update(&ctx, (size_t)(p - token), (const uint8_t *)token);
	hmac_sha256_digest(&ctx, sizeof(mac), mac);
	*p++ = '.';
	*put_base64(p, mac, sizeof(mac)) = '\0';
	return token;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pl_arena arena;
	bool is_signed;
	char *token;

	if (size == 0)
		return 0;
	is_signed = data[0] == 's';
	token = is_signed ? sign(data + 1, size - 1)
			  : fuzz_string(data + 1, size - 1);
	pl_arena_init(&arena);
	check(&arena, token, is_signed);
	pl_arena_close(&arena);
	free(token);
	return 0;
}
