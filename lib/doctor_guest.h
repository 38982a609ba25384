#ifndef PL_DOCTOR_GUEST_H
#define PL_DOCTOR_GUEST_H

#include "cmd.h"
#include "secret.h"

/*
 * Whom `porchlight doctor --url` sends: a company with an agent and two
 * conversations, so that no real dashboard sees any of it.
 */
struct pl_guest_conversation {
	char id[32];
	char session[PL_SESSION_HEX + 1];
};

struct pl_guest {
	int64_t company; /* 0: not made */
	char token[PL_TOKEN_LEN + 1];
	struct pl_guest_conversation live, quiet; /* beaten for; waited at */
};

enum pl_err pl_guest_make(struct pl_cmd_env *, struct pl_guest *) PL_MUST;
enum pl_err pl_guest_remove(struct pl_cmd_env *, struct pl_guest *) PL_MUST;
/* Removes what a doctor that was killed left behind. */
void pl_guest_sweep(struct pl_cmd_env *, int64_t now);

#endif
