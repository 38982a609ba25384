/*
 * A room's sessions and tabs as bytes, which the store keeps in one column:
 * they are always read together, and one beat changes few of them.
 *
 *	session: secret[16], time online_since, number event_seq,
 *	         number of tabs, its tabs
 *	tab:     name[8], number state + 4 * hidden, number message + 1,
 *	         difference rev - event_seq, and the times beat_at, changed_at,
 *	         expires_at, typing_until
 *
 * A number is in LEB128: seven bits a byte, the lowest first (DWARF 5, 7.6). A
 * difference has its sign in the lowest bit, so that small ones are short
 * (zigzag: https://protobuf.dev/programming-guides/encoding/#signed-ints). A
 * time is 0 for none, or one more than its difference to the time before it in
 * the room. A tab takes some 25 bytes so, of the 64 that its numbers have.
 */
#include <string.h>

#include "room.h"

#define NUMBER_MAX 10 /* bytes of 64 bits */
#define NAME 8
#define SESSION_MAX (PL_SESSION_LEN + 3 * NUMBER_MAX)
#define TAB_MAX (NAME + 7 * NUMBER_MAX)

/* ---- out ---- */

struct packer {
	struct pl_buf *buf;
	uint8_t bytes[TAB_MAX > SESSION_MAX ? TAB_MAX : SESSION_MAX];
	size_t n;
	uint64_t time; /* the one before */
};

static void
put(struct packer *out, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		out->bytes[out->n++] = (uint8_t)(number | 0x80);
	out->bytes[out->n++] = (uint8_t)number;
}

static uint64_t
zigzag(uint64_t difference)
{
	return difference << 1 ^ -(difference >> 63);
}

static void
put_time(struct packer *out, int64_t time)
{
	if (time == 0) {
		put(out, 0);
		return;
	}
	put(out, zigzag((uint64_t)time - out->time) + 1);
	out->time = (uint64_t)time;
}

static void
flush(struct packer *out)
{
	pl_buf_add(out->buf, out->bytes, out->n);
	out->n = 0;
}

static void
pack_session(struct packer *out, const struct pl_session *session, size_t ntabs)
{
	memcpy(out->bytes, session->secret, PL_SESSION_LEN);
	out->n = PL_SESSION_LEN;
	put_time(out, session->online_since);
	put(out, (uint64_t)session->event_seq);
	put(out, ntabs);
	flush(out);
}

static void
pack_tab(struct packer *out, const struct pl_tab *tab, int64_t event_seq)
{
	uint64_t name = tab->tab;

	for (; out->n < NAME; name >>= 8)
		out->bytes[out->n++] = (uint8_t)name;
	put(out, (unsigned int)tab->state + (tab->hidden ? 4 : 0));
	put(out, (uint64_t)tab->message + 1);
	put(out, zigzag((uint64_t)tab->rev - (uint64_t)event_seq));
	put_time(out, tab->beat_at);
	put_time(out, tab->changed_at);
	put_time(out, tab->expires_at);
	put_time(out, tab->typing_until);
	flush(out);
}

/* The tabs of a session stand side by side, in the order of the sessions. */
void
pl_room_pack(const struct pl_room *room, struct pl_buf *buf)
{
	struct packer out = {.buf = buf};
	size_t i, tab = 0, end = 0;

	for (i = 0; i < room->nsessions; i++) {
		while (end < room->ntabs && room->tabs[end].session == i)
			end++;
		pack_session(&out, &room->sessions[i], end - tab);
		for (; tab < end; tab++)
			pack_tab(&out, &room->tabs[tab],
			    room->sessions[i].event_seq);
	}
}

/* ---- in ---- */

struct unpacker {
	const uint8_t *p, *end;
	bool failed; /* there was less than wanted, or more than fits */
	uint64_t time;
};

static uint64_t
get(struct unpacker *in)
{
	uint64_t number = 0;
	unsigned int shift;

	for (shift = 0; in->p < in->end && shift < 64; shift += 7) {
		number |= (uint64_t)(*in->p & 0x7f) << shift;
		if ((*in->p++ & 0x80) == 0)
			return number;
	}
	in->failed = true;
	return 0;
}

static uint64_t
unzigzag(uint64_t number)
{
	return number >> 1 ^ -(number & 1);
}

static int64_t
get_time(struct unpacker *in)
{
	uint64_t number = get(in);

	if (number == 0)
		return 0;
	in->time += unzigzag(number - 1);
	return (int64_t)in->time;
}

/* n bytes; NULL if there are less. */
static const uint8_t *
get_bytes(struct unpacker *in, size_t n)
{
	const uint8_t *p = in->p;

	if ((size_t)(in->end - p) < n) {
		in->failed = true;
		return NULL;
	}
	in->p += n;
	return p;
}

static enum pl_err
unpack_tab(struct unpacker *in, struct pl_room *room, int64_t event_seq)
{
	struct pl_tab *tab = pl_room_add_tab(room, room->nsessions - 1);
	const uint8_t *name;
	uint64_t flags;
	size_t i;

	if (tab == NULL)
		return PL_ERR_NOMEM;
	if ((name = get_bytes(in, NAME)) == NULL)
		return PL_ERR_STORE;
	for (i = NAME; i-- > 0;)
		tab->tab = tab->tab << 8 | name[i];
	flags = get(in);
	tab->state = (enum pl_tab_state)(flags & 3);
	tab->hidden = (flags & 4) != 0;
	tab->message = (int64_t)(get(in) - 1);
	tab->rev = (int64_t)((uint64_t)event_seq + unzigzag(get(in)));
	tab->beat_at = get_time(in);
	tab->changed_at = get_time(in);
	tab->expires_at = get_time(in);
	tab->typing_until = get_time(in);
	return in->failed || flags > 7 || (flags & 3) > PL_TAB_LEFT
		   ? PL_ERR_STORE
		   : PL_OK;
}

static enum pl_err
unpack_session(struct unpacker *in, struct pl_room *room)
{
	struct pl_session *session = pl_room_add_session(room);
	const uint8_t *secret;
	enum pl_err err;
	int64_t event_seq;
	uint64_t ntabs;

	if (session == NULL)
		return PL_ERR_NOMEM;
	if ((secret = get_bytes(in, PL_SESSION_LEN)) == NULL)
		return PL_ERR_STORE;
	memcpy(session->secret, secret, PL_SESSION_LEN);
	session->online_since = get_time(in);
	session->event_seq = event_seq = (int64_t)get(in);
	for (ntabs = get(in); ntabs > 0 && !in->failed; ntabs--)
		if ((err = unpack_tab(in, room, event_seq)) != PL_OK)
			return err;
	return in->failed ? PL_ERR_STORE : PL_OK;
}

enum pl_err
pl_room_unpack(struct pl_room *room, const void *data, size_t len)
{
	struct unpacker in = {.p = data};
	enum pl_err err;

	if (len == 0) /* then data may be NULL */
		return PL_OK;
	in.end = in.p + len;
	while (in.p < in.end)
		if ((err = unpack_session(&in, room)) != PL_OK)
			return err;
	return PL_OK;
}
