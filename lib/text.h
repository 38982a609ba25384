#ifndef PL_TEXT_H
#define PL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* A whole number without sign, or PL_ERR_REQUEST if not in [least, most]. */
enum pl_err pl_parse_int(
    const char *, int64_t least, int64_t most, int64_t *) PL_MUST;

/* Writes a whole number, not terminated; how many bytes of out it takes. */
#define PL_INT_LEN 20
size_t pl_format_int(char out[PL_INT_LEN], int64_t);

/* UTF-8 without overlong forms and surrogates (RFC 3629). */
bool pl_utf8_valid(const char *, size_t);
/* The same, and no control characters: nothing below U+0020, nor from DEL to
 * U+009F. */
bool pl_text_valid(const char *, size_t);
/* Bytes of the first character of such text, of n > 0; 0: it is none. */
size_t pl_text_char(const char *, size_t n);

#endif
