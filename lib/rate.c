/*
 * How often somebody may: for what costs something before anybody has shown
 * who he is.
 */
#include "rate.h"
#include "secret.h"

#define MINUTE 60000

bool
pl_rate_take(struct pl_rate *rate, const char *name, int64_t burst, int64_t now)
{
	uint64_t h = pl_fnv1a(name, PL_FNV1A_START);
	int64_t *at = &rate->slot[h % PL_RATE_SLOTS].at;
	int64_t *used = &rate->slot[h % PL_RATE_SLOTS].used;
	int64_t passed = now > *at ? now - *at : 0;

	if (passed >= MINUTE || *used <= passed * burst)
		*used = 0;
	else
		*used -= passed * burst;
	*at = now;
	if (*used + MINUTE > burst * MINUTE)
		return false;
	*used += MINUTE;
	return true;
}
