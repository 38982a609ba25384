/*
 * How often somebody may. A name's state is one word in the shared page, so
 * that any process changes it with a single compare and swap; nobody waits,
 * and there is nothing to clean up: a word whose time has passed is free.
 *
 *	tag (18 bits) | value (46 bits)		0: never used
 *
 * Names are looked up by a keyed hash: 10 bits of it choose a set of four
 * words, 18 more are the tag that tells the names of a set apart. A name is a
 * block of AES, and encrypting it is the hash: a tenth of the cost of SHA-256,
 * and no two names have the same. The key is random, and only who can read the
 * page sees it: no one can choose an address or a session that falls together
 * with another's. A set that is full loses the word that is nearest to being
 * free: who is held back stays held back, however many others come.
 *
 * A bucket's value is the moment at which it will be full again (GCRA: a
 * "theoretical arrival time"), in sixteenths of a millisecond: good for 139
 * years. A delay's is a number of failures and the second until which it
 * lasts.
 */
#include <nettle/aes.h>
#include <stdbool.h>
#include <string.h>

#include "rate.h"
#include "secret.h"

#define MINUTE 60000
#define UNITS 16 /* of a millisecond */
#define TAG_SHIFT 46
#define VALUE_MASK ((UINT64_C(1) << TAG_SHIFT) - 1)
#define FAILS_SHIFT 40
#define SECONDS_MASK ((UINT64_C(1) << FAILS_SHIFT) - 1)
#define FAILS_MAX 63
#define DELAY_MAX 900 /* seconds */

/* What a word says, and how far from being free it is at `now`. */
typedef uint64_t (*load_fn)(uint64_t value, int64_t now);

struct place {
	_Atomic uint64_t *set;
	uint64_t tag; /* in its place */
};

/* Whichever process comes first makes it; 0 is no key. */
static uint64_t
key_of(_Atomic uint64_t *key)
{
	uint64_t old = atomic_load_explicit(key, memory_order_relaxed), fresh;

	if (old != 0)
		return old;
	if (pl_secret_random(&fresh, sizeof(fresh)) != PL_OK || fresh == 0)
		fresh = 1;
	return atomic_compare_exchange_strong(key, &old, fresh) ? fresh : old;
}

static struct place
find(struct pl_rates *rates, enum pl_rate_kind kind, const void *name,
    size_t len)
{
	uint8_t block[AES_BLOCK_SIZE] = {(uint8_t)kind};
	uint64_t key[2] = {key_of(&rates->key[0]), key_of(&rates->key[1])}, h;
	/* A key is good for as long as the page is: made ready once. */
	static struct aes128_ctx ctx;
	static uint64_t ready[2];

	memcpy(
	    block + 1, name, len < PL_RATE_NAME_MAX ? len : PL_RATE_NAME_MAX);
	if (memcmp(ready, key, sizeof(key)) != 0) {
		aes128_set_encrypt_key(&ctx, (const uint8_t *)key);
		memcpy(ready, key, sizeof(key));
	}
	aes128_encrypt(&ctx, sizeof(block), block, block);
	memcpy(&h, block, sizeof(h));
	return (struct place){rates->cell[kind - 1][h % PL_RATE_SETS],
	    /* never 0, which is a word that was never used */
	    (h >> TAG_SHIFT | 1) << TAG_SHIFT};
}

/* The word of that name, or the one that it may take: *seen is what stood
 * there. */
static _Atomic uint64_t *
choose(const struct place *place, load_fn load, int64_t now, uint64_t *seen)
{
	_Atomic uint64_t *best = place->set;
	uint64_t least = UINT64_MAX, word, value;
	int i;

	*seen = 0;
	for (i = 0; i < PL_RATE_WAYS; i++) {
		word =
		    atomic_load_explicit(&place->set[i], memory_order_relaxed);
		if ((word & ~VALUE_MASK) == place->tag) {
			*seen = word;
			return &place->set[i];
		}
		value = load(word & VALUE_MASK, now);
		if (value < least) {
			least = value;
			*seen = word;
			best = &place->set[i];
		}
	}
	return best;
}

/* What is known of that name; 0: nothing. */
static uint64_t
value_of(const struct place *place, uint64_t seen)
{
	return (seen & ~VALUE_MASK) == place->tag ? seen & VALUE_MASK : 0;
}

static uint64_t
bucket_load(uint64_t value, int64_t now)
{
	uint64_t at = (uint64_t)now * UNITS;

	return value > at ? value - at : 0;
}

int64_t
pl_rate_take(struct pl_rates *rates, enum pl_rate_kind kind, const void *name,
    size_t len, int64_t per_minute, int64_t now)
{
	uint64_t at = (uint64_t)now * UNITS, step, window, seen, full, most;
	struct place place;
	bool taken;
	_Atomic uint64_t *word;

	if (per_minute <= 0)
		return 0;
	step = (MINUTE * UNITS - 1) / (uint64_t)per_minute + 1;
	window = step * (uint64_t)per_minute;
	most = at + window - step;
	place = find(rates, kind, name, len);
	do {
		word = choose(&place, bucket_load, now, &seen);
		full = value_of(&place, seen);
		taken = full <= most;
		if (full > at + window) /* the clock was set back */
			full = at + window;
		else if (!taken)
			break;
		else
			full = (full > at ? full : at) + step;
	} while (!atomic_compare_exchange_weak(word, &seen, place.tag | full));
	return taken ? 0 : (int64_t)((full - most - 1) / UNITS) + 1;
}

static int64_t
until_of(uint64_t value)
{
	return (int64_t)(value & SECONDS_MASK);
}

static uint64_t
delay_load(uint64_t value, int64_t now)
{
	int64_t left = until_of(value) + DELAY_MAX - now / 1000;

	return value != 0 && left > 0 ? (uint64_t)left : 0;
}

static int64_t
delay_for(int64_t fails, int64_t allowed)
{
	int64_t n = fails - allowed;

	if (n <= 0)
		return 0;
	return n < 10 ? INT64_C(1) << n : DELAY_MAX;
}

void
pl_rate_fail(struct pl_rates *rates, enum pl_rate_kind kind, const void *name,
    size_t len, int64_t allowed, int64_t now)
{
	struct place place = find(rates, kind, name, len);
	int64_t fails, until;
	uint64_t seen, value;
	_Atomic uint64_t *word;

	do {
		word = choose(&place, delay_load, now, &seen);
		value = value_of(&place, seen);
		fails = delay_load(value, now) > 0
			    ? (int64_t)(value >> FAILS_SHIFT)
			    : 0;
		if (fails < FAILS_MAX)
			fails++;
		until = now / 1000 + delay_for(fails, allowed);
	} while (!atomic_compare_exchange_weak(word, &seen,
	    place.tag | (uint64_t)fails << FAILS_SHIFT | (uint64_t)until));
}

int64_t
pl_rate_delay(struct pl_rates *rates, enum pl_rate_kind kind, const void *name,
    size_t len, int64_t now)
{
	struct place place = find(rates, kind, name, len);
	uint64_t seen, value;
	int64_t left;

	choose(&place, delay_load, now, &seen);
	value = value_of(&place, seen);
	left = until_of(value) * 1000 - now;
	/* So many failures never make one wait longer: the clock was set back
	 * then, and the end would be as far away as the step was long. */
	if (left <= 0 ||
	    left > delay_for((int64_t)(value >> FAILS_SHIFT), 0) * 1000)
		return 0;
	return left;
}
