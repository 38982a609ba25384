#ifndef PL_BENCH_SAMPLES_H
#define PL_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct json_object;

/* Durations in nanoseconds, all of them kept: percentiles are exact. */
struct samples {
	int64_t *at; /* owned */
	size_t n, cap;
};

void samples_add(struct samples *, int64_t);
/* In the order in which they came, in milliseconds. */
struct json_object *samples_list(const struct samples *);
/* {n, p50, p90, p99, p999, max} in milliseconds, and `histogram`: [[ms,
 * count], ...], how many were below ms and not below the ms before, at 20
 * steps for each power of ten. Sorts them. */
struct json_object *samples_summary(struct samples *);

#endif
