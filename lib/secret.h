#ifndef PL_SECRET_H
#define PL_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define PL_HASH_LEN 32    /* SHA-256 */
#define PL_SESSION_LEN 16 /* a session's secret, 128 random bits */
#define PL_SESSION_HEX (2 * PL_SESSION_LEN)
#define PL_TOKEN_LEN 44 /* "pla_" and 40 hex digits (160 bits) */

/* Random bytes of the kernel. PL_ERR_SYSTEM if it has none. */
enum pl_err pl_secret_random(void *, size_t) PL_MUST;

/* A token to give out: prefix (4 characters, says what it is for) and 160
 * random bits; terminated. */
enum pl_err pl_secret_token(
    const char *prefix, char out[PL_TOKEN_LEN + 1]) PL_MUST;

/* The same with 256 bits, as much as HS256 can use: "plj_", 64 hex digits. */
#define PL_KEY_LEN 68
enum pl_err pl_secret_key(char out[PL_KEY_LEN + 1]) PL_MUST;

/*
 * What is kept of a token. The tokens have 160 random bits, so neither salt
 * nor a slow hash adds anything; looking a hash up in an index tells
 * nothing about the token through timing.
 */
void pl_secret_hash(const char *token, uint8_t out[PL_HASH_LEN]);

/* Overwrites what held a secret and is not needed any more. */
void pl_wipe(void *, size_t n);

void pl_hex(const uint8_t *, size_t n, char *out); /* 2n digits, terminated */

/* PL_ERR_REQUEST unless s is exactly 2n lower-case hex digits. */
enum pl_err pl_unhex(const char *s, uint8_t *out, size_t n) PL_MUST;

/* FNV-1a, 64 bits, http://www.isthe.com/chongo/tech/comp/fnv/: for hash
 * tables and for names that are only ever compared. */
uint64_t pl_fnv1a(const char *s, uint64_t start);
#define PL_FNV1A_START UINT64_C(0xcbf29ce484222325)

#endif
