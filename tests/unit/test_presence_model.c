/*
 * The room against a model of it that is too simple to be wrong: a set of
 * tabs with leases, walked through millisecond by millisecond. Windows are
 * tens of milliseconds, so that random messages meet every boundary.
 */
#include <stdio.h>
#include <string.h>

#include "presence.h"
#include "../lib/test.h"
#include "../lib/world.h"

#define SESSIONS 2
#define TABS 4 /* of each session */
#define STEPS 400

struct model_tab {
	bool known, live, hidden, left;
	int64_t message, beat_at, expires_at;
};

struct model_event {
	int64_t at, expires_at;
	int session, connections;
	bool online;
	enum pl_reason reason;
	enum pl_status status;
};

static struct {
	struct model_tab tabs[SESSIONS][TABS];
	struct model_event events[WORLD_EVENTS];
	size_t nevents;
	int64_t now; /* all that ran out up to here has run out */
	bool here[SESSIONS];
} model;

static uint64_t dice;

/* splitmix64, https://prng.di.unimi.it/splitmix64.c: same numbers everywhere */
static unsigned int
roll(unsigned int sides)
{
	uint64_t z = (dice += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned int)((z ^ (z >> 31)) % sides);
}

static int
count(int session)
{
	int tab, n = 0;

	for (tab = 0; tab < TABS; tab++)
		n += model.tabs[session][tab].live;
	return n;
}

/* What the conversation is now, as an event tells it. */
static void
tell(int session, bool online, enum pl_reason reason)
{
	struct model_event *e = &model.events[model.nevents++];
	int s, tab;

	*e = (struct model_event){.at = model.now,
	    .session = session,
	    .online = online,
	    .reason = reason};
	for (s = 0; s < SESSIONS; s++)
		for (tab = 0; tab < TABS; tab++) {
			struct model_tab *t = &model.tabs[s][tab];

			if (!t->live)
				continue;
			e->connections++;
			if (t->expires_at > e->expires_at)
				e->expires_at = t->expires_at;
			if (!t->hidden)
				e->status = PL_ONLINE;
			else if (e->status == PL_OFFLINE)
				e->status = PL_AWAY;
		}
}

/* Ends what ends at this very millisecond; then tells who has gone. */
static void
run_out(void)
{
	enum pl_reason reason[SESSIONS] = {PL_REASON_NONE};
	int s, tab;

	for (s = 0; s < SESSIONS; s++)
		for (tab = 0; tab < TABS; tab++) {
			struct model_tab *t = &model.tabs[s][tab];

			if (!t->live || model.now < t->expires_at)
				continue;
			t->live = false;
			/* Of several that end at once the room takes one. */
			reason[s] |=
			    t->left ? PL_REASON_LEFT : PL_REASON_TIMEOUT;
		}
	for (s = 0; s < SESSIONS; s++)
		if (model.here[s] && count(s) == 0) {
			model.here[s] = false;
			tell(s, false, reason[s]);
		}
}

static void
say(int session, const struct pl_beat *beat)
{
	struct model_tab *t = &model.tabs[session][beat->tab % TABS];
	const struct pl_rules *r = &world.rules;

	if (t->known && beat->seq >= 0 && beat->seq <= t->message)
		return;
	if (t->live && !t->left && beat->kind == PL_BEAT &&
	    beat->hidden == t->hidden &&
	    model.now - t->beat_at < r->min_beat_ms)
		return;
	if (!t->known)
		t->message = -1;
	t->known = true;
	if (beat->seq > t->message)
		t->message = beat->seq;
	if (beat->kind == PL_LEAVE) {
		if (!t->live)
			return;
		t->left = true;
		if (model.now + r->leave_grace_ms < t->expires_at)
			t->expires_at = model.now + r->leave_grace_ms;
		run_out();
		return;
	}
	t->live = true;
	t->left = false;
	t->hidden = beat->hidden;
	t->beat_at = model.now;
	t->expires_at =
	    model.now + (t->hidden ? r->hidden_timeout_ms : r->timeout_ms);
	if (!model.here[session]) {
		model.here[session] = true;
		tell(session, true, PL_REASON_NONE);
	}
}

/* Walks to `at`, and compares who is here at each millisecond. */
static void
walk_to(int64_t at)
{
	int s;

	for (; model.now < at; model.now++) {
		run_out();
		for (s = 0; s < SESSIONS; s++)
			cr_assert_eq(
			    pl_room_state(&world.room, (size_t)s, model.now)
				.connections,
			    count(s), "at %lld: session %d",
			    (long long)(model.now - T0), s);
	}
	model.now = at;
	run_out();
}

/* Whoever waits until due_at misses nothing. */
static void
check_due(void)
{
	int s, tab;

	for (s = 0; s < SESSIONS; s++)
		for (tab = 0; tab < TABS; tab++)
			if (model.tabs[s][tab].live) {
				cr_assert_gt(world.room.due_at, 0);
				cr_assert_leq(world.room.due_at,
				    model.tabs[s][tab].expires_at,
				    "due_at is %lld ms late",
				    (long long)(world.room.due_at -
						model.tabs[s][tab].expires_at));
			}
}

/* The same events for each session, at the same moments, in turns. */
static void
compare_events(uint64_t seed)
{
	size_t i, j = 0;
	int64_t seq = 0, at = 0;
	bool here[SESSIONS] = {false};
	int s;

	cr_assert_eq(world.nevents, model.nevents, "seed %llu: %zu, not %zu",
	    (unsigned long long)seed, world.nevents, model.nevents);
	for (i = 0; i < world.nevents; i++) {
		cr_assert_gt(world.events[i].seq, seq);
		cr_assert_geq(world.events[i].at, at);
		seq = world.events[i].seq;
		at = world.events[i].at;
		cr_assert_neq(world.events[i].online,
		    here[world.events[i].session], "online twice in a row");
		here[world.events[i].session] = world.events[i].online;
	}
	for (s = 0; s < SESSIONS; s++)
		for (i = j = 0; i < world.nevents; i++) {
			const struct world_event *e = &world.events[i];
			const struct model_event *m;

			if (e->session != s)
				continue;
			while (model.events[j].session != s)
				j++;
			m = &model.events[j++];
			cr_assert_eq(e->at, m->at, "seed %llu, event %zu",
			    (unsigned long long)seed, i);
			cr_assert_eq(e->online, m->online);
			cr_assert_eq(e->reason & m->reason, e->reason);
			cr_assert_eq(e->connections, m->connections);
			cr_assert_eq(e->status, m->status);
			cr_assert_eq(e->expires_at, m->expires_at);
		}
}

static void
random_message(
    int64_t *next_seq, bool numbered, int *session, struct pl_beat *beat)
{
	unsigned int kind = roll(10);

	*session = (int)roll(SESSIONS);
	*beat = (struct pl_beat){.kind = kind < 3 ? PL_LEAVE : PL_BEAT,
	    .tab = roll(TABS),
	    .hidden = roll(3) == 0,
	    .seq = -1};
	if (!numbered)
		return;
	/* A third of them late, some twice. */
	if (roll(3) == 0)
		beat->seq = (int64_t)roll((unsigned int)*next_seq);
	else
		beat->seq = (*next_seq)++;
}

static void
play(uint64_t seed)
{
	int64_t next_seq = 1, at = T0;
	bool numbered = seed % 2 == 0;
	struct pl_beat beat;
	int i, session;

	dice = seed;
	memset(&model, 0, sizeof(model));
	model.now = T0;
	world.rules = (struct pl_rules){.timeout_ms = 30 + roll(40),
	    .hidden_timeout_ms = 70 + roll(60),
	    .leave_grace_ms = seed % 5 == 0 ? 0 : roll(20),
	    .min_beat_ms = numbered ? 0 : roll(10)};
	for (i = 0; i < STEPS; i++) {
		at += roll(8) == 0 ? roll(200) : roll(12);
		walk_to(at);
		if (roll(6) == 0)
			world_settle(at);
		random_message(&next_seq, numbered, &session, &beat);
		say(session, &beat);
		world_say((size_t)session, &beat, at);
		check_due();
	}
	walk_to(at + 1000);
	world_settle(at + 1000);
	compare_events(seed);
	cr_assert_eq(world.room.online_since, 0);
}

/* 300 random days of a conversation with two devices and eight pages. */
Test(presence_model, room_agrees_with_the_model_at_every_millisecond)
{
	uint64_t seed;

	for (seed = 1; seed <= 300; seed++) {
		world_open();
		play(seed);
		world_close();
	}
}

/* Settling at due_at and at no other time: every event comes in time. */
Test(presence_model, waking_at_due_is_enough)
{
	struct pl_beat beat;
	int64_t next_seq = 1, at, end;
	uint64_t seed;
	size_t before, i, woken;
	int session, n;

	for (seed = 1; seed <= 100; seed++) {
		world_open();
		world.rules = (struct pl_rules){40, 90, 5, 0};
		dice = seed;
		for (at = T0, n = 0; n < 200; n++) {
			end = at + roll(60);
			for (woken = 0;
			     world.room.due_at != 0 && world.room.due_at <= end;
			     woken++) {
				at = world.room.due_at;
				before = world.nevents;
				world_settle(at);
				for (i = before; i < world.nevents; i++)
					cr_assert_eq(world.events[i].at, at,
					    "seed %llu: noticed late",
					    (unsigned long long)seed);
				cr_assert_lt(woken, 40, "wakes for nothing");
			}
			at = end;
			random_message(&next_seq, false, &session, &beat);
			world_say((size_t)session, &beat, at);
		}
		world_close();
	}
}
