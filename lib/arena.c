/*
 * One request's memory: a list of chunks, filled from the front. A request
 * is small (its body is at most 8 KiB), so most need a single chunk.
 */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "secret.h"

#define CHUNK 4096
#define LIMIT (4u << 20) /* one request never needs more */

struct pl_chunk {
	struct pl_chunk *before;
	size_t used;
	size_t size;
	alignas(max_align_t) char data[];
};

void
pl_arena_init(struct pl_arena *a)
{
	*a = (struct pl_arena){NULL, 0, false};
}

void
pl_arena_close(struct pl_arena *a)
{
	struct pl_chunk *c;

	while ((c = a->chunk) != NULL) {
		a->chunk = c->before;
		/* Most requests bring a credential, and memory is used again.
		 */
		pl_wipe(c->data, c->used);
		free(c);
	}
	pl_arena_init(a);
}

static struct pl_chunk *
add_chunk(struct pl_arena *a, size_t n)
{
	size_t size = n > CHUNK ? n : CHUNK;
	struct pl_chunk *c;

	if (size > LIMIT - a->total ||
	    (c = malloc(sizeof(*c) + size)) == NULL) {
		a->failed = true;
		return NULL;
	}
	c->before = a->chunk;
	c->used = 0;
	c->size = size;
	a->chunk = c;
	a->total += size;
	return c;
}

void *
pl_arena_alloc(struct pl_arena *a, size_t n)
{
	struct pl_chunk *c = a->chunk;
	size_t align = alignof(max_align_t);
	void *p;

	if (a->failed || n > LIMIT) {
		a->failed = true;
		return NULL;
	}
	n = (n + align - 1) / align * align;
	if (c == NULL || n > c->size - c->used)
		if ((c = add_chunk(a, n)) == NULL)
			return NULL;
	p = c->data + c->used;
	c->used += n;
	return memset(p, 0, n);
}

char *
pl_arena_copy(struct pl_arena *a, const char *s, size_t n)
{
	char *p;

	if ((p = pl_arena_alloc(a, n + 1)) != NULL && n > 0)
		memcpy(p, s, n);
	return p;
}
