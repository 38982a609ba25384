#ifndef PL_FCGI_RECORD_H
#define PL_FCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * FastCGI records, as bytes: whether a request is whole, and the framing of
 * answers. https://fastcgi-archives.github.io/FastCGI_Specification.html
 */
enum pl_fcgi_type {
	PL_FCGI_BEGIN = 1,
	PL_FCGI_ABORT = 2,
	PL_FCGI_END = 3,
	PL_FCGI_PARAMS = 4,
	PL_FCGI_STDIN = 5,
	PL_FCGI_STDOUT = 6,
	PL_FCGI_GET_VALUES = 9,
	PL_FCGI_GET_VALUES_RESULT = 10,
	PL_FCGI_UNKNOWN_TYPE = 11
};
/* How a request ended. */
enum pl_fcgi_end {
	PL_FCGI_COMPLETE = 0,
	PL_FCGI_CANT_MPX = 1,
	PL_FCGI_UNKNOWN_ROLE = 3
};

/* The largest request that is looked at: head and body. */
#define PL_FCGI_REQUEST_MAX (128 * 1024)

struct pl_fcgi_record {
	int type;
	uint16_t id;
	const unsigned char *content; /* borrowed */
	size_t len;
	size_t total; /* with header and padding */
};

/* What BEGIN says of a request. */
struct pl_fcgi_head {
	uint16_t id;
	bool keep;   /* the server wants to use the connection again */
	size_t len;  /* of the whole request, once that is there */
	size_t body; /* bytes of its body, then */
};

enum pl_fcgi_scan {
	PL_SCAN_MORE,       /* not all of it is there */
	PL_SCAN_WHOLE,      /* one whole request */
	PL_SCAN_MANAGEMENT, /* a management record stands first */
	PL_SCAN_STRAY,      /* a record of no request that we know of does */
	PL_SCAN_TOO_LARGE,  /* more than will ever be read */
	PL_SCAN_ROLE,       /* not a responder's request */
	PL_SCAN_BROKEN
};

/* The record at p of n bytes; 1: whole, 0: more must come, -1: broken. */
int pl_fcgi_parse(const unsigned char *p, size_t n, struct pl_fcgi_record *);

/* What n bytes at the start of a request are; *first is their first record,
 * where there is one. A body over body_max is TOO_LARGE as soon as that can
 * be seen: it need not arrive for it. */
enum pl_fcgi_scan pl_fcgi_scan(const unsigned char *p, size_t n,
    size_t body_max, struct pl_fcgi_head *, struct pl_fcgi_record *first);

void pl_fcgi_add_record(struct pl_buf *, enum pl_fcgi_type, uint16_t id,
    const void *data, size_t len); /* len at most 65535 */
/* data in as many records as it takes. */
void pl_fcgi_add_stdout(
    struct pl_buf *, uint16_t id, const char *data, size_t len);
void pl_fcgi_add_end(struct pl_buf *, uint16_t id, enum pl_fcgi_end);

#endif
