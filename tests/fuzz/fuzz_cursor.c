/*
 * Cursors, and places in the list: what is taken was given by that store. A
 * block that nobody sealed would have to hit our mark, so every other input
 * is sealed here first: digits of a number, as a cursor of ours.
 */
#include "fuzz.h"
#include "store.h"

static const struct pl_position at = {
    .epoch = "0123456789abcdef", .seq = 5000, .pruned = 40};

static void
check(const char *text)
{
	char again[PL_CURSOR_LEN];
	int64_t seq = -1, id = -1, same = -2;

	if (pl_cursor_parse(&at, text, &seq) == PL_OK) {
		HOLDS(seq >= at.pruned && seq <= at.seq);
		HOLDS(strlen(text) == PL_CURSOR_LEN - 1);
		pl_cursor_format(&at, seq, again);
		HOLDS(strcmp(again, text) != 0);
		HOLDS(pl_cursor_parse(&at, again, &same) == PL_OK);
		HOLDS(same == seq);
		HOLDS(pl_next_parse(&at, text, &seq, &id) != PL_OK);
	} else
		HOLDS(seq == -1);
	if (pl_next_parse(&at, text, &seq, &id) == PL_OK) {
		pl_next_format(&at, seq, id, again);
		HOLDS(strcmp(again, text) == 0);
	}
}

static void
check_sealed(int64_t n)
{
	char text[PL_CURSOR_LEN];
	int64_t a = -1, b = -1;

	pl_cursor_format(&at, n, text);
	check(text);
	HOLDS((pl_cursor_parse(&at, text, &a) == PL_OK) ==
	      (n >= at.pruned && n <= at.seq));
	pl_next_format(&at, n, n / 2, text);
	check(text);
	HOLDS(pl_next_parse(&at, text, &a, &b) == PL_OK);
	HOLDS(a == n && b == n / 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	check(text);
	check_sealed((int64_t)(strtoull(text, NULL, 16) & 0xffffffffffff));
	free(text);
	return 0;
}
