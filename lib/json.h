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
struct pl_json_body {
	struct json_object *object; /* owned */
	struct pl_arena *arena;
	const char *message;
};

/* PL_ERR_JSON unless it is one JSON object in UTF-8, and nothing after. */
enum pl_err pl_json_parse(struct pl_json_body *, struct pl_arena *,
    const char *text, size_t len) PL_MUST;
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
