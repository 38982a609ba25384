#ifndef PL_METRICS_H
#define PL_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "buf.h"

enum pl_program { PL_PRESENCE, PL_EVENTS, PL_PROGRAM__MAX };
extern const char *const pl_programs[PL_PROGRAM__MAX]; /* their names */

#define PL_METRICS_STATUSES 12
#define PL_METRICS_BUCKETS 7

/*
 * What all processes count together, for who watches over the server; in
 * memory that they share. Zeroed memory is where it begins.
 */
struct pl_metrics {
	_Atomic uint64_t answers[PL_PROGRAM__MAX][PL_METRICS_STATUSES];
	_Atomic uint64_t writes[PL_METRICS_BUCKETS]; /* by how long they took */
	_Atomic uint64_t write_us;                   /* all of them */
};

/* An answer with that HTTP status; one that is not ours is not counted. */
void pl_metrics_answer(struct pl_metrics *, enum pl_program, int status);
/* A turn's writes, which took so long together. */
void pl_metrics_write(struct pl_metrics *, int64_t us);

/* All of them in the text format of Prometheus, version 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
void pl_metrics_print(const struct pl_metrics *, struct pl_buf *);
/* The two lines that stand before a metric's values. */
void pl_metrics_head(
    struct pl_buf *, const char *name, const char *type, const char *help);
/* One that has a single value. */
void pl_metrics_one(struct pl_buf *, const char *name, const char *type,
    const char *help, int64_t value);

#endif
