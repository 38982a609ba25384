/*
 * Counting, and telling what was counted. A process that dies takes nothing
 * with it, and one that is started goes on.
 */
#include "metrics.h"

static const int statuses[PL_METRICS_STATUSES] = {
    200, 201, 204, 400, 401, 403, 404, 405, 413, 415, 429, 503};

const char *const pl_programs[PL_PROGRAM__MAX] = {
    [PL_PRESENCE] = "presence",
    [PL_EVENTS] = "events",
};

/* As long as that, or less; the last one: as long as it likes. */
static const struct {
	int64_t us;
	const char *seconds;
} buckets[PL_METRICS_BUCKETS] = {
    {500, "0.0005"},
    {1000, "0.001"},
    {5000, "0.005"},
    {20000, "0.02"},
    {100000, "0.1"},
    {500000, "0.5"},
    {INT64_MAX, "+Inf"},
};

void
pl_metrics_answer(struct pl_metrics *m, enum pl_program program, int status)
{
	size_t i;

	for (i = 0; i < PL_METRICS_STATUSES; i++)
		if (statuses[i] == status)
			atomic_fetch_add(&m->answers[program][i], 1);
}

void
pl_metrics_write(struct pl_metrics *m, int64_t us)
{
	size_t i = 0;

	while (us > buckets[i].us)
		i++;
	atomic_fetch_add(&m->writes[i], 1);
	atomic_fetch_add(&m->write_us, (uint64_t)us);
}

void
pl_metrics_head(
    struct pl_buf *b, const char *name, const char *type, const char *help)
{
	pl_buf_printf(b, "# HELP porchlight_%s %s\n", name, help);
	pl_buf_printf(b, "# TYPE porchlight_%s %s\n", name, type);
}

void
pl_metrics_one(struct pl_buf *b, const char *name, const char *type,
    const char *help, int64_t value)
{
	pl_metrics_head(b, name, type, help);
	pl_buf_printf(b, "porchlight_%s %lld\n", name, (long long)value);
}

static void
print_answers(const struct pl_metrics *m, struct pl_buf *b)
{
	size_t p, i;

	pl_metrics_head(b, "answers_total", "counter",
	    "Requests answered, by program and status.");
	for (p = 0; p < PL_PROGRAM__MAX; p++)
		for (i = 0; i < PL_METRICS_STATUSES; i++)
			pl_buf_printf(b,
			    "porchlight_answers_total{program=\"%s\","
			    "code=\"%d\"} %llu\n",
			    pl_programs[p], statuses[i],
			    (unsigned long long)atomic_load(&m->answers[p][i]));
}

/* Each bucket has those of the shorter ones too. */
static void
print_writes(const struct pl_metrics *m, struct pl_buf *b)
{
	unsigned long long n = 0, us = atomic_load(&m->write_us);
	size_t i;

	pl_metrics_head(b, "write_seconds", "histogram",
	    "How long the writes of a turn took, the wait for their turn "
	    "too.");
	for (i = 0; i < PL_METRICS_BUCKETS; i++) {
		n += atomic_load(&m->writes[i]);
		pl_buf_printf(b,
		    "porchlight_write_seconds_bucket{le=\"%s\"} %llu\n",
		    buckets[i].seconds, n);
	}
	pl_buf_printf(b, "porchlight_write_seconds_sum %llu.%06llu\n",
	    us / 1000000, us % 1000000);
	pl_buf_printf(b, "porchlight_write_seconds_count %llu\n", n);
}

void
pl_metrics_print(const struct pl_metrics *m, struct pl_buf *b)
{
	print_answers(m, b);
	print_writes(m, b);
}
