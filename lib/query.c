/*
 * What agents and widgets send, read in one way: queries and bodies.
 */
#include <string.h>

#include "query.h"
#include "secret.h"
#include "text.h"

#define VALUE_MAX 128

enum pl_err
pl_call_json(struct pl_call *call, struct pl_json_body *body)
{
	enum pl_err err;

	if ((err = pl_request_check_type(&call->req)) != PL_OK)
		return err;
	return pl_json_read(
	    body, &call->req.arena, call->req.body, call->req.body_len);
}

static const char **
slot(struct pl_query *q, const char *name)
{
	const struct {
		const char *name;
		const char **value;
	} known[] = {
	    {"limit", &q->limit},
	    {"after", &q->after},
	    {"cursor", &q->cursor},
	    {"timeout", &q->timeout},
	    {"client", &q->client},
	    {"heartbeats", &q->heartbeats},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].value;
	return NULL;
}

static enum pl_err
add_id(struct pl_call *call, struct pl_query *q, const char *id)
{
	uint64_t hash = pl_fnv1a(id, PL_FNV1A_START);
	size_t i, len = strlen(id);

	if (len == 0 || len > VALUE_MAX || !pl_text_valid(id, len)) {
		call->message = "conversationId: expected 1 to 128 bytes of "
				"text";
		return PL_ERR_REQUEST;
	}
	if (q->given++ == PL_IDS_MAX) {
		call->message = "conversationId: expected at most 200";
		return PL_ERR_TOO_LARGE;
	}
	for (i = 0; i < q->nids; i++)
		if (q->hashes[i] == hash && strcmp(q->ids[i], id) == 0)
			return PL_OK;
	q->hashes[q->nids] = hash;
	q->ids[q->nids++] = id;
	return PL_OK;
}

static enum pl_err
add(struct pl_call *call, struct pl_query *q, const char *name,
    const char *value)
{
	const char **at;

	if (strcmp(name, "conversationId") == 0)
		return add_id(call, q, value);
	if ((at = slot(q, name)) == NULL)
		return PL_OK;
	if (strlen(value) > VALUE_MAX || !pl_text_valid(value, strlen(value))) {
		call->message = "a parameter is too long or no text";
		return PL_ERR_REQUEST;
	}
	*at = value;
	return PL_OK;
}

enum pl_err
pl_query_read(struct pl_call *call, struct pl_query *q)
{
	const char *pos = pl_request_query(&call->req), *name, *value;
	enum pl_err err;

	memset(q, 0, sizeof(*q));
	q->ids = pl_arena_alloc(&call->req.arena, PL_IDS_MAX * sizeof(*q->ids));
	q->hashes =
	    pl_arena_alloc(&call->req.arena, PL_IDS_MAX * sizeof(*q->hashes));
	if (q->ids == NULL || q->hashes == NULL)
		return PL_ERR_NOMEM;
	for (;;) {
		err = pl_query_next(&call->req, &pos, &name, &value);
		if (err == PL_ERR_REQUEST)
			call->message = "the query is not percent-encoded "
					"UTF-8";
		if (err != PL_OK || name == NULL)
			return err;
		if ((err = add(call, q, name, value)) != PL_OK)
			return err;
	}
}
