/*
 * JSON: read with json-c, written by hand. Answers are written a hundred
 * thousand times a minute, from values that are all at hand, so a tree would
 * be built only to be walked once.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "secret.h"
#include "text.h"

#define DEPTH 8 /* of nesting; a request has one level */

static void
quote(struct pl_buf *b, const char *s)
{
	const char *run = s;
	char esc[8];

	pl_buf_add(b, "\"", 1);
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		pl_buf_add(b, run, (size_t)(s - run));
		if (c >= 0x20)
			snprintf(esc, sizeof(esc), "\\%c", c);
		else
			snprintf(esc, sizeof(esc), "\\u%04x", c);
		pl_buf_puts(b, esc);
		run = s + 1;
	}
	pl_buf_add(b, run, (size_t)(s - run));
	pl_buf_add(b, "\"", 1);
}

/* The comma, if something stands before, and the name. */
static void
begin(struct pl_buf *b, const char *name)
{
	if (b->len > 0 && strchr("{[:", b->data[b->len - 1]) == NULL)
		pl_buf_add(b, ",", 1);
	if (name == NULL)
		return;
	quote(b, name);
	pl_buf_add(b, ":", 1);
}

void
pl_json_open(struct pl_buf *b, char bracket)
{
	pl_json_open_in(b, NULL, bracket);
}

void
pl_json_open_in(struct pl_buf *b, const char *name, char bracket)
{
	begin(b, name);
	pl_buf_add(b, &bracket, 1);
}

void
pl_json_close(struct pl_buf *b, char bracket)
{
	pl_buf_add(b, &bracket, 1);
}

void
pl_json_str(struct pl_buf *b, const char *name, const char *v)
{
	begin(b, name);
	if (v == NULL)
		pl_buf_puts(b, "null");
	else
		quote(b, v);
}

void
pl_json_int(struct pl_buf *b, const char *name, int64_t v)
{
	begin(b, name);
	pl_buf_int(b, v);
}

void
pl_json_bool(struct pl_buf *b, const char *name, bool v)
{
	begin(b, name);
	pl_buf_puts(b, v ? "true" : "false");
}

void
pl_json_time(struct pl_buf *b, const char *name, int64_t ms)
{
	char text[PL_TIME_LEN + 1];

	if (ms != 0)
		pl_clock_format(ms, text);
	pl_json_str(b, name, ms != 0 ? text : NULL);
}

void
pl_json_hex(struct pl_buf *b, const char *name, const uint8_t *v, size_t n)
{
	char text[2 * PL_HASH_LEN + 1];

	pl_hex(v, n < PL_HASH_LEN ? n : PL_HASH_LEN, text);
	pl_json_str(b, name, text);
}

void
pl_json_raw(struct pl_buf *b, const char *json, size_t n)
{
	begin(b, NULL);
	pl_buf_add(b, json, n);
}

enum pl_err
pl_json_parse(struct pl_json_body *body, struct pl_arena *arena,
    const char *text, size_t len)
{
	struct json_tokener *tok;
	struct json_object *object;
	enum json_tokener_error error;

	body->object = NULL;
	body->n = 0;
	body->arena = arena;
	body->message = NULL;
	/* json-c's own check lets surrogates and overlong forms pass. */
	if (!pl_utf8_valid(text, len))
		return PL_ERR_JSON;
	if ((tok = json_tokener_new_ex(DEPTH)) == NULL)
		return PL_ERR_NOMEM;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tok, text, (int)len);
	error = json_tokener_get_error(tok);
	/* It stops behind the object; only white space may follow. */
	if (error == json_tokener_success) {
		size_t end = json_tokener_get_parse_end(tok);

		while (end < len && strchr(" \t\r\n", text[end]) != NULL &&
		       text[end] != '\0')
			end++;
		if (end < len)
			error = json_tokener_error_parse_unexpected;
	}
	json_tokener_free(tok);
	if (error != json_tokener_success ||
	    !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		return PL_ERR_JSON;
	}
	body->object = object;
	return PL_OK;
}

enum pl_err
pl_json_read(struct pl_json_body *body, struct pl_arena *arena,
    const char *text, size_t len)
{
	if (!pl_utf8_valid(text, len) || !pl_json_flat(body, text, len))
		return pl_json_parse(body, arena, text, len);
	body->object = NULL;
	body->arena = arena;
	body->message = NULL;
	return PL_OK;
}

void
pl_json_free(struct pl_json_body *body)
{
	json_object_put(body->object);
	body->object = NULL;
}

enum pl_err
pl_json_refuse(
    struct pl_json_body *body, const char *name, const char *expected)
{
	char text[200];

	snprintf(text, sizeof(text), "%s: expected %s", name, expected);
	body->message = pl_arena_copy(body->arena, text, strlen(text));
	return PL_ERR_REQUEST;
}

static struct pl_json_value
value_of(struct json_object *v)
{
	struct pl_json_value value = {.type = PL_JSON_OTHER};

	if (v == NULL)
		value.type = PL_JSON_NULL;
	else if (json_object_is_type(v, json_type_string)) {
		value.type = PL_JSON_STRING;
		value.text = json_object_get_string(v);
		value.len = (size_t)json_object_get_string_len(v);
	} else if (json_object_is_type(v, json_type_int)) {
		value.type = PL_JSON_INT;
		value.number = json_object_get_int64(v);
	} else if (json_object_is_type(v, json_type_boolean)) {
		value.type = PL_JSON_BOOL;
		value.number = json_object_get_boolean(v);
	}
	return value;
}

/* Of two of one name the last counts, as with json-c. */
static struct pl_json_value
member(const struct pl_json_body *body, const char *name)
{
	struct json_object *v = NULL;
	size_t i, len = strlen(name);

	if (body->object != NULL) {
		json_object_object_get_ex(body->object, name, &v);
		return value_of(v);
	}
	for (i = body->n; i > 0; i--)
		if (body->members[i - 1].len == len &&
		    memcmp(body->members[i - 1].name, name, len) == 0)
			return body->members[i - 1].value;
	return value_of(NULL);
}

static enum pl_err
refuse_str(struct pl_json_body *body, const char *name, size_t max)
{
	char expected[64];

	snprintf(expected, sizeof(expected),
	    "a string of 1 to %zu bytes of text", max);
	return pl_json_refuse(body, name, expected);
}

enum pl_err
pl_json_want_str(
    struct pl_json_body *body, const char *name, size_t max, const char **out)
{
	struct pl_json_value v = member(body, name);
	const char *s;

	if (v.type == PL_JSON_NULL)
		return PL_OK;
	if (v.type != PL_JSON_STRING || v.len == 0 || v.len > max ||
	    !pl_text_valid(v.text, v.len))
		return refuse_str(body, name, max);
	if ((s = pl_arena_copy(body->arena, v.text, v.len)) == NULL)
		return PL_ERR_NOMEM;
	*out = s;
	return PL_OK;
}

enum pl_err
pl_json_need_str(
    struct pl_json_body *body, const char *name, size_t max, const char **out)
{
	if (member(body, name).type == PL_JSON_NULL)
		return pl_json_refuse(
		    body, name, "a string, and it is missing");
	return pl_json_want_str(body, name, max, out);
}

enum pl_err
pl_json_want_int(struct pl_json_body *body, const char *name, int64_t least,
    int64_t most, int64_t *out)
{
	struct pl_json_value v = member(body, name);
	char expected[80];

	if (v.type == PL_JSON_NULL)
		return PL_OK;
	if (v.type == PL_JSON_INT && v.number >= least && v.number <= most) {
		*out = v.number;
		return PL_OK;
	}
	snprintf(expected, sizeof(expected), "a whole number from %lld to %lld",
	    (long long)least, (long long)most);
	return pl_json_refuse(body, name, expected);
}

enum pl_err
pl_json_need_bool(struct pl_json_body *body, const char *name, bool *out)
{
	struct pl_json_value v = member(body, name);

	if (v.type != PL_JSON_BOOL)
		return pl_json_refuse(body, name, "true or false");
	*out = v.number != 0;
	return PL_OK;
}
