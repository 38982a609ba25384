/*
 * A conversation in memory: its sessions, its tabs, and what they add up to
 * at a moment. Filled from the store, changed by the rules.
 */
#include <stdlib.h>
#include <string.h>

#include "room.h"

static const char *const status_names[] = {
    [PL_OFFLINE] = "offline",
    [PL_AWAY] = "away",
    [PL_ONLINE] = "online",
};

const char *
pl_status_name(enum pl_status status)
{
	return status_names[status];
}

void
pl_room_init(struct pl_room *room)
{
	memset(room, 0, sizeof(*room));
}

void
pl_room_clear(struct pl_room *room)
{
	room->online_since = room->last_beat_at = room->due_at = 0;
	room->head_dirty = room->dirty = false;
	room->nsessions = room->ntabs = 0;
}

void
pl_room_close(struct pl_room *room)
{
	free(room->sessions);
	free(room->tabs);
	pl_room_init(room);
}

/* Room for one more of `size` bytes; false without memory. */
static bool
make_room(void **array, size_t n, size_t *cap, size_t size)
{
	size_t wanted = *cap == 0 ? 8 : *cap * 2;
	void *p;

	if (n < *cap)
		return true;
	if (wanted > SIZE_MAX / size ||
	    (p = realloc(*array, wanted * size)) == NULL)
		return false;
	*array = p;
	*cap = wanted;
	return true;
}

struct pl_session *
pl_room_add_session(struct pl_room *room)
{
	void *p = room->sessions;

	if (!make_room(&p, room->nsessions, &room->sessions_cap,
		sizeof(struct pl_session)))
		return NULL;
	room->sessions = p;
	memset(&room->sessions[room->nsessions], 0, sizeof(struct pl_session));
	return &room->sessions[room->nsessions++];
}

struct pl_tab *
pl_room_add_tab(struct pl_room *room, size_t session)
{
	struct pl_tab *tab;
	void *p = room->tabs;

	if (!make_room(&p, room->ntabs, &room->tabs_cap, sizeof(struct pl_tab)))
		return NULL;
	room->tabs = p;
	tab = &room->tabs[room->ntabs++];
	memset(tab, 0, sizeof(*tab));
	tab->session = session;
	tab->message = -1;
	return tab;
}

void
pl_room_drop_tab(struct pl_room *room, size_t tab)
{
	room->ntabs--;
	memmove(&room->tabs[tab], &room->tabs[tab + 1],
	    (room->ntabs - tab) * sizeof(*room->tabs));
}

void
pl_room_drop_session(struct pl_room *room, size_t session)
{
	size_t i;

	for (i = room->ntabs; i-- > 0;)
		if (room->tabs[i].session == session)
			pl_room_drop_tab(room, i);
		else if (room->tabs[i].session > session)
			room->tabs[i].session--;
	room->nsessions--;
	memmove(&room->sessions[session], &room->sessions[session + 1],
	    (room->nsessions - session) * sizeof(*room->sessions));
}

static bool
is_live(const struct pl_tab *tab, int64_t at)
{
	return tab->state != PL_TAB_GONE && at < tab->expires_at;
}

static int64_t
max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

const struct pl_tab *
pl_room_latest(const struct pl_room *room, size_t session)
{
	const struct pl_tab *found = NULL, *tab;
	size_t i;

	for (i = 0; i < room->ntabs; i++) {
		tab = &room->tabs[i];
		if (tab->session == session &&
		    (found == NULL || tab->rev > found->rev))
			found = tab;
	}
	return found;
}

struct pl_state
pl_room_state(const struct pl_room *room, size_t session, int64_t at)
{
	struct pl_state st = {.status = PL_OFFLINE};
	size_t i, last = PL_ALL_SESSIONS;

	if (session == PL_ALL_SESSIONS)
		st.last_beat_at = room->last_beat_at;
	for (i = 0; i < room->ntabs; i++) {
		const struct pl_tab *tab = &room->tabs[i];

		if (session != PL_ALL_SESSIONS && tab->session != session)
			continue;
		st.last_beat_at = max64(st.last_beat_at, tab->beat_at);
		if (!is_live(tab, at))
			continue;
		st.connections++;
		/* The tabs of a session stand side by side. */
		st.devices += tab->session != last;
		last = tab->session;
		st.expires_at = max64(st.expires_at, tab->expires_at);
		st.typing |= at < tab->typing_until;
		if (!tab->hidden)
			st.status = PL_ONLINE;
		else if (st.status == PL_OFFLINE)
			st.status = PL_AWAY;
	}
	return st;
}
