#include <string.h>

#include "presence.h"
#include "../lib/test.h"
#include "../lib/world.h"

TestSuite(presence, .init = world_open, .fini = world_close);

#define ONLINE(s, t, st, n, until)                                             \
	{                                                                      \
		.session = (s), .online = true, .at = (t), .status = (st),     \
		.connections = (n), .expires_at = (until)                      \
	}
#define GONE(s, t, why)                                                        \
	{                                                                      \
		.session = (s), .reason = (why), .at = (t)                     \
	}

/* ---- leases ---- */

/* The window: online at 59.999 s, offline at 60.000 s, dated there. */
Test(presence, visible_tab_is_online_for_sixty_seconds)
{
	world_beat(0, 7, T0);
	world_settle(T0 + 59999);
	cr_expect_eq(world_state(T0 + 59999).status, PL_ONLINE);
	cr_expect_eq(world.nevents, 1);
	world_settle(T0 + 60000);
	cr_expect_eq(world_state(T0 + 60000).status, PL_OFFLINE);
	cr_expect_eq(world.nevents, 2);
	world_expect(
	    2, (struct world_event[]){ONLINE(0, T0, PL_ONLINE, 1, T0 + 60000),
		   GONE(0, T0 + 60000, PL_REASON_TIMEOUT)});
}

/* The lease alone decides; nothing has to have been settled. */
Test(presence, state_follows_the_lease_before_anybody_settles)
{
	world_beat(0, 7, T0);
	cr_expect_eq(world_state(T0 + 59999).connections, 1);
	cr_expect_eq(world_state(T0 + 59999).expires_at, T0 + 60000);
	cr_expect_eq(world_state(T0 + 60000).connections, 0);
	cr_expect_eq(world_state(T0 + 60000).expires_at, 0);
	cr_expect_eq(world_state(T0 + 60000).last_beat_at, T0);
}

/* Whoever notices late dates it at the moment it ran out. */
Test(presence, going_is_dated_when_it_happened_not_when_noticed)
{
	world_beat(0, 7, T0);
	world_settle(T0 + 3600000);
	world_expect(
	    1, (struct world_event[]){GONE(0, T0 + 60000, PL_REASON_TIMEOUT)});
	world_settle(T0 + 3600001);
	cr_expect_eq(world.nevents, 2, "told once");
}

/* Timers of hidden tabs are slow: they get 150 s, and are away. */
Test(presence, hidden_tab_is_away_for_a_hundred_and_fifty_seconds)
{
	world_hidden(0, 7, T0);
	world_settle(T0 + 149999);
	cr_expect_eq(world_state(T0 + 149999).status, PL_AWAY);
	world_settle(T0 + 150000);
	world_expect(
	    2, (struct world_event[]){ONLINE(0, T0, PL_AWAY, 1, T0 + 150000),
		   GONE(0, T0 + 150000, PL_REASON_TIMEOUT)});
}

/* A beat renews; the coming is not told again. */
Test(presence, beats_renew_the_lease)
{
	int64_t at;

	for (at = T0; at < T0 + 600000; at += 25000)
		world_beat(0, 7, at);
	cr_expect_eq(world.nevents, 1);
	cr_expect_eq(world.room.online_since, T0);
	cr_expect_eq(world_state(at).expires_at, at - 25000 + 60000);
}

/* A beat in the very millisecond in which the lease ends is a new coming. */
Test(presence, beat_at_the_very_end_comes_anew)
{
	world_beat(0, 7, T0);
	world_beat(0, 7, T0 + 60000);
	world_expect(
	    2, (struct world_event[]){GONE(0, T0 + 60000, PL_REASON_TIMEOUT),
		   ONLINE(0, T0 + 60000, PL_ONLINE, 1, T0 + 120000)});
	world_beat(0, 7, T0 + 119999);
	cr_expect_eq(world.nevents, 3);
}

/* A tab that becomes hidden gets the longer lease from that moment on. */
Test(presence, hiding_makes_away_and_showing_makes_online)
{
	world_beat(0, 7, T0);
	world_hidden(0, 7, T0 + 1000);
	cr_expect_eq(world_state(T0 + 1000).status, PL_AWAY);
	cr_expect_eq(world_state(T0 + 1000).expires_at, T0 + 151000);
	world_beat(0, 7, T0 + 2000);
	cr_expect_eq(world_state(T0 + 2000).status, PL_ONLINE);
	cr_expect_eq(world_state(T0 + 2000).expires_at, T0 + 62000);
	cr_expect_eq(world.nevents, 1);
}

/* ---- leaving ---- */

/* A leave takes the grace, then is told as such. */
Test(presence, leaving_takes_effect_after_the_grace)
{
	world_beat(0, 7, T0);
	world_leave(0, 7, T0 + 10000);
	cr_expect_eq(world_state(T0 + 11999).status, PL_ONLINE);
	cr_expect_eq(world_state(T0 + 12000).status, PL_OFFLINE);
	world_settle(T0 + 11999);
	cr_expect_eq(world.nevents, 1);
	world_settle(T0 + 12000);
	world_expect(
	    1, (struct world_event[]){GONE(0, T0 + 12000, PL_REASON_LEFT)});
}

/* With no grace it is over in the same moment, without another call. */
Test(presence, leaving_without_grace_is_at_once)
{
	world.rules.leave_grace_ms = 0;
	world_beat(0, 7, T0);
	world_leave(0, 7, T0 + 10000);
	world_expect(
	    1, (struct world_event[]){GONE(0, T0 + 10000, PL_REASON_LEFT)});
	cr_expect_eq(world_tab(7)->state, PL_TAB_GONE);
}

/* Grace gives nothing to a lease that ends before. */
Test(presence, leaving_never_lengthens_a_lease)
{
	world_beat(0, 7, T0);
	world_leave(0, 7, T0 + 59500);
	world_settle(T0 + 59999);
	cr_expect_eq(world.nevents, 1);
	world_settle(T0 + 60000);
	world_expect(
	    1, (struct world_event[]){GONE(0, T0 + 60000, PL_REASON_LEFT)});
}

/* A second goodbye changes neither moment nor reason. */
Test(presence, leaving_twice_is_leaving_once)
{
	world_beat(0, 7, T0);
	world_leave(0, 7, T0 + 10000);
	world_leave(0, 7, T0 + 11000);
	world_settle(T0 + 20000);
	world_expect(
	    2, (struct world_event[]){ONLINE(0, T0, PL_ONLINE, 1, T0 + 60000),
		   GONE(0, T0 + 12000, PL_REASON_LEFT)});
	world_leave(0, 7, T0 + 30000);
	world_settle(T0 + 40000);
	cr_expect_eq(world.nevents, 2);
}

/* Back from the back/forward cache in time: nobody learns that he left. */
Test(presence, coming_back_within_the_grace_is_no_event)
{
	world_beat(0, 7, T0);
	world_leave(0, 7, T0 + 10000);
	world_beat(0, 7, T0 + 11999);
	world_settle(T0 + 60000);
	cr_expect_eq(world.nevents, 1);
	cr_expect_eq(world_state(T0 + 60000).expires_at, T0 + 71999);
	cr_expect_eq(world.room.online_since, T0);
}

/* Back after the grace: a going and a coming, in this order. */
Test(presence, coming_back_after_the_grace_is_two_events)
{
	world_beat(0, 7, T0);
	world_leave(0, 7, T0 + 10000);
	world_beat(0, 7, T0 + 12000);
	world_expect(
	    2, (struct world_event[]){GONE(0, T0 + 12000, PL_REASON_LEFT),
		   ONLINE(0, T0 + 12000, PL_ONLINE, 1, T0 + 72000)});
	cr_expect_eq(world.room.online_since, T0 + 12000);
}

/* To the site's next page: the new tab comes while the old one goes. */
Test(presence, next_page_does_not_flicker)
{
	world_beat(0, 7, T0);
	world_leave(0, 7, T0 + 10000);
	world_beat(0, 8, T0 + 11500);
	world_settle(T0 + 30000);
	cr_expect_eq(world.nevents, 1);
	cr_expect_eq(world_state(T0 + 30000).connections, 1);
}

/* ---- several tabs, several devices ---- */

/* Only the last tab's end is a going. */
Test(presence, one_of_several_tabs_closing_is_no_going)
{
	world_beat(0, 7, T0);
	world_beat(0, 8, T0 + 1000);
	cr_expect_eq(world_state(T0 + 1000).connections, 2);
	cr_expect_eq(world_state(T0 + 1000).devices, 1);
	world_leave(0, 7, T0 + 2000);
	world_settle(T0 + 10000);
	cr_expect_eq(world.nevents, 1);
	cr_expect_eq(world_state(T0 + 10000).connections, 1);
	world_leave(0, 8, T0 + 20000);
	world_settle(T0 + 30000);
	world_expect(
	    1, (struct world_event[]){GONE(0, T0 + 22000, PL_REASON_LEFT)});
}

/* The reason is that of the last one to go. */
Test(presence, reason_is_that_of_the_last_tab)
{
	world_beat(0, 7, T0);
	world_beat(0, 8, T0);
	world_leave(0, 7, T0 + 5000);
	world_settle(T0 + 100000);
	world_expect(
	    1, (struct world_event[]){GONE(0, T0 + 60000, PL_REASON_TIMEOUT)});
	world_beat(0, 7, T0 + 200000);
	world_beat(0, 8, T0 + 240000);
	world_leave(0, 8, T0 + 270000);
	world_settle(T0 + 300000);
	world_expect(
	    1, (struct world_event[]){GONE(0, T0 + 272000, PL_REASON_LEFT)});
}

/* One visible tab makes it online, hidden ones beside it or not. */
Test(presence, one_visible_tab_makes_online)
{
	world_hidden(0, 7, T0);
	world_hidden(1, 8, T0);
	cr_expect_eq(world_state(T0).status, PL_AWAY);
	world_beat(1, 9, T0 + 1000);
	cr_expect_eq(world_state(T0 + 1000).status, PL_ONLINE);
	cr_expect_eq(world_state(T0 + 1000).connections, 3);
	cr_expect_eq(world_state(T0 + 1000).devices, 2);
	/* the visible one runs out first */
	cr_expect_eq(world_state(T0 + 61000).status, PL_AWAY);
	cr_expect_eq(world_state(T0 + 61000).expires_at, T0 + 150000);
}

/* Each device comes and goes by itself; events tell the conversation's sum. */
Test(presence, devices_come_and_go_by_themselves)
{
	world_beat(0, 7, T0);
	world_hidden(1, 8, T0 + 1000);
	world_leave(0, 7, T0 + 5000);
	world_settle(T0 + 400000);
	world_expect(
	    4, (struct world_event[]){ONLINE(0, T0, PL_ONLINE, 1, T0 + 60000),
		   ONLINE(1, T0 + 1000, PL_ONLINE, 2, T0 + 151000),
		   {.session = 0,
		       .reason = PL_REASON_LEFT,
		       .at = T0 + 7000,
		       .status = PL_AWAY,
		       .connections = 1,
		       .expires_at = T0 + 151000},
		   GONE(1, T0 + 151000, PL_REASON_TIMEOUT)});
	cr_expect_eq(world.room.online_since, 0);
}

/* Online since the first came, until the last has gone. */
Test(presence, conversation_is_online_from_first_to_last)
{
	world_beat(0, 7, T0);
	world_beat(1, 8, T0 + 30000);
	world_settle(T0 + 70000);
	cr_expect_eq(world.room.online_since, T0);
	cr_expect_eq(world.room.sessions[0].online_since, 0);
	cr_expect_eq(world.room.sessions[1].online_since, T0 + 30000);
	world_settle(T0 + 90000);
	cr_expect_eq(world.room.online_since, 0);
	cr_expect_eq(world.room.last_beat_at, T0 + 30000);
}

/* Two that run out in the same moment: two goings, both after both. */
Test(presence, two_devices_running_out_at_once)
{
	world_beat(0, 7, T0);
	world_beat(1, 8, T0);
	world_settle(T0 + 60000);
	cr_expect_eq(world.nevents, 4);
	world_expect(
	    2, (struct world_event[]){GONE(0, T0 + 60000, PL_REASON_TIMEOUT),
		   GONE(1, T0 + 60000, PL_REASON_TIMEOUT)});
}

/* The same tabId in two sessions is two tabs. */
Test(presence, tabs_of_two_sessions_may_share_a_name)
{
	world_beat(0, 7, T0);
	world_beat(1, 7, T0);
	cr_expect_eq(world_state(T0).connections, 2);
	world_leave(0, 7, T0 + 1000);
	world_settle(T0 + 10000);
	cr_expect_eq(world_state(T0 + 10000).connections, 1);
}

/* Devices are counted right also when their tabs came in turns. */
Test(presence, counts_devices_whose_tabs_came_in_turns)
{
	world_beat(1, 1, T0);
	world_beat(0, 2, T0);
	world_beat(1, 3, T0);
	world_beat(0, 4, T0);
	cr_expect_eq(world_state(T0).devices, 2);
	cr_expect_eq(world_state(T0).connections, 4);
}

/* ---- the order of messages ---- */

static struct pl_beat
message(enum pl_message kind, uint64_t tab, int64_t seq)
{
	return (struct pl_beat){.kind = kind, .tab = tab, .seq = seq};
}

/* A packet that was overtaken by the goodbye revives nobody. */
Test(presence, late_message_changes_nothing)
{
	struct pl_beat beat = message(PL_BEAT, 7, 1);
	struct pl_beat leave = message(PL_LEAVE, 7, 5);
	struct pl_beat late = message(PL_BEAT, 7, 4);
	struct pl_beat same = message(PL_BEAT, 7, 5);

	world_say(0, &beat, T0);
	world_say(0, &leave, T0 + 10000);
	world_say(0, &late, T0 + 10500);
	cr_expect_not(world.written);
	world_say(0, &late, T0 + 13000);
	world_say(0, &same, T0 + 14000);
	cr_expect_eq(world.nevents, 2);
	cr_expect_eq(world_state(T0 + 14000).status, PL_OFFLINE);
	cr_expect_eq(world_tab(7)->message, 5);
}

/* A goodbye that was overtaken by the beat of the page's return is late. */
Test(presence, late_goodbye_changes_nothing)
{
	struct pl_beat beat = message(PL_BEAT, 7, 6);
	struct pl_beat leave = message(PL_LEAVE, 7, 5);

	world_say(0, &beat, T0);
	world_say(0, &leave, T0 + 100);
	cr_expect_not(world.written);
	cr_expect_eq(world_state(T0 + 59999).status, PL_ONLINE);
}

/* As above, where the return came too soon to be written by itself. */
Test(presence, goodbye_overtaken_by_a_beat_that_changed_nothing_is_late)
{
	struct pl_beat first = message(PL_BEAT, 7, 3);
	struct pl_beat leave = message(PL_LEAVE, 7, 4);
	struct pl_beat back = message(PL_BEAT, 7, 5);

	world_say(0, &first, T0);
	world_say(0, &back, T0 + 1000); /* well within minBeat */
	world_say(0, &leave, T0 + 1050);
	world_settle(T0 + 10000);
	cr_expect_eq(world_state(T0 + 10000).status, PL_ONLINE,
	    "the page is there, and said so last");
	cr_expect_eq(world.nevents, 1);
}

/* Who sends no seq is always heard. */
Test(presence, message_without_seq_always_counts)
{
	struct pl_beat beat = message(PL_BEAT, 7, 9);

	world_say(0, &beat, T0);
	world_leave(0, 7, T0 + 10000);
	world_settle(T0 + 12000);
	world_beat(0, 7, T0 + 13000);
	cr_expect_eq(world_state(T0 + 13000).status, PL_ONLINE);
	cr_expect_eq(world_tab(7)->message, 9, "and the last seq stays known");
	world_say(0, &beat, T0 + 20000);
	cr_expect_not(world.written, "seq 9 stays late");
}

/* seq 0 is a number like others. */
Test(presence, seq_may_start_at_zero)
{
	struct pl_beat zero = message(PL_BEAT, 7, 0);
	struct pl_beat one = message(PL_LEAVE, 7, 1);

	world_say(0, &zero, T0);
	cr_expect_eq(world.nevents, 1);
	world_say(0, &one, T0 + 10000);
	world_say(0, &zero, T0 + 10500);
	world_settle(T0 + 12000);
	cr_expect_eq(world_state(T0 + 12000).status, PL_OFFLINE);
}

/* The goodbye of a page nobody knew is remembered: its beat comes late. */
Test(presence, goodbye_before_the_first_beat_is_remembered)
{
	struct pl_beat leave = message(PL_LEAVE, 7, 2);
	struct pl_beat online = message(PL_BEAT, 7, 1);
	struct pl_beat back = message(PL_BEAT, 7, 3);

	world_say(0, &leave, T0);
	cr_expect_eq(world.nevents, 0);
	cr_expect(world.written);
	world_say(0, &online, T0 + 300);
	cr_expect_eq(world.nevents, 0);
	cr_expect_eq(world_state(T0 + 300).status, PL_OFFLINE);
	cr_expect_eq(world_state(T0 + 300).last_beat_at, 0);
	world_say(0, &back, T0 + 1000);
	cr_expect_eq(world_state(T0 + 1000).status, PL_ONLINE);
}

/* ---- what is written ---- */

/* Faster than minBeat and nothing new: answered, not written. */
Test(presence, unchanged_beat_that_comes_too_soon_is_not_written)
{
	world_beat(0, 7, T0);
	world_beat(0, 7, T0 + 4999);
	cr_expect_not(world.written);
	cr_expect_not(world.head_written);
	cr_expect_eq(world_state(T0 + 5000).expires_at, T0 + 60000);
	world_beat(0, 7, T0 + 5000);
	cr_expect(world.written);
	cr_expect_eq(world_state(T0 + 5000).expires_at, T0 + 65000);
}

/* However soon: visibility, typing, goodbye and return are written. */
Test(presence, change_is_written_however_soon)
{
	struct pl_beat typing = {
	    .kind = PL_TYPING, .tab = 7, .typing = true, .seq = -1};
	struct pl_beat stops = {.kind = PL_TYPING, .tab = 7, .seq = -1};

	world_beat(0, 7, T0);
	world_hidden(0, 7, T0 + 1);
	cr_expect(world.written);
	world_beat(0, 7, T0 + 2);
	cr_expect(world.written);
	world_say(0, &typing, T0 + 3);
	cr_expect(world.written);
	world_say(0, &stops, T0 + 4);
	cr_expect(world.written);
	world_say(0, &stops, T0 + 5);
	cr_expect_not(world.written, "he had stopped already");
	world_leave(0, 7, T0 + 6);
	cr_expect(world.written);
	world_beat(0, 7, T0 + 7);
	cr_expect(world.written);
	cr_expect_eq(world.nevents, 1);
}

/* A beat's row is one row: the index on due_at is mostly left alone. */
Test(presence, due_moves_in_one_of_two_beats_at_most)
{
	size_t beats = 0, moved = 0;
	int64_t at;

	world_beat(0, 7, T0);
	for (at = T0 + 26000; at < T0 + 3600000; at += 26000) {
		world_beat(0, 7, at);
		cr_assert(world.written);
		cr_assert_leq(world.room.due_at, at + 60000);
		cr_assert_gt(world.room.due_at, at);
		beats++;
		moved += world.head_written;
	}
	cr_expect_leq(moved, beats / 2 + 1, "%zu of %zu", moved, beats);
}

/* ---- typing ---- */

/* Typing wears off after 6 s; that is a change, with a number. */
Test(presence, typing_wears_off_after_six_seconds)
{
	struct pl_beat typing = {
	    .kind = PL_TYPING, .tab = 7, .typing = true, .seq = -1};
	int64_t rev;

	world_beat(0, 7, T0);
	world_say(0, &typing, T0 + 1000);
	cr_expect(world_state(T0 + 6999).typing);
	cr_expect(!world_state(T0 + 7000).typing);
	cr_expect_leq(world.room.due_at, T0 + 7000);
	rev = world_tab(7)->rev;
	world_settle(T0 + 6999);
	cr_expect_eq(world_tab(7)->rev, rev);
	world_settle(T0 + 7500);
	cr_expect_eq(world_tab(7)->rev, rev + 1);
	cr_expect_eq(world_tab(7)->changed_at, T0 + 7000);
	cr_expect(world.written);
	world_settle(T0 + 8000);
	cr_expect_eq(world_tab(7)->rev, rev + 1);
	cr_expect_eq(world.nevents, 1);
	cr_expect_eq(world_state(T0 + 8000).expires_at, T0 + 61000,
	    "the word was a beat, too");
}

/* Going on typing goes on; saying false ends it. */
Test(presence, typing_goes_on_and_ends_by_word)
{
	struct pl_beat typing = {
	    .kind = PL_TYPING, .tab = 7, .typing = true, .seq = -1};
	struct pl_beat stops = {.kind = PL_TYPING, .tab = 7, .seq = -1};

	world_say(0, &typing, T0);
	cr_expect_eq(world.nevents, 1, "typing is a beat: he is here");
	world_say(0, &typing, T0 + 3000);
	world_settle(T0 + 8999);
	cr_expect(world_state(T0 + 8999).typing);
	world_say(0, &stops, T0 + 8999);
	cr_expect(!world_state(T0 + 8999).typing);
}

/* A plain beat neither starts nor stops it; a goodbye ends it. */
Test(presence, typing_ends_with_the_page)
{
	struct pl_beat typing = {
	    .kind = PL_TYPING, .tab = 7, .typing = true, .seq = -1};

	world_say(0, &typing, T0);
	world_beat(0, 7, T0 + 5500);
	cr_expect(world_state(T0 + 5999).typing);
	cr_expect(!world_state(T0 + 6000).typing);
	world_say(0, &typing, T0 + 10000);
	world_leave(0, 7, T0 + 11000);
	cr_expect(!world_state(T0 + 11000).typing);
}

/* ---- the numbers ---- */

/* rev above event_seq is what makes a heartbeat: which changes have it. */
Test(presence, numbers_tell_heartbeats_from_comings)
{
	int64_t rev;

	world_beat(0, 7, T0);
	cr_expect_eq(world_tab(7)->rev, world.room.sessions[0].event_seq);
	world_beat(0, 7, T0 + 20000);
	cr_expect_gt(world_tab(7)->rev, world.room.sessions[0].event_seq);
	world_beat(0, 8, T0 + 21000);
	cr_expect_gt(world_tab(8)->rev, world_tab(7)->rev);
	world_leave(0, 8, T0 + 22000);
	cr_expect_eq(world_tab(8)->rev, world.seq, "a goodbye is a change");
	rev = world.seq;
	world_settle(T0 + 24000);
	cr_expect_eq(world_tab(8)->rev, rev + 1, "so is one tab less");
	cr_expect_eq(world.seq, rev + 1);
	cr_expect_eq(world_tab(8)->changed_at, T0 + 24000);
	cr_expect_eq(world.nevents, 1);
	world_settle(T0 + 80000);
	cr_expect_eq(world.room.sessions[0].event_seq, world.seq);
	cr_expect_gt(world.room.sessions[0].event_seq, world_tab(7)->rev);
	cr_expect_gt(world.room.sessions[0].event_seq, world_tab(8)->rev);
}

/* What changes nothing takes no number. */
Test(presence, nothing_takes_no_number)
{
	struct pl_beat late = message(PL_BEAT, 7, 3);
	int64_t seq;

	world_say(0, &late, T0);
	seq = world.seq;
	world_beat(0, 7, T0 + 1000);
	world_say(0, &late, T0 + 20000);
	world_settle(T0 + 30000);
	cr_expect_eq(world.seq, seq);
}

/* A goodbye of an unknown page is no heartbeat: it has no number. */
Test(presence, unknown_goodbye_is_no_heartbeat)
{
	world_leave(0, 7, T0);
	cr_expect_eq(world_tab(7)->rev, 0);
	cr_expect_eq(world.seq, 0);
}

/* ---- bounds ---- */

/* A session has at most PL_TABS_MAX live tabs; one more is refused whole. */
Test(presence, live_tabs_of_a_session_are_bounded)
{
	struct pl_beat more = message(PL_BEAT, 1000, -1);
	uint64_t i;

	for (i = 0; i < PL_TABS_MAX; i++)
		world_beat(0, i, T0 + (int64_t)i);
	cr_expect_eq(world_state(T0 + 100).connections, PL_TABS_MAX);
	cr_expect_eq(world_try(0, &more, T0 + 100), PL_ERR_RATE);
	cr_expect_eq(world_state(T0 + 100).connections, PL_TABS_MAX);
	cr_expect_null(world_tab(1000));
	cr_expect_eq(world_try(1, &more, T0 + 100), PL_OK,
	    "another session has its own bound");
	world_beat(0, 3, T0 + 20000);
	cr_expect(world.written, "known tabs go on");
}

/* Gone ones make room for new ones, the oldest first. */
Test(presence, oldest_gone_tab_makes_room)
{
	uint64_t i;

	world.rules.leave_grace_ms = 0;
	for (i = 0; i < PL_TABS_MAX; i++) {
		world_beat(0, i, T0 + (int64_t)i * 10);
		world_leave(0, i, T0 + (int64_t)i * 10 + 5);
	}
	cr_expect_eq(world.room.ntabs, PL_TABS_MAX);
	for (i = 0; i < 10; i++)
		world_beat(0, 1000 + i, T0 + 5000);
	cr_expect_eq(world.room.ntabs, PL_TABS_MAX);
	for (i = 0; i < 10; i++)
		cr_expect_null(world_tab(i), "tab %d is older", (int)i);
	cr_expect_not_null(world_tab(10));
	cr_expect_eq(world_state(T0 + 5000).connections, 10);
}

/* A gone tab is remembered for ten minutes from its end, then forgotten. */
Test(presence, gone_tab_is_forgotten_after_ten_minutes)
{
	int64_t end = T0 + 60000;

	world_beat(0, 7, T0);
	world_settle(end + PL_TAB_MEMORY_MS - 1);
	cr_expect_not_null(world_tab(7));
	cr_expect_eq(world.room.due_at, end + PL_TAB_MEMORY_MS);
	world_settle(end + PL_TAB_MEMORY_MS);
	cr_expect_null(world_tab(7));
	cr_expect_eq(world.room.due_at, 0, "nothing more to wait for");
	cr_expect_eq(world_state(end + PL_TAB_MEMORY_MS).last_beat_at, T0,
	    "last seen stays");
	world_beat(0, 7, end + PL_TAB_MEMORY_MS + 1);
	cr_expect_eq(world_state(end + PL_TAB_MEMORY_MS + 1).connections, 1);
}

/* A tab forgotten and made anew in one turn is one tab. */
Test(presence, forgotten_tab_may_come_in_the_same_turn)
{
	world_beat(0, 7, T0);
	world_beat(0, 7, T0 + 60000 + PL_TAB_MEMORY_MS);
	cr_expect_eq(world.room.ntabs, 1);
	cr_expect_eq(world.nevents, 3);
	cr_expect_eq(world_state(T0 + 660000).connections, 1);
}

/* Last seen does not go back when the tab that was seen last is forgotten. */
Test(presence, last_seen_never_goes_back)
{
	world.rules.hidden_timeout_ms = 86400000;
	world_hidden(0, 7, T0);
	world_beat(0, 8, T0 + 50000);
	world_settle(T0 + 110000 + PL_TAB_MEMORY_MS);
	cr_expect_null(world_tab(8));
	cr_expect_eq(world_state(T0 + 800000).last_beat_at, T0 + 50000);
}

/* ---- the clock is set ---- */

/* Back by an hour: a lease is as long as one given now, not an hour longer. */
Test(presence, clock_set_back_shortens_leases)
{
	int64_t back = T0 - 3600000;

	world_beat(0, 7, T0);
	world_hidden(1, 8, T0);
	world_settle(back);
	cr_expect_eq(world_state(back).connections, 2);
	cr_expect_eq(world_tab(7)->expires_at, back + 60000);
	cr_expect_eq(world_tab(8)->expires_at, back + 150000);
	cr_expect_leq(world_tab(7)->beat_at, back);
	cr_expect_leq(world.room.due_at, back + 60000);
	cr_expect_eq(world.nevents, 2);
	world_settle(back + 60000);
	cr_expect_eq(world_state(back + 60000).connections, 1);
	world_settle(back + 150000);
	cr_expect_eq(world_state(back + 150000).connections, 0);
	cr_expect_eq(world.nevents, 4);
}

/* A goodbye is over after its grace all the same. */
Test(presence, clock_set_back_shortens_the_grace)
{
	int64_t back = T0 - 3600000;

	world_beat(0, 7, T0);
	world_leave(0, 7, T0 + 1000);
	world_settle(back);
	world_settle(back + 2000);
	world_expect(
	    1, (struct world_event[]){GONE(0, back + 2000, PL_REASON_LEFT)});
}

/* Typing and the memory of gone tabs do not last for the step either. */
Test(presence, clock_set_back_shortens_typing_and_memory)
{
	struct pl_beat typing = {
	    .kind = PL_TYPING, .tab = 7, .typing = true, .seq = -1};
	int64_t back = T0 - 3600000;

	world_say(0, &typing, T0);
	world_beat(0, 8, T0);
	world_leave(0, 8, T0);
	world_settle(T0 + 2000);
	world_settle(back);
	cr_expect(!world_state(back + 6000).typing);
	world_settle(back + PL_TAB_MEMORY_MS);
	cr_expect_null(world_tab(8));
}

/* A step of less than a second is noise and writes nothing. */
Test(presence, small_step_back_writes_nothing)
{
	world_beat(0, 7, T0);
	world_settle(T0 - 900);
	cr_expect_not(world.written);
	cr_expect_eq(world_tab(7)->expires_at, T0 + 60000);
}

/* After the clock went back a beat is not "too soon". */
Test(presence, beat_after_a_step_back_is_written)
{
	world_beat(0, 7, T0);
	world_beat(0, 7, T0 - 2000);
	cr_expect(world.written);
	cr_expect_eq(world_tab(7)->expires_at, T0 + 58000);
}

/* Forth and back again: gone at the true moment, back with the next beat. */
Test(presence, clock_set_forth_and_back)
{
	world_beat(0, 7, T0);
	world_settle(T0 + 3600000);
	world_expect(
	    1, (struct world_event[]){GONE(0, T0 + 60000, PL_REASON_TIMEOUT)});
	world_beat(0, 7, T0 + 3601000);
	world_settle(T0 + 2000);
	cr_expect_eq(world_state(T0 + 2000).connections, 1);
	world_settle(T0 + 62000);
	cr_expect_eq(world_state(T0 + 62000).connections, 0);
	world_beat(0, 7, T0 + 63000);
	cr_expect_eq(world_state(T0 + 63000).connections, 1);
	cr_expect_eq(world.nevents, 5);
}

/* A window made shorter by the operator holds for leases given before. */
Test(presence, shorter_window_holds_for_old_leases)
{
	world_beat(0, 7, T0);
	world.rules.timeout_ms = 3000;
	world_settle(T0 + 100);
	cr_expect_eq(world_tab(7)->expires_at, T0 + 3100);
}

/* ---- the rest ---- */

/* An error in recording comes out. */
Test(presence, error_of_recording_comes_out)
{
	struct pl_beat beat = message(PL_BEAT, 7, -1);

	world.fail = PL_ERR_STORE;
	cr_expect_eq(world_try(0, &beat, T0), PL_ERR_STORE);
	world.fail = PL_OK;
	world_beat(1, 8, T0);
	world.fail = PL_ERR_NOMEM;
	cr_expect_eq(world_try(1, &beat, T0 + 100000), PL_ERR_NOMEM);
}

/* State of one session looks at its tabs alone. */
Test(presence, state_of_a_session_is_its_own)
{
	struct pl_state st;

	world_hidden(0, 7, T0);
	world_beat(1, 8, T0 + 1000);
	st = pl_room_state(&world.room, 0, T0 + 2000);
	cr_expect_eq(st.status, PL_AWAY);
	cr_expect_eq(st.connections, 1);
	cr_expect_eq(st.devices, 1);
	cr_expect_eq(st.last_beat_at, T0);
	cr_expect_eq(st.expires_at, T0 + 150000);
}

/* The names that the contract has. */
Test(presence, names_of_status)
{
	cr_expect_str_eq(pl_status_name(PL_ONLINE), "online");
	cr_expect_str_eq(pl_status_name(PL_AWAY), "away");
	cr_expect_str_eq(pl_status_name(PL_OFFLINE), "offline");
}

/* The memory of a cleared room is used again; nothing of it shows. */
Test(presence, cleared_room_is_empty)
{
	world_beat(0, 7, T0);
	pl_room_clear(&world.room);
	cr_expect_eq(world.room.ntabs, 0);
	cr_expect_eq(world.room.nsessions, 0);
	cr_expect_eq(world_state(T0).status, PL_OFFLINE);
	cr_expect_eq(world_state(T0).last_beat_at, 0);
	cr_expect_eq(pl_room_add_session(&world.room)->event_seq, 0);
	cr_expect_eq(pl_room_add_tab(&world.room, 0)->state, PL_TAB_GONE);
	cr_expect_eq(world.room.tabs[0].message, -1);
}
