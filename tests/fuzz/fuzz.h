#ifndef PL_FUZZ_H
#define PL_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What every fuzz target starts with. A target is handed bytes that nobody
 * has looked at, and holds the parser to what its header promises: a crash,
 * a sanitizer's report and a broken promise all end it the same way.
 */
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A promise of the code under test. */
#define HOLDS(promise)                                                         \
	do {                                                                   \
		if (!(promise)) {                                              \
			fprintf(stderr, "%s:%d: does not hold: %s\n",          \
			    __FILE__, __LINE__, #promise);                     \
			abort();                                               \
		}                                                              \
	} while (0)

/* The bytes as a string of its own block, so that a read behind its end is
 * seen; it ends at the first NUL. The caller frees it. */
static inline char *
fuzz_string(const uint8_t *data, size_t size)
{
	size_t len = size > 0 ? strnlen((const char *)data, size) : 0;
	char *s = malloc(len + 1);

	HOLDS(s != NULL);
	if (len > 0)
		memcpy(s, data, len);
	s[len] = '\0';
	return s;
}

#endif
