#include <stdio.h>
#include <string.h>

#include "customer.h"

#define ID_LEN 12  /* of a conversation, as we make them */
#define TURN_LEN 6 /* JavaScript counts so far */

void
customer_of(long n, struct customer *c)
{
	uint8_t hash[PL_HASH_LEN];
	char name[64];

	snprintf(name, sizeof(name), "conversation %ld", n);
	pl_secret_hash(name, hash);
	memcpy(c->conversation, "conv_", 5);
	pl_hex(hash, ID_LEN, c->conversation + 5);
	snprintf(name, sizeof(name), "session %ld", n);
	pl_secret_hash(name, hash);
	memcpy(c->session, hash, sizeof(c->session));
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
	char name[64];
	int i;

	snprintf(name, sizeof(name), "turn %ld", n);
	pl_secret_hash(name, hash);
	for (i = 0; i < TURN_LEN; i++)
		turn = turn << 8 | hash[i];
	return turn;
}
