/*
 * The company of its own. Its name is random behind a prefix: two doctors do
 * not meet, and what one of them left behind is known for what it is.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "doctor_guest.h"

#define NAME "porchlight-doctor-"
#define NAME_LEN (sizeof(NAME) - 1 + 16)
#define LEFT_MS 600000 /* so old was left behind: a visit takes a minute */
#define LEFT_MOST 16

static enum pl_err
add_conversation(struct pl_store *store, int64_t company, const char *id,
    struct pl_guest_conversation *out)
{
	struct pl_conversation c = {.company = company,
	    .public_id = id,
	    .platform = "WIDGET",
	    .inbox = ""};
	uint8_t session[PL_SESSION_LEN];
	enum pl_err err;
	bool created;

	if ((err = pl_secret_random(session, sizeof(session))) != PL_OK)
		return err;
	snprintf(out->id, sizeof(out->id), "%s", id);
	pl_hex(session, sizeof(session), out->session);
	return store->ops->conversation_add(store, &c, session, &created);
}

static enum pl_err
add_company(struct pl_store *store, int64_t *company)
{
	char name[NAME_LEN + 1] = NAME, site_key[PL_TOKEN_LEN + 1];
	uint8_t hash[PL_HASH_LEN], bits[8];
	enum pl_err err;

	if ((err = pl_secret_random(bits, sizeof(bits))) != PL_OK ||
	    (err = pl_secret_random(hash, sizeof(hash))) != PL_OK ||
	    (err = pl_secret_token("pls_", site_key)) != PL_OK)
		return err;
	pl_hex(bits, sizeof(bits), name + sizeof(NAME) - 1);
	/* Nobody has an API key of that hash. */
	return store->ops->company_add(store, name, hash, site_key, company);
}

static enum pl_err
add_all(struct pl_store *store, struct pl_guest *g)
{
	struct pl_agent agent = {.name = "doctor"};
	uint8_t hash[PL_HASH_LEN];
	enum pl_err err;

	if ((err = add_company(store, &g->company)) != PL_OK ||
	    (err = pl_secret_token("pla_", g->token)) != PL_OK)
		return err;
	agent.scope.company = g->company;
	pl_secret_hash(g->token, hash);
	if ((err = store->ops->agent_add(store, &agent, hash)) != PL_OK ||
	    (err = add_conversation(
		 store, g->company, "doctor-live", &g->live)) != PL_OK)
		return err;
	return add_conversation(store, g->company, "doctor-quiet", &g->quiet);
}

enum pl_err
pl_guest_make(struct pl_cmd_env *env, struct pl_guest *g)
{
	struct pl_store *store = env->store;
	enum pl_err err;
	bool changed;

	err = store->ops->begin(store, PL_TXN_WRITE, pl_clock_now());
	if (err == PL_OK)
		err = add_all(store, g);
	if (err == PL_OK)
		err = store->ops->commit(store, &changed);
	store->ops->rollback(store);
	if (err != PL_OK)
		g->company = 0;
	return err;
}

enum pl_err
pl_guest_remove(struct pl_cmd_env *env, struct pl_guest *g)
{
	enum pl_err err;

	if (g->company == 0)
		return PL_OK;
	if ((err = pl_cmd_company_remove(env, g->company)) == PL_OK)
		g->company = 0;
	return err;
}

struct leftovers {
	int64_t ids[LEFT_MOST];
	size_t n;
	int64_t before;
};

static enum pl_err
find_leftover(void *arg, const struct pl_company_row *row)
{
	struct leftovers *left = arg;

	if (strncmp(row->name, NAME, sizeof(NAME) - 1) == 0 &&
	    strlen(row->name) == NAME_LEN && row->created_at < left->before &&
	    left->n < LEFT_MOST)
		left->ids[left->n++] = row->id;
	return PL_OK;
}

void
pl_guest_sweep(struct pl_cmd_env *env, int64_t now)
{
	struct leftovers left = {.before = now - LEFT_MS};
	struct pl_store *store = env->store;
	enum pl_err err = store->ops->begin(store, PL_TXN_READ, now);

	if (err == PL_OK)
		err = store->ops->company_list(store, find_leftover, &left);
	store->ops->rollback(store);
	while (err == PL_OK && left.n > 0)
		err = pl_cmd_company_remove(env, left.ids[--left.n]);
}
