/*
 * How a conversation comes to be, whoever asks for it.
 */
#include <string.h>

#include "conversation.h"
#include "json.h"

/* "conv_" and 96 random bits: cannot be guessed, and needs no counter. */
static enum pl_err
make_id(struct pl_arena *arena, const char **out)
{
	char id[5 + 24 + 1] = "conv_";
	uint8_t bits[12];
	enum pl_err err;

	if ((err = pl_secret_random(bits, sizeof(bits))) != PL_OK)
		return err;
	pl_hex(bits, sizeof(bits), id + 5);
	*out = pl_arena_copy(arena, id, strlen(id));
	return *out != NULL ? PL_OK : PL_ERR_NOMEM;
}

enum pl_err
pl_conversation_answer(struct pl_call *call, struct pl_conversation *c)
{
	uint8_t session[PL_SESSION_LEN];
	struct pl_buf *b = &call->reply.body;
	enum pl_err err = PL_OK;
	bool created;

	if (c->public_id == NULL)
		err = make_id(&call->req.arena, &c->public_id);
	if (err != PL_OK ||
	    (err = pl_secret_random(session, sizeof(session))) != PL_OK ||
	    (err = call->store->ops->conversation_add(
		 call->store, c, session, &created)) != PL_OK)
		return err;
	call->reply.status = created ? 201 : 200;
	pl_json_open(b, '{');
	pl_json_str(b, "conversationId", c->public_id);
	pl_json_hex(b, "sessionId", session, sizeof(session));
	pl_json_close(b, '}');
	return PL_OK;
}
