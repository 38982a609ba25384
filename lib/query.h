#ifndef PL_QUERY_H
#define PL_QUERY_H

#include "app.h"
#include "json.h"

#define PL_IDS_MAX 200

/* The parameters of an agent's question; NULL: not given. */
struct pl_query {
	const char **ids; /* conversationId, in order, each once */
	uint64_t *hashes; /* of those */
	size_t nids;
	size_t given; /* how many were sent, repeated ones too */
	const char *limit, *after;
	const char *cursor, *timeout, *client, *heartbeats;
};

/* PL_ERR_REQUEST with call->message, or PL_ERR_TOO_LARGE. */
enum pl_err pl_query_read(struct pl_call *, struct pl_query *) PL_MUST;

/* Checks the type of the call's body and reads it as JSON. */
enum pl_err pl_call_json(struct pl_call *, struct pl_json_body *) PL_MUST;

#endif
