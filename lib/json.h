#ifndef PL_JSON_H
#define PL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "buf.h"
#include "err.h"

/*
 * Writing. Members and elements are put one after the other; the commas come
 * by themselves. name NULL: an element of an array.
 */
void pl_json_open(struct pl_buf *, char bracket); /* as a value or element */
void pl_json_open_in(struct pl_buf *, const char *name, char bracket);
void pl_json_close(struct pl_buf *, char bracket);
void pl_json_str(
    struct pl_buf *, const char *name, const char *v); /* NULL: null */
void pl_json_int(struct pl_buf *, const char *name, int64_t);
void pl_json_bool(struct pl_buf *, const char *name, bool);
void pl_json_time(struct pl_buf *, const char *name, int64_t ms); /* 0: null */
void pl_json_hex(struct pl_buf *, const char *name, const uint8_t *, size_t);
void pl_json_raw(struct pl_buf *, const char *json, size_t); /* an element */

/*
 * Reading: the members of one flat object. Strings are copied to the arena.
 * A member that is missing where it must be there, of the wrong type, too
 * long or no clean text is PL_ERR_REQUEST, and *message says which (in the
 * arena).
 */
enum pl_json_type {
	PL_JSON_NULL, /* or absent */
	PL_JSON_STRING,
	PL_JSON_INT,
	PL_JSON_BOOL,
	PL_JSON_OTHER
};
struct pl_json_value {
	enum pl_json_type type;
	const char *text; /* borrowed, not terminated */
	size_t len;
	int64_t number; /* PL_JSON_BOOL: 0 or 1 */
};
struct pl_json_member {
	const char *name; /* borrowed, not terminated */
	size_t len;
	struct pl_json_value value;
};
#define PL_JSON_MEMBERS 12

struct pl_json_body {
	struct json_object *object; /* owned; NULL: the members are here: */
	struct pl_json_member members[PL_JSON_MEMBERS];
	size_t n;
	struct pl_arena *arena;
	const char *message;
};

/* PL_ERR_JSON unless it is one JSON object in UTF-8, and nothing after. The
 * text is borrowed until pl_json_free(). */
enum pl_err pl_json_read(struct pl_json_body *, struct pl_arena *,
    const char *text, size_t len) PL_MUST;
/* The same, and always as a tree: body->object. */
enum pl_err pl_json_parse(struct pl_json_body *, struct pl_arena *,
    const char *text, size_t len) PL_MUST;
/* The members of plain UTF-8 text, where they stand. False: it is not as
 * simple as that, or no JSON at all (json_flat.c). */
bool pl_json_flat(struct pl_json_body *, const char *text, size_t len);
void pl_json_free(struct pl_json_body *);

/* 1 to max bytes of text without control characters. */
enum pl_err pl_json_need_str(
    struct pl_json_body *, const char *name, size_t max, const char **) PL_MUST;
/* The same, or absent or null: *out is left as it was. */
enum pl_err pl_json_want_str(
    struct pl_json_body *, const char *name, size_t max, const char **) PL_MUST;
enum pl_err pl_json_want_int(struct pl_json_body *, const char *name,
    int64_t least, int64_t most, int64_t *) PL_MUST;
enum pl_err pl_json_need_bool(
    struct pl_json_body *, const char *name, bool *) PL_MUST;
/* Says that a member is not as it must be. */
enum pl_err pl_json_refuse(
    struct pl_json_body *, const char *name, const char *expected) PL_MUST;

#endif
