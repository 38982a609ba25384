/*
 * The rules of presence, as functions of a room and a moment. No clock, no
 * store, no network: who calls says what time it is.
 *
 *	            beat                         leave
 *	  (none) ─────────▶ LIVE ───────────────────────▶ LEFT
 *	                    ▲ │ now ≥ expires_at            │ now ≥ expires_at
 *	               beat │ ▼                             │
 *	                   GONE ◀───────────────────────────┘
 *
 * A tab is live while now < expires_at, whatever its state says: the state
 * only tells whether the end has been recorded. A session comes with its
 * first live tab and goes with its last; each of both is recorded once,
 * because recording it and changing the state are one transaction.
 *
 * rev is the number of a tab's last change. It orders what wrote no row in
 * the stream: a plain beat, a leave, a tab that ran out beside others, typing
 * that wore off. A session whose tabs bear a higher number than its last
 * recorded event has a heartbeat to tell.
 */
#include "presence.h"

static int64_t
max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
pl_lease(const struct pl_rules *rules, bool hidden)
{
	return hidden ? rules->hidden_timeout_ms : rules->timeout_ms;
}

/* Records a coming or going of the session at `at`. */
static enum pl_err
record(struct pl_room *room, size_t session, bool online, enum pl_reason reason,
    int64_t at, const struct pl_turn *turn)
{
	struct pl_session *s = &room->sessions[session];
	struct pl_state st = pl_room_state(room, PL_ALL_SESSIONS, at);
	struct pl_change change = {
	    .seq = ++*turn->seq,
	    .online = online,
	    .reason = reason,
	    .session = s,
	    .at = at,
	    .status = st.status,
	    .connections = st.connections,
	    .expires_at = st.expires_at,
	};

	s->online_since = online ? at : 0;
	s->event_seq = change.seq;
	room->dirty = true;
	if (online && room->online_since == 0) {
		room->online_since = at;
		room->head_dirty = true;
	} else if (!online && st.status == PL_OFFLINE) {
		room->online_since = 0;
		room->last_beat_at = st.last_beat_at;
		room->head_dirty = true;
	}
	return turn->record(turn->arg, &change);
}

static enum pl_err
run_out(struct pl_room *room, struct pl_tab *tab, const struct pl_turn *turn)
{
	enum pl_reason reason =
	    tab->state == PL_TAB_LEFT ? PL_REASON_LEFT : PL_REASON_TIMEOUT;
	size_t session = tab->session;
	int64_t at = tab->expires_at;

	tab->state = PL_TAB_GONE;
	tab->typing_until = 0;
	tab->changed_at = at;
	room->dirty = true;
	if (room->sessions[session].online_since == 0)
		return PL_OK;
	if (pl_room_state(room, session, at).connections > 0) {
		tab->rev = ++*turn->seq;
		return PL_OK;
	}
	return record(room, session, false, reason, at, turn);
}

/* The moment at which the tab changes by itself. */
static int64_t
next_change(const struct pl_tab *tab)
{
	if (tab->state == PL_TAB_GONE)
		return tab->changed_at + PL_TAB_MEMORY_MS;
	if (tab->typing_until != 0)
		return min64(tab->expires_at, tab->typing_until);
	return tab->expires_at;
}

static struct pl_tab *
earliest(const struct pl_room *room)
{
	struct pl_tab *found = NULL;
	size_t i;

	for (i = 0; i < room->ntabs; i++)
		if (found == NULL ||
		    next_change(&room->tabs[i]) < next_change(found))
			found = &room->tabs[i];
	return found;
}

/*
 * A clock that was set back leaves leases that would last for as long as the
 * step, and so does a window that was made shorter: none is longer than if
 * it were given now.
 */
static void
shorten(struct pl_room *room, const struct pl_turn *turn)
{
	size_t i;

	for (i = 0; i < room->ntabs; i++) {
		struct pl_tab *tab = &room->tabs[i];
		int64_t most =
		    turn->now + (tab->state == PL_TAB_LEFT
					? turn->rules->leave_grace_ms
					: pl_lease(turn->rules, tab->hidden));

		if (tab->changed_at > turn->now + PL_CLOCK_SLACK_MS) {
			tab->changed_at = turn->now;
			room->dirty = true;
		}
		if (tab->state == PL_TAB_GONE ||
		    tab->expires_at <= most + PL_CLOCK_SLACK_MS)
			continue;
		tab->expires_at = most;
		tab->beat_at = min64(tab->beat_at, turn->now);
		tab->typing_until =
		    min64(tab->typing_until, turn->now + PL_TYPING_MS);
		room->dirty = true;
	}
}

/*
 * due_at is moved when it must be earlier, and when it is no more than
 * `margin` away. A beat takes half a window, so of two beats in a row one at
 * most pays for the index; who looks takes nothing. Who looks too early
 * finds nothing, and looks again.
 */
static void
set_due(struct pl_room *room, const struct pl_turn *turn, int64_t margin)
{
	struct pl_tab *tab = earliest(room);
	int64_t next = tab == NULL ? INT64_MAX : next_change(tab);
	int64_t due = next == INT64_MAX ? 0 : next;

	if (room->due_at == due)
		return;
	if (due != 0 && room->due_at != 0 && room->due_at <= due &&
	    room->due_at - turn->now > margin)
		return;
	room->due_at = due;
	room->head_dirty = true;
}

/* A tab that is not remembered any more leaves its last beat behind. */
static void
forget(struct pl_room *room, struct pl_tab *tab)
{
	if (tab->beat_at > room->last_beat_at) {
		room->last_beat_at = tab->beat_at;
		room->head_dirty = true;
	}
	pl_room_drop_tab(room, (size_t)(tab - room->tabs));
	room->dirty = true;
}

static enum pl_err
change_one(struct pl_room *room, struct pl_tab *tab, const struct pl_turn *turn)
{
	if (tab->state == PL_TAB_GONE) {
		forget(room, tab);
		return PL_OK;
	}
	if (tab->typing_until != 0 && tab->typing_until < tab->expires_at) {
		tab->changed_at = tab->typing_until;
		tab->typing_until = 0;
		tab->rev = ++*turn->seq;
		room->dirty = true;
		return PL_OK;
	}
	return run_out(room, tab, turn);
}

static enum pl_err
settle(struct pl_room *room, const struct pl_turn *turn, int64_t margin)
{
	struct pl_tab *tab;
	enum pl_err err;

	shorten(room, turn);
	while ((tab = earliest(room)) != NULL && next_change(tab) <= turn->now)
		if ((err = change_one(room, tab, turn)) != PL_OK)
			return err;
	set_due(room, turn, margin);
	return PL_OK;
}

enum pl_err
pl_room_settle(struct pl_room *room, const struct pl_turn *turn)
{
	return settle(room, turn, 0);
}

static struct pl_tab *
find_tab(struct pl_room *room, size_t session, uint64_t name)
{
	size_t i;

	for (i = 0; i < room->ntabs; i++)
		if (room->tabs[i].session == session &&
		    room->tabs[i].tab == name)
			return &room->tabs[i];
	return NULL;
}

/*
 * Keeps the tabs of a session bounded: forgets its oldest gone tab. One that
 * has PL_TABS_MAX live ones is told by false.
 */
static bool
make_way(struct pl_room *room, size_t session)
{
	struct pl_tab *oldest = NULL, *tab;
	size_t i, n = 0;

	for (i = 0; i < room->ntabs; i++) {
		tab = &room->tabs[i];
		if (tab->session != session)
			continue;
		n++;
		if (tab->state == PL_TAB_GONE &&
		    (oldest == NULL || tab->changed_at < oldest->changed_at))
			oldest = tab;
	}
	if (n < PL_TABS_MAX)
		return true;
	if (oldest == NULL)
		return false;
	forget(room, oldest);
	return true;
}

/* A new tab beside the others of its session: state() counts devices so. */
static enum pl_err
new_tab(
    struct pl_room *room, size_t session, uint64_t name, struct pl_tab **out)
{
	struct pl_tab *tab, fresh;
	size_t i;

	if (!make_way(room, session))
		return PL_ERR_RATE;
	if ((tab = pl_room_add_tab(room, session)) == NULL)
		return PL_ERR_NOMEM;
	tab->tab = name;
	fresh = *tab;
	for (i = room->ntabs - 1; i > 0; i--) {
		if (room->tabs[i - 1].session <= session)
			break;
		room->tabs[i] = room->tabs[i - 1];
	}
	room->tabs[i] = fresh;
	*out = &room->tabs[i];
	return PL_OK;
}

static void
leave(struct pl_tab *tab, const struct pl_turn *turn)
{
	if (tab->state == PL_TAB_GONE) {
		if (tab->changed_at == 0)
			tab->changed_at = tab->expires_at = turn->now;
		return;
	}
	tab->expires_at =
	    min64(tab->expires_at, turn->now + turn->rules->leave_grace_ms);
	tab->state = PL_TAB_LEFT;
	tab->typing_until = 0;
	tab->changed_at = turn->now;
	tab->rev = ++*turn->seq;
}

/*
 * Such a beat is not written, so its number is not kept either: one that
 * leaves a gap is written all the same, or what it overtook could count.
 */
static bool
changes_nothing(const struct pl_tab *tab, const struct pl_beat *beat,
    const struct pl_turn *turn)
{
	int64_t age = turn->now - tab->beat_at;

	return tab->state == PL_TAB_LIVE && tab->hidden == beat->hidden &&
	       (beat->kind != PL_TYPING ||
		   (!beat->typing && tab->typing_until == 0)) &&
	       beat->seq <= tab->message + 1 && age >= 0 &&
	       age < turn->rules->min_beat_ms;
}

static enum pl_err
live_on(struct pl_room *room, struct pl_tab *tab, const struct pl_beat *beat,
    const struct pl_turn *turn)
{
	size_t session = tab->session;
	enum pl_err err;

	tab->state = PL_TAB_LIVE;
	tab->hidden = beat->hidden;
	tab->beat_at = tab->changed_at = turn->now;
	tab->expires_at = turn->now + pl_lease(turn->rules, beat->hidden);
	if (beat->kind == PL_TYPING)
		tab->typing_until = beat->typing ? turn->now + PL_TYPING_MS : 0;
	if (room->sessions[session].online_since != 0) {
		tab->rev = ++*turn->seq;
		return PL_OK;
	}
	err = record(room, session, true, PL_REASON_NONE, turn->now, turn);
	tab->rev = room->sessions[session].event_seq;
	return err;
}

enum pl_err
pl_room_beat(struct pl_room *room, size_t session, const struct pl_beat *beat,
    const struct pl_turn *turn)
{
	struct pl_tab *tab = find_tab(room, session, beat->tab);
	enum pl_err err;

	if (tab == NULL) {
		err = new_tab(room, session, beat->tab, &tab);
		if (err != PL_OK)
			return err;
	} else if (beat->seq >= 0 && beat->seq <= tab->message)
		return PL_OK;
	else if (beat->kind != PL_LEAVE && changes_nothing(tab, beat, turn))
		return PL_OK;
	room->dirty = true;
	tab->message = max64(tab->message, beat->seq);
	if (beat->kind == PL_LEAVE)
		leave(tab, turn);
	else if ((err = live_on(room, tab, beat, turn)) != PL_OK)
		return err;
	/* Without grace a leave runs out at once. */
	return settle(room, turn, turn->rules->timeout_ms / 2);
}
