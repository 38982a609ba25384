/*
 * Rooms as bytes. That they come back as they were is checked at each step of
 * test_presence and test_presence_model (tests/lib/world.c); here are the ends
 * of the ranges, and bytes that are no room.
 */
#include <string.h>

#include "room.h"
#include "../lib/test.h"

static struct pl_room room, again;
static struct pl_buf packed;

static void
open_rooms(void)
{
	pl_room_init(&room);
	pl_room_init(&again);
	packed = PL_BUF_EMPTY;
}

static void
close_rooms(void)
{
	pl_room_close(&room);
	pl_room_close(&again);
	pl_buf_free(&packed);
}

TestSuite(room, .init = open_rooms, .fini = close_rooms);

static struct pl_tab *
add_tab(size_t session, uint64_t name)
{
	struct pl_tab *tab = pl_room_add_tab(&room, session);

	tab->tab = name;
	return tab;
}

/* Three sessions; the second has no tabs. */
static void
fill(void)
{
	struct pl_tab *tab;
	size_t i;

	for (i = 0; i < 3; i++)
		memset(pl_room_add_session(&room)->secret, (int)i + 0x7f,
		    PL_SESSION_LEN);
	room.sessions[0].online_since = 1795725984058;
	room.sessions[0].event_seq = 1;
	room.sessions[2].event_seq = INT64_MAX;
	tab = add_tab(0, UINT64_MAX);
	tab->state = PL_TAB_LIVE;
	tab->message = INT64_MAX - 1;
	tab->rev = INT64_MAX;
	tab->beat_at = tab->changed_at = 1795725984058;
	tab->expires_at = 1795726044058;
	tab->typing_until = 1;
	tab = add_tab(0, 0);
	tab->state = PL_TAB_LEFT;
	tab->hidden = true;
	tab->changed_at = ((int64_t)1 << 48) - 1;
	tab = add_tab(2, 1);
	tab->rev = 1;
	pl_room_pack(&room, &packed);
	cr_assert_not(packed.failed);
}

static void
expect_same_tab(const struct pl_tab *a, const struct pl_tab *b)
{
	cr_expect_eq(a->session, b->session);
	cr_expect_eq(a->tab, b->tab);
	cr_expect_eq(a->state, b->state);
	cr_expect_eq(a->hidden, b->hidden);
	cr_expect_eq(a->message, b->message);
	cr_expect_eq(a->rev, b->rev);
	cr_expect_eq(a->beat_at, b->beat_at);
	cr_expect_eq(a->changed_at, b->changed_at);
	cr_expect_eq(a->expires_at, b->expires_at);
	cr_expect_eq(a->typing_until, b->typing_until);
}

Test(room, comes_back_as_it_was)
{
	size_t i;

	fill();
	cr_assert_eq(pl_room_unpack(&again, packed.data, packed.len), PL_OK);
	cr_assert_eq(again.nsessions, room.nsessions);
	cr_assert_eq(again.ntabs, room.ntabs);
	for (i = 0; i < room.nsessions; i++) {
		cr_expect_arr_eq(again.sessions[i].secret,
		    room.sessions[i].secret, PL_SESSION_LEN);
		cr_expect_eq(again.sessions[i].online_since,
		    room.sessions[i].online_since);
		cr_expect_eq(
		    again.sessions[i].event_seq, room.sessions[i].event_seq);
	}
	for (i = 0; i < room.ntabs; i++)
		expect_same_tab(&again.tabs[i], &room.tabs[i]);
}

Test(room, an_empty_one_is_no_bytes)
{
	pl_room_pack(&room, &packed);
	cr_expect_eq(packed.len, 0);
	cr_expect_eq(pl_room_unpack(&again, NULL, 0), PL_OK);
	cr_expect_eq(again.nsessions, 0);
}

/* The usual customer: what it says of 25 bytes a tab. */
Test(room, a_tab_is_short)
{
	struct pl_tab *tab;

	pl_room_add_session(&room)->event_seq = 90000000;
	room.sessions[0].online_since = 1795725984058;
	tab = add_tab(0, 0x0123456789abcdef);
	tab->state = PL_TAB_LIVE;
	tab->message = 100;
	tab->rev = 90300000;
	tab->beat_at = tab->changed_at = 1795726284058;
	tab->expires_at = 1795726344058;
	pl_room_pack(&room, &packed);
	cr_expect_leq(packed.len, PL_SESSION_LEN + 11 + 25);
}

/* Cut anywhere but behind a session it is none, and nothing is read beyond. */
Test(room, part_of_one_is_damaged)
{
	size_t len, whole = 0;
	char *exact;

	fill();
	for (len = 0; len < packed.len; len++) {
		exact = malloc(len + 1);
		memcpy(exact, packed.data, len);
		pl_room_clear(&again);
		if (pl_room_unpack(&again, exact, len) == PL_OK)
			whole++;
		free(exact);
	}
	cr_expect_eq(whole, 3, "none, one, or two sessions: %zu", whole);
}

/* Any byte may be any other: an error, or another room, within its bounds. */
Test(room, damage_does_no_harm)
{
	size_t i, rooms = 0;
	int bit;

	fill();
	for (i = 0; i < packed.len; i++)
		for (bit = 0; bit < 8; bit++) {
			packed.data[i] ^= (char)(1 << bit);
			pl_room_clear(&again);
			rooms += pl_room_unpack(
				     &again, packed.data, packed.len) == PL_OK;
			packed.data[i] ^= (char)(1 << bit);
			cr_expect_leq(again.ntabs, packed.len);
		}
	cr_expect_gt(rooms, 0);
	cr_expect_lt(rooms, 8 * packed.len);
}

Test(room, a_dropped_session_takes_its_tabs)
{
	fill();
	pl_room_drop_session(&room, 0);
	cr_assert_eq(room.nsessions, 2);
	cr_expect_eq(room.sessions[0].secret[0], 0x80);
	cr_assert_eq(room.ntabs, 1);
	cr_expect_eq(room.tabs[0].session, 1);
	cr_expect_eq(room.tabs[0].tab, 1);
}
