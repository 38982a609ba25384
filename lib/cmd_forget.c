/*
 * porchlight forget: erases a customer, a conversation with all that is known
 * of it or one session (a device), and takes it out of the files too.
 *
 * In two steps, if somebody of it is here: dashboards that watch must first
 * see him go. What tells them so names the conversation and the session, and
 * is taken away when they have had the time to read it.
 */
#include <unistd.h>

#include "clock.h"
#include "cmd.h"

struct target {
	int64_t company;
	const char *id;        /* what was asked for */
	const char *public_id; /* the conversation; NULL: not known */
	bool is_session;
	uint8_t session[PL_SESSION_LEN];
	struct pl_arena arena;
};

static enum pl_err
remove_target(struct pl_store *store, struct target *t)
{
	bool all = true;
	enum pl_err err = store->ops->settle(store, SIZE_MAX, &all);

	if (err != PL_OK)
		return err;
	if (t->is_session)
		return store->ops->session_remove(
		    store, t->company, t->public_id, t->session);
	return store->ops->conversation_remove(store, t->company, t->public_id);
}

static enum pl_err
remove_traces(struct pl_store *store, struct target *t)
{
	return store->ops->changes_forget(
	    store, t->company, t->public_id, t->is_session ? t->session : NULL);
}

/* In a transaction of its own. *changed: those who watch have to be told. */
static enum pl_err
in_transaction(struct pl_cmd_env *env, struct target *t,
    enum pl_err (*fn)(struct pl_store *, struct target *), bool *changed)
{
	struct pl_store *store = env->store;
	enum pl_err err;

	err = store->ops->begin(store, PL_TXN_WRITE, pl_clock_now());
	if (err != PL_OK)
		return err;
	if ((err = fn(store, t)) == PL_OK)
		err = store->ops->commit(store, changed);
	store->ops->rollback(store);
	return err;
}

/* To find a session may take a while: others can write meanwhile. */
static enum pl_err
find_target(struct pl_cmd_env *env, struct target *t)
{
	struct pl_store *store = env->store;
	enum pl_err err = store->ops->begin(store, PL_TXN_READ, env->now);

	if (err == PL_OK)
		err = pl_cmd_company_id(env, &t->company);
	t->public_id = t->id;
	if (err == PL_OK && t->is_session)
		err = store->ops->session_find(
		    store, t->company, t->session, &t->arena, &t->public_id);
	store->ops->rollback(store);
	return err;
}

static enum pl_err
forget(struct pl_cmd_env *env, struct target *t)
{
	bool changed = false;
	enum pl_err err = find_target(env, t);

	if (err == PL_OK)
		err = in_transaction(env, t, remove_target, &changed);
	/* What was deleted, or forgotten by a command that did not come to its
	 * end, may still stand in the stream, or in the log. */
	if (err == PL_ERR_FORBIDDEN) {
		if (t->is_session)
			t->public_id = NULL;
		err = in_transaction(env, t, remove_traces, &changed);
		if (err == PL_OK)
			err = pl_cmd_purge(env);
		return err != PL_OK
			   ? err
			   : pl_cmd_say(PL_ERR_NOT_FOUND, "there is no %s %s",
				 t->is_session ? "session" : "conversation",
				 t->id);
	}
	if (err != PL_OK)
		return err;
	if (changed) {
		pl_cmd_ring(env);
		pl_cmd_pause(env->config.slow_tick_ms + 500);
	}
	if ((err = in_transaction(env, t, remove_traces, &changed)) != PL_OK)
		return err;
	return pl_cmd_purge(env);
}

static enum pl_err
run_forget(struct pl_cmd_env *env, int argc, char *argv[])
{
	struct target t = {.is_session = false};
	enum pl_err err;
	int opt;

	while ((opt = getopt(argc, argv, "C:s")) != -1) {
		if (opt == 'C')
			env->company = optarg;
		else if (opt == 's')
			t.is_session = true;
		else
			return PL_ERR_REQUEST;
	}
	if (argc - optind != 1)
		return PL_ERR_REQUEST;
	t.id = argv[optind];
	if (t.is_session &&
	    pl_unhex(t.id, t.session, sizeof(t.session)) != PL_OK)
		return pl_cmd_say(
		    PL_ERR_NOT_FOUND, "\"%s\" is no session's id", t.id);
	pl_arena_init(&t.arena);
	err = forget(env, &t);
	pl_arena_close(&t.arena);
	return err;
}

const struct pl_cmd pl_cmd_forget[] = {
    {"forget", NULL, "[-C COMPANY] [-s] ID", PL_TXN_NONE, run_forget},
    {NULL, NULL, NULL, PL_TXN_NONE, NULL},
};
