/*
 * Credentials. Tokens are compared as hashes, by an index: neither the
 * database nor the time that it takes gives one away.
 */
#include "auth.h"

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

enum pl_err
pl_auth_agent(
    struct pl_request *r, struct pl_store *store, struct pl_agent *out)
{
	uint8_t hash[PL_HASH_LEN];
	const char *secret;

	if (r->authorization[0] != '\0') {
		secret = pl_request_bearer(r);
		return secret != NULL ? pl_auth_token(r, store, secret, out)
				      : PL_ERR_UNAUTHENTICATED;
	}
	if ((secret = pl_request_cookie(r, PL_COOKIE)) == NULL)
		return PL_ERR_UNAUTHENTICATED;
	pl_secret_hash(secret, hash);
	return refuse_unknown(
	    store->ops->agent_by_login(store, hash, &r->arena, out));
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
