#include <stdio.h>
#include <string.h>

#include "stage.h"
#include "test.h"
#include "tmpdir.h"

struct pl_store *stage;
int64_t acme, globex;
struct pl_beat_result stage_result;
const struct pl_rules stage_rules = {60000, 150000, 2000, 5000};

static char path[1024];

const char *
stage_path(void)
{
	return path;
}

static struct pl_store *
open_store(bool create, int64_t now)
{
	struct pl_store *s = NULL;

	cr_assert_eq(pl_sqlite_open(&s, path, create, &stage_rules,
			 STAGE_RETENTION_MS, now),
	    PL_OK);
	return s;
}

struct pl_store *
stage_again(int64_t now)
{
	return open_store(false, now);
}

static int64_t
company(const char *name)
{
	uint8_t key[PL_HASH_LEN];
	int64_t id = 0;

	pl_secret_hash(name, key);
	cr_assert_eq(
	    stage->ops->company_add(stage, name, key, name, &id), PL_OK);
	return id;
}

void
stage_open(void)
{
	tmpdir_make();
	snprintf(path, sizeof(path), "%s", tmpdir_path("porchlight.db"));
	stage = open_store(true, T0);
	stage_write(T0);
	acme = company("acme");
	globex = company("globex");
	stage_commit();
}

void
stage_close(void)
{
	if (stage != NULL)
		stage->ops->close(stage);
	stage = NULL;
	tmpdir_remove();
}

void
stage_write(int64_t now)
{
	cr_assert_eq(stage->ops->begin(stage, PL_TXN_WRITE, now), PL_OK);
}

void
stage_read(int64_t now)
{
	cr_assert_eq(stage->ops->begin(stage, PL_TXN_READ, now), PL_OK);
}

void
stage_commit(void)
{
	bool changed;

	cr_assert_eq(stage->ops->commit(stage, &changed), PL_OK);
	stage->ops->tidy(stage, false);
}

const uint8_t *
stage_secret(unsigned int session)
{
	static uint8_t secrets[8][PL_SESSION_LEN];
	static unsigned int next;
	uint8_t *secret = secrets[next++ % 8];

	memset(secret, 0xa5, PL_SESSION_LEN);
	memcpy(secret, &session, sizeof(session));
	return secret;
}

static void
make(struct pl_conversation *c, unsigned int session)
{
	bool created;

	stage_write(T0);
	cr_assert_eq(stage->ops->conversation_add(
			 stage, c, stage_secret(session), &created),
	    PL_OK);
	stage_commit();
}

void
stage_conversation_as(int64_t of, const char *id, unsigned int session,
    const char *platform, const char *inbox)
{
	struct pl_conversation c = {.company = of,
	    .public_id = id,
	    .platform = platform,
	    .inbox = inbox};

	make(&c, session);
}

void
stage_own(int64_t of, unsigned int session, char id[PL_CONVERSATION_ID_LEN + 1])
{
	struct pl_conversation c = {
	    .company = of, .platform = "WIDGET", .inbox = ""};

	make(&c, session);
	cr_assert_eq(strlen(c.public_id), PL_CONVERSATION_ID_LEN);
	strcpy(id, c.public_id);
}

void
stage_conversation(int64_t of, const char *id, unsigned int session)
{
	stage_conversation_as(of, id, session, "WIDGET", "");
}

static void
say(const char *id, unsigned int session, const struct pl_beat *beat,
    int64_t now)
{
	stage_write(now);
	cr_assert_eq(stage->ops->beat(
			 stage, id, stage_secret(session), beat, &stage_result),
	    PL_OK);
	stage_commit();
}

void
stage_beat(const char *id, unsigned int session, uint64_t tab, int64_t now)
{
	say(id, session, &(struct pl_beat){.tab = tab, .seq = -1}, now);
}

void
stage_leave(const char *id, unsigned int session, uint64_t tab, int64_t now)
{
	say(id, session,
	    &(struct pl_beat){.kind = PL_LEAVE, .tab = tab, .seq = -1}, now);
}

void
stage_settle(int64_t now)
{
	bool all = false;

	stage_write(now);
	while (!all)
		cr_assert_eq(stage->ops->settle(stage, 1000, &all), PL_OK);
	stage_commit();
}

void
stage_remove(int64_t company, const char *id, int64_t now)
{
	stage_write(now);
	cr_assert_eq(
	    stage->ops->conversation_remove(stage, company, id), PL_OK);
	stage_commit();
}

static enum pl_err
on_event(void *arg, const struct pl_event *e)
{
	struct stage_page *page = arg;
	struct stage_event *copy = &page->events[page->n];

	cr_assert_lt(page->n, LENGTH(page->events));
	copy->e = *e;
	snprintf(copy->id, sizeof(copy->id), "%s", e->public_id);
	copy->e.public_id = copy->id;
	page->n++;
	return PL_OK;
}

void
stage_events(
    const struct pl_event_query *q, int64_t now, struct stage_page *page)
{
	page->n = 0;
	stage_read(now);
	cr_assert_eq(
	    stage->ops->events(stage, q, on_event, page, &page->upto), PL_OK);
	stage_commit();
}

void
stage_changes(int64_t after, int64_t now, struct stage_page *page)
{
	struct pl_event_query q = {.after = after, .limit = 2000};

	stage_events(&q, now, page);
}

struct look {
	struct pl_state state;
	int64_t now;
};

static enum pl_err
on_presence(void *arg, const struct pl_presence *p)
{
	struct look *look = arg;

	look->state = pl_room_state(p->room, PL_ALL_SESSIONS, look->now);
	return PL_OK;
}

enum pl_err
stage_presence(const struct pl_scope *scope, const char *id, int64_t now,
    struct pl_state *out)
{
	struct look look = {.now = now};
	enum pl_err err;

	stage_read(now);
	err = stage->ops->presence(stage, scope, id, on_presence, &look);
	stage_commit();
	*out = look.state;
	return err;
}

struct pl_position
stage_position(int64_t now)
{
	struct pl_position p;

	stage_read(now);
	cr_assert_eq(stage->ops->position(stage, &p), PL_OK);
	stage_commit();
	return p;
}
