/*
 * How a conversation comes to be, whoever asks for it.
 */
#include <string.h>

#include "conversation.h"
#include "json.h"

bool
pl_platform_valid(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= PL_PLATFORM_MAX && s[0] >= 'A' &&
	       s[0] <= 'Z' &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == len;
}

enum pl_err
pl_conversation_answer(struct pl_call *call, struct pl_conversation *c)
{
	uint8_t session[PL_SESSION_LEN];
	struct pl_buf *b = &call->reply.body;
	enum pl_err err;
	bool created;

	if ((err = pl_secret_random(session, sizeof(session))) != PL_OK)
		return err;
	err = call->store->ops->conversation_add(
	    call->store, c, session, &created);
	if (err != PL_OK)
		return err;
	call->reply.status = created ? 201 : 200;
	pl_json_open(b, '{');
	pl_json_str(b, "conversationId", c->public_id);
	pl_json_hex(b, "sessionId", session, sizeof(session));
	pl_json_close(b, '}');
	return PL_OK;
}
