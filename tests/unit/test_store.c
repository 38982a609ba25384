#include <stdio.h>
#include <string.h>

#include "store.h"
#include "../lib/test.h"

static const struct pl_position here = {
    .epoch = "0123456789abcdef", .seq = 900, .pruned = 100};

static const struct pl_position elsewhere = {
    .epoch = "0123456789abcdee", .seq = 900, .pruned = 100};

Test(store, cursors_go_out_and_come_back)
{
	char cursor[PL_CURSOR_LEN];
	int64_t seq = 0;

	pl_cursor_format(&here, 250, cursor);
	cr_expect_eq(pl_cursor_parse(&here, cursor, &seq), PL_OK);
	cr_expect_eq(seq, 250);
}

Test(store, places_in_the_list_go_out_and_come_back)
{
	char next[PL_CURSOR_LEN];
	int64_t since = 0, id = 0;

	pl_next_format(&here, T0, 7000000, next);
	cr_expect_eq(pl_next_parse(&here, next, &since, &id), PL_OK);
	cr_expect_eq(since, T0);
	cr_expect_eq(id, 7000000);
	cr_expect_eq(
	    pl_next_parse(&elsewhere, next, &since, &id), PL_ERR_NOT_FOUND);
}

ParameterizedTestParameters(store, own_ids_say_their_number_to_us)
{
	static int64_t rows[] = {1, 255, 256, 1000000, (INT64_C(1) << 40) - 1};

	return ROWS(int64_t, rows);
}

/* To nobody else, not even that two are of the same number. */
ParameterizedTest(int64_t *number, store, own_ids_say_their_number_to_us)
{
	uint8_t id[PL_OWN_ID], other[PL_OWN_ID];

	cr_assert_eq(pl_own_id_make(&here, *number, id), PL_OK);
	cr_expect_eq(pl_own_id_number(&here, id), *number);
	cr_expect_neq(pl_own_id_number(&elsewhere, id), *number);
	cr_assert_eq(pl_own_id_make(&here, *number, other), PL_OK);
	cr_expect_neq(memcmp(id, other, 7), 0);
	cr_expect_neq(memcmp(id + 7, other + 7, sizeof(id) - 7), 0);
}

/* More than fits: it says another, and is found by its name. */
Test(store, own_ids_have_numbers_of_40_bits)
{
	uint8_t id[PL_OWN_ID];

	cr_assert_eq(pl_own_id_make(&here, (INT64_C(1) << 40) + 5, id), PL_OK);
	cr_expect_eq(pl_own_id_number(&here, id), 5);
}

/* How much others have to do cannot be seen, nor that they have. */
Test(store, cursors_tell_nothing)
{
	char one[PL_CURSOR_LEN], two[PL_CURSOR_LEN];

	pl_cursor_format(&here, 250, one);
	pl_cursor_format(&here, 250, two);
	cr_expect_str_neq(one, two);
	cr_expect_eq(strlen(one), PL_CURSOR_LEN - 1);
	pl_cursor_format(&here, 900000000, two);
	cr_expect_eq(strlen(two), PL_CURSOR_LEN - 1);
	cr_expect_null(strstr(one, here.epoch));
}

/* A cursor is no place in the list, and no other store's. */
Test(store, takes_no_cursor_for_something_else)
{
	char cursor[PL_CURSOR_LEN];
	int64_t seq = -1, id = -1;

	pl_cursor_format(&here, 250, cursor);
	cr_expect_eq(
	    pl_cursor_parse(&elsewhere, cursor, &seq), PL_ERR_NOT_FOUND);
	cr_expect_eq(pl_next_parse(&here, cursor, &seq, &id), PL_ERR_NOT_FOUND);
	pl_next_format(&here, 250, 250, cursor);
	cr_expect_eq(pl_cursor_parse(&here, cursor, &seq), PL_ERR_NOT_FOUND);
	cr_expect_eq(seq, -1);
}

ParameterizedTestParameters(store, refuses_cursors_that_lead_nowhere)
{
	/* Its rows are gone; not yet. */
	static int64_t rows[] = {0, 99, 901, INT64_C(1) << 47};

	return ROWS(int64_t, rows);
}

ParameterizedTest(int64_t *row, store, refuses_cursors_that_lead_nowhere)
{
	char cursor[PL_CURSOR_LEN];
	int64_t seq = -1;

	pl_cursor_format(&here, *row, cursor);
	cr_expect_eq(pl_cursor_parse(&here, cursor, &seq), PL_ERR_NOT_FOUND);
	cr_expect_eq(seq, -1);
}

/* One that is good, but for what is done to it. */
Test(store, refuses_what_is_no_cursor)
{
	char cursor[PL_CURSOR_LEN], bad[PL_CURSOR_LEN + 2];
	int64_t seq = -1;
	size_t i;

	pl_cursor_format(&here, 250, cursor);
	for (i = 0; cursor[i] != '\0'; i++) {
		strcpy(bad, cursor);
		bad[i] = bad[i] == '0' ? '1' : '0';
		cr_expect_eq(pl_cursor_parse(&here, bad, &seq),
		    PL_ERR_NOT_FOUND, "%zu", i);
		bad[i] = 'x';
		cr_expect_eq(pl_cursor_parse(&here, bad, &seq),
		    PL_ERR_NOT_FOUND, "%zu", i);
		bad[i] = '\0';
		cr_expect_eq(pl_cursor_parse(&here, bad, &seq),
		    PL_ERR_NOT_FOUND, "%zu", i);
	}
	snprintf(bad, sizeof(bad), "%s0", cursor);
	cr_expect_eq(pl_cursor_parse(&here, bad, &seq), PL_ERR_NOT_FOUND);
	cr_expect_eq(pl_cursor_parse(&here, "0123456789abcdef-250", &seq),
	    PL_ERR_NOT_FOUND);
	cr_expect_eq(seq, -1);
}
