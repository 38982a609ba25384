/*
 * What each error is called. Which status and code a client gets for it is
 * for http.c to say.
 */
#include "err.h"

static const char *const words[PL_ERR__MAX] = {
    [PL_OK] = "no error",
    [PL_ERR_JSON] = "not a JSON object",
    [PL_ERR_REQUEST] = "bad request",
    [PL_ERR_UNAUTHENTICATED] = "not signed in",
    [PL_ERR_FORBIDDEN] = "not allowed",
    [PL_ERR_NOT_FOUND] = "no such path",
    [PL_ERR_METHOD] = "no such method here",
    [PL_ERR_TOO_LARGE] = "too large",
    [PL_ERR_MEDIA_TYPE] = "unsupported media type",
    [PL_ERR_RATE] = "too often",
    [PL_ERR_BUSY] = "no room to wait",
    [PL_ERR_STORE] = "the store cannot be read or written",
    [PL_ERR_LOCKED] = "the store is held by another process",
    [PL_ERR_EXISTS] = "exists already",
    [PL_ERR_CONFIG] = "bad configuration",
    [PL_ERR_NOMEM] = "out of memory",
    [PL_ERR_SYSTEM] = "system error",
};

const char *
pl_strerror(enum pl_err err)
{
	if ((unsigned int)err >= PL_ERR__MAX)
		return "unknown error";
	return words[err];
}

bool
pl_err_is_fault(enum pl_err err)
{
	return err == PL_ERR_STORE || err == PL_ERR_LOCKED ||
	       err == PL_ERR_NOMEM || err == PL_ERR_EXISTS ||
	       err == PL_ERR_SYSTEM;
}
