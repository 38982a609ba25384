#include <string.h>

#include "err.h"
#include "../lib/test.h"

/* Every error has words of its own. */
Test(err, has_words_for_every_error)
{
	int i, j;

	for (i = 0; i < PL_ERR__MAX; i++) {
		const char *words = pl_strerror((enum pl_err)i);

		cr_assert_not_null(words, "error %d", i);
		cr_expect_gt(strlen(words), 3, "error %d: \"%s\"", i, words);
		cr_expect_str_neq(words, "unknown error", "error %d", i);
		for (j = 0; j < i; j++)
			cr_expect_str_neq(words, pl_strerror((enum pl_err)j),
			    "errors %d and %d", i, j);
	}
}

/* What is no error is told as such, not read from beyond the table. */
Test(err, has_words_for_what_is_none)
{
	cr_expect_str_eq(pl_strerror(PL_ERR__MAX), "unknown error");
	cr_expect_str_eq(pl_strerror((enum pl_err)9999), "unknown error");
	cr_expect_str_eq(pl_strerror((enum pl_err) - 1), "unknown error");
}
