#ifndef PL_FUZZ_SERVED_H
#define PL_FUZZ_SERVED_H

#include "fuzz.h"

/*
 * Both programs in one, without a web server: the loop, its store, its held
 * polls, on a socket that a target writes to. Its clock is the target's: each
 * run is a second after the last. The store is made anew every SERVED_RUNS
 * runs, so that little hangs on what came before, and a run costs little.
 *
 * There are two companies. The target knows the keys of one ("acme", below),
 * and not a word of any answer may be of the other.
 */
#define SERVED_RUNS 256

/* Run by LLVMFuzzerInitialize(). The folder goes with the process. */
void served_open(void);

/* A run: begins, sends as many connections as it likes, ends. */
void served_begin(const uint8_t *input, size_t size);
void served_end(void);

/* A connection; what is sent on it; a turn or two of the loop. At the end of
 * the run its answers are checked, and it is closed. */
#define SERVED_CONNECTIONS 8
int served_connect(void);
void served_send(int connection, const void *, size_t);
void served_turn(void);
/* A cursor, a place in the list: good ones, which no input can hit upon. */
void served_cursor(char out[33]);
void served_next(char out[33]);
/* How many requests it has had answers to. */
size_t served_answers(int connection);

#endif
