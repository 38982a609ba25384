/*
 * Credentials. Tokens are compared as hashes, by an index: neither the
 * database nor the time that it takes gives one away.
 */
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "jwt.h"

static enum pl_err
refuse_unknown(enum pl_err err)
{
	return err == PL_ERR_NOT_FOUND ? PL_ERR_UNAUTHENTICATED : err;
}

enum pl_err
pl_auth_token(struct pl_request *r, struct pl_store *store, const char *token,
    struct pl_agent *out)
{
	uint8_t hash[PL_HASH_LEN];

	pl_secret_hash(token, hash);
	return refuse_unknown(
	    store->ops->agent_by_token(store, hash, &r->arena, out));
}

/* The number of an agent who has no row: no row's, and no other agent's. */
static enum pl_err
number_of(struct pl_arena *arena, struct pl_agent *agent)
{
	size_t len = strlen(agent->name);
	char *text = pl_arena_alloc(arena, 24 + len + 1);
	uint8_t hash[PL_HASH_LEN];
	uint64_t n;

	if (text == NULL)
		return PL_ERR_NOMEM;
	pl_hex((const uint8_t *)&agent->scope.company, 8, text);
	memcpy(text + 16, agent->name, len);
	pl_secret_hash(text, hash);
	memcpy(&n, hash, sizeof(n));
	agent->id = -(int64_t)(n >> 1) - 1;
	return PL_OK;
}

static enum pl_err
by_token(struct pl_request *r, struct pl_store *store, const char *token,
    struct pl_who *out)
{
	out->credential.by = PL_BY_TOKEN;
	pl_secret_hash(token, out->credential.hash);
	return store->ops->agent_by_token(
	    store, out->credential.hash, &r->arena, &out->agent);
}

/* The key that signed it, among those of the company. */
struct signer {
	const struct pl_jwt *jwt;
	int64_t key; /* 0: none */
};

static enum pl_err
on_key(void *arg, const struct pl_key_row *row)
{
	struct signer *signer = arg;

	if (signer->key == 0 && pl_jwt_is_signed(signer->jwt, row->secret))
		signer->key = row->id;
	return PL_OK;
}

static enum pl_err
by_jwt(struct pl_request *r, struct pl_store *store, const char *token,
    int64_t now, struct pl_who *out)
{
	struct pl_jwt jwt;
	struct signer signer = {&jwt, 0};
	struct pl_agent *agent = &out->agent;
	enum pl_err err;

	if ((err = pl_jwt_read(&r->arena, token, &jwt)) != PL_OK)
		return err;
	err = store->ops->company_by_name(
	    store, jwt.company, &agent->scope.company);
	if (err == PL_OK)
		err = store->ops->key_list(
		    store, agent->scope.company, on_key, &signer);
	if (err != PL_OK)
		return err;
	if (signer.key == 0 || now < jwt.not_before || now >= jwt.expires_at)
		return PL_ERR_UNAUTHENTICATED;
	agent->name = jwt.subject;
	agent->scope.inboxes = jwt.inboxes;
	out->credential.by = PL_BY_JWT;
	out->credential.key = signer.key;
	agent->expires_at = jwt.expires_at;
	return number_of(&r->arena, agent);
}

/*
 * A user whom the web server knows. He needs no row; but if there is one of
 * his name, he sees what it says, and nothing if it is revoked.
 */
static enum pl_err
look_up_user(struct pl_store *store, const struct pl_config *config,
    struct pl_arena *arena, const char *name, struct pl_agent *agent)
{
	struct pl_agent found = {.name = name};
	enum pl_err err;

	if (config->remote_user_company[0] == '\0')
		return PL_ERR_UNAUTHENTICATED;
	err = store->ops->company_by_name(
	    store, config->remote_user_company, &found.scope.company);
	if (err != PL_OK)
		return err;
	err = store->ops->agent_by_name(
	    store, found.scope.company, name, arena, &found);
	if (err == PL_ERR_NOT_FOUND)
		err = number_of(arena, &found);
	else if (err == PL_ERR_FORBIDDEN)
		err = PL_ERR_UNAUTHENTICATED;
	if (err == PL_OK)
		*agent = found;
	return err;
}

static enum pl_err
by_cookie(struct pl_request *r, struct pl_store *store, struct pl_who *out)
{
	const char *secret = pl_request_cookie(r, PL_COOKIE);

	if (secret == NULL)
		return PL_ERR_UNAUTHENTICATED;
	out->credential.by = PL_BY_COOKIE;
	pl_secret_hash(secret, out->credential.hash);
	return store->ops->agent_by_login(
	    store, out->credential.hash, &r->arena, &out->agent);
}

/* What a browser sends by itself where the web server asks for a password. Such
 * a page can use no Bearer, which would stand in the same header. */
static bool
is_for_the_server(const struct pl_request *r)
{
	return strncasecmp(r->authorization, "Basic ", 6) == 0 ||
	       strncasecmp(r->authorization, "Digest ", 7) == 0;
}

static enum pl_err
ask(struct pl_request *r, struct pl_store *store,
    const struct pl_config *config, int64_t now, struct pl_who *who)
{
	const char *bearer = pl_request_bearer(r);

	if (bearer != NULL)
		return pl_jwt_looks_like(bearer)
			   ? by_jwt(r, store, bearer, now, who)
			   : by_token(r, store, bearer, who);
	if (r->remote_user[0] != '\0' &&
	    config->remote_user_company[0] != '\0') {
		who->credential.by = PL_BY_USER;
		return look_up_user(
		    store, config, &r->arena, r->remote_user, &who->agent);
	}
	return r->authorization[0] == '\0' || is_for_the_server(r)
		   ? by_cookie(r, store, who)
		   : PL_ERR_UNAUTHENTICATED;
}

enum pl_err
pl_auth_agent(struct pl_request *r, struct pl_store *store,
    const struct pl_config *config, int64_t now, struct pl_who *out)
{
	struct pl_who who = {.agent = {.id = 0}};
	enum pl_err err = refuse_unknown(ask(r, store, config, now, &who));

	if (err != PL_OK)
		return err;
	who.credential.expires_at =
	    who.agent.expires_at != 0 ? who.agent.expires_at : INT64_MAX;
	*out = who;
	return PL_OK;
}

/* Is the key still there? */
static enum pl_err
on_same_key(void *arg, const struct pl_key_row *row)
{
	int64_t *key = arg;

	if (*key == row->id)
		*key = 0;
	return PL_OK;
}

/* What a JWT says of inboxes stands; its key may have been removed. */
static enum pl_err
jwt_again(struct pl_store *store, int64_t key, const struct pl_agent *agent)
{
	enum pl_err err = store->ops->key_list(
	    store, agent->scope.company, on_same_key, &key);

	return err == PL_OK && key != 0 ? PL_ERR_UNAUTHENTICATED : err;
}

enum pl_err
pl_auth_again(struct pl_store *store, const struct pl_config *config,
    const struct pl_credential *c, struct pl_arena *arena,
    struct pl_agent *agent)
{
	const struct pl_store_ops *ops = store->ops;
	enum pl_err err = PL_ERR_UNAUTHENTICATED;

	switch (c->by) {
	case PL_BY_TOKEN:
		err = ops->agent_by_token(store, c->hash, arena, agent);
		break;
	case PL_BY_COOKIE:
		err = ops->agent_by_login(store, c->hash, arena, agent);
		break;
	case PL_BY_JWT:
		err = jwt_again(store, c->key, agent);
		break;
	case PL_BY_USER:
		err = look_up_user(store, config, arena, agent->name, agent);
		break;
	}
	return refuse_unknown(err);
}

enum pl_err
pl_auth_company(struct pl_request *r, struct pl_store *store, int64_t *company)
{
	const char *key = pl_request_bearer(r);
	uint8_t hash[PL_HASH_LEN];

	if (key == NULL)
		return PL_ERR_UNAUTHENTICATED;
	pl_secret_hash(key, hash);
	return refuse_unknown(
	    store->ops->company_by_api_key(store, hash, company));
}
