#ifndef PL_BUF_H
#define PL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes that grow at the end. When memory runs out the buffer is `failed`,
 * takes nothing more, and is checked once, at the end.
 */
struct pl_buf {
	char *data; /* owned; not terminated */
	size_t len;
	size_t cap;
	bool failed;
};

#define PL_BUF_EMPTY ((struct pl_buf){NULL, 0, 0, false})

void pl_buf_free(struct pl_buf *); /* empty again, usable */
void pl_buf_add(struct pl_buf *, const void *, size_t);
void pl_buf_puts(struct pl_buf *, const char *);
void pl_buf_int(struct pl_buf *, int64_t);
void pl_buf_printf(struct pl_buf *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* Hands the bytes over: *data is the caller's to free, the buffer is empty. */
void pl_buf_take(struct pl_buf *, char **data, size_t *len);

#endif
