#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "customer.h"

#define TURN_LEN 6 /* JavaScript counts so far */

static void
fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

void
customers_load(struct customers *c, const char *path, long room)
{
	FILE *f = fopen(path, "r");
	long i;

	if (f == NULL && errno != ENOENT)
		fail(path);
	c->n = 0;
	if (f != NULL) {
		if (fseek(f, 0, SEEK_END) != 0)
			fail(path);
		c->n = ftell(f) / CUSTOMER_LINE;
		rewind(f);
	}
	if (room < c->n)
		room = c->n;
	c->id = calloc((size_t)room, CUSTOMER_LINE);
	if (c->id == NULL)
		fail(path);
	if (f == NULL)
		return;
	if (fread(c->id, CUSTOMER_LINE, (size_t)c->n, f) != (size_t)c->n)
		fail(path);
	fclose(f);
	for (i = 0; i < c->n; i++)
		c->id[i][PL_CONVERSATION_ID_LEN] = '\0'; /* a newline */
}

void
customers_save(const struct customers *c, const char *path)
{
	FILE *f = fopen(path, "w");
	long i;

	if (f == NULL)
		fail(path);
	for (i = 0; i < c->n; i++)
		fprintf(f, "%s\n", c->id[i]);
	if (fclose(f) != 0)
		fail(path);
}

/* The hash of what that customer's is called. */
static void
hash_of(const char *kind, long n, uint8_t out[PL_HASH_LEN])
{
	char name[64];

	snprintf(name, sizeof(name), "%s %ld", kind, n);
	pl_secret_hash(name, out);
}

void
customer_session(long n, uint8_t out[PL_SESSION_LEN])
{
	uint8_t hash[PL_HASH_LEN];

	hash_of("session", n, hash);
	memcpy(out, hash, PL_SESSION_LEN);
}

uint64_t
customer_tab(long n)
{
	char name[64];

	snprintf(name, sizeof(name), "tab %ld", n);
	return pl_fnv1a(name, PL_FNV1A_START);
}

uint64_t
customer_turn(long n)
{
	uint8_t hash[PL_HASH_LEN];
	uint64_t turn = 0;
	int i;

	hash_of("turn", n, hash);
	for (i = 0; i < TURN_LEN; i++)
		turn = turn << 8 | hash[i];
	return turn;
}
