#ifndef PL_CONVERSATION_H
#define PL_CONVERSATION_H

#include "call.h"

#define PL_ID_MAX 128   /* bytes of a conversation's id, or an inbox */
#define PL_NAME_MAX 200 /* bytes of a customer's name */
#define PL_PLATFORM_MAX 32

/* WIDGET, FACEBOOK, …: capitals, digits and underscores. */
bool pl_platform_valid(const char *);

/*
 * Makes the conversation (c->public_id NULL: with an id of our own) and a
 * session of it, and writes the answer: 201 if it is new, else 200.
 */
enum pl_err pl_conversation_answer(
    struct pl_call *, struct pl_conversation *c) PL_MUST;

#endif
