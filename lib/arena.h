#ifndef PL_ARENA_H
#define PL_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Memory for one request, given back at once when it is answered. When
 * memory runs out, or `limit` is reached, the arena is `failed` and returns
 * NULL from then on.
 */
struct pl_arena {
	struct pl_chunk *chunk; /* the newest; each points to the one before */
	size_t total;           /* bytes of all chunks */
	bool failed;
};

void pl_arena_init(struct pl_arena *);
void pl_arena_close(struct pl_arena *); /* usable again after */

/* Zeroed, aligned for anything; lives until close. NULL if failed. */
void *pl_arena_alloc(struct pl_arena *, size_t);

/* A terminated copy of n bytes. */
char *pl_arena_copy(struct pl_arena *, const char *, size_t n);

#endif
