#include <string.h>

#include "test.h"
#include "world.h"

struct world world;

static enum pl_err
on_change(void *arg, const struct pl_change *c)
{
	struct world_event *e = &world.events[world.nevents];

	(void)arg;
	cr_assert_lt(world.nevents, WORLD_EVENTS);
	if (world.fail != PL_OK)
		return world.fail;
	*e = (struct world_event){.seq = c->seq,
	    .session = c->session - world.room.sessions,
	    .at = c->at,
	    .expires_at = c->expires_at,
	    .online = c->online,
	    .reason = c->reason,
	    .status = c->status,
	    .connections = c->connections};
	world.nevents++;
	return PL_OK;
}

void
world_open(void)
{
	memset(&world, 0, sizeof(world));
	world.rules = (struct pl_rules){60000, 150000, 2000, 5000};
	pl_room_init(&world.room);
	pl_room_add_session(&world.room);
	pl_room_add_session(&world.room);
}

void
world_close(void)
{
	pl_room_close(&world.room);
}

/* What a store does: writes what is marked, and reads it back. */
static void
save(void)
{
	struct pl_room *room = &world.room, old = *room;
	struct pl_buf buf = PL_BUF_EMPTY;

	world.written = room->dirty;
	world.head_written = room->head_dirty;
	pl_room_pack(room, &buf);
	pl_room_clear(room);
	cr_assert_eq(pl_room_unpack(room, buf.data, buf.len), PL_OK);
	pl_buf_free(&buf);
	room->online_since = old.online_since;
	room->last_beat_at = old.last_beat_at;
	room->due_at = old.due_at;
}

static struct pl_turn
turn(int64_t now)
{
	return (struct pl_turn){&world.rules, now, &world.seq, on_change, NULL};
}

void
world_settle(int64_t now)
{
	struct pl_turn t = turn(now);

	cr_assert_eq(pl_room_settle(&world.room, &t), PL_OK);
	save();
}

enum pl_err
world_try(size_t session, const struct pl_beat *beat, int64_t now)
{
	struct pl_turn t = turn(now);
	enum pl_err err;

	err = pl_room_settle(&world.room, &t);
	if (err == PL_OK)
		err = pl_room_beat(&world.room, session, beat, &t);
	save();
	return err;
}

void
world_say(size_t session, const struct pl_beat *beat, int64_t now)
{
	cr_assert_eq(world_try(session, beat, now), PL_OK);
}

void
world_beat(size_t session, uint64_t tab, int64_t now)
{
	world_say(session, &(struct pl_beat){.tab = tab, .seq = -1}, now);
}

void
world_hidden(size_t session, uint64_t tab, int64_t now)
{
	world_say(session,
	    &(struct pl_beat){.tab = tab, .hidden = true, .seq = -1}, now);
}

void
world_leave(size_t session, uint64_t tab, int64_t now)
{
	world_say(session,
	    &(struct pl_beat){.kind = PL_LEAVE, .tab = tab, .seq = -1}, now);
}

struct pl_state
world_state(int64_t at)
{
	return pl_room_state(&world.room, PL_ALL_SESSIONS, at);
}

const struct pl_tab *
world_tab(uint64_t tab)
{
	size_t i;

	for (i = 0; i < world.room.ntabs; i++)
		if (world.room.tabs[i].tab == tab)
			return &world.room.tabs[i];
	return NULL;
}

void
world_expect(size_t n, const struct world_event *expected)
{
	size_t i, from;

	cr_assert_geq(
	    world.nevents, n, "%zu events, not %zu", world.nevents, n);
	from = world.nevents - n;
	for (i = 0; i < n; i++) {
		const struct world_event *e = &world.events[from + i],
					 *x = &expected[i];

		cr_expect_eq(e->session, x->session, "event %zu: session", i);
		cr_expect_eq(e->online, x->online, "event %zu: online", i);
		cr_expect_eq(e->reason, x->reason, "event %zu: reason", i);
		cr_expect_eq(e->at, x->at, "event %zu: %lld ms late", i,
		    (long long)(e->at - x->at));
		cr_expect_eq(e->status, x->status, "event %zu: status", i);
		cr_expect_eq(e->connections, x->connections,
		    "event %zu: connections", i);
		cr_expect_eq(e->expires_at, x->expires_at,
		    "event %zu: expires_at is off by %lld ms", i,
		    (long long)(e->expires_at - x->expires_at));
	}
}
