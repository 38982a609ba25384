#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "arena.h"
#include "../lib/test.h"

/* Whatever the sizes before, each piece is aligned for anything, and zero. */
Test(arena, aligns_and_zeroes_every_piece)
{
	static const char zero[5000];
	struct pl_arena a;
	size_t n;

	pl_arena_init(&a);
	for (n = 0; n < 200; n++) {
		char *p = pl_arena_alloc(&a, n);

		cr_assert_not_null(p);
		cr_assert_eq((uintptr_t)p % alignof(max_align_t), 0);
		cr_assert_arr_eq(p, zero, n);
		memset(p, 0xff, n);
	}
	pl_arena_close(&a);
}

/* Pieces do not overlap, also those larger than a chunk. */
Test(arena, keeps_pieces_apart)
{
	static const size_t sizes[] = {
	    1, 4095, 4096, 4097, 17, 100000, 1, 4080, 16};
	enum { N = LENGTH(sizes) };
	struct pl_arena a;
	unsigned char *p[N];
	size_t i, j;

	pl_arena_init(&a);
	for (i = 0; i < N; i++) {
		p[i] = pl_arena_alloc(&a, sizes[i]);
		cr_assert_not_null(p[i]);
		memset(p[i], (int)i + 1, sizes[i]);
	}
	for (i = 0; i < N; i++)
		for (j = 0; j < sizes[i]; j++)
			cr_assert_eq(p[i][j], i + 1);
	pl_arena_close(&a);
}

/* A copy is terminated, and may be empty. */
Test(arena, copies_and_terminates)
{
	struct pl_arena a;

	pl_arena_init(&a);
	cr_expect_str_eq(pl_arena_copy(&a, "hello world", 5), "hello");
	cr_expect_str_eq(pl_arena_copy(&a, "", 0), "");
	cr_expect_str_eq(pl_arena_copy(&a, NULL, 0), "");
	pl_arena_close(&a);
}

/* One piece over the limit fails it, and it stays failed until closed. */
Test(arena, refuses_more_than_its_limit_at_once)
{
	struct pl_arena a;

	pl_arena_init(&a);
	cr_expect_null(pl_arena_alloc(&a, (4u << 20) + 1));
	cr_expect(a.failed);
	cr_expect_null(pl_arena_alloc(&a, 1));
	cr_expect_null(pl_arena_copy(&a, "x", 1));
	pl_arena_close(&a);
	cr_expect(!a.failed);
	cr_expect_not_null(pl_arena_alloc(&a, 4u << 20));
	pl_arena_close(&a);
	cr_expect_null(pl_arena_alloc(&a, SIZE_MAX));
	pl_arena_close(&a);
}

/* Many small ones come to the same limit. */
Test(arena, refuses_more_than_its_limit_in_all)
{
	struct pl_arena a;
	size_t n = 0;

	pl_arena_init(&a);
	while (pl_arena_alloc(&a, 1000) != NULL)
		n += 1000;
	cr_expect(a.failed);
	cr_expect_gt(n, 3u << 20);
	cr_expect_leq(n, 4u << 20);
	cr_expect_leq(a.total, 4u << 20);
	pl_arena_close(&a);
	cr_expect_eq(a.total, 0);
}
