/*
 * A seat is two atomic words in the shared page: its holder, and whose poll
 * it is. As there are no more seats than may be taken, no count can go wrong,
 * and nobody has to wait for a lock.
 *
 *	holder = sequence << 16 | process + 1		0: free
 *
 * A process has a number, and as long as it lives the kernel keeps a lock on
 * the byte of that number for it. When the seats are all taken, those whose
 * process is gone are free again: a crash gives its places back by itself.
 *
 * A client's seat is the first that was free from its home on, which its key
 * says: it is looked for no farther than any lies from its home (reach), and so
 * found soon among thousands. Homes are among the seats that may be taken (the
 * ring); where their number has changed, all are looked through until the reach
 * is reckoned anew.
 *
 * Two polls of one client that come at the very same moment, in two
 * processes, may both be given a free seat; then each looks again, and the
 * one with the lower sequence is ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "secret.h"
#include "seats.h"

#define PROCESSES 65535
#define RECKON_EVERY 4096 /* seats taken between two looks at the reach */
#define ANYWHERE (UINT32_MAX - 1)
#define FIRST_BYTE                                                             \
	((off_t)1 << 40) /* of the locks: far behind the contents              \
			  */

/* A lock of the open file, not of the process, where there is such a thing:
 * it does not end when some other descriptor of the file is closed. */
#ifdef F_OFD_SETLK
#define SETLK F_OFD_SETLK
#define GETLK F_OFD_GETLK
#else
#define SETLK F_SETLK
#define GETLK F_GETLK
#endif

static int
process_of(uint64_t holder)
{
	return (int)(holder & 0xffff) - 1;
}

static bool
lock_number(const struct pl_shared *s, int process)
{
	struct flock lk = {.l_type = F_WRLCK,
	    .l_whence = SEEK_SET,
	    .l_start = FIRST_BYTE + process,
	    .l_len = 1};

	return fcntl(s->fd, SETLK, &lk) == 0;
}

/* In doubt it lives: a place too few does less harm than one too many. */
static bool
is_gone(const struct pl_shared *s, int process)
{
	struct flock lk = {.l_type = F_WRLCK,
	    .l_whence = SEEK_SET,
	    .l_start = FIRST_BYTE + process,
	    .l_len = 1};

	return s->fd >= 0 && process != s->process &&
	       fcntl(s->fd, GETLK, &lk) == 0 && lk.l_type == F_UNLCK;
}

static size_t
ring_of(const struct pl_shared *s)
{
	size_t n = atomic_load(&s->page->ring);

	return n > 0 && n < s->nseats ? n : s->nseats;
}

/* How far from the home of its key that seat lies. */
static size_t
distance(const struct pl_shared *s, uint64_t key, size_t i)
{
	size_t ring = ring_of(s);

	return i < ring ? (i + ring - key % ring) % ring : ANYWHERE;
}

static bool
free_seat(struct pl_shared *s, size_t i, uint64_t holder)
{
	struct pl_seat *seat = &s->page->seats[i];
	uint64_t expected = holder;

	/* The key first: a free seat must not look like somebody's. */
	if (atomic_load(&seat->holder) == holder)
		atomic_store(&seat->key, 0);
	return atomic_compare_exchange_strong(&seat->holder, &expected, 0);
}

/* Seats that were ever taken, as far as this process sees. */
static size_t
seats_used(const struct pl_shared *s)
{
	size_t n = atomic_load(&s->page->used);

	return n < s->nseats ? n : s->nseats;
}

/* Frees what a process of that number (-1: any that is gone) left behind. */
static size_t
reap(struct pl_shared *s, int process)
{
	size_t i, freed = 0, n = seats_used(s);
	int alive = -1;

	for (i = 0; i < n; i++) {
		uint64_t holder = atomic_load(&s->page->seats[i].holder);
		int p = process_of(holder);

		if (p < 0 || p == alive || (process >= 0 && p != process))
			continue;
		if (process >= 0 || is_gone(s, p))
			freed += free_seat(s, i, holder);
		else
			alive = p;
	}
	return freed;
}

/* Raises a number that others may raise at the same time. */
static void
raise_to(_Atomic uint32_t *number, size_t least)
{
	uint32_t now = atomic_load(number);

	while (now < least &&
	       !atomic_compare_exchange_weak(number, &now, (uint32_t)least))
		continue;
}

/* After a crowd the reach is shorter again. Who sits down farther away
 * meanwhile is not found by his next poll, and his older one waits to its end.
 */
static void
reckon_reach(struct pl_shared *s)
{
	size_t i, n = seats_used(s), reach = 0, d;

	for (i = 0; i < n; i++) {
		uint64_t key = atomic_load(&s->page->seats[i].key);

		if (key != 0 && (d = distance(s, key, i)) >= reach)
			reach = d + 1;
	}
	atomic_store(&s->page->reach, (uint32_t)reach);
}

/* A number for this process; what its last owner left is free. */
static enum pl_err
sit_down(struct pl_shared *s)
{
	int p;

	if (s->process >= 0)
		return PL_OK;
	for (p = 0; s->fd >= 0 && !lock_number(s, p); p++)
		if ((errno != EAGAIN && errno != EACCES) || p == PROCESSES - 1)
			return PL_ERR_SYSTEM;
	s->process = p;
	reap(s, p);
	return PL_OK;
}

/* A client's name could be chosen to be mistaken for another's, were this
 * not a cryptographic hash. */
static uint64_t
key_of(int64_t agent, const char *client)
{
	uint8_t hash[PL_HASH_LEN];
	char text[300];
	uint64_t key;

	if (client == NULL)
		return 0;
	snprintf(text, sizeof(text), "%lld %s", (long long)agent, client);
	pl_secret_hash(text, hash);
	memcpy(&key, hash, sizeof(key));
	return key != 0 ? key : 1;
}

static bool
take(struct pl_shared *s, size_t i, uint64_t from, uint64_t to,
    struct pl_seat_ref *out)
{
	uint64_t expected = from;

	if (!atomic_compare_exchange_strong(
		&s->page->seats[i].holder, &expected, to))
		return false;
	*out = (struct pl_seat_ref){i, to};
	return true;
}

/* A walk through the seats in which a key's may be. */
struct walk {
	size_t at, left, ring;
};

static struct walk
walk_for(const struct pl_shared *s, uint64_t key)
{
	size_t reach = atomic_load(&s->page->reach), used = seats_used(s);
	size_t ring = ring_of(s);

	if (reach >= used)
		return (struct walk){0, used, s->nseats};
	return (struct walk){key % ring, reach, ring};
}

/* The next one that is taken by that key: *i, and its holder; 0: no more. */
static uint64_t
next_of(const struct pl_shared *s, uint64_t key, struct walk *walk, size_t *i)
{
	uint64_t holder;

	while (walk->left > 0) {
		walk->left--;
		*i = walk->at;
		walk->at = *i + 1 < walk->ring ? *i + 1 : 0;
		holder = atomic_load(&s->page->seats[*i].holder);
		if (holder != 0 && atomic_load(&s->page->seats[*i].key) == key)
			return holder;
	}
	return 0;
}

static bool
take_over(
    struct pl_shared *s, uint64_t key, uint64_t holder, struct pl_seat_ref *out)
{
	struct walk walk = walk_for(s, key);
	uint64_t older;
	size_t i;

	while ((older = next_of(s, key, &walk, &i)) != 0)
		if (take(s, i, older, holder, out))
			return true;
	return false;
}

/* Frees the seats of that key whose sequence is below. */
static bool
end_older(struct pl_shared *s, uint64_t key, uint64_t sequence)
{
	struct walk walk = walk_for(s, key);
	bool ended = false;
	uint64_t older;
	size_t i;

	while ((older = next_of(s, key, &walk, &i)) != 0)
		if (older >> 16 < sequence)
			ended |= free_seat(s, i, older);
	if (ended)
		atomic_fetch_add(&s->page->moved, 1);
	return ended;
}

/* Takes a free one for that key, which is within reach before it is taken. */
static bool
sit(struct pl_shared *s, size_t i, uint64_t key, uint64_t holder,
    struct pl_seat_ref *out)
{
	if (atomic_load(&s->page->seats[i].holder) != 0)
		return false;
	if (key != 0)
		raise_to(&s->page->reach, distance(s, key, i) + 1);
	if (!take(s, i, 0, holder, out))
		return false;
	atomic_store(&s->page->seats[i].key, key);
	raise_to(&s->page->used, i + 1);
	return true;
}

/* The first one free, from the home on; without a key, from where it is likely.
 */
static bool
take_free(struct pl_shared *s, size_t n, uint64_t key, uint64_t holder,
    struct pl_seat_ref *out)
{
	uint64_t at = key != 0 ? key : holder >> 16;
	size_t left;

	for (left = n; left > 0; left--, at++)
		if (sit(s, at % n, key, holder, out))
			return true;
	return false;
}

/* What is not in the ring of now is looked for everywhere. */
static void
set_ring(struct pl_shared *s, size_t n)
{
	if (atomic_load(&s->page->ring) == n)
		return;
	if (seats_used(s) > 0)
		raise_to(&s->page->reach, ANYWHERE);
	atomic_store(&s->page->ring, (uint32_t)n);
}

enum pl_err
pl_seat_take(struct pl_shared *s, size_t most, int64_t agent,
    const char *client, struct pl_seat_ref *out, bool *moved)
{
	uint64_t key = key_of(agent, client), holder;
	size_t n = most < s->nseats ? most : s->nseats;
	uint32_t sequence;
	enum pl_err err;

	*moved = false;
	if ((err = sit_down(s)) != PL_OK)
		return err;
	set_ring(s, n);
	sequence = atomic_fetch_add(&s->page->sequence, 1) + 1;
	if (sequence % RECKON_EVERY == 0)
		reckon_reach(s);
	holder = (uint64_t)sequence << 16 | (uint64_t)(s->process + 1);
	if (key != 0 && take_over(s, key, holder, out)) {
		atomic_fetch_add(&s->page->moved, 1);
		*moved = true;
		return PL_OK;
	}
	if (!take_free(s, n, key, holder, out) &&
	    (reap(s, -1) == 0 || !take_free(s, n, key, holder, out)))
		return PL_ERR_BUSY;
	*moved = key != 0 && end_older(s, key, holder >> 16);
	return PL_OK;
}

bool
pl_seat_end(struct pl_shared *s, int64_t agent, const char *client)
{
	return end_older(s, key_of(agent, client), UINT64_MAX);
}

void
pl_seat_give(struct pl_shared *s, const struct pl_seat_ref *ref)
{
	if (ref->holder != 0)
		free_seat(s, ref->index, ref->holder);
}

bool
pl_seat_is_ours(const struct pl_shared *s, const struct pl_seat_ref *ref)
{
	return atomic_load(&s->page->seats[ref->index].holder) == ref->holder;
}

size_t
pl_seats_taken(struct pl_shared *s)
{
	size_t i, taken = 0, n = seats_used(s);

	reap(s, -1);
	for (i = 0; i < n; i++)
		taken += atomic_load(&s->page->seats[i].holder) != 0;
	return taken;
}
