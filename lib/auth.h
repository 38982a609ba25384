#ifndef PL_AUTH_H
#define PL_AUTH_H

#include "http.h"
#include "store.h"

#define PL_COOKIE "porchlight"

/*
 * Who is asking. The agent comes with "Authorization: Bearer TOKEN" or the
 * cookie of his session; where there is an Authorization, it alone counts.
 * PL_ERR_UNAUTHENTICATED: no credential, or one that is not or no longer
 * good. Strings are in the request's arena.
 */
enum pl_err pl_auth_agent(
    struct pl_request *, struct pl_store *, struct pl_agent *) PL_MUST;

/* The host application, with its API key. */
enum pl_err pl_auth_company(
    struct pl_request *, struct pl_store *, int64_t *company) PL_MUST;

/* The agent whose token this is. */
enum pl_err pl_auth_token(struct pl_request *, struct pl_store *,
    const char *token, struct pl_agent *) PL_MUST;

#endif
