/*
 * Cursors: the same for every store.
 */
#include <stdio.h>
#include <string.h>

#include "store.h"
#include "text.h"

void
pl_cursor_format(
    const struct pl_position *store, int64_t seq, char out[PL_CURSOR_LEN])
{
	snprintf(out, PL_CURSOR_LEN, "%s-%lld", store->epoch, (long long)seq);
}

enum pl_err
pl_cursor_parse(const struct pl_position *store, const char *s, int64_t *seq)
{
	if (strncmp(s, store->epoch, PL_EPOCH_LEN) != 0 ||
	    s[PL_EPOCH_LEN] != '-' ||
	    pl_parse_int(
		s + PL_EPOCH_LEN + 1, store->pruned, store->seq, seq) != PL_OK)
		return PL_ERR_NOT_FOUND;
	return PL_OK;
}
