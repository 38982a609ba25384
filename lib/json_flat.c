/*
 * JSON as widgets write it: one object whose members are plain strings, whole
 * numbers, true, false or null. It is read where it stands: no tree, no
 * allocation, a tenth of what json-c takes for it. All else, and all that may
 * be wrong, is json-c's to judge.
 *
 *	{"conversationId": "conv_123", "seq": 7, "typing": true}
 */
#include <string.h>

#include "json.h"

#define DIGITS 15 /* as many as fit, whatever they are */

struct reader {
	const char *p, *end;
};

static void
skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' ||
				    *r->p == '\r' || *r->p == '\n'))
		r->p++;
}

static bool
take(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return false;
	r->p += n;
	return true;
}

/* Without escapes: those need room of their own. */
static bool
take_string(struct reader *r, const char **s, size_t *len)
{
	if (!take(r, "\""))
		return false;
	for (*s = r->p; r->p < r->end; r->p++) {
		unsigned char c = (unsigned char)*r->p;

		if (c == '"') {
			*len = (size_t)(r->p++ - *s);
			return true;
		}
		if (c < 0x20 || c == '\\')
			return false;
	}
	return false;
}

/* Without sign, fraction and exponent. */
static bool
take_number(struct reader *r, int64_t *n)
{
	const char *start = r->p;

	for (*n = 0; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
		if (r->p - start == DIGITS)
			return false;
		*n = *n * 10 + (*r->p - '0');
	}
	return r->p > start && (*start != '0' || r->p == start + 1);
}

/* By its first byte: what did not become a string or a number is nothing else
 * either, from where that ended. */
static bool
take_value(struct reader *r, struct pl_json_value *v)
{
	if (r->p == r->end)
		return false;
	if (*r->p == '"') {
		v->type = PL_JSON_STRING;
		return take_string(r, &v->text, &v->len);
	}
	if (*r->p >= '0' && *r->p <= '9') {
		v->type = PL_JSON_INT;
		return take_number(r, &v->number);
	}
	v->type = PL_JSON_BOOL;
	v->number = 1;
	if (take(r, "true"))
		return true;
	v->number = 0;
	if (take(r, "false"))
		return true;
	v->type = PL_JSON_NULL;
	return take(r, "null");
}

static bool
take_member(struct reader *r, struct pl_json_member *m)
{
	skip_space(r);
	if (!take_string(r, &m->name, &m->len))
		return false;
	skip_space(r);
	if (!take(r, ":"))
		return false;
	skip_space(r);
	if (!take_value(r, &m->value))
		return false;
	skip_space(r);
	return true;
}

bool
pl_json_flat(struct pl_json_body *body, const char *text, size_t len)
{
	struct reader r = {text, text + len};

	body->n = 0;
	skip_space(&r);
	if (!take(&r, "{"))
		return false;
	do
		if (body->n == PL_JSON_MEMBERS ||
		    !take_member(&r, &body->members[body->n++]))
			return false;
	while (take(&r, ","));
	if (!take(&r, "}"))
		return false;
	skip_space(&r);
	return r.p == r.end;
}
