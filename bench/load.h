#ifndef PL_BENCH_LOAD_H
#define PL_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load_client.h"

/* The load generator's parts, see load.c. */

#define MS 1000000 /* a millisecond, in the nanoseconds of clock_ns() */

struct json_object;

/* Ends the run: what went wrong is told beside the figures. The first that is
 * said counts. */
void load_stop(const char *, ...) __attribute__((format(printf, 1, 2)));
/* Has it opened before the run, a few at a time, by `open`. */
void load_open(struct client *, void (*open)(struct client *));

/* Members of the job. One that is missing ends the program, but for those
 * that give a number or a text `otherwise`. */
struct json_object *job_list(struct json_object *, const char *name);
double job_number(struct json_object *, const char *name, double otherwise);
struct text job_text(
    struct json_object *, const char *name, const char *otherwise);
/* The i-th of a list, round and round. */
struct text job_turn(struct json_object *list, size_t i);
/* proto, port and upgrade. */
void job_server(struct json_object *, struct server *);
/* What the i-th of its connections says first; NULL: nothing. */
struct json_object *job_hello(struct json_object *, size_t i);

bool text_has(struct text, struct text part);

/* Adds a member to a part of the result. */
void tell(struct json_object *, const char *name, struct json_object *value);
void tell_number(struct json_object *, const char *name, double);
void tell_text(struct json_object *, const char *name, struct text);

/*
 * A part of the job, beats (load_beats.c) or dashboards that wait
 * (load_watch.c): prepare() once; turn() again and again while it runs, does
 * what is due and gives the moment for the next, or `later`.
 */
void beats_prepare(struct json_object *job);
int64_t beats_turn(int64_t now, int64_t later);
bool beats_done(void);
struct json_object *beats_result(void);

void watch_prepare(struct json_object *job);
int64_t watch_turn(int64_t now, int64_t later);
bool watch_done(void);
struct json_object *watch_result(void);

#endif
