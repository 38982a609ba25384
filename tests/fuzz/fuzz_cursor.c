/*
 * Cursors: what is taken lies between what is gone and what has been, and is
 * the cursor that we gave for it.
 */
#include "fuzz.h"
#include "store.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pl_position at = {
	    .epoch = "0123456789abcdef", .seq = 5000, .pruned = 40};
	char *text = fuzz_string(data, size), again[PL_CURSOR_LEN];
	int64_t seq = -1, same = -2;
	enum pl_err err = pl_cursor_parse(&at, text, &seq);

	if (err == PL_OK) {
		HOLDS(seq >= at.pruned && seq <= at.seq);
		pl_cursor_format(&at, seq, again);
		HOLDS(pl_cursor_parse(&at, again, &same) == PL_OK);
		HOLDS(same == seq);
		HOLDS(strncmp(text, at.epoch, PL_EPOCH_LEN) == 0);
		HOLDS(strtoll(text + PL_EPOCH_LEN + 1, NULL, 10) == seq);
	} else {
		HOLDS(err == PL_ERR_NOT_FOUND);
		HOLDS(seq == -1);
	}
	free(text);
	return 0;
}
