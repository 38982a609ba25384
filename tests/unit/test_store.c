#include <stdio.h>

#include "store.h"
#include "../lib/test.h"

static const struct pl_position here = {
    .epoch = "0123456789abcdef", .seq = 900, .pruned = 100};

Test(store, cursors_go_out_and_come_back)
{
	char cursor[PL_CURSOR_LEN];
	int64_t seq = 0;

	pl_cursor_format(&here, 250, cursor);
	cr_expect_eq(pl_cursor_parse(&here, cursor, &seq), PL_OK);
	cr_expect_eq(seq, 250);
}

struct cursor {
	char text[60];
};

ParameterizedTestParameters(store, refuses_cursors_that_lead_nowhere)
{
	static struct cursor rows[] = {
	    {""},
	    {"garbage"},
	    {"0123456789abcdef"},
	    {"0123456789abcdef-"},
	    {"0123456789abcdef-99"},  /* its rows are gone */
	    {"0123456789abcdef-901"}, /* not yet */
	    {"0123456789abcdef--250"},
	    {"0123456789abcdef-250x"},
	    {"0123456789abcdee-250"}, /* another store's */
	    {"0123456789abcdef-99999999999999999999"},
	};

	return ROWS(struct cursor, rows);
}

ParameterizedTest(struct cursor *row, store, refuses_cursors_that_lead_nowhere)
{
	int64_t seq = -1;

	cr_expect_eq(pl_cursor_parse(&here, row->text, &seq), PL_ERR_NOT_FOUND);
	cr_expect_eq(seq, -1);
}
