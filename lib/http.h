#ifndef PL_HTTP_H
#define PL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "buf.h"
#include "err.h"

#define PL_BODY_MAX 8192 /* bytes of a request's body */
#define PL_URI_MAX 32768 /* 200 long ids, percent-encoded */

enum pl_method {
	PL_GET = 1, /* HEAD too: the web server cuts the body off */
	PL_POST = 2,
	PL_DELETE = 4,
	PL_OPTIONS = 8,
	PL_OTHER_METHOD = 16
};

/* A request as the web server tells it. Strings are in the arena; what was
 * not sent is "". */
struct pl_request {
	struct pl_arena arena;
	enum pl_method method;
	const char *uri; /* as sent: path and query */
	const char *content_type;
	const char *authorization;
	const char *cookie;
	const char *origin;
	const char *fetch_site; /* Sec-Fetch-Site */
	const char *host;
	const char *remote_addr;
	const char *x_forwarded_for, *forwarded;
	const char *remote_user; /* the server's word, never a header's */
	const char *software;    /* the server's name */
	const char *script;      /* where it found this program */
	const char *document_root;
	bool https;
	const char *body; /* terminated */
	size_t body_len;
	enum pl_err fault; /* what was wrong before it was understood */
};

/* An answer, as it grows. Status and body; headers as whole lines. */
struct pl_reply {
	int status;
	const char *type; /* of the body; NULL: it has none */
	struct pl_buf headers;
	struct pl_buf body;
};

void pl_request_init(struct pl_request *);
void pl_request_close(struct pl_request *);

/* Takes one CGI variable; others than those above are passed over. */
void pl_request_set(struct pl_request *, const char *name, const char *value);
/* Takes them all; returns CONTENT_LENGTH, or -1 if it is not said. */
int64_t pl_request_env(struct pl_request *, char *const env[]);

/*
 * The path from "/api/" on, without the query and percent-decoded, in the
 * request's arena: wherever the site has put the programs. NULL: none.
 */
const char *pl_request_path(struct pl_request *);

/* PL_OK if the body is of a type that is read as JSON. */
enum pl_err pl_request_check_type(const struct pl_request *) PL_MUST;

/* The value of a cookie, in the request's arena; NULL. */
const char *pl_request_cookie(struct pl_request *, const char *name);

/* The token of "Authorization: Bearer TOKEN"; NULL. */
const char *pl_request_bearer(const struct pl_request *);

/*
 * The next name=value of a query, percent-decoded, in the arena; *pos starts
 * at pl_request_query(). *name is NULL at the end. PL_ERR_REQUEST: not
 * UTF-8, or a NUL in it.
 */
const char *pl_request_query(const struct pl_request *);
enum pl_err pl_query_next(struct pl_request *, const char **pos,
    const char **name, const char **value) PL_MUST;

void pl_reply_init(struct pl_reply *);
void pl_reply_close(struct pl_reply *); /* usable again after */

/* Makes it the answer to that error; message NULL: what it is called. */
void pl_reply_error(struct pl_reply *, enum pl_err, const char *message);
/* The same for the presence path: a body with "isOnline": false. */
void pl_reply_unknown(struct pl_reply *, enum pl_err);

/* The head as CGI has it, to its empty line. */
void pl_reply_head(const struct pl_reply *, struct pl_buf *out);

#endif
