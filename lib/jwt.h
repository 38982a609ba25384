#ifndef PL_JWT_H
#define PL_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"

/*
 * A JSON Web Token (RFC 7519) that a host application signs for one of its
 * agents, with HMAC-SHA-256 (HS256) and nothing else.
 */
#define PL_JWT_MAX 4096   /* bytes; a longer one is not looked at */
#define PL_JWT_INBOXES 64 /* at most, in one */

struct pl_jwt {
	const char *subject;
	const char *company;
	const char *inboxes; /* JSON array of names; NULL: all */
	int64_t not_before;  /* ms; good from here on (0: not said) */
	int64_t expires_at;  /* and no more at this moment (0: not said) */
	const char *text;    /* what is signed, in the token */
	size_t text_len;
	uint8_t signature[32];
};

/* Could that be one? No token of ours has a dot. */
bool pl_jwt_looks_like(const char *token);

/*
 * Reads one; strings are in the arena, but for the text, which is the
 * token's. PL_ERR_UNAUTHENTICATED: it is not one that could be good, whoever
 * signed it. Nothing of it may be believed before pl_jwt_is_signed().
 */
enum pl_err pl_jwt_read(
    struct pl_arena *, const char *token, struct pl_jwt *) PL_MUST;

/* Is it signed with that key? Takes the same time for each wrong one. */
bool pl_jwt_is_signed(const struct pl_jwt *, const char *key);

#endif
