/*
 * The body of a request: JSON, and the members of one flat object. What is
 * read is clean text of the length that was asked for, numbers within their
 * bounds; what is refused says why; what is written of it is JSON again.
 */
#include <json-c/json.h>

#include "fuzz.h"
#include "json.h"
#include "text.h"

#define MAX 24

static void
check_message(const struct pl_json_body *body, enum pl_err err)
{
	HOLDS(err == PL_OK || err == PL_ERR_REQUEST);
	if (err == PL_OK)
		return;
	HOLDS(body->message != NULL);
	HOLDS(pl_text_valid(body->message, strlen(body->message)));
}

/* A name and a text, written by us and read by json-c, are the same. */
static void
check_written(const char *text)
{
	struct pl_buf b = PL_BUF_EMPTY;
	struct json_object *o, *v;

	pl_json_open(&b, '{');
	pl_json_str(&b, "before", NULL);
	pl_json_str(&b, text, text);
	pl_json_open_in(&b, "after", '[');
	pl_json_str(&b, NULL, text);
	pl_json_bool(&b, NULL, true);
	pl_json_close(&b, ']');
	pl_json_close(&b, '}');
	pl_buf_add(&b, "", 1);
	HOLDS(!b.failed);
	o = json_tokener_parse(b.data);
	HOLDS(json_object_is_type(o, json_type_object));
	HOLDS(json_object_object_get_ex(o, text, &v));
	if (strcmp(text, "after") != 0)
		HOLDS(strcmp(json_object_get_string(v), text) == 0);
	HOLDS(json_object_object_get_ex(o, "after", &v));
	v = json_object_array_get_idx(v, 0);
	HOLDS(strcmp(json_object_get_string(v), text) == 0);
	json_object_put(o);
	pl_buf_free(&b);
}

static void
check_members(struct pl_json_body *body)
{
	static const char unset[] = "unset";
	const char *needed = unset, *wanted = unset;
	int64_t n = -7;
	bool yes = false;
	enum pl_err err;

	err = pl_json_need_str(body, "id", MAX, &needed);
	check_message(body, err);
	HOLDS((err == PL_OK) == (needed != unset));
	if (err == PL_OK) {
		HOLDS(needed[0] != '\0' && strlen(needed) <= MAX);
		HOLDS(pl_text_valid(needed, strlen(needed)));
		check_written(needed);
	}
	err = pl_json_want_str(body, "name", MAX, &wanted);
	check_message(body, err);
	if (wanted != unset) {
		HOLDS(err == PL_OK && strlen(wanted) <= MAX);
		HOLDS(pl_text_valid(wanted, strlen(wanted)));
	}
	err = pl_json_want_int(body, "seq", 3, 900, &n);
	check_message(body, err);
	HOLDS(n == -7 || (err == PL_OK && n >= 3 && n <= 900));
	err = pl_json_need_bool(body, "typing", &yes);
	check_message(body, err);
	HOLDS(!yes || err == PL_OK);
}

/* What is read where it stands is what json-c reads. */
static void
check_flat(const char *text, size_t size, struct pl_arena *arena)
{
	static const char *const names[] = {"id", "name", "seq", "typing"};
	struct pl_json_body flat, tree;
	const char *a, *b;
	int64_t m, n;
	size_t i;

	if (!pl_utf8_valid(text, size) || !pl_json_flat(&flat, text, size))
		return;
	flat.object = NULL;
	flat.arena = arena;
	HOLDS(pl_json_parse(&tree, arena, text, size) == PL_OK);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		a = b = "unset";
		m = n = -7;
		HOLDS(pl_json_want_str(&flat, names[i], MAX, &a) ==
		      pl_json_want_str(&tree, names[i], MAX, &b));
		HOLDS(strcmp(a, b) == 0);
		HOLDS(pl_json_want_int(&flat, names[i], 0, INT64_MAX, &m) ==
		      pl_json_want_int(&tree, names[i], 0, INT64_MAX, &n));
		HOLDS(m == n);
	}
	pl_json_free(&tree);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pl_json_body body;
	struct pl_arena arena;
	char *text = malloc(size + 1);
	enum pl_err err;

	HOLDS(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0'; /* as a request's body is */
	pl_arena_init(&arena);
	check_flat(text, size, &arena);
	err = pl_json_read(&body, &arena, text, size);
	if (err == PL_OK) {
		HOLDS(pl_utf8_valid(text, size));
		check_members(&body);
	} else
		HOLDS(err == PL_ERR_JSON);
	pl_json_free(&body);
	pl_arena_close(&arena);
	free(text);
	return 0;
}
