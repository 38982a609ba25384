/*
 * Cursors, and ids of our own: the same for every store.
 *
 * A place is a number that counts what happens at all companies, or how many
 * conversations all of them have. Seen as it is, it would tell each company
 * how much the others have to do. So a place goes out as one block of AES,
 * under a key that is made of the store's own random name, with a count in
 * it: not even that a place has moved on can be seen. A block of another
 * store, or of nobody's, comes back without our mark in it. The number in an
 * id has less room, so it hides behind a block of what is random there.
 */
#include <nettle/aes.h>
#include <string.h>

#include "store.h"

#define RANDOM 7 /* bytes of an id */
#define MARK 4

static const char cursor_mark[] = "curs", next_mark[] = "next",
		  own_mark[] = "conv";

/* The keys of the store that was asked for last; mostly there is but one. */
static struct {
	char epoch[PL_EPOCH_LEN + 1];
	struct aes128_ctx encrypt, decrypt;
} keys;

/* The key: the first half of the name's hash. */
static void
use_keys_of(const struct pl_position *store)
{
	uint8_t key[PL_HASH_LEN];

	if (strcmp(keys.epoch, store->epoch) == 0)
		return;
	pl_secret_hash(store->epoch, key);
	aes128_set_encrypt_key(&keys.encrypt, key);
	aes128_set_decrypt_key(&keys.decrypt, key);
	memcpy(keys.epoch, store->epoch, sizeof(keys.epoch));
}

void
pl_number_put(uint8_t out[PL_NUMBER], int64_t n)
{
	int i;

	for (i = 0; i < PL_NUMBER; i++)
		out[i] = (uint8_t)((uint64_t)n >> 8 * i);
}

int64_t
pl_number_get(const uint8_t in[PL_NUMBER])
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < PL_NUMBER; i++)
		n |= (uint64_t)in[i] << 8 * i;
	return (int64_t)n;
}

static void
seal(const struct pl_position *store, const char *mark, int64_t a, int64_t b,
    char out[PL_CURSOR_LEN])
{
	uint8_t block[AES_BLOCK_SIZE];

	memcpy(block, mark, MARK);
	pl_number_put(block + MARK, a);
	pl_number_put(block + 10, b);
	use_keys_of(store);
	aes128_encrypt(&keys.encrypt, sizeof(block), block, block);
	pl_hex(block, sizeof(block), out);
}

static enum pl_err
unseal(const struct pl_position *store, const char *mark, const char *s,
    int64_t *a, int64_t *b)
{
	uint8_t block[AES_BLOCK_SIZE];

	if (pl_unhex(s, block, sizeof(block)) != PL_OK)
		return PL_ERR_NOT_FOUND;
	use_keys_of(store);
	aes128_decrypt(&keys.decrypt, sizeof(block), block, block);
	if (memcmp(block, mark, MARK) != 0)
		return PL_ERR_NOT_FOUND;
	*a = pl_number_get(block + MARK);
	*b = pl_number_get(block + 10);
	return PL_OK;
}

void
pl_cursor_format(
    const struct pl_position *store, int64_t seq, char out[PL_CURSOR_LEN])
{
	static int64_t count;

	/* Every process counts from somewhere else. */
	if (count == 0 && pl_secret_random(&count, sizeof(count)) != PL_OK)
		count = 1;
	count = (int64_t)((uint64_t)count + 1);
	seal(store, cursor_mark, seq, count, out);
}

enum pl_err
pl_cursor_parse(const struct pl_position *store, const char *s, int64_t *seq)
{
	int64_t n, count;

	if (unseal(store, cursor_mark, s, &n, &count) != PL_OK ||
	    n < store->pruned || n > store->seq)
		return PL_ERR_NOT_FOUND;
	*seq = n;
	return PL_OK;
}

void
pl_next_format(const struct pl_position *store, int64_t since, int64_t id,
    char out[PL_CURSOR_LEN])
{
	seal(store, next_mark, since, id, out);
}

enum pl_err
pl_next_parse(
    const struct pl_position *store, const char *s, int64_t *since, int64_t *id)
{
	return unseal(store, next_mark, s, since, id);
}

/* Puts the number of an id behind its mask, or takes it from there. */
static void
mask(const struct pl_position *store, uint8_t id[PL_OWN_ID])
{
	uint8_t block[AES_BLOCK_SIZE] = {0};
	size_t i;

	memcpy(block, own_mark, MARK);
	memcpy(block + MARK, id, RANDOM);
	use_keys_of(store);
	aes128_encrypt(&keys.encrypt, sizeof(block), block, block);
	for (i = RANDOM; i < PL_OWN_ID; i++)
		id[i] ^= block[i];
}

enum pl_err
pl_own_id_make(
    const struct pl_position *store, int64_t number, uint8_t out[PL_OWN_ID])
{
	size_t i;

	if (pl_secret_random(out, RANDOM) != PL_OK)
		return PL_ERR_SYSTEM;
	for (i = RANDOM; i < PL_OWN_ID; i++, number >>= 8)
		out[i] = (uint8_t)number;
	mask(store, out);
	return PL_OK;
}

int64_t
pl_own_id_number(const struct pl_position *store, const uint8_t id[PL_OWN_ID])
{
	uint8_t copy[PL_OWN_ID];
	int64_t number = 0;
	size_t i;

	memcpy(copy, id, sizeof(copy));
	mask(store, copy);
	for (i = PL_OWN_ID; i-- > RANDOM;)
		number = number << 8 | copy[i];
	return number;
}
