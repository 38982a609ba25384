/*
 * Random numbers, tokens and what is kept of them.
 */
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>

#include "secret.h"

enum pl_err
pl_secret_random(void *out, size_t n)
{
	return getentropy(out, n) == 0 ? PL_OK : PL_ERR_SYSTEM;
}

void
pl_wipe(void *p, size_t n)
{
#ifdef HAVE_EXPLICIT_BZERO
	explicit_bzero(p, n);
#else
	volatile uint8_t *byte = p;

	while (n-- > 0)
		*byte++ = 0;
#endif
}

void
pl_hex(const uint8_t *in, size_t n, char *out)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = hex[in[i] >> 4];
		out[2 * i + 1] = hex[in[i] & 15];
	}
	out[2 * n] = '\0';
}

/* What a digit counts; 16: it is none. */
static uint8_t
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	return c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 10) : 16;
}

enum pl_err
pl_unhex(const char *s, uint8_t *out, size_t n)
{
	size_t i;

	for (i = 0; i < 2 * n; i++)
		if (hex_value(s[i]) == 16)
			return PL_ERR_REQUEST;
	if (s[2 * n] != '\0')
		return PL_ERR_REQUEST;
	for (i = 0; i < n; i++)
		out[i] = (uint8_t)(hex_value(s[2 * i]) << 4 |
				   hex_value(s[2 * i + 1]));
	return PL_OK;
}

enum pl_err
pl_secret_token(const char *prefix, char out[PL_TOKEN_LEN + 1])
{
	uint8_t bits[20];
	enum pl_err err;

	if ((err = pl_secret_random(bits, sizeof(bits))) != PL_OK)
		return err;
	memcpy(out, prefix, 4);
	pl_hex(bits, sizeof(bits), out + 4);
	pl_wipe(bits, sizeof(bits));
	return PL_OK;
}

enum pl_err
pl_secret_key(char out[PL_KEY_LEN + 1])
{
	uint8_t bits[32];
	enum pl_err err;

	if ((err = pl_secret_random(bits, sizeof(bits))) != PL_OK)
		return err;
	memcpy(out, "plj_", 4);
	pl_hex(bits, sizeof(bits), out + 4);
	pl_wipe(bits, sizeof(bits));
	return PL_OK;
}

void
pl_secret_hash(const char *token, uint8_t out[PL_HASH_LEN])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(token), (const uint8_t *)token);
	sha256_digest(&ctx, PL_HASH_LEN, out);
	pl_wipe(&ctx, sizeof(ctx)); /* the token is in its block */
}

uint64_t
pl_fnv1a(const char *s, uint64_t h)
{
	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	return h;
}
