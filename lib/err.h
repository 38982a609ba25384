#ifndef PL_ERR_H
#define PL_ERR_H

#include <stdbool.h>

/*
 * The one set of errors. A function that can fail returns one, and leaves
 * its results untouched when it does.
 */
enum pl_err {
	PL_OK = 0,
	PL_ERR_JSON,            /* the body is no JSON object */
	PL_ERR_REQUEST,         /* a member or parameter is not as it must be */
	PL_ERR_UNAUTHENTICATED, /* no credential, or none that is good */
	PL_ERR_FORBIDDEN,       /* may not, or is not there: never say which */
	PL_ERR_NOT_FOUND,       /* no such path */
	PL_ERR_METHOD,          /* the path has no such method */
	PL_ERR_TOO_LARGE,       /* more than is read */
	PL_ERR_MEDIA_TYPE,      /* a body that is neither JSON nor plain text */
	PL_ERR_RATE,            /* too often */
	PL_ERR_BUSY,            /* no room to wait */
	PL_ERR_STORE,           /* the store cannot be read or written */
	PL_ERR_LOCKED, /* another process kept the store for too long */
	PL_ERR_EXISTS, /* there is one of that name already */
	PL_ERR_CONFIG, /* a setting is not as it must be */
	PL_ERR_NOMEM,  /* out of memory */
	PL_ERR_SYSTEM, /* a system call failed; errno says why */
	PL_ERR__MAX
};

/* Is this the store's fault, or the machine's, rather than the client's? */
bool pl_err_is_fault(enum pl_err);

#define PL_MUST __attribute__((warn_unused_result))

/* A few words for people; never NULL. */
const char *pl_strerror(enum pl_err);

#endif
