#ifndef PL_AUTH_H
#define PL_AUTH_H

#include "config.h"
#include "http.h"
#include "store.h"

#define PL_COOKIE "porchlight"

/* By what an agent was known, so that it can be asked again whether it is
 * still good, without the request. */
enum pl_known_by {
	PL_BY_TOKEN,
	PL_BY_COOKIE,
	PL_BY_JWT,
	PL_BY_USER, /* the web server's own authentication */
};

struct pl_credential {
	enum pl_known_by by;
	uint8_t hash[PL_HASH_LEN]; /* of token or cookie */
	int64_t key;               /* which one signed the JWT */
	int64_t expires_at;        /* INT64_MAX: it does not by itself */
};

/* Who is asking. */
struct pl_who {
	struct pl_agent agent; /* an id below 0: it has no row */
	struct pl_credential credential;
};

/*
 * Who is asking. The agent comes with "Authorization: Bearer" and a token or
 * a JWT of his company, as the REMOTE_USER of the web server where
 * remoteUserCompany says of which company, or with the cookie of his session.
 * Where there is a Bearer, it alone counts. PL_ERR_UNAUTHENTICATED: no
 * credential, or one that is not or no longer good. Strings are in the
 * request's arena.
 */
enum pl_err pl_auth_agent(struct pl_request *, struct pl_store *,
    const struct pl_config *, int64_t now, struct pl_who *) PL_MUST;

/*
 * Is what he was known by still good? PL_OK: it is, and agent->scope.inboxes
 * is what he may see now (in the arena). PL_ERR_UNAUTHENTICATED: it is not.
 * The agent is the one of the pl_who.
 */
enum pl_err pl_auth_again(struct pl_store *, const struct pl_config *,
    const struct pl_credential *, struct pl_arena *, struct pl_agent *) PL_MUST;

/* The host application, with its API key. */
enum pl_err pl_auth_company(
    struct pl_request *, struct pl_store *, int64_t *company) PL_MUST;

/* The agent whose token this is. */
enum pl_err pl_auth_token(struct pl_request *, struct pl_store *,
    const char *token, struct pl_agent *) PL_MUST;

#endif
