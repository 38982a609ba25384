/*
 * HTTP as CGI hands it over: variables in, an answer out, and which status
 * and code each error is. The wire itself is the web server's business.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http.h"
#include "json.h"
#include "text.h"

struct error_row {
	int status;
	const char *code;
	const char *headers;
};

#define RETRY "Retry-After: 2\r\n"

static const struct error_row errors[PL_ERR__MAX] = {
    [PL_ERR_JSON] = {400, "bad_json", ""},
    [PL_ERR_REQUEST] = {400, "bad_request", ""},
    [PL_ERR_UNAUTHENTICATED] = {401, "unauthenticated",
	"WWW-Authenticate: Bearer\r\n"},
    [PL_ERR_FORBIDDEN] = {403, "forbidden", ""},
    [PL_ERR_NOT_FOUND] = {404, "not_found", ""},
    [PL_ERR_METHOD] = {405, "method_not_allowed", ""},
    [PL_ERR_TOO_LARGE] = {413, "too_large", ""},
    [PL_ERR_MEDIA_TYPE] = {415, "unsupported_media_type", ""},
    [PL_ERR_RATE] = {429, "rate_limited", ""},
    [PL_ERR_BUSY] = {503, "busy", "Retry-After: 5\r\n"},
    [PL_ERR_STORE] = {503, "store_unavailable", RETRY},
    [PL_ERR_LOCKED] = {503, "store_unavailable", RETRY},
    [PL_ERR_EXISTS] = {503, "store_unavailable", RETRY},
    [PL_ERR_CONFIG] = {503, "store_unavailable", RETRY},
    [PL_ERR_NOMEM] = {503, "store_unavailable", RETRY},
    [PL_ERR_SYSTEM] = {503, "store_unavailable", RETRY},
};

void
pl_request_init(struct pl_request *r)
{
	memset(r, 0, sizeof(*r));
	pl_arena_init(&r->arena);
	r->method = PL_OTHER_METHOD;
	r->uri = r->content_type = r->authorization = r->cookie = "";
	r->fetch_site = r->x_forwarded_for = r->forwarded = "";
	r->origin = r->host = r->remote_addr = r->remote_user = r->body = "";
	r->software = r->script = r->document_root = "";
}

void
pl_request_close(struct pl_request *r)
{
	pl_arena_close(&r->arena);
}

static enum pl_method
method_of(const char *name)
{
	if (strcmp(name, "GET") == 0 || strcmp(name, "HEAD") == 0)
		return PL_GET;
	if (strcmp(name, "POST") == 0)
		return PL_POST;
	if (strcmp(name, "DELETE") == 0)
		return PL_DELETE;
	if (strcmp(name, "OPTIONS") == 0)
		return PL_OPTIONS;
	return PL_OTHER_METHOD;
}

#define VARIABLE(name, member)                                                 \
	{                                                                      \
		name, sizeof(name) - 1, offsetof(struct pl_request, member)    \
	}
static const struct {
	const char *name;
	size_t len;
	size_t offset;
} variables[] = {
    VARIABLE("REQUEST_URI", uri),
    VARIABLE("CONTENT_TYPE", content_type),
    VARIABLE("HTTP_AUTHORIZATION", authorization),
    /* What a RewriteRule in an .htaccess file makes of the same. */
    VARIABLE("REDIRECT_HTTP_AUTHORIZATION", authorization),
    VARIABLE("HTTP_COOKIE", cookie),
    VARIABLE("HTTP_ORIGIN", origin),
    VARIABLE("HTTP_SEC_FETCH_SITE", fetch_site),
    VARIABLE("HTTP_HOST", host),
    VARIABLE("REMOTE_ADDR", remote_addr),
    VARIABLE("HTTP_X_FORWARDED_FOR", x_forwarded_for),
    VARIABLE("HTTP_FORWARDED", forwarded),
    VARIABLE("REMOTE_USER", remote_user),
    VARIABLE("SERVER_SOFTWARE", software),
    VARIABLE("SCRIPT_FILENAME", script),
    VARIABLE("DOCUMENT_ROOT", document_root),
};

/*
 * lighttpd makes the same variable of X-Forwarded-For, which a proxy of ours
 * wrote, and of X_Forwarded_For, with which the client passed that by; which is
 * which cannot be told. Then neither counts: "unknown", as in RFC 7239.
 */
static bool
is_told_twice(const struct pl_request *r, const char *const *at)
{
	return at == &r->x_forwarded_for && (*at)[0] != '\0';
}

/* A variable whose name has len bytes. */
static void
set(struct pl_request *r, const char *name, size_t len, const char *value)
{
	const char *copy, **at;
	size_t i;

	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		if (len != variables[i].len ||
		    memcmp(name, variables[i].name, len) != 0)
			continue;
		copy = pl_arena_copy(&r->arena, value, strlen(value));
		at = (const char **)(void *)((char *)r + variables[i].offset);
		if (copy != NULL)
			*at = is_told_twice(r, at) ? "unknown" : copy;
		return;
	}
	if (len == 14 && memcmp(name, "REQUEST_METHOD", len) == 0)
		r->method = method_of(value);
	else if (len == 5 && memcmp(name, "HTTPS", len) == 0)
		r->https = strcasecmp(value, "on") == 0;
}

void
pl_request_set(struct pl_request *r, const char *name, const char *value)
{
	set(r, name, strlen(name), value);
}

int64_t
pl_request_env(struct pl_request *r, char *const env[])
{
	int64_t length = -1;
	const char *eq;
	size_t len;

	for (; *env != NULL; env++) {
		if ((eq = strchr(*env, '=')) == NULL)
			continue;
		len = (size_t)(eq - *env);
		if (len == 14 && memcmp(*env, "CONTENT_LENGTH", len) == 0 &&
		    eq[1] != '\0')
			length = strtoll(eq + 1, NULL, 10);
		else
			set(r, *env, len, eq + 1);
	}
	return length;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decoded copy; NULL if that is no text, or without memory. */
static const char *
decode(struct pl_request *r, const char *s, size_t n, bool plus)
{
	char *out = pl_arena_alloc(&r->arena, n + 1);
	size_t i, len = 0;

	if (out == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		char c = s[i];

		if (c == '%') {
			if (n - i < 3 || hex_value(s[i + 1]) < 0 ||
			    hex_value(s[i + 2]) < 0)
				return NULL;
			c = (char)(hex_value(s[i + 1]) << 4 |
				   hex_value(s[i + 2]));
			i += 2;
		} else if (c == '+' && plus)
			c = ' ';
		out[len++] = c;
	}
	return pl_utf8_valid(out, len) && memchr(out, '\0', len) == NULL ? out
									 : NULL;
}

const char *
pl_request_path(struct pl_request *r)
{
	size_t n = strcspn(r->uri, "?#");
	const char *api = strstr(r->uri, "/api/");

	if (api == NULL || (size_t)(api - r->uri) >= n)
		return NULL;
	return decode(r, api, n - (size_t)(api - r->uri), false);
}

const char *
pl_request_query(const struct pl_request *r)
{
	const char *q = strchr(r->uri, '?');

	return q == NULL ? "" : q + 1;
}

enum pl_err
pl_query_next(struct pl_request *r, const char **pos, const char **name,
    const char **value)
{
	size_t n, eq;

	*pos += strspn(*pos, "&");
	if (**pos == '\0') {
		*name = *value = NULL;
		return PL_OK;
	}
	n = strcspn(*pos, "&");
	eq = strcspn(*pos, "=&");
	*name = decode(r, *pos, eq, true);
	*value = eq == n ? "" : decode(r, *pos + eq + 1, n - eq - 1, true);
	*pos += n;
	if (r->arena.failed)
		return PL_ERR_NOMEM;
	return *name != NULL && *value != NULL ? PL_OK : PL_ERR_REQUEST;
}

enum pl_err
pl_request_check_type(const struct pl_request *r)
{
	size_t n = strcspn(r->content_type, "; \t");

	if ((n == 16 &&
		strncasecmp(r->content_type, "application/json", n) == 0) ||
	    (n == 10 && strncasecmp(r->content_type, "text/plain", n) == 0))
		return PL_OK;
	return PL_ERR_MEDIA_TYPE;
}

const char *
pl_request_cookie(struct pl_request *r, const char *name)
{
	size_t len = strlen(name);
	const char *p = r->cookie;

	while (*p != '\0') {
		p += strspn(p, "; \t");
		if (strncmp(p, name, len) == 0 && p[len] == '=') {
			p += len + 1;
			return pl_arena_copy(&r->arena, p, strcspn(p, "; \t"));
		}
		p += strcspn(p, ";");
	}
	return NULL;
}

const char *
pl_request_bearer(const struct pl_request *r)
{
	const char *p = r->authorization;

	if (strncasecmp(p, "Bearer", 6) != 0 || (p[6] != ' ' && p[6] != '\t'))
		return NULL;
	p += 6;
	return p + strspn(p, " \t");
}

void
pl_reply_init(struct pl_reply *r)
{
	*r = (struct pl_reply){.status = 200, .type = "application/json"};
}

void
pl_reply_close(struct pl_reply *r)
{
	pl_buf_free(&r->headers);
	pl_buf_free(&r->body);
	pl_reply_init(r);
}

static void
begin_error(struct pl_reply *r, enum pl_err err, const char *message)
{
	const struct error_row *row = &errors[err];

	pl_buf_free(&r->body);
	r->status = row->status;
	r->type = "application/json";
	pl_buf_puts(&r->headers, row->headers);
	pl_json_open(&r->body, '{');
	pl_json_str(&r->body, "error", row->code);
	pl_json_str(&r->body, "message", message ? message : pl_strerror(err));
}

void
pl_reply_error(struct pl_reply *r, enum pl_err err, const char *message)
{
	begin_error(r, err, message);
	pl_json_close(&r->body, '}');
}

void
pl_reply_unknown(struct pl_reply *r, enum pl_err err)
{
	begin_error(r, err, NULL);
	pl_json_bool(&r->body, "isOnline", false);
	pl_json_close(&r->body, '}');
}

static const char *
reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 204:
		return "No Content";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 413:
		return "Content Too Large";
	case 415:
		return "Unsupported Media Type";
	case 429:
		return "Too Many Requests";
	default:
		return "Service Unavailable";
	}
}

void
pl_reply_head(const struct pl_reply *r, struct pl_buf *out)
{
	pl_buf_puts(out, "Status: ");
	pl_buf_int(out, r->status);
	pl_buf_puts(out, " ");
	pl_buf_puts(out, reason(r->status));
	if (r->type != NULL) {
		pl_buf_puts(out, "\r\nContent-Type: ");
		pl_buf_puts(out, r->type);
	}
	pl_buf_puts(out, "\r\nContent-Length: ");
	pl_buf_int(out, (int64_t)r->body.len);
	/* Should a browser be led to take it for a page, it is an inert one. */
	pl_buf_puts(out, "\r\nCache-Control: no-store\r\n"
			 "X-Content-Type-Options: nosniff\r\n"
			 "Content-Security-Policy: default-src 'none'; "
			 "frame-ancestors 'none'\r\n"
			 "Referrer-Policy: no-referrer\r\n"
			 "Vary: Origin\r\n");
	pl_buf_add(out, r->headers.data, r->headers.len);
	pl_buf_puts(out, "\r\n");
}
