/*
 * The head of a request as CGI has it: NAME=VALUE, one a line. Whatever the
 * variables are, path, query, cookie and credential that come out of them
 * are clean, and lie within what went in.
 */
#include "fuzz.h"
#include "http.h"
#include "text.h"

#define MOST 64

static void
check_path(struct pl_request *r)
{
	const char *path = pl_request_path(r);

	HOLDS(
	    path == NULL || strncmp(path, "/api/", 5) == 0 || r->arena.failed);
	HOLDS(path == NULL || pl_utf8_valid(path, strlen(path)));
	HOLDS(path == NULL || strlen(path) <= strlen(r->uri));
}

static void
check_query(struct pl_request *r)
{
	const char *pos = pl_request_query(r), *before, *name, *value;
	const char *end = r->uri + strlen(r->uri);
	enum pl_err err;

	if (*pos != '\0')
		HOLDS(pos > r->uri && pos <= end);
	for (;;) {
		before = pos;
		err = pl_query_next(r, &pos, &name, &value);
		if (err == PL_OK && name == NULL)
			break;
		HOLDS(pos > before && pos <= end); /* it comes to an end */
		if (err != PL_OK) {
			HOLDS(err == PL_ERR_REQUEST || r->arena.failed);
			continue;
		}
		HOLDS(pl_utf8_valid(name, strlen(name)));
		HOLDS(pl_utf8_valid(value, strlen(value)));
		HOLDS(strlen(name) + strlen(value) <= (size_t)(pos - before));
	}
}

static void
check_credentials(struct pl_request *r)
{
	const char *cookie = pl_request_cookie(r, "porchlight");
	const char *bearer = pl_request_bearer(r);

	if (cookie != NULL) {
		HOLDS(strcspn(cookie, "; \t") == strlen(cookie));
		HOLDS(strstr(r->cookie, cookie) != NULL);
		HOLDS(strstr(r->cookie, "porchlight=") != NULL);
	}
	if (bearer != NULL) {
		HOLDS(bearer >= r->authorization + 7);
		HOLDS(bearer <= r->authorization + strlen(r->authorization));
		HOLDS(*bearer != ' ' && *bearer != '\t');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *env[MOST + 1] = {NULL}, *text = fuzz_string(data, size), *rest;
	struct pl_request r;
	size_t n = 0;

	rest = text;
	while (n < MOST && (env[n] = strsep(&rest, "\n")) != NULL)
		n++;
	env[n] = NULL;
	pl_request_init(&r);
	(void)pl_request_env(&r, env);
	check_path(&r);
	check_query(&r);
	check_credentials(&r);
	HOLDS(pl_request_check_type(&r) == PL_OK ||
	      pl_request_check_type(&r) == PL_ERR_MEDIA_TYPE);
	pl_request_close(&r);
	free(text);
	return 0;
}
