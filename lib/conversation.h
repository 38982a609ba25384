#ifndef PL_CONVERSATION_H
#define PL_CONVERSATION_H

#include "app.h"

/*
 * Makes the conversation (c->public_id NULL: with an id of our own) and a
 * session of it, and writes the answer: 201 if it is new, else 200.
 */
enum pl_err pl_conversation_answer(
    struct pl_call *, struct pl_conversation *c) PL_MUST;

#endif
